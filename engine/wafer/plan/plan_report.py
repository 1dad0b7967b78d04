"""A plan as plain numbers: what ``wafer plan`` prints."""

from engine.model.graph import ModelGraph
from engine.units import Cycles, Gigahertz, tokens_per_second
from engine.wafer.place.orders import choose_orders_of_regions
from engine.wafer.plan.placed import Placed
from engine.wafer.plan.planner import Plan, kv_capacity, plan_shape
from engine.wafer.plan.shape_search import Candidate, PlanOptions
from engine.wafer.program.machine import MachineSpec
from engine.wafer.program.program import Region

__all__ = ["report_plan"]

_SIMULATED_CORES = 1 << 21
"""Cores up to which the clock of every single core is followed; beyond, the estimate stands."""


def report_plan(
    graph: ModelGraph, machine: MachineSpec, context: int | None, options: PlanOptions
) -> dict[str, object]:
    """Plan a model on a machine and return what was found, and the search.

    Args:
        graph: The model.
        machine: The chip.
        context: KV rows to hold; None: the model's own.
        options: What the plan is for.

    Raises:
        PlacementError: The model does not fit.
    """
    plan = plan_shape(graph, machine, context, options)
    placement = plan.placement
    cycles, by_op, exact = _token(graph, plan)
    limit, limited_by = plan.context_limit
    if limit > graph.context_length:
        limit, limited_by = graph.context_length, "the model's own context"
    return {
        "model": graph.name,
        "machine": machine.name,
        "clock_ghz": machine.clock_ghz,
        "dtype": ", ".join(placement.model.formats.names),
        "context": placement.context_length,
        "position": plan.position,
        "blocks": [_block(region) for region in placement.regions],
        "grid": [machine.columns, machine.rows],
        "cores_used": _cores(plan),
        "wafers": placement.wafers,
        "wafer_link_microseconds": machine.wafer_link_microseconds,
        "sram_bytes_per_core": _fullest(plan),
        "colors_used": choose_orders_of_regions(machine, placement).colors_used,
        "cycles_per_token": cycles,
        "cycles_are": "followed core by core" if exact else "estimated",
        "cycles_by_op": {name: each for name, each in by_op.items() if each},
        "tokens_per_second": float(tokens_per_second(Cycles(cycles), Gigahertz(machine.clock_ghz))),
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


def _token(graph: ModelGraph, plan: Plan) -> tuple[int, dict[str, int], bool]:
    """Return a token's cycles at half the context, by operation too, and whether they are exact."""
    if _cores(plan) > _SIMULATED_CORES:
        return plan.chosen.cycles_per_token, plan.chosen.cycles_by_op, False
    timing = Placed(graph, plan.machine, plan.placement, by_core=False).timing
    position = plan.position - 1
    return timing.step_cycles(position), timing.cycles_by_operation(position), True


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
    return max((r.sram_bytes for r in plan.placement.regions), key=lambda used: used["max_total"])


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
