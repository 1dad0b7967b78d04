"""What a question points at."""

import pytest
from msgspec.structs import replace

from engine.asking.pointing import pointed_at
from engine.protocol.asking import AskRequest

TEXT = """\
import sys

class C:
    size = 1

    def f(self):
        for x in y:
            if x:

                return 1
        return 2

    def g(self): ...

x = 1
"""
REQUEST = AskRequest("What does this do?", path="a.py", text=TEXT)


@pytest.mark.parametrize(
    ("line", "head"),
    [
        (1, None),
        (2, None),
        (3, "class C:"),
        (4, "class C:"),
        (5, "class C:"),
        (6, "def f(self):"),
        (8, "def f(self):"),
        (9, "def f(self):"),
        (10, "def f(self):"),
        (11, "def f(self):"),
        (13, "def g(self): ..."),
        (15, None),
        (99, None),
    ],
)
def test_the_innermost_definition_at_the_cursor_is_named(line: int, head: str | None) -> None:
    said = pointed_at(replace(REQUEST, line=line))
    assert (f"`{head}`" in said) if head else not said


@pytest.mark.parametrize("text", ["fn a() {\n    b();\n}", "export function a() {\n\tb()\n}"])
def test_other_languages_have_definitions_too(text: str) -> None:
    said = pointed_at(AskRequest("Is it fast?", path="a", text=text, start=11, line=12))
    assert text.split("\n")[0] in said
    assert "line 11 of" in said


def test_only_a_question_that_points_is_told() -> None:
    assert pointed_at(replace(REQUEST, line=7))
    assert not pointed_at(replace(REQUEST, line=7, question="Where is the socket opened?"))
    assert not pointed_at(replace(REQUEST, line=7, first=7, last=8))
    assert not pointed_at(replace(REQUEST, line=7, path=""))
