"""Fences around blocks of code."""

import pytest

from engine.chat.fence import Fence


def test_a_fence_is_none_of_the_text() -> None:
    fence = Fence.around("```py\n````\n", "a.md")
    assert fence.block("x") == "`````markdown\nx\n`````"
    assert Fence.around("", "Makefile").opening == "```\n"
    assert Fence.around("", "a.go").opening == "```go\n"


@pytest.mark.parametrize(
    ("answer", "inside", "closed"),
    [
        ("x = 1\n```", "x = 1", True),
        ("x = 1\n```\nThat is all.", "x = 1", True),
        ("x = 1\n", "x = 1\n", False),
        ("```", "", True),
        ("a ``` b", "a ``` b", False),
        ("", "", False),
    ],
)
def test_what_stands_in_a_block(answer: str, inside: str, closed: bool) -> None:
    assert Fence("```", "").inside(answer) == (inside, closed)
