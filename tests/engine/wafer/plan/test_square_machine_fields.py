"""Every number of a machine moves some figure: none stands there for show."""

from dataclasses import fields, replace

import numpy as np
import pytest

from engine.errors import PlacementError
from engine.model.tensors import FORMATS
from engine.wafer.compile.compiler import compile_graph
from engine.wafer.cost import collectives, energy
from engine.wafer.cost.vector_instruction import VECTOR_KINDS, has_conflict, instruction_cycles
from engine.wafer.fabric import lone_collectives
from engine.wafer.ops.matmul import unpack_cycles
from engine.wafer.plan.kept_plans import remembered_plan
from engine.wafer.plan.legality import check_legality
from engine.wafer.plan.placed import Placed
from engine.wafer.plan.planner import plan_shape
from engine.wafer.program import machine
from engine.wafer.program.machine import MachineSpec

BASE = replace(machine.get("tiny"), task_cycles=9)
NAMED = {"name"}


def priced(spec, model):
    """Cycles of a decoded token, its states and the bytes of a core, where the base places it."""
    placement = remembered_plan(model.graph, BASE)
    placed = Placed(model.graph, spec, placement, by_core=False)
    return placed.timing.step_cycles(9), placed.program.cores_used


def linked(spec, model):
    """What `plan --check` says of the base's placement."""
    placement = remembered_plan(model.graph, BASE)
    compiled = compile_graph(model.graph, BASE, placement, by_core=False)
    return check_legality(spec, placement, compiled).limits


def planned(spec, model):
    """The bytes of a core where the planner places a model, or what it refuses."""
    try:
        found = plan_shape(model.graph, spec)
    except PlacementError as error:
        return str(error)
    return [region.sram_bytes for region in found.placement.regions], found.context_limit


def collected(spec, model):
    """Cycles of collectives, by formula and simulated."""
    asked = [
        collectives.Collective(spec, "reduce", "two-tree", 9, 1, 40, (3, 1), dtype)
        for dtype in ("fp32", "fp16")
    ]
    return [(collectives.cycles(each), lone_collectives.run(each).cycles) for each in asked]


def vectors(spec, model):
    """Cycles of vector instructions, and whether their operands conflict."""
    return [
        (instruction_cycles(spec, kind, n, conflict=True), has_conflict(spec, kind, 8))
        for kind in VECTOR_KINDS.values()
        for n in (40, 200, 2_000)
    ]


def rates(spec, model):
    """Peak, bandwidth, link, energy and unpacking."""
    return (
        spec.peak_flops,
        spec.memory_bandwidth_bytes_per_second,
        spec.wafer_link_cycles,
        spec.host_cycles(1_000),
        spec.facts()["fabric"],
        spec.facts()["grid"],
        unpack_cycles(spec, FORMATS["q4_0"], np.array([3_000])),
        energy.joules(spec, 10**6, macs=10**6, cores=100, wafers=1),
    )


FIGURES = (rates, vectors, linked, priced, planned, collected)
"""The cheapest first."""


def another(spec, name):
    """A machine with a quite different number in one field."""
    value = getattr(spec, name)
    if name == "sram_bytes":
        return replace(spec, sram_bytes=value - 20_000)
    return replace(spec, **{name: value * 2})


@pytest.fixture(scope="module")
def figures(tiny):
    return {figure: figure(BASE, tiny) for figure in FIGURES}


@pytest.mark.parametrize("field", sorted({f.name for f in fields(MachineSpec)} - NAMED))
def test_a_field_moves_a_figure(field, figures, tiny):
    changed = another(BASE, field)

    assert any(str(figure(changed, tiny)) != str(figures[figure]) for figure in FIGURES)
