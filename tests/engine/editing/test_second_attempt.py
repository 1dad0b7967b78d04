"""What a model is told about its edit, before it writes it once more."""

import pytest
from msgspec.structs import replace

from engine.editing.edit_checks import parses, why_refused
from engine.editing.second_attempt import complaint
from engine.protocol.completion import HostStats, WaferStats
from engine.protocol.editing import Edit, EditRequest

TEXT = """\
import os


class A:
    def f(self):
        return 1

    def g(self):
        return 2
"""
METHOD = EditRequest("a.py", TEXT, 5, 6, "Return 3.")
ADDING = EditRequest("a.py", TEXT, 5, 6, "Add a method h.")
WHOLE = EditRequest("a.py", TEXT, 4, 9, "Return 3.")
TIMES = HostStats(1.0, 1.0, 1.0, None), WaferStats("wse3", 0.85, "p", 1, 1, 1.0, 1.0, 0.1, 1)


def told(request: EditRequest, text: str, *, closed: bool = True) -> str | None:
    after = request.applied(text)
    refused = why_refused(request.path, request.text, after, closed=closed, tokens=9)
    readable = parses(request.path, request.text, after)
    return complaint(request, Edit(text, refused, readable, "m", 1, 1, *TIMES))


@pytest.mark.parametrize(
    ("request_", "text", "words"),
    [
        (METHOD, "    def f(self):\n        return (", "Python cannot read that: '(' was never"),
        (METHOD, "    def f(self):\n        return 1", "Nothing was changed. Return 3."),
        (METHOD, "class A:\n    def f(self):\n        return 3", "expected an indented block"),
        (METHOD, "    class A:\n        def f(self):\n            return 3", "without those that"),
        (WHOLE, "class A:\n    def f(self):\n        return 3", "`g` is missing"),
        (WHOLE, "x = 3", "`A`, `f`, `g` is missing"),
        (ADDING, "    def h(self):\n        return 3", "`f` is missing"),
    ],
    ids=[
        "unreadable",
        "unchanged",
        "head",
        "head, deeper",
        "method gone",
        "all gone",
        "in exchange",
    ],
)
def test_what_is_wrong_is_said(request_: EditRequest, text: str, words: str) -> None:
    assert words in str(told(request_, text))


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (METHOD, "    def f(self):\n        return 3"),
        (METHOD, "    def renamed(self):\n        return 3"),
        (METHOD, "    @property\n    def f(self):\n        return 3"),
        (replace(WHOLE, instruction="Remove g."), "class A:\n    def f(self):\n        return 3"),
        (replace(METHOD, path="a.js", text="f(\n" * 9), "g("),
        (METHOD, "    def f(self):\n        return '\u202e'"),
    ],
    ids=["right", "renamed", "decorated", "removed on request", "not Python", "unseen sign"],
)
def test_nothing_is_said_of_what_is_right_or_no_model_mends(
    request_: EditRequest, text: str
) -> None:
    assert told(request_, text) is None


def test_an_answer_without_an_end_is_asked_for_shorter() -> None:
    assert "too long" in str(told(METHOD, "x", closed=False))
