"""`spark-tui edit` with an engine that answers what it is told."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import PromptError

Spark = Callable[..., Any]
SOURCE = "def f(x):\n    y = x\n    return y\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    file = tmp_path / "module.py"
    file.write_bytes(SOURCE.encode())
    return file


def call(spark: Spark, place: str, *options: str) -> Any:
    return spark("edit", place, "--instruction", "Return x.", *options)


def test_json_has_the_promised_fields(spark: Spark, session: Any, source: Path) -> None:
    outcome = call(spark, f"{source}:2-3", "--json")
    assert outcome.code == 0
    assert list(outcome.json) == [
        *("diff", "applies", "parses", "refused", "written"),
        *("model", "prompt_tokens", "completion_tokens", "host", "wafer"),
    ]
    assert (outcome.json["applies"], outcome.json["written"]) == (True, False)
    request = session.edits[0]
    assert (request.path, request.first, request.last) == ("module.py", 2, 3)
    assert (request.text, request.instruction) == (SOURCE, "Return x.")
    assert session.closed == 1


def test_nothing_is_written_without_the_option(spark: Spark, session: Any, source: Path) -> None:
    outcome = call(spark, f"{source}:2-3")
    assert source.read_text() == SOURCE
    assert "not written" in outcome.err
    assert call(spark, f"{source}:2-3", "--write").code == 0
    assert source.read_text() == "def f(x):\n    return x\n"


def test_the_diff_is_one_that_git_applies(spark: Spark, session: Any, source: Path) -> None:
    source.write_bytes(b"def f(x):\n    y = x\n    return y")  # without a last line end
    diff = call(spark, f"{source}:2-3").out
    subprocess.run(["git", "init", "-q"], cwd=source.parent, check=True)
    subprocess.run(["git", "apply", "-"], cwd=source.parent, input=diff, text=True, check=True)
    assert source.read_text() == "def f(x):\n    return x"


def test_line_ends_stay_as_they_were(spark: Spark, session: Any, source: Path) -> None:
    source.write_bytes(SOURCE.replace("\n", "\r\n").encode())
    call(spark, f"{source}:2-3", "--write")
    assert source.read_bytes() == b"def f(x):\r\n    return x\r\n"


def test_a_refused_edit_is_not_written_and_fails(spark: Spark, session: Any, source: Path) -> None:
    session.refused = "the file would no longer parse"
    outcome = call(spark, f"{source}:2-3", "--write", "--json")
    assert outcome.code == 1
    assert (outcome.json["applies"], outcome.json["written"]) == (False, False)
    assert outcome.json["refused"] == "the file would no longer parse"
    assert source.read_text() == SOURCE


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("", "names no lines"),
        (":3-2", "3-2 is no range"),
        (":0-1", "0-1 is no range"),
        (":2-9", "has 4 lines; 2-9 is outside"),
    ],
)
def test_lines_that_are_none_are_told(
    spark: Spark, session: Any, source: Path, lines: str, message: str
) -> None:
    outcome = call(spark, f"{source}{lines}")
    assert outcome.code == 2
    assert message in outcome.line


def test_a_file_that_cannot_be_edited_is_told(spark: Spark, session: Any, source: Path) -> None:
    assert "does not exist" in call(spark, f"{source}x:1-1").line
    secret = source.with_name(".env")
    secret.write_text("A=1\n")
    assert "secrets" in call(spark, f"{secret}:1-1").line
    session.error = PromptError("spark-nano only completes")
    outcome = call(spark, f"{source}:2-3")
    assert (outcome.code, "only completes" in outcome.err) == (2, True)
