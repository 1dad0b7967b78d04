"""One region alone on the cycle tier, fed with what the fast tier sends there: bits and cycles."""

from dataclasses import replace

import pytest

from engine.errors import EngineError, PlacementError
from engine.wafer.check.region_check import check_region
from engine.wafer.fabric.lone_runner import LoneRegion
from engine.wafer.plan.placed import Placed
from engine.wafer.program.isa import Field
from tests.wafers import folded

HEAD = 13


def checked(index, tokens=2, **asked):
    """The report of a region of a model whose lanes fold, after a prefill of three rows."""
    model, spec, placement = folded()
    placed = Placed(model.graph, spec, placement, by_core=False)
    return placed, check_region(placed, model.tensors, index, tokens=tokens, prefill=3, **asked)


@pytest.mark.parametrize("index", [0, 4, 5, HEAD])
def test_a_prefill_and_decoded_tokens_agree(index):
    placed, report = checked(index)

    assert report.holds
    assert report.folds
    assert report.layers == (() if index == HEAD else (index,))
    assert report.values_compared > 1_000
    assert [(step.position, step.rows) for step in report.steps] == [(0, 3), (3, 1), (4, 1)]
    assert all(abs(step.cycles.difference) < 0.01 for step in report.steps)
    decoded = [step.cycles.simulated for step in report.steps[1:]]
    assert sum(both.simulated for both in report.operations.values()) == sum(decoded)
    found = report.as_json()
    assert found["holds"]
    assert found["cycles"]["simulated"] == sum(step.cycles.simulated for step in report.steps)
    assert found["program"] == placed.program.hash


@pytest.mark.parametrize("bent", [0, 1])
def test_a_stream_that_is_not_the_fast_tiers_is_found_where_it_first_counts(monkeypatch, bent):
    steps = []

    def write(region, stream, angles):
        stream = stream.copy()
        stream[0, 0] += len(steps) == bent
        steps.append(stream)
        real(region, stream, angles)

    real = LoneRegion.write
    monkeypatch.setattr(LoneRegion, "write", write)

    placed, report = checked(5)

    assert not report.holds
    difference = report.first_difference
    assert difference.layer == 5
    assert difference.row == 0
    assert placed.program.instructions[difference.instruction, Field.REGION] == 5
    region = placed.placement.regions[5]
    x, y = difference.core
    assert region.x <= x < region.x + region.width
    assert region.y <= y < region.y + region.height
    assert len(report.steps) == bent
    assert len(steps) == bent + 1


def test_a_wavelet_that_is_lost_breaks_a_check():
    _, report = checked(0, tokens=0)

    assert not replace(report, wavelets=report.wavelets | {"taken": 1}).holds


def test_progress_is_told_and_who_gives_up_ends_it():
    told = []

    def give_up(done, total, label):
        told.append(label)
        if label.startswith("simulating") and done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checked(0, on_progress=give_up)
    assert len(told) > 20
    assert "lowering layer 0" in told


def test_a_region_that_is_none_is_refused():
    with pytest.raises(PlacementError, match="region 14 asked for; the model lies in regions 0 to"):
        checked(14)


def test_rows_beyond_the_context_are_refused():
    model, _, _ = folded()
    most = model.graph.context_length

    with pytest.raises(EngineError, match=f"takes {most} positions"):
        checked(0, tokens=most)


@pytest.mark.parametrize("index", [0, 5])
def test_a_further_row_takes_what_the_simulation_takes_whatever_skew_it_was_sent_with(index):
    """Rows wait at the door of region 5, to which lanes turn; the skew of the turn is gone then."""
    model, spec, placement = folded()
    placed = Placed(model.graph, spec, placement, by_core=False)
    few, many = (
        check_region(placed, model.tensors, index, tokens=0, prefill=rows).cycles for rows in (3, 6)
    )

    simulated = many.simulated - few.simulated
    assert abs(many.analytic - few.analytic - simulated) <= 0.001 * simulated
