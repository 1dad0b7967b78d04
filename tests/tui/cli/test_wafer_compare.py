"""`spark-tui wafer compare`: two logs, stats, or a log alone."""

import json
import os
from collections.abc import Callable
from pathlib import Path

from tests.tui.cli.conftest import Outcome

HEAD = "@0 dimX=4, dimY=1\n"
LINE = "@{} P{}.0 (hwtile) landing C0 from link W,\n"


def log(path: Path, *landings: tuple[int, int]) -> Path:
    path.write_text(HEAD + "".join(LINE.format(*each) for each in landings))
    return path


def test_two_logs_side_by_side(spark: Callable[..., Outcome], tmp_path: Path) -> None:
    theirs = log(tmp_path / "theirs.log", (3, 1), (5, 2), (9, 3))
    ours = log(tmp_path / "ours.log", (0, 1), (2, 2), (4, 3))
    outcome = spark("wafer", "compare", theirs, ours, "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["cycles"] == {"theirs": 6, "ours": 4}
    assert outcome.json["first_difference"]["difference"] == -2
    said = spark("wafer", "compare", theirs, ours).out
    for words in ("6 cycles theirs, 4 ours, -33.3%", "C0 from W, number 1 at core (3, 0)", "-2"):
        assert words in said


def test_a_log_alone_and_stats(spark: Callable[..., Outcome], tmp_path: Path) -> None:
    theirs = log(tmp_path / "theirs.log", (3, 1), (5, 2))
    assert spark("wafer", "compare", theirs, "--json").json["landings"] == 2
    stats = tmp_path / "sim_stats.json"
    stats.write_text(json.dumps({"cycle_count": 10, "fabric_x": 4}))
    said = spark("wafer", "compare", stats, theirs).out
    assert "cycle_count" in said
    assert "0.5" in said


def test_what_cannot_be_compared_is_refused_in_a_line(
    spark: Callable[..., Outcome], tmp_path: Path
) -> None:
    theirs = log(tmp_path / "theirs.log", (3, 1))
    (tmp_path / "none.log").write_text("hello\n")
    for other, *more in (["none.log"], ["missing.log"], ["theirs.log", "--offset", "4"]):
        outcome = spark("wafer", "compare", theirs, tmp_path / other, *more)
        assert outcome.code == 2
        assert outcome.err.count("\n") <= 4


def test_signs_of_a_file_reach_no_terminal(spark: Callable[..., Outcome], tmp_path: Path) -> None:
    stats = tmp_path / "sim_stats.json"
    stats.write_text(json.dumps({"a\x1b[31mb": "\x1b]0;t\x07", "[red]x": 1}))
    for more in ([], [stats]):
        said = spark("wafer", "compare", stats, *more).out
        assert "\x1b" not in said
        assert "[red]x" in said


def test_a_named_pipe_is_not_waited_for(spark: Callable[..., Outcome], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.log")
    os.mkfifo(tmp_path / "pipe.toml")
    assert spark("wafer", "compare", tmp_path / "pipe.log").code == 2
    assert spark("wafer", "run", tmp_path / "pipe.toml").code == 2
