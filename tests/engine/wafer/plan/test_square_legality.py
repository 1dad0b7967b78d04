"""What a placement uses of every core, and what is refused, with core and remedy."""

from dataclasses import replace

import numpy as np
import pytest

from engine.wafer.compile.compiler import compile_graph
from engine.wafer.plan.kept_plans import remembered_plan
from engine.wafer.plan.legality import check_legality
from engine.wafer.program import machine
from tests.wafers import random_model, random_placement

TINY, SMALL = machine.get("tiny"), machine.get("small")


@pytest.fixture
def checked(tiny):
    """Check the tiny model, where the planner places it, on a machine with other limits."""
    placement = remembered_plan(tiny.graph, TINY)
    compiled = compile_graph(tiny.graph, TINY, placement, by_core=False)

    def check(**limits):
        return check_legality(replace(TINY, **limits), placement, compiled)

    return check


def test_a_placement_within_the_limits_has_no_fault(checked):
    report = checked()

    assert report.faults == ()
    assert report.as_json()["legal"] is True
    assert report.regions[-1].label == "head"
    for use in report.regions:
        assert 0 < use.input_queues <= 6
        assert 0 < use.output_queues <= 6
        assert use.sram_bytes["max_total"] <= TINY.sram_bytes


@pytest.mark.parametrize(
    ("limits", "what"),
    [
        ({"input_queues": 3}, "input queues"),
        ({"output_queues": 3}, "output queues"),
        ({"reserved_queues": 5}, "input queues"),
        ({"local_tasks": 2}, "task ids"),
        ({"sram_bytes": 24_000}, "bytes of SRAM"),
    ],
)
def test_what_is_too_much_names_core_and_remedy(checked, limits, what):
    report = checked(**limits)

    fault = next(each for each in report.faults if each.what == what)
    assert fault.needs > fault.limit
    assert fault.cores >= 1
    assert f"core {fault.core}: {fault.needs} {what}" in fault.text()
    assert fault.remedy in fault.text()


@pytest.mark.parametrize("seed", range(24))
def test_whatever_is_placed_can_be_linked(seed):
    """Reductions share two colors an axis, multicasts one, so no core needs a seventh queue."""
    random = np.random.default_rng(seed)
    model = random_model(random)
    placement = random_placement(random, model, SMALL)
    compiled = compile_graph(model.graph, SMALL, placement, by_core=False)

    report = check_legality(SMALL, placement, compiled)

    assert report.faults == ()
