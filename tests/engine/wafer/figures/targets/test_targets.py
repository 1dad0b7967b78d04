"""Targets: bounds, summaries, and what can be checked without a simulation."""

from dataclasses import replace

import pytest

from engine.inspection import served_graph
from engine.wafer.figures import table
from engine.wafer.figures.served import ServedModel
from engine.wafer.figures.targets import (
    chip_targets,
    core_targets,
    fabric_targets,
    program_targets,
    waferllm_targets,
)
from engine.wafer.figures.targets.target import (
    Target,
    at_most,
    exact,
    geometric_mean_error,
    near,
    within,
    within_cycles,
)
from engine.wafer.program import machine

ROW = Target(
    id="0/row",
    evidence="A",
    source="nobody",
    conditions="none",
    unit="cycles",
    published=100.0,
    analytic=103.0,
    role="held_out",
)


@pytest.mark.parametrize(
    ("bound", "holds", "breaks"),
    [
        (exact(), 100.0, 100.1),
        (within(0.04), 96.1, 95.9),
        (within_cycles(1), 101.0, 101.1),
        (near(2, 0.01), 102.0, 102.1),
        (near(2, 0.04), 104.0, 104.1),
        (at_most(), 100.0, 100.1),
    ],
)
def test_bounds(bound, holds, breaks):
    assert replace(ROW, analytic=holds, bound=bound).holds is True
    assert replace(ROW, analytic=breaks, bound=bound).holds is False
    assert replace(ROW, analytic=holds, simulated=breaks, bound=bound).holds is False


def test_without_a_bound_nothing_holds_or_breaks():
    assert ROW.holds is None


def test_the_error_is_the_cycle_tiers_where_there_is_one():
    assert ROW.signed_error == pytest.approx(0.03)
    assert replace(ROW, simulated=90.0).signed_error == pytest.approx(-0.10)
    assert replace(ROW, analytic=None).signed_error is None


def test_json_has_the_fields_of_the_interface():
    fields = {
        "id", "evidence", "source", "conditions", "published", "analytic", "simulated",
        "signed_error", "role", "bound", "holds", "reason",
    }  # fmt: skip

    assert fields <= set(ROW.as_json())
    assert ROW.as_json()["simulated"] is None


def test_geometric_mean():
    rows = [replace(ROW, analytic=110.0), replace(ROW, analytic=90.0), ROW]

    assert geometric_mean_error(rows) == pytest.approx((1.1 * 1.1 * 1.03) ** (1 / 3) - 1)


def test_a_summary_names_what_breaks():
    rows = [
        ROW,
        replace(ROW, id="1/broken", bound=exact()),
        replace(ROW, id="2/identity", role="identity", analytic=300.0),
    ]

    summary = table.summarise(rows)

    assert summary.targets == 3
    assert summary.broken == ("1/broken",)
    assert summary.largest_error == pytest.approx(0.03)  # identities are no measurements


def test_progress_names_every_subject():
    seen, served = [], ServedModel(served_graph())
    first = next(table.targets(served, lambda done, total, label: seen.append((done, label))))

    assert first.id.startswith("1/")
    assert seen == [(0, next(iter(table.subjects(served))))]


@pytest.mark.parametrize(
    "rows",
    [
        fabric_targets.multicasts,
        fabric_targets.repeats,
        fabric_targets.simulated_reductions,
        fabric_targets.scalar_all_reduce,
        fabric_targets.edges,
        program_targets.reductions,
        program_targets.stencils,
        chip_targets.peaks,
        core_targets.gemm,
        core_targets.vectors,
        chip_targets.matvec,
        waferllm_targets.gemv,
        waferllm_targets.decode,
        waferllm_targets.prefill,
        waferllm_targets.comparisons,
        waferllm_targets.kv_capacity,
    ],
    ids=lambda rows: rows.__name__,
)  # fmt: skip
def test_every_bound_of_a_subject_holds(rows):
    targets = list(rows())

    assert targets
    assert [row.id for row in targets if row.holds is False] == []
    assert len({row.id for row in targets}) == len(targets)
    for row in targets:
        assert row.simulated is not None or row.reason, row.id


def test_longer_ramps_are_all_that_wse3s_stencils_lack_and_no_multicast_tells(monkeypatch):
    """As the page about programs says: two ramps and the dispatch are told as a sum alone."""
    longer = replace(machine.get("wse3"), ramp_cycles=5, dispatch_cycles=9)
    monkeypatch.setitem(machine.PRESETS, "wse3", longer)

    assert [row.id for row in fabric_targets.multicasts() if row.holds is False] == []
    errors = {row.id: row.signed_error for row in program_targets.stencils() if "wse3" in row.id}
    assert max(map(abs, errors.values())) < 0.08


@pytest.mark.parametrize("algorithm", ["broadcast", "star", "chain", "tree", "two-phase", "ring"])
def test_reductions_are_bound_as_asked(algorithm):
    texts = {
        wavelets: fabric_targets.reduction_bound(algorithm, 64, wavelets).text
        for wavelets in (1, 16, 1024)
    }

    if algorithm in ("broadcast", "star", "chain"):
        assert set(texts.values()) == {"≤ 2 cycles or 4%"}
    else:
        assert texts == {1: "≤ 4%", 16: "≤ 20%", 1024: "≤ 4%"}


def test_utilisation_of_prefill_is_in_the_published_range():
    shares = [row.analytic for row in waferllm_targets.prefill() if row.id.endswith("utilisation")]

    assert len(shares) == 9
    assert all(0.10 <= share <= 0.24 for share in shares)


def test_counting_a_product_access_by_access():
    assert chip_targets.count_matvec(1) == (12, 16, 1)
    assert chip_targets.count_matvec(10) == (4 * 100 + 80, 12 * 100 + 40, 190)
