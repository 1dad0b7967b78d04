"""What a check finds, as one verdict: everything that is exact on a real chip must hold."""

import json
from dataclasses import replace

import pytest

from engine.wafer.check.check_report import CheckReport, Difference, OperationCycles, StateError

DIFFERENCE = Difference(
    operation="matmul", instruction=9, layer=0, value="o", core=(12, 3), index=17, row=2,
    fast=1.5, simulated=-0.25,
)  # fmt: skip


def state(beyond=0):
    return StateError(largest=3, core=(1, 2), mean=0.5, beyond=beyond, compared=48)


@pytest.fixture
def report():
    return CheckReport(
        "tiny", "small", "0123456789abcdef", rows=9, states={"mac": state(), "vector": state()},
        wavelets={"sent": 70, "copied": 30, "taken": 100}, busiest_link=1.0,
        cycles_analytic=2_000, cycles_simulated=1_000, relative_error=1.0,
        by_op={"matmul": OperationCycles(8, 4, 1.0)},
    )  # fmt: skip


@pytest.mark.parametrize(
    "broken",
    [
        {"bit_identical": False},
        {"states": {"mac": state(beyond=1)}},
        {"wavelets": {"sent": 70, "copied": 30, "taken": 99}},
        {"wavelets": {"sent": 70, "copied": 31, "taken": 100}},
        {"busiest_link": 1.001},
    ],
    ids=["bits", "multiplications", "a lost wavelet", "a copy too many", "a crowded link"],
)
def test_each_exact_thing_that_breaks_breaks_the_check(report, broken):
    assert report.holds

    assert not replace(report, **broken).holds


def test_cycles_and_inexact_states_do_not_break_it(report):
    """Formulas may be off; their errors are shown, and other tests bound them."""
    assert replace(report, states={"mac": state(), "vector": state(beyond=9)}).holds


def test_a_difference_is_one_sentence_with_place_and_both_values():
    words = str(DIFFERENCE)

    assert "matmul (instruction 9) at core (12, 3): o[17] of row 2" in words
    assert "-0.25 on the simulated chip and 1.5 on the fast tier" in words


def test_json_has_the_fields_of_the_interface(report):
    """`--json` of `wafer check`, whether the tiers agree or not."""
    report.first_difference = DIFFERENCE
    found = json.loads(json.dumps(report.as_json()))

    assert found["first_difference"]["core"] == [12, 3]
    assert found["by_op"]["matmul"] == {"analytic": 8, "simulated": 4, "relative_error": 1.0}
    assert found["states"]["mac"]["compared"] == 48
    assert {
        "bit_identical", "values_compared", "cycles_analytic", "cycles_simulated",
        "relative_error", "skew_cycles", "wavelets", "busiest_link", "colors_used", "seconds",
    } <= set(found)  # fmt: skip
