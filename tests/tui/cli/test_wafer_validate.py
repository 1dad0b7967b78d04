"""`spark-tui wafer validate`: the table, the JSON, and exit 1 when a bound is broken."""

from collections.abc import Callable, Iterator

import pytest

import engine
from engine.wafer.figures.targets.target import Target, exact, within
from tests.tui.cli.conftest import Outcome

Spark = Callable[..., Outcome]

GOOD = Target(
    id="3/context 1024",
    evidence="A",
    source="lab notes",
    conditions="wse3",
    unit="cycles",
    published=476_404,
    analytic=470_000,
    role="held_out",
    bound=within(0.03),
)
BROKEN = Target(
    id="7/cores",
    evidence="A",
    source="SDK",
    conditions="wse2",
    unit="cores",
    published=745_500,
    analytic=745_501,
    role="identity",
    bound=exact(),
)


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> list[Target]:
    targets = [GOOD]

    def computed(on_progress: Callable[[int, int, str], None]) -> Iterator[Target]:
        on_progress(0, 1, "everything")
        yield from targets

    monkeypatch.setitem(vars(engine), "validation_targets", computed)
    return targets


def test_json(spark: Spark, rows: list[Target]) -> None:
    outcome = spark("wafer", "validate", "--json")

    assert outcome.code == 0
    (target,) = outcome.json["targets"]
    assert target["id"] == "3/context 1024"
    assert target["signed_error"] == pytest.approx(470_000 / 476_404 - 1)
    assert target["holds"] is True
    assert target["role"] == "held_out"
    assert target["bound"] == "≤ 3%"
    assert {constant["name"] for constant in outcome.json["constants"]} >= {"inject", "dispatch"}


def test_for_people(spark: Spark, rows: list[Target]) -> None:
    outcome = spark("wafer", "validate")

    assert outcome.code == 0
    assert "476 404 cycles" in outcome.out
    assert "-1.3%" in outcome.out
    assert "geometric-mean |error| 1.3%" in outcome.out
    assert "every bound holds" in outcome.out


def test_a_broken_bound_is_exit_1(spark: Spark, rows: list[Target]) -> None:
    rows.append(BROKEN)

    assert spark("wafer", "validate", "--json").code == 1
    outcome = spark("wafer", "validate")
    assert outcome.code == 1
    assert "bounds broken: 7/cores" in outcome.out


def test_long_subjects_are_summed_up(spark: Spark, rows: list[Target]) -> None:
    from dataclasses import replace

    rows.extend(replace(GOOD, id=f"2/chain/P=4/B={b}") for b in range(30))
    rows.append(replace(BROKEN, id="2/chain/P=4/B=99"))

    short = spark("wafer", "validate").out
    whole = spark("wafer", "validate", "--all").out

    assert "2/chain (31 rows)" in short
    assert "2/chain/P=4/B=99" in short
    assert "2/chain/P=4/B=7" not in short
    assert "2/chain/P=4/B=7" in whole


def test_the_sensitivity_instead(spark: Spark, monkeypatch: pytest.MonkeyPatch) -> None:
    one = {
        "field": "task_cycles", "low": 1.0, "high": 3.0, "why": "a fit", "value": 2.0,
        "token_at_low": -0.01, "token_at_high": 0.02,
    }  # fmt: skip
    found = {
        "context": 256, "dtype": "q4_0", "assumptions": [one], "token_low": -0.01,
        "token_high": 0.02,
    }  # fmt: skip
    asked = []
    monkeypatch.setattr(
        engine, "wafer_sensitivity", lambda *question: asked.append(question[:2]) or found
    )

    text = spark("wafer", "validate", "--sensitivity", "--dtype", "q4_0").out
    whole = spark("wafer", "validate", "--sensitivity", "--dtype", "q4_0", "--json").json

    assert asked == [(256, "q4_0")] * 2
    assert "task_cycles" in text
    assert "-1.0% to +2.0%" in text
    assert whole == found
