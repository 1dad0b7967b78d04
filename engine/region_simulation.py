"""Simulates layers and decoded tokens of a named model: reads its sizes, passes a graph down."""

from pathlib import Path

from engine.model.families import read_graph
from engine.model.graph import ModelGraph
from engine.model.load import read_formats
from engine.model.tensors.tensor import Format
from engine.progress import OnProgress, quiet
from engine.wafer.figures.simulated_question import (
    LayerQuestion,
    TiersPrediction,
    simulated_decode,
    simulated_layer,
)
from engine.wafer.program import machine as machines

__all__ = ["simulate_decode", "simulate_layer"]


def simulate_layer(
    machine: str,
    *,
    config: Path,
    question: LayerQuestion,
    clock_ghz: float | None = None,
    on_progress: OnProgress = quiet,
) -> TiersPrediction:
    """Return the cycles of rows of a step in one layer, as simulated and by formula.

    Args:
        machine: Name of the machine.
        config: A Hugging Face ``config.json``, or a GGUF file, whose formats are taken; no weights
            are read.
        question: Which layer, after which context, and what of the placement is given.
        clock_ghz: A clock other than the machine's own.
        on_progress: Called with (done, total, label); may raise, which ends it.

    Raises:
        ConfigError: The configuration cannot be read or has no price.
        WeightsError: The GGUF file is malformed.
        MachineError: The machine is unknown.
        PlacementError: The model does not fit.
        PredictionError: A size makes no sense, or the placement is priced only.
    """
    graph, formats = _sizes(config, question)
    spec = machines.get(machine, clock_ghz)
    return simulated_layer(graph, spec, question, formats, on_progress)


def simulate_decode(
    machine: str,
    *,
    config: Path,
    question: LayerQuestion,
    clock_ghz: float | None = None,
    on_progress: OnProgress = quiet,
) -> TiersPrediction:
    """Return the cycles of one decoded token, simulated region by region, and by formula.

    Arguments and errors are those of `simulate_layer`.
    """
    graph, formats = _sizes(config, question)
    spec = machines.get(machine, clock_ghz)
    return simulated_decode(graph, spec, question, formats, on_progress)


def _sizes(config: Path, question: LayerQuestion) -> tuple[ModelGraph, dict[str, Format] | None]:
    context = max(1, question.context + question.rows)
    if config.suffix == ".json":
        return read_graph(config, context), None
    graph, formats = read_formats(config, context)
    return graph, dict(formats)
