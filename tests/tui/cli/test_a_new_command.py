"""A command is its module and one line: the group finds it, shows it and keeps its exit code."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tui.cli import main

Spark = Callable[..., Any]


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(main._COMMANDS, "count", "tests.worked_examples.toy_command")


def test_a_command_in_the_table_runs(spark: Spark, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\ny = 2\n")
    (tmp_path / "empty.py").write_text("")

    assert spark("count", tmp_path / "a.py").out == "2 lines\n"
    assert spark("count", tmp_path / "a.py", "--json").json == {"lines": 2}
    assert spark("count", tmp_path / "empty.py").code == 1


def test_it_is_in_the_help_and_fails_like_the_others(spark: Spark) -> None:
    assert "Count the lines of a file." in spark("--help").out

    outcome = spark("count", "no such file")
    assert outcome.code == 2
    assert "no such file" in outcome.line
