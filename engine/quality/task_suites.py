"""Puts tasks from a file to a model: infilling judged by running tests, situations by expressions.

Questions of a directory of code are `engine.quality.bench`'s.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.protocol.editing import Edit, EditRequest
from engine.quality.answers import Answerer, CursorAnswer, Question
from engine.quality.code_runner import PASSED, run_program
from engine.quality.scores import interval, mean
from engine.quality.task_files import EditTask, InfillTask, Situation

__all__ = ["measure_edits", "measure_infill", "measure_situations"]

_LINE_TOKENS = 64
_BLOCK_TOKENS = 256

OnItem = Callable[[int, int], None]
"""Called after each item with the number done and the number of all."""


def measure_infill(
    tasks: Sequence[InfillTask],
    model: Answerer,
    seed: int,
    on_item: OnItem,
    *,
    run: Callable[[str], str] = run_program,
) -> dict[str, Any]:
    """Return the figures of the suite ``infill``, with the fields of the command's JSON.

    Args:
        tasks: What to ask.
        model: Who answers, without a repository.
        seed: Of the confidence intervals.
        on_item: Called after every task.
        run: Runs a program and returns how it ended.
    """
    items = []
    for done, task in enumerate(tasks, 1):
        answer = model.answer(_hole(task))
        ended = run(task.program(answer.text))
        items.append({"task_id": task.task_id, "text": answer.text, "ended": ended}
                     | {"shown": answer.shown})  # fmt: skip
        on_item(done, len(tasks))
    passed = [float(item["ended"] == PASSED) for item in items]
    exact = [
        float(str(item["text"]).rstrip() == task.canonical_solution.rstrip())
        for item, task in zip(items, tasks, strict=True)
        if task.canonical_solution is not None
    ]
    return {
        "n": len(items),
        "pass_at_1": mean(passed),
        "pass_at_1_ci": interval(passed, seed),
        "exact_match": mean(exact),
        "exact_match_ci": interval(exact, seed),
        "items": items,
    }


def measure_edits(
    tasks: Sequence[EditTask],
    rewrite: Callable[[EditRequest], Edit],
    seed: int,
    on_item: OnItem,
    *,
    run: Callable[[str], str] = run_program,
) -> dict[str, Any]:
    """Return the figures of the suite ``edits``, with the fields of the command's JSON.

    An edit that is refused counts as not passed; it is not run.

    Args:
        tasks: What to ask.
        rewrite: Edits lines.
        seed: Of the confidence interval.
        on_item: Called after every task.
        run: Runs a program and returns how it ended.
    """
    items: list[dict[str, Any]] = []
    for done, task in enumerate(tasks, 1):
        request = EditRequest(task.path, task.text, task.first, task.last, task.instruction)
        edit = rewrite(request)
        edited = request.applied(edit.text)
        ended = "refused" if edit.refused is not None else run(task.program(edited))
        items.append(
            {
                "name": task.name,
                "text": edit.text,
                "ended": ended,
                "refused": edit.refused,
                "parses": edit.parses,
            }
        )
        on_item(done, len(tasks))
    passed = [float(item["ended"] == PASSED) for item in items]
    return {
        "n": len(items),
        "passed": int(sum(passed)),
        "pass_at_1": mean(passed),
        "pass_at_1_ci": interval(passed, seed),
        "refused": sum(item["refused"] is not None for item in items),
        "items": items,
    }


def measure_situations(
    situations: Sequence[Situation], model: Answerer, on_item: OnItem
) -> dict[str, Any]:
    """Return the figures of the suite ``situations``, with the fields of the command's JSON.

    Args:
        situations: What to ask.
        model: Who answers, without a repository.
        on_item: Called after every situation.
    """
    items = []
    for done, situation in enumerate(situations, 1):
        answer = model.answer(_cursor(situation))
        items.append(_judged(situation, answer))
        on_item(done, len(situations))
    right = [item for item in items if item["right"]]
    shown = [item for item in items if item["shown"]]
    return {
        "n": len(items),
        "right": len(right),
        "shown": len(shown),
        "right_of_shown": sum(bool(item["right"]) for item in shown),
        "items": items,
    }


def _judged(situation: Situation, answer: CursorAnswer) -> dict[str, Any]:
    return {
        "name": situation.name,
        "text": answer.text,
        "right": situation.accepts(answer.text),
        "shown": answer.shown,
    }


def _hole(task: InfillTask) -> Question:
    question = Question(Path(), "solution.py", task.prompt, task.suffix, max_tokens=_LINE_TOKENS)
    if not task.multi_line:
        return question
    return replace(question, multi_line=True, max_tokens=_BLOCK_TOKENS)


def _cursor(situation: Situation) -> Question:
    return Question(Path(), situation.path, situation.prefix, situation.suffix)
