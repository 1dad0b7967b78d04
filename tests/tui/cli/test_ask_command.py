"""`spark-tui ask` with an engine that answers what it is told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import PromptError

Spark = Callable[..., Any]
SOURCE = "def f(x):\n    y = x\n    return y\n"


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    file = tmp_path / "module.py"
    file.write_bytes(SOURCE.encode())
    monkeypatch.chdir(tmp_path)
    return file


def test_json_has_the_promised_fields(spark: Spark, session: Any, source: Path) -> None:
    outcome = spark("ask", "What is f?", "--json")
    assert outcome.code == 0
    assert list(outcome.json) == [
        *("question", "answer", "finish_reason", "read", "left_out", "model"),
        *("prompt_tokens", "cached_tokens", "completion_tokens", "host", "wafer"),
    ]
    assert outcome.json["read"] == [{"path": "a.py", "first": 1, "last": 3, "why": "open"}]
    assert session.closed == 1


def test_the_answer_goes_to_stdout_and_the_rest_to_stderr(
    spark: Spark, session: Any, source: Path
) -> None:
    outcome = spark("ask", "What is f?")
    assert outcome.out == "It returns **x**.\n"
    assert "reads a.py:1-3 (open)" in outcome.err
    assert "left out: b.key is private" in outcome.err
    assert "wafer 8 500 cycles/token (100 000/s at 0.85 GHz, wse3)" in outcome.err


def test_a_question_alone_is_about_the_repository(spark: Spark, session: Any, source: Path) -> None:
    spark("ask", "What is f?")
    asked = session.asks[0]
    assert (asked.question, asked.path, asked.text) == ("What is f?", "", "")
    assert asked.repository == str(source.parent)


@pytest.mark.parametrize(
    ("place", "lines"), [("module.py", (0, 0)), ("module.py:2-3", (2, 3)), ("module.py:2", (2, 2))]
)
def test_a_file_or_lines_of_it(
    spark: Spark, session: Any, source: Path, place: str, lines: tuple[int, int]
) -> None:
    spark("ask", place, "What is this?")
    asked = session.asks[0]
    assert (asked.path, asked.text) == ("module.py", SOURCE)
    assert (asked.first, asked.last) == lines


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("module.py:9-12", "Why?"), "has 4 lines"),
        (("none.py", "Why?"), "does not exist"),
        (("none.py:1", "Why?"), "does not exist"),
        (("module.py", "Why", "so?"), "in quotes"),
        ((" ",), "question is empty"),
        ((".env", "What is in it?"), "may hold secrets"),
    ],
)
def test_a_wrong_call_is_one_line(
    spark: Spark, session: Any, source: Path, words: tuple[str, ...], reason: str
) -> None:
    (source.parent / ".env").write_text("KEY=1")
    outcome = spark("ask", *words)
    assert outcome.code == 2
    assert reason in outcome.line
    assert not session.asks


def test_a_refusal_is_one_line(spark: Spark, session: Any, source: Path) -> None:
    session.error = PromptError("spark-nano only completes")
    outcome = spark("ask", "What is f?")
    assert outcome.code == 2
    assert "only completes" in outcome.err.splitlines()[-1]
