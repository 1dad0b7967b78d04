"""Questions about training on the wafer: what a step takes, how it can lie, and on GPUs beside it.

Reads configurations by path; prices only, runs nothing.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from engine.errors import PlacementError
from engine.model.families import read_graph
from engine.model.graph import ModelGraph
from engine.peers.training_cluster import TrainingWork, cluster_step
from engine.peers.training_timeline import training_timeline
from engine.wafer.figures.prediction import Prediction
from engine.wafer.figures.training_question import (
    TrainingQuestion,
    plan_layouts,
    priced_shape,
    train_step,
)
from engine.wafer.program import machine as machines
from engine.wafer.program.machine import MachineSpec
from engine.wafer.training_program.fastest_rectangle import fastest_rectangle
from engine.wafer.training_program.step_check import TrainingCheck, check_step
from engine.wafer.training_program.trained_model import trained_model

__all__ = ["check_training", "plan_training", "predict_train_step", "training_picture"]

_CLUSTERS = (8, 64)
"""GPUs of the clusters that stand beside the wafer."""


def predict_train_step(
    machine: str,
    *,
    config: Path,
    rows: int,
    tokens: int,
    side: int | None = None,
    blocks: int | None = None,
    layout: str | None = None,
    optimizer: str = "muon",
    clock_ghz: float | None = None,
) -> Prediction:
    """Return the cycles of a training step by phase, its placement, memory and energy.

    Beside it stands the same step on 8 and 64 GPUs, a model from published figures.

    Args:
        machine: Name of the machine.
        config: A Hugging Face ``config.json``; no weights are read.
        rows: Rows of the batch.
        tokens: Tokens of a row.
        side: Cores along a resident block's edge; None: what takes the fewest cycles.
        blocks: Resident blocks of layers; None: as many as lie on the wafers.
        layout: ``"resident"`` or ``"streamed"``; None: the faster of those that one wafer holds.
        optimizer: ``"muon"`` for the matrices of layers, or ``"adamw"`` for all.
        clock_ghz: A clock other than the machine's own.

    Raises:
        ConfigError: The configuration cannot be read or has no price.
        MachineError: The machine is unknown.
        PlacementError: The step does not fit.
        PredictionError: A size makes no sense.
    """
    spec = machines.get(machine, clock_ghz)
    question = TrainingQuestion(rows, tokens, side, blocks, optimizer, layout)
    graph = read_graph(config, max(1, tokens))
    found = train_step(graph, spec, question)
    work = TrainingWork(cast(int, found.asked["macs"]), graph.parameters, rows, tokens)
    beside = [cluster_step(work, gpus).as_json(work) for gpus in _CLUSTERS]
    return replace(found, asked=found.asked | {"beside": beside})


def training_picture(found: Prediction) -> str:
    """Return the step on the wafer and on the clusters as bars over the same time, SVG."""
    return training_timeline(found.as_json())


def plan_training(
    machine: str,
    *,
    config: Path,
    rows: int,
    tokens: int,
    micro_batch: int | None = None,
    optimizer: str = "muon",
    clock_ghz: float | None = None,
) -> dict[str, Any]:
    """Return how a training step can lie on a machine: layouts, what limits each, the fastest.

    Args:
        machine: Name of the machine.
        config: A Hugging Face ``config.json``; no weights are read.
        rows: Rows of the batch.
        tokens: Tokens of a row.
        micro_batch: Rows that are on a streamed wafer at once; None: what takes the fewest cycles.
        optimizer: As of `predict_train_step`.
        clock_ghz: A clock other than the machine's own.

    Raises:
        ConfigError: The configuration cannot be read or has no price.
        MachineError: The machine is unknown.
        PredictionError: A size makes no sense.
    """
    spec = machines.get(machine, clock_ghz)
    graph = read_graph(config, max(1, tokens))
    question = TrainingQuestion(rows, tokens, optimizer=optimizer, micro_batch=micro_batch)
    shape = priced_shape(graph)
    question.check(shape, graph.context_length)
    layouts = [each.as_json(spec) for each in plan_layouts(shape, spec, question)]
    layouts.append(_program_layout(graph, spec, question))
    placed = [each for each in layouts if each["fits_one_wafer"]]
    fastest = min(placed, key=lambda each: cast(int, each["cycles"]), default=None)
    return {
        "model": graph.name,
        "machine": spec.name,
        "clock_ghz": spec.clock_ghz,
        "parameters": graph.parameters,
        "rows": rows,
        "tokens": tokens,
        "optimizer": optimizer,
        "layouts": layouts,
        "fastest": None if fastest is None else fastest["layout"],
    }


def _program_layout(
    graph: ModelGraph, spec: MachineSpec, question: TrainingQuestion
) -> dict[str, object]:
    """Return the layout that runs on every tier, on the rectangle with the fewest cycles."""
    try:
        found = fastest_rectangle(
            trained_model(graph), spec, question.rows, question.tokens, question.optimizer
        )
    except PlacementError as error:
        return {"layout": "program", "fits_one_wafer": False, "limited_by": str(error)}
    return {"layout": "program", "fits_one_wafer": True, **found.as_json()}


def check_training(
    config: Path,
    machine: str,
    *,
    block: tuple[int, int],
    tokens: int,
    layers: int | None = None,
    optimizer: str = "adamw",
) -> TrainingCheck:
    """Run a training step of random weights on host, fabric and reference, and compare.

    Args:
        config: A Hugging Face ``config.json``; no weights are read.
        machine: Name of the machine.
        block: (columns, rows) of cores.
        tokens: Of the row that is learnt.
        layers: Only the first ones; None: all.
        optimizer: As of `check_step`.

    Raises:
        ConfigError: The configuration cannot be read.
        MachineError: The machine is unknown.
        PlacementError: As `check_step`.
    """
    graph = read_graph(config, tokens)
    if layers is not None:
        graph = graph.with_layers(*range(min(layers, graph.layers)))
    columns, rows = block
    return check_step(
        graph, machines.get(machine), columns=columns, rows=rows, tokens=tokens,
        optimizer=optimizer,
    )  # fmt: skip
