"""A plan as plain numbers: what ``wafer plan`` prints."""

from dataclasses import dataclass, replace

from engine.errors import PlacementError
from engine.model.graph import ModelGraph
from engine.model.tensors import FORMATS
from engine.model.tensors.q8 import INT8
from engine.units import Cycles, Gigahertz, tokens_per_second
from engine.wafer.compile.compiler import compile_graph
from engine.wafer.cost.energy import joules
from engine.wafer.ops import matmul
from engine.wafer.place.orders import choose_orders_of_regions
from engine.wafer.plan.legality import check_legality
from engine.wafer.plan.placed import Placed
from engine.wafer.plan.planner import Plan, kv_capacity, plan_shape
from engine.wafer.plan.shape_search import Candidate, PlanOptions
from engine.wafer.program.geometry import Split
from engine.wafer.program.machine import MachineSpec
from engine.wafer.program.program import Region

__all__ = ["report_plan"]

_SIMULATED_CORES = 1 << 21
"""Cores up to which the clock of every single core is followed; beyond, the estimate stands."""


def report_plan(
    graph: ModelGraph,
    machine: MachineSpec,
    context: int | None,
    options: PlanOptions,
    *,
    check: bool = False,
    beside_int8: bool = True,
) -> dict[str, object]:
    """Plan a model on a machine and return what was found, and the search.

    Args:
        graph: The model.
        machine: The chip.
        context: KV rows to hold; None: the model's own.
        options: What the plan is for.
        check: Whether to look into what every core uses: ``check`` in the result, else None.
        beside_int8: Whether to plan other formats in int8 too: ``in_int8``, else None.

    Raises:
        PlacementError: The model does not fit.
    """
    plan = plan_shape(graph, machine, context, options)
    placement = plan.placement
    token = _token(graph, plan)
    cycles = token.cycles
    formats = placement.model.formats
    beside_int8 &= formats.names != [INT8.name]
    limit, limited_by = plan.context_limit
    if limit > graph.context_length:
        limit, limited_by = graph.context_length, "the model's own context"
    return {
        "model": graph.name,
        "machine": machine.name,
        "clock_ghz": machine.clock_ghz,
        "dtype": ", ".join(formats.names),
        "context": placement.context_length,
        "position": plan.position,
        "blocks": [_block(region) for region in placement.regions],
        "grid": [machine.columns, machine.rows],
        "cores_used": _cores(plan),
        "wafers": placement.wafers,
        "wafer_link_microseconds": machine.wafer_link_microseconds,
        "sram_bytes_per_core": _fullest(plan),
        "weights": _weights(graph, plan),
        "unpack_cycles_per_token": _unpacking(graph, plan),
        "in_int8": _in_int8(graph, plan, options) if beside_int8 else None,
        "colors_used": choose_orders_of_regions(machine, placement).colors_used,
        "cycles_per_token": cycles,
        "cycles_are": "followed core by core" if token.exact else "estimated",
        "cycles_by_op": {name: each for name, each in token.by_op.items() if each},
        "tokens_per_second": float(tokens_per_second(Cycles(cycles), Gigahertz(machine.clock_ghz))),
        "check": _check(graph, plan) if check else None,
        "joules_per_token": _joules(plan, token),
        "context_limit": limit,
        "context_limited_by": limited_by,
        "context_by_concatenation": kv_capacity(placement, machine)[0],
        "estimate_cycles_per_token": plan.chosen.cycles_per_token,
        "runner_up": _size(plan.runner_up) if plan.runner_up else None,
        "why": plan.why,
        "sizes_compared": len(plan.candidates),
        "sizes_that_fit": sum(c.shape is not None for c in plan.candidates),
        "sweep": [_size(c) for c in plan.candidates if c.shape is not None],
    }


@dataclass(frozen=True, slots=True)
class _Token:
    """One token at half the context."""

    cycles: int
    by_op: dict[str, int]
    macs: int | None
    """Its multiply–accumulates, where cores were followed one by one; else the cycles are the
    search's estimate."""

    @property
    def exact(self) -> bool:
        """Whether the clock of every core was followed."""
        return self.macs is not None


def _check(graph: ModelGraph, plan: Plan) -> dict[str, object]:
    """Return what the machine could link of a plan."""
    compiled = compile_graph(graph, plan.machine, plan.placement, by_core=False)
    return check_legality(plan.machine, plan.placement, compiled).as_json()


def _joules(plan: Plan, token: _Token) -> dict[str, float] | None:
    """Return the bounds of a token's energy; None where its operations were not counted."""
    if token.macs is None:
        return None
    cores, wafers = _cores(plan), plan.placement.wafers
    found = joules(plan.machine, token.cycles, macs=token.macs, cores=cores, wafers=wafers)
    return found.as_json()


def _token(graph: ModelGraph, plan: Plan) -> _Token:
    """Return a token at half the context."""
    if _cores(plan) > _SIMULATED_CORES:
        return _Token(plan.chosen.cycles_per_token, plan.chosen.cycles_by_op, None)
    timing = Placed(graph, plan.machine, plan.placement, by_core=False).timing
    position = plan.position - 1
    by_op = timing.cycles_by_operation(position)
    return _Token(timing.step_cycles(position), by_op, timing.macs(position))


def _weights(graph: ModelGraph, plan: Plan) -> list[dict[str, object]]:
    """Return each format of the matrices: how much it holds, and what it takes in a core.

    ``bytes_per_core`` is its part of the fullest core's ``weights``; the rest is fp32 vectors.
    """
    placement, machine = plan.placement, plan.machine
    formats = placement.model.formats
    in_block, in_head = placement.weight_bytes(machine)
    fullest = in_head if _fullest_region(plan) is placement.regions[-1] else in_block
    found = []
    for name in formats.names:
        shapes = [
            graph.weights[tensor]
            for tensor, format in formats.by_tensor.items()
            if format.name == name and len(graph.weights[tensor]) == 2
        ]
        format = FORMATS[name]
        found.append(
            {
                "format": name,
                "matrices": len(shapes),
                "weights": sum(n * k for n, k in shapes),
                "bytes": sum(format.sram_bytes(n, k) for n, k in shapes),
                "bytes_per_core": fullest.get(name, 0),
                "unpack_operations": format.unpack_operations,
                "unpack_cycles_per_weight": format.unpack_operations / machine.unpack_per_cycle,
            }
        )
    return found


def _unpacking(graph: ModelGraph, plan: Plan) -> int:
    """Return the cycles of a token in which the fullest core of each product unpacks weights."""
    if not any(f.unpack_operations for f in plan.placement.model.formats.by_tensor.values()):
        return 0
    compiled = compile_graph(graph, plan.machine, plan.placement, by_core=False)
    cycles = 0
    for step in compiled.steps:
        if step.steps is matmul.steps:
            inputs, tiles, *_ = step.arguments
            assert isinstance(inputs, Split)
            assert isinstance(tiles, tuple)
            cycles += matmul.unpacking(plan.machine, inputs, tiles)
    return cycles


def _in_int8(graph: ModelGraph, plan: Plan, options: PlanOptions) -> dict[str, object]:
    """Return what the same model takes with all matrices in int8, or why it does not fit."""
    context = plan.placement.context_length
    try:
        other = plan_shape(graph, plan.machine, context, replace(options, formats=None))
    except PlacementError as error:
        return {"refusal": str(error)}
    cycles = _token(graph, other).cycles
    return {
        "blocks": len(other.placement.regions) - 1,
        "cores_used": _cores(other),
        "wafers": other.placement.wafers,
        "bytes": sum(
            INT8.sram_bytes(*shape) for shape in graph.weights.values() if len(shape) == 2
        ),
        "sram_bytes_per_core": _fullest(other),
        "cycles_per_token": cycles,
    }


def _block(region: Region) -> dict[str, object]:
    return {
        "layers": list(region.layers),
        "label": region.label,
        "x": region.x,
        "y": region.y,
        "width": region.width,
        "height": region.height,
        "wafer": region.wafer,
    }


def _cores(plan: Plan) -> int:
    return sum(region.width * region.height for region in plan.placement.regions)


def _fullest(plan: Plan) -> dict[str, int]:
    """Return the bytes by use of the core that needs the most."""
    return _fullest_region(plan).sram_bytes


def _fullest_region(plan: Plan) -> Region:
    return max(plan.placement.regions, key=lambda region: region.sram_bytes["max_total"])


def _size(candidate: Candidate) -> dict[str, object]:
    shape = candidate.shape
    assert shape is not None
    return {
        "width": candidate.columns,
        "height": candidate.rows,
        "blocks": shape.blocks,
        "head_width": shape.head_columns,
        "wafers": shape.wafers,
        "cores": candidate.cores,
        "cycles_per_token": candidate.cycles_per_token,
    }
