"""A plan as plain numbers: what ``wafer plan`` prints.

Opens a model's configuration, never its weights.
"""

from pathlib import Path

from engine import units
from engine.model.families import read_graph
from engine.model.load import find_model
from engine.model.tensors import FORMATS, uniform_formats
from engine.wafer.compile.compiler import compile_graph
from engine.wafer.place.orders import choose_orders_of_regions
from engine.wafer.plan.planner import Candidate, Plan, kv_capacity, plan_shape
from engine.wafer.program import machine as machines
from engine.wafer.timing.timing import Timing

__all__ = ["plan_wafer"]

_SIMULATED_CORES = 1 << 21
"""Cores up to which the clock of every single core is followed; beyond, the estimate stands."""


def plan_wafer(
    model: str | None,
    machine: str,
    clock_ghz: float | None = None,
    *,
    context: int | None = None,
    dtype: str = "int8",
    rows_per_step: int = 1,
) -> dict[str, object]:
    """Plan a model on a machine and return what was found, and the search.

    Args:
        model: A bundled model, a folder, or a Hugging Face ``config.json``; None: the default.
        machine: Name of the machine.
        clock_ghz: Another clock than the machine's own.
        context: KV rows to hold; None: the model's own.
        dtype: Name of the format of all matrices, one that has a price.
        rows_per_step: Rows of a step that sizes are compared with.

    Raises:
        ConfigError: The configuration cannot be read or priced.
        MachineError: The machine or the clock is unknown.
        PlacementError: The model does not fit.
    """
    spec = machines.get(machine, clock_ghz)
    path = Path(model) if model is not None and Path(model).suffix == ".json" else find_model(model)
    graph, format = read_graph(path, context), FORMATS[dtype]
    bundled = model is None or path.suffix != ".json"
    plan = plan_shape(
        graph,
        spec,
        context,
        formats=uniform_formats(graph.weights, format),
        rows_per_step=rows_per_step,
        runs=bundled and format.runs and path.parent == find_model(None).parent,
    )
    placement, position = plan.placement, plan.position
    cores = sum(region.width * region.height for region in placement.regions)
    by_op, cycles = dict(plan.chosen.cycles_by_op), plan.chosen.cycles_per_token
    exact = cores <= _SIMULATED_CORES
    if exact:
        compiled = compile_graph(graph, spec, placement, by_core=False)
        timing = Timing(compiled, placement, by_core=False)
        cycles = timing.step_cycles(position - 1)
        by_op = timing.cycles_by_operation(position - 1)
    limit, limited_by = plan.context_limit
    if limit > graph.context_length:
        limit, limited_by = graph.context_length, "the model's own context"
    return {
        "model": graph.name,
        "machine": spec.name,
        "clock_ghz": spec.clock_ghz,
        "dtype": dtype,
        "context": placement.context_length,
        "position": position,
        "blocks": [
            {
                "layers": list(region.layers),
                "label": region.label,
                "x": region.x,
                "y": region.y,
                "width": region.width,
                "height": region.height,
                "wafer": region.wafer,
            }
            for region in placement.regions
        ],
        "grid": [spec.columns, spec.rows],
        "cores_used": cores,
        "wafers": placement.wafers,
        "wafer_link_microseconds": spec.wafer_link_microseconds,
        "sram_bytes_per_core": _fullest(plan),
        "colors_used": choose_orders_of_regions(spec, placement).colors_used,
        "cycles_per_token": cycles,
        "cycles_are": "followed core by core" if exact else "estimated",
        "cycles_by_op": {name: each for name, each in by_op.items() if each},
        "tokens_per_second": float(
            units.tokens_per_second(units.Cycles(cycles), units.Gigahertz(spec.clock_ghz))
        ),
        "context_limit": limit,
        "context_limited_by": limited_by,
        "context_by_concatenation": kv_capacity(placement, spec)[0],
        "estimate_cycles_per_token": plan.chosen.cycles_per_token,
        "runner_up": _size(plan.runner_up) if plan.runner_up else None,
        "why": plan.why,
        "sizes_compared": len(plan.candidates),
        "sizes_that_fit": sum(c.shape is not None for c in plan.candidates),
        "sweep": [_size(c) for c in plan.candidates if c.shape is not None],
    }


def _fullest(plan: Plan) -> dict[str, int]:
    """Bytes by use of the core that needs the most."""
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
