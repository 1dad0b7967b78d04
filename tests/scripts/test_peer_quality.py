"""Two sides' answers to the same tasks, pair by pair."""

from typing import Any

import pytest

from scripts.peer_quality import paired


def items(*ended: str) -> list[dict[str, Any]]:
    return [{"task_id": f"t/{number}", "ended": each} for number, each in enumerate(ended)]


def test_sides_are_compared_task_by_task() -> None:
    ours = items("passed", "passed", "passed", "AssertionError")
    theirs = items("passed", "time", "passed", "passed")[::-1]
    figures = paired(ours, theirs, seed=0)
    assert (figures["n"], figures["ours"], figures["theirs"]) == (4, 0.75, 0.75)
    assert (figures["gained"], figures["lost"], figures["difference"]) == (1, 1, 0.0)
    low, high = figures["difference_ci"]
    assert low < 0 < high


def test_answers_to_other_tasks_are_refused() -> None:
    with pytest.raises(SystemExit, match="other tasks"):
        paired(items("passed"), items("passed", "passed"), seed=0)
