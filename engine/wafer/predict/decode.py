"""Decode cycles of any Llama-like model on a machine: configuration → planner → compiler → cycles.

The same planner, compiler and costs as the app; no weights are read.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import ConfigError, PlacementError, PredictionError
from engine.model.config import MODEL_TYPES, ModelConfig
from engine.model.families import build_graph
from engine.model.graph import ModelGraph
from engine.units import Gigahertz, tokens_per_second
from engine.wafer import calibration
from engine.wafer import machine as machines
from engine.wafer.compiler import compile_graph
from engine.wafer.isa import Field, Op
from engine.wafer.machine import MachineSpec
from engine.wafer.placement import Placement, Shape, model_shape, place
from engine.wafer.planner import plan
from engine.wafer.predict.questions import Prediction
from engine.wafer.timing import Timing

__all__ = ["SIZED_AS_LLAMA", "Priced", "decode", "price", "read_graph"]

SIZED_AS_LLAMA = ("mistral", "qwen2", "qwen3", "smollm3")
"""Values of ``model_type`` whose layers have a Llama's products.  Their biases and the norms of
single heads are left out of a prediction; the engine does not run them."""

_SIZES = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "vocab_size",
    "max_position_embeddings",
    "rms_norm_eps",
    "tie_word_embeddings",
)


def read_graph(path: Path) -> ModelGraph:
    """Return the graph of a model that need not exist beyond its ``config.json``.

    Raises:
        ConfigError: The file is missing or malformed, or names a kind of model that has other
            layers than a Llama.
    """
    try:
        raw = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ConfigError(f"{path}: not valid JSON ({error})") from error
    name = path.resolve().parent.name or path.name
    if isinstance(raw, dict) and raw.get("model_type") in SIZED_AS_LLAMA:
        try:
            return build_graph(ModelConfig.from_mapping(_as_llama(raw)), name)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error
    if isinstance(raw, dict) and raw.get("model_type") not in MODEL_TYPES:
        known = ", ".join((*MODEL_TYPES, *SIZED_AS_LLAMA))
        raise ConfigError(
            f"{path}: model_type {raw.get('model_type')!r} cannot be predicted; known: {known}"
        )
    return build_graph(ModelConfig.from_file(path), name)


def _as_llama(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the sizes; what turns positions or adds biases costs no product."""
    return {name: raw[name] for name in _SIZES if name in raw} | {"model_type": "llama"}


# ── prices ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Priced:
    """A model on a machine, ready to be asked for cycles."""

    placement: Placement
    timing: Timing
    head_cycles: int
    """Of the instructions after the layers: last norm, vocabulary, choice of a token."""

    def step_cycles(self, context: int, rows: int = 1) -> int:
        """Return the cycles of a step of ``rows`` tokens after ``context`` rows of the cache."""
        last = self.placement.context_length - rows
        return self.timing.step_cycles(min(context, last), rows)


def price(
    graph: ModelGraph,
    machine: MachineSpec,
    context: int,
    *,
    blocks: int | None = None,
    block: tuple[int, int] | None = None,
) -> Priced:
    """Plan, compile and price a model.

    Args:
        graph: The model.
        machine: The chip.
        context: Rows the KV cache must hold.
        blocks: Blocks of layers; None means the planner's choice.
        block: Columns and rows of a block; None means the planner's choice.

    Raises:
        PlacementError: The model does not fit.
    """
    placement = _placed(graph, machine, context, blocks, block)
    compiled = compile_graph(graph, machine, placement)
    table = compiled.program.instructions
    after = (table[:, Field.LAYER] < 0) & (table[:, Field.OP] != Op.EMBED)
    head = int(table[after, Field.CYCLES].sum())
    return Priced(placement, Timing(compiled, placement), head)


def _placed(
    graph: ModelGraph,
    machine: MachineSpec,
    context: int,
    blocks: int | None,
    block: tuple[int, int] | None,
) -> Placement:
    """Place for the model's own context, as the app does, or where that is too long for the asked."""
    lengths = dict.fromkeys((graph.context_length, context))
    refusal: PlacementError | None = None
    for length in lengths:
        try:
            if block is None and blocks is None:
                return plan(graph, machine, length)
            return _as_asked(graph, machine, length, blocks, block)
        except PlacementError as error:
            refusal = error
    assert refusal is not None
    raise refusal


def _as_asked(
    graph: ModelGraph,
    machine: MachineSpec,
    context: int,
    blocks: int | None,
    block: tuple[int, int] | None,
) -> Placement:
    """Place blocks of the size or number asked for; of all head widths that fit, the fastest."""
    model = model_shape(graph)
    if block is None:
        shape = plan(graph, machine, context).shape
        block = shape.columns, shape.rows
    counts = [blocks] if blocks is not None else list(range(model.layers, 0, -1))
    refusal = ""
    for count in counts:
        placed = []
        for width in _head_widths(machine):
            try:
                placed.append(place(model, machine, Shape(*block, width, count), context))
            except PlacementError as error:
                refusal = str(error)
        if placed:
            return min(placed, key=lambda each: _decode_cycles(graph, machine, each))
    raise PlacementError(refusal)


def _head_widths(machine: MachineSpec) -> Iterator[int]:
    width = 1
    while width <= machine.columns:
        yield width
        width *= 2


def _decode_cycles(graph: ModelGraph, machine: MachineSpec, placement: Placement) -> int:
    table = compile_graph(graph, machine, placement, by_core=False).program.instructions
    return int(table[:, Field.CYCLES].sum())


def decode(
    machine: str,
    *,
    config: Path,
    context: int,
    blocks: int | None = None,
    block: tuple[int, int] | None = None,
    dtype: str = "int8",
    clock_ghz: float | None = None,
) -> Prediction:
    """Return the cycles of one decoded token of the model in a configuration.

    Args:
        machine: Name of the machine.
        config: A Hugging Face ``config.json``.
        context: Rows in the KV cache.
        blocks: Blocks of layers; None means the planner's choice.
        block: Columns and rows of a block; None means the planner's choice.
        dtype: Type of the weights.
        clock_ghz: A clock other than the machine's own.

    Raises:
        ConfigError: The configuration cannot be read.
        MachineError: The machine is unknown.
        PlacementError: The model does not fit.
        PredictionError: A size makes no sense.
    """
    spec = machines.get(machine, clock_ghz)
    if dtype != "int8":
        raise PredictionError(
            f"weights of {dtype} asked for; the compiler lays out int8 with a scale for each group "
            "of 32: use int8"
        )
    graph = read_graph(config)
    if not 1 <= context <= graph.context_length:
        raise PredictionError(
            f"context is {context}: it must be 1 to {graph.context_length}, the model's own"
        )
    if blocks is not None and not 1 <= blocks <= graph.layers:
        raise PredictionError(f"blocks is {blocks}: it must be 1 to {graph.layers} (layers)")
    if block is not None:
        _check_block(spec, block)
    priced = price(graph, spec, min(context + 1, graph.context_length), blocks=blocks, block=block)
    cycles = priced.step_cycles(context)
    position = min(context, priced.placement.context_length - 1)
    shape = priced.placement.shape
    asked: dict[str, object] = {
        "model": graph.name,
        "context": context,
        "dtype": dtype,
        "blocks": len(priced.placement.regions) - 1,
        "block": [shape.columns, shape.rows],
        "head_columns": shape.head_columns,
        "context_length": priced.placement.context_length,
        "tokens_per_second": tokens_per_second(cycles, Gigahertz(spec.clock_ghz)),
    }
    calibrated = calibration.is_calibrated(machine, "decode")
    parts = list(priced.timing.cycles_by_operation(position).items())
    return Prediction(cycles, "analytic", spec, calibrated, asked, parts, "cycles_per_token")


def _check_block(spec: MachineSpec, block: tuple[int, int]) -> None:
    columns, rows = block
    if not (1 <= columns <= spec.columns and 1 <= rows <= spec.rows):
        raise PredictionError(
            f"a block of {columns} × {rows} cores: {spec.name} has {spec.columns} × {spec.rows}"
        )
