"""Planner: the rectangles of a model on a machine with the fewest cycles per token, and the search.

Every size of a block that the model splits over is placed and priced (`shape_search`).
Deterministic; no weights.  `Plan` keeps what was compared and why the best won.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil

from engine.errors import PlacementError
from engine.model.graph import ModelGraph
from engine.model.tensors.q8 import INT8
from engine.model.tensors.tensor import Format
from engine.wafer.ops.attention import kv_bytes
from engine.wafer.place.core_bytes import block_fits
from engine.wafer.place.model_shape import ModelShape, model_shape
from engine.wafer.place.placement import Placement, place
from engine.wafer.plan.block_sizes import block_sizes
from engine.wafer.plan.dense_sizes import dense_sizes, fewest_wafers, room_for_weights
from engine.wafer.plan.shape_search import Candidate, PlanOptions, ShapeSearch
from engine.wafer.program.machine import MachineSpec
from engine.wafer_changes import UNCHANGED, WaferChanges

__all__ = ["Plan", "kv_capacity", "plan", "plan_shape"]

_CORE_SLACK = 1.02
"""How much slower than the fastest a size with fewer cores may be."""

_ANYTHING = PlanOptions()
"""Whatever can be priced, as the planner chooses."""


@dataclass(frozen=True)
class Plan:
    """A placement and the search that found it."""

    placement: Placement
    machine: MachineSpec
    rows_per_step: int
    candidates: tuple[Candidate, ...]
    """Every size that was compared, by rows, then columns."""
    chosen: Candidate

    @property
    def position(self) -> int:
        """KV rows at which sizes were compared: half the context."""
        return ceil(self.placement.context_length / 2)

    @cached_property
    def runner_up(self) -> Candidate | None:
        """The fastest size that was not chosen."""
        others = [c for c in self.candidates if c.shape is not None and c is not self.chosen]
        return min(others, key=lambda c: (c.cycles_per_token, c.cores), default=None)

    @property
    def why(self) -> str:
        """One sentence: why the runner-up lost."""
        other, best = self.runner_up, self.chosen
        if other is None:
            return "no other size fits"
        size = f"{other.columns} × {other.rows}"
        apart = other.cycles_per_token - best.cycles_per_token
        assert other.shape is not None
        if other.shape.wafers > self.placement.wafers:
            compared = f"{abs(apart):,} cycles a token {'more' if apart > 0 else 'less'}"
            return f"{size} takes {compared}, on {other.shape.wafers} wafers"
        if apart <= 0:
            return (
                f"{size} takes {-apart:,} cycles a token less, within {_CORE_SLACK - 1:.0%}, and "
                f"{other.cores - best.cores:,} cores more"
            )
        more = {op: other.cycles_by_op[op] - best.cycles_by_op[op] for op in best.cycles_by_op}
        worst = max(more, key=lambda op: more[op])
        return (
            f"{size} takes {apart:,} cycles a token more ({apart / best.cycles_per_token:.1%}), "
            f"most of it for {worst} (+{more[worst]:,})"
        )

    @property
    def context_limit(self) -> tuple[int, str]:
        """The longest context that fits these rectangles, and what limits it."""
        return _context_limit(self.placement, self.machine)


def plan(
    graph: ModelGraph,
    machine: MachineSpec,
    context_length: int | None = None,
    formats: Mapping[str, Format] | None = None,
    changes: WaferChanges = UNCHANGED,
) -> Placement:
    """Return the placement with the fewest decode cycles, one that the tiers can run.

    Args:
        graph: The model.
        machine: The chip.
        context_length: KV rows to hold; None means the model's own.
        formats: Format of every tensor by name; None: int8 for every matrix.
        changes: What of the placement is given; more than one wafer is priced only.

    Raises:
        PlacementError: The context is not one the model has, or no shape fits (the message says
            what the nearest one lacked), or a format is only priced.
    """
    changes.check()
    options = PlanOptions(
        blocks=changes.blocks or None,
        block=changes.block,
        formats=formats,
        runs=changes.wafers == 1,
        wafers=changes.wafers,
        group=changes.group,
    )
    return plan_shape(graph, machine, context_length, options).placement


def plan_shape(
    graph: ModelGraph,
    machine: MachineSpec,
    context_length: int | None = None,
    options: PlanOptions = _ANYTHING,
) -> Plan:
    """Search the rectangles with the fewest cycles per token; weights are not needed.

    Args:
        graph: The model.
        machine: The chip.
        context_length: KV rows to hold; None means the model's own.
        options: What the plan is for, and what of it is given.

    Raises:
        PlacementError: The context is not one the model has, or nothing fits.
    """
    model = model_shape(graph, options.formats, runs=options.runs)
    context = graph.context_length if context_length is None else context_length
    if not 1 <= context <= graph.context_length:
        raise PlacementError(
            f"a context of {context} asked for; {graph.name} takes 1 to {graph.context_length}"
        )
    blocks, block = options.blocks, options.block
    if blocks is not None and not 1 <= blocks <= model.layers:
        raise PlacementError(f"{blocks} blocks asked for; {graph.name} has {model.layers} layers")
    _check_bytes(graph, machine, options)
    search = ShapeSearch(graph, model, machine, context, options)
    sizes = [block] if block else list(block_sizes(model, machine, options.runs))
    candidates = tuple(search.candidate(columns, rows) for columns, rows in sizes)
    if not (block or options.runs):
        candidates += _denser(graph, model, machine, context, options, candidates)
    fitting = _on_the_fewest_wafers(candidates)
    if not fitting:
        nearest = candidates[-1] if block else max(candidates, key=lambda c: c.cores)
        raise PlacementError(
            f"{graph.name} does not fit {machine.name} with a context of {context:,}: "
            f"{nearest.refusal}"
        )
    chosen = _fastest_of_the_small(fitting)
    assert chosen.shape is not None
    placement = place(model, machine, chosen.shape, context, runs=options.runs)
    return Plan(placement, machine, options.rows_per_step, candidates, chosen)


def _denser(
    graph: ModelGraph,
    model: ModelShape,
    machine: MachineSpec,
    context: int,
    options: PlanOptions,
    found: tuple[Candidate, ...],
) -> tuple[Candidate, ...]:
    """Return sizes that fill a wafer better, where they need fewer wafers than what was found."""
    shapes = [candidate.shape for candidate in found if candidate.shape is not None]
    if options.wafers is not None:
        wafers = range(options.wafers, options.wafers + (not shapes))
    else:
        fewest = fewest_wafers(machine, _weight_bytes(graph, options))
        wafers = range(fewest, min((s.wafers for s in shapes), default=2 * fewest + 1))
    sizes = dense_sizes(model, machine, context, wafers)
    search = ShapeSearch(graph, model, machine, context, options, dense=True)
    return tuple(search.candidate(*size) for size in sizes)


def _check_bytes(graph: ModelGraph, machine: MachineSpec, options: PlanOptions) -> None:
    """Refuse wafers on which the weights alone have no room."""
    size = _weight_bytes(graph, options)
    fewest = fewest_wafers(machine, size)
    if options.wafers is not None and options.wafers < fewest:
        room = room_for_weights(machine)
        raise PlacementError(
            f"{graph.name} has {size:,} bytes of weights; a wafer of {machine.name} has {room:,} "
            f"beside {machine.code_bytes:,} bytes of code and {machine.system_bytes:,} of the "
            f"system's in each core: {options.wafers} asked for, {fewest} wafers have room"
        )


def _weight_bytes(graph: ModelGraph, options: PlanOptions) -> int:
    """Return the bytes of all matrices in their formats."""
    formats = options.formats or {}
    return sum(
        formats.get(name, INT8).sram_bytes(*shape)
        for name, shape in graph.weights.items()
        if len(shape) == 2
    )


def _on_the_fewest_wafers(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return what fits on as few wafers as anything does."""
    shapes = [c.shape for c in candidates if c.shape is not None]
    fewest = min((shape.wafers for shape in shapes), default=0)
    return [c for c in candidates if c.shape is not None and c.shape.wafers == fewest]


def _fastest_of_the_small(fitting: list[Candidate]) -> Candidate:
    """Return the size with the fewest cores that is hardly slower than the fastest."""
    limit = _CORE_SLACK * min(c.cycles_per_token for c in fitting)
    close = [c for c in fitting if c.cycles_per_token <= limit]
    return min(close, key=lambda c: (c.cores, c.cycles_per_token))


def _context_limit(placement: Placement, machine: MachineSpec) -> tuple[int, str]:
    model, shape, heads = placement.model, placement.shape, placement.heads
    layers = len(placement.regions[0].layers)
    a_row = layers * kv_bytes(heads, 1) + heads.queries * 4

    def fits(positions: int) -> bool:
        return block_fits(model, machine, shape, heads, positions * shape.rows, layers)

    # other cores than those with KV rows may be the fullest of a short context
    positions = bisect_left(range(1, machine.sram_bytes // a_row + 2), 1, key=lambda n: not fits(n))
    return positions * shape.rows, (
        f"KV rows of {layers} layers, {a_row:,} bytes each, in what code, weights and buffers "
        f"leave of a core's {machine.sram_bytes:,} bytes in a block of {shape.columns} × "
        f"{shape.rows}"
    )


def kv_capacity(placement: Placement, machine: MachineSpec) -> tuple[int, int]:
    """Return the KV rows that fit if one core row keeps them all, and if all core rows share them.

    The first is a cache that grows by concatenation where the new rows arrive, the second one
    whose rows are shifted or, as here, dealt out in turn (WaferLLM, table 5).
    """
    shared, _ = _context_limit(placement, machine)
    return shared // placement.shape.rows, shared
