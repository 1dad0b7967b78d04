"""`spark-tui wafer check`: exit 0 where both tiers agree, 1 where they do not, with the place."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import engine
from engine.wafer.check.check_report import CheckReport, Difference, OperationCycles, StateError
from engine.wafer.check.region_report import RegionReport
from tests.tiny_families import FAMILY_CONFIGS
from tests.tiny_gguf import write_tiny_gguf
from tests.tui.cli.conftest import Outcome

Spark = Callable[..., Outcome]

AGREED = CheckReport(
    "tiny", "small", "0123456789abcdef", rows=10, values_compared=12_345,
    cycles_analytic=1_010, cycles_simulated=1_000, relative_error=0.01, skew_cycles=-7,
    by_op={"matmul": OperationCycles(505, 500, 0.01)},
    states={"mac": StateError(0, (4, 5), 0.0, 0, 64)},
    wavelets={"sent": 70, "copied": 30, "taken": 100}, busiest_link=0.25, colors_used=9,
)  # fmt: skip
DIFFERENCE = Difference("matmul", 9, 0, "o", (12, 3), 17, 2, 1.5, -0.25)


class Check:
    """A check that finds what it is told to find, and keeps what it was asked."""

    def __init__(self) -> None:
        self.finds = AGREED
        self.asked: dict[str, Any] = {}

    def __call__(self, model: str | None, machine: str, clock: float | None, **more: Any) -> Any:
        del more["on_progress"]
        self.asked = {"model": model, "machine": machine, "clock": clock} | more
        return self.finds


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Check:
    fake = Check()
    monkeypatch.setitem(vars(engine), "check_wafer", fake)
    return fake


def test_tiers_that_agree_end_with_0(spark: Spark, check: Check) -> None:
    outcome = spark("wafer", "check", "--machine", "small", "--tokens", 3, "--layers", 2)

    assert outcome.code == 0
    asked = {"model": None, "machine": "small", "clock": None, "tokens": 3, "layers": 2}
    assert check.asked == asked | {"prefill": 8}
    text = " ".join(outcome.out.split())
    for words in ("12,345 values of 10 rows are bit-identical", "error +1.00%", "70 sent"):
        assert words in text


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_difference_ends_with_1_and_says_where(
    spark: Spark, check: Check, options: tuple[str, ...]
) -> None:
    check.finds = replace(AGREED, bit_identical=False, first_difference=DIFFERENCE)

    outcome = spark("wafer", "check", *options)

    assert outcome.code == 1
    if options:
        assert outcome.json["first_difference"]["core"] == [12, 3]
        assert outcome.json["bit_identical"] is False
    else:
        text = " ".join(outcome.out.split())
        assert "The tiers differ: matmul (instruction 9) at core (12, 3): o[17] of row 2" in text


@pytest.mark.parametrize(
    "broken",
    [
        {"states": {"mac": StateError(1, (4, 5), 0.1, 1, 64)}},
        {"wavelets": {"sent": 70, "copied": 30, "taken": 99}},
        {"busiest_link": 1.5},
    ],
    ids=["multiplications", "wavelets", "links"],
)
def test_whatever_else_is_exact_on_a_chip_ends_with_1_too(
    spark: Spark, check: Check, broken: dict[str, Any]
) -> None:
    check.finds = replace(AGREED, **broken)

    assert spark("wafer", "check", "--json").code == 1
    assert spark("wafer", "check").code == 1


def test_fewer_than_no_tokens_are_refused(spark: Spark, check: Check) -> None:
    outcome = spark("wafer", "check", "--tokens", -1)

    assert outcome.code == 2
    assert "-1 is not in the range" in outcome.line
    assert check.asked == {}


def test_a_training_step_is_run_three_times_and_compared(spark: Spark, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(FAMILY_CONFIGS["llama"]))
    asked = ("wafer", "check", "--train", str(config), "--machine", "tiny", "--tokens", "1",
             "--layers", "1", "--block")  # fmt: skip

    told = spark(*asked, "2x4")
    assert told.code == 0
    assert told.out.count("the same bits") == 2
    assert "cycles by formula" in told.out
    found = spark(*asked, "2x4", "--json").json
    assert found["holds"]
    assert found["links"] == found["links_counted"] > 0
    refused = spark(*asked, "3x4")
    assert refused.code == 2
    assert "2 heads over 3 do not; use 2 columns" in refused.err


def test_one_region_of_a_file_is_checked_in_blocks_that_were_asked_for(
    spark: Spark, tmp_path: Path
) -> None:
    path = write_tiny_gguf(tmp_path / "tiny.gguf", "llama", ("Q4_0", "Q8_0"), layers=2)
    asked = ("wafer", "check", "--model", path, "--machine", "small", "--tokens", 1,
             "--prefill", 2, "--blocks", 2, "--region")  # fmt: skip

    told = spark(*asked, 1)
    text = " ".join(told.out.split())
    assert told.code == 0
    assert "region 1 (layer 1," in text
    assert "values are bit-identical" in text
    assert "2 at 0" in text
    assert "1 at 2" in text
    found = spark(*asked, 2, "--json").json
    assert found["holds"]
    assert found["label"] == "head"
    refused = spark(*asked, 3)
    assert refused.code == 1
    assert "the model lies in regions 0 to 2: 2 blocks of layers" in refused.err


def test_a_difference_in_a_region_ends_with_1(
    spark: Spark, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = RegionReport("tiny", "small", "0123", 1, "layer 1", (1,), (4, 8), True,
                          first_difference=DIFFERENCE)  # fmt: skip
    monkeypatch.setitem(vars(engine), "check_wafer_region", lambda *_, **__: report)

    outcome = spark("wafer", "check", "--region", 1)

    assert outcome.code == 1
    assert "The tiers differ: matmul (instruction 9)" in " ".join(outcome.out.split())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--blocks", 2), "--blocks goes with --region"),
        (("--block", "4x8"), "--block goes with --region or --train"),
        (("--region", 0, "--train", "config.json"), "--region takes a model with weights"),
    ],
)
def test_options_that_nothing_would_heed_are_refused(
    spark: Spark, check: Check, options: tuple[Any, ...], said: str
) -> None:
    outcome = spark("wafer", "check", *options)

    assert outcome.code == 2
    assert said in outcome.err
    assert check.asked == {}
