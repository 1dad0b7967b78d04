"""A group of a person's choice: every sum has it, and all tiers give its bits."""

import numpy as np
import pytest

from engine.errors import PlacementError
from engine.wafer.fabric.cycle_runner import open_cycle
from engine.wafer.fast.fast_runner import open_fast
from engine.wafer.plan.kept_plans import remembered_plan
from engine.wafer.plan.placed import open_placed
from engine.wafer.plan.planner import plan
from engine.wafer.program import machine
from engine.wafer.reference_runner import ReferenceRunner
from engine.wafer_changes import WaferChanges

SMALL = machine.get("small")


@pytest.mark.parametrize("group", [1, 2, 3, 1000])
def test_every_sum_has_the_group_that_was_asked_for(tiny, group):
    placed = open_placed(tiny.graph, SMALL, changes=WaferChanges(group=group))
    sums = placed.orders
    for order in (sums.hidden, sums.norm, sums.positions, sums.heads, sums.ffn):
        assert order.group == min(group, order.parts)


@pytest.mark.parametrize("group", [1, 3])
def test_all_tiers_give_the_same_bits_with_it(tiny, group):
    changes = WaferChanges(group=group, columns=4, rows=4)
    placed = open_placed(tiny.graph, SMALL, changes=changes)
    tokens = np.array([3, 5, 8], np.int32)
    runners = [
        open_fast(placed, tiny.tensors, threads=1),
        open_cycle(placed, tiny.tensors),
        ReferenceRunner(placed, tiny.tensors),
    ]
    bits = {runner.prefill(tokens).tobytes() for runner in runners}
    for runner in runners:
        runner.close()
    assert len(bits) == 1


def test_what_is_asked_for_is_planned_and_kept_apart(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("SPARK_CACHE_DIR", str(tmp_path))
    changes = WaferChanges(columns=2, rows=4, blocks=2)
    for _ in range(2):  # the second is remembered
        found = remembered_plan(tiny.graph, SMALL, changes=changes)
        assert (found.shape.columns, found.shape.rows, found.shape.blocks) == (2, 4, 2)
    assert remembered_plan(tiny.graph, SMALL) == plan(tiny.graph, SMALL)
    assert len(list((tmp_path / "plans").glob("*.json"))) == 2


def test_a_size_that_does_not_fit_is_refused(tiny):
    with pytest.raises(PlacementError, match="does not fit small"):
        plan(tiny.graph, SMALL, changes=WaferChanges(columns=4, rows=500))
