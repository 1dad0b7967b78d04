"""Tasks from files: what a file may hold, how answers are judged, which figures come out."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import TaskFileError
from engine.protocol.completion import HostStats, WaferStats
from engine.protocol.editing import Edit, EditRequest
from engine.quality.answers import CursorAnswer, Question
from engine.quality.code_runner import PASSED
from engine.quality.task_files import (
    draw_tasks,
    read_edit_tasks,
    read_infill_tasks,
    read_situations,
)
from engine.quality.task_suites import measure_edits, measure_infill, measure_situations

TASK = {
    "task_id": "SingleLineInfilling/Example/0/L1",
    "entry_point": "double",
    "prompt": "def double(x):\n",
    "suffix": "\n",
    "canonical_solution": "    return 2 * x",
    "test": "def check(f):\n    assert f(4) == 8\n",
}
SITUATION = {
    "name": "sub",
    "path": "money.py",
    "prefix": "return ",
    "suffix": "\n",
    "accept": [r"Money\(\w+\)", "other"],
}

EDITS = Path(__file__).parents[2] / "data" / "edit_tasks.json"
HOST = HostStats(1.0, 1.0, 1.0, None)
WAFER = WaferStats("wse3", 0.85, "0", 1, 1, 1.0, 1.0, 0.5, 1)


class Writer:
    """Answers with one text and keeps the questions."""

    def __init__(self, text: str, shown: bool = True) -> None:
        self.text, self.shown, self.questions = text, shown, list[Question]()

    def answer(self, question: Question) -> CursorAnswer:
        self.questions.append(question)
        return CursorAnswer(self.text, shown=self.shown)


def nothing(done: int, total: int) -> None:
    pass


def written(path: Path, *tasks: dict[str, Any]) -> Path:
    path.write_text("\n".join(json.dumps(task) for task in tasks) + "\n")
    return path


def test_tests_judge_and_not_likeness(tmp_path: Path) -> None:
    tasks = read_infill_tasks(written(tmp_path / "tasks.jsonl", TASK))
    other = measure_infill(tasks, Writer("    return x + x"), 0, nothing)
    assert (other["n"], other["pass_at_1"], other["exact_match"]) == (1, 1.0, 0.0)
    wrong = measure_infill(tasks, Writer("    return 3 * x"), 0, nothing)
    assert wrong["pass_at_1"] == 0.0
    assert wrong["items"][0]["ended"] == "AssertionError"
    same = measure_infill(tasks, Writer("    return 2 * x\n"), 0, nothing)
    assert (same["pass_at_1"], same["exact_match"]) == (1.0, 1.0)
    low, high = other["pass_at_1_ci"]
    assert low <= 1.0 <= high


def test_a_task_says_how_far_its_hole_may_reach(tmp_path: Path) -> None:
    span = TASK | {"task_id": "RandomSpanInfilling/Example/0/1"}
    tasks = read_infill_tasks(written(tmp_path / "tasks.jsonl", TASK, span))
    writer = Writer("")
    measure_infill(tasks, writer, 0, nothing)
    assert [question.multi_line for question in writer.questions] == [False, True]
    assert writer.questions[0].prefix == TASK["prompt"]


def test_a_task_without_a_solution_has_no_exact_match(tmp_path: Path) -> None:
    bare = {name: text for name, text in TASK.items() if name != "canonical_solution"}
    tasks = read_infill_tasks(written(tmp_path / "tasks.jsonl", bare))
    assert measure_infill(tasks, Writer(""), 0, nothing)["exact_match"] is None


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Money(a)", True),
        ("  Money(a)  \nand more", True),
        ("\nother", True),
        ("Money(a) + 1", False),
        ("", False),
    ],
)
def test_an_expression_matches_the_whole_first_line(tmp_path: Path, text: str, right: bool) -> None:
    path = tmp_path / "situations.json"
    path.write_text(json.dumps([SITUATION]))
    figures = measure_situations(read_situations(path), Writer(text, shown=False), nothing)
    assert figures["right"] == int(right)
    assert (figures["shown"], figures["right_of_shown"]) == (0, 0)
    assert figures["items"] == [{"name": "sub", "text": text, "right": right, "shown": False}]


def test_files_may_be_compressed(tmp_path: Path) -> None:
    path = tmp_path / "tasks.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(TASK).encode()))
    assert read_infill_tasks(path)[0].entry_point == "double"


def test_the_same_seed_draws_the_same_tasks() -> None:
    tasks = tuple(range(100))
    drawn = draw_tasks(tasks, 10, 3)
    assert drawn == draw_tasks(tasks, 10, 3) == sorted(set(drawn))
    assert drawn != draw_tasks(tasks, 10, 4)
    assert draw_tasks(tasks, 100, 3) == list(tasks)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no task"),
        (b"[1]\n", "line 1 is no object"),
        (b"{", "line 1 is no JSON"),
        (b'{"prompt": 1}', "'prompt' is missing or no text"),
        (b"\xff", "no UTF-8"),
        (b"\x1f\x8bxx", "damaged gzip|Not a gzipped|Unknown"),
        (gzip.compress(b"{}" * 100, mtime=0)[:-12], "damaged gzip"),
        (b"[" * 100_000, "no JSON"),
    ],
)
def test_another_file_is_refused_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "tasks.jsonl"
    path.write_bytes(content)
    with pytest.raises(TaskFileError, match=said):
        read_infill_tasks(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "a list"),
        ([{**SITUATION, "accept": "x"}], "'accept' must be a list"),
        ([{**SITUATION, "accept": ["("]}], "no regular expression"),
        ([{**SITUATION, "path": None}], "'path' is missing"),
    ],
)
def test_other_situations_are_refused(tmp_path: Path, content: object, said: str) -> None:
    path = tmp_path / "situations.json"
    path.write_text(json.dumps(content))
    with pytest.raises(TaskFileError, match=said):
        read_situations(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TaskFileError, match="No such file"):
        read_infill_tasks(tmp_path / "none")


# ── edits ───────────────────────────────────────────────────────────────────────────────────

EDIT = {
    "name": "double",
    "path": "a.py",
    "first": 2,
    "last": 2,
    "instruction": "Return twice as much.",
    "text": ["def f(x):", "    return x"],
    "test": ["assert f(4) == 8", "assert 'return' in SOURCE"],
}


def says(text: str, refused: str | None = None) -> Callable[[EditRequest], Edit]:
    return lambda request: Edit(text, refused, True, "canned", 1, 1, HOST, WAFER)


def test_an_edit_is_judged_by_its_test(tmp_path: Path) -> None:
    file = tmp_path / "edits.json"
    file.write_text(json.dumps([EDIT]))
    tasks = read_edit_tasks(file)
    right = measure_edits(tasks, says("    return 2 * x"), 0, nothing)
    assert (right["n"], right["passed"], right["refused"]) == (1, 1, 0)
    wrong = measure_edits(tasks, says("    return 3 * x"), 0, nothing)
    assert wrong["items"][0]["ended"] == "AssertionError"
    refused = measure_edits(tasks, says("    return 2 * x", "no"), 0, nothing)
    assert (refused["passed"], refused["refused"]) == (0, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"last": 3}, "'first' and 'last' must be lines of the text"),
        ({"first": "1"}, "'first' and 'last' must be lines of the text"),
        ({"text": "def f(): pass"}, "'text' must be a list of lines"),
        ({"instruction": 3}, "'instruction' is missing or no text"),
    ],
)
def test_what_is_no_edit_is_told(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    file = tmp_path / "edits.json"
    file.write_text(json.dumps([EDIT | change]))
    with pytest.raises(TaskFileError, match=message):
        read_edit_tasks(file)


def test_the_projects_own_edits_are_not_done_before_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each test fails on the text as it is, so it judges something."""
    monkeypatch.chdir(tmp_path)  # a task may write a file
    tasks = read_edit_tasks(EDITS)
    assert len(tasks) == 30
    unchanged = measure_edits(
        tasks,
        lambda request: says("\n".join(request.text.split("\n")[request.first - 1 : request.last]))(
            request
        ),
        0,
        nothing,
        run=ended_here,
    )
    assert unchanged["passed"] == 0


def ended_here(program: str) -> str:
    """How a program ends, in this process: the tasks are the project's own."""
    try:
        exec(compile(program, "task", "exec"), {"__name__": "task"})
    except (Exception, SystemExit) as error:
        return type(error).__name__
    return PASSED
