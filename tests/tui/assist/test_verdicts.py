"""What counts as taken, and what as refused."""

import pytest

from tui.assist.verdicts import SeenText, verdict


def seen(left="return x"):
    text = SeenText("return x", -0.2, 10.0)
    text.now_left(left)
    return text


@pytest.mark.parametrize(
    ("left", "end", "seconds", "taken"),
    [
        ("return x", "accepted", 0.0, True),
        ("", "finished", 0.1, True),
        ("return x", "escape", 0.1, False),
        ("return x", "typed", 2.0, False),
        ("return x", "typed", 0.2, None),  # hardly seen
        ("urn x", "typed", 2.0, None),  # some of it was right
        ("return x", "moved", 9.0, None),
        ("return x", "blur", 9.0, None),
        ("return x", "undo", 9.0, None),
    ],
)
def test_a_verdict(left, end, seconds, taken):
    assert verdict(seen(left), end, 10.0 + seconds) is taken


def test_another_text_is_not_what_is_left():
    text = seen("raise")
    assert not text.kept
    assert text.is_same("return x + 1")
    assert text.is_same("urn x")
    assert not text.is_same("raise")
