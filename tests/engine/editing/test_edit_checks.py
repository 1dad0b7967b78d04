"""What speaks against an edit before anybody sees it."""

import pytest

from engine.editing.edit_checks import why_refused


def refused(before: str, after: str) -> str | None:
    return why_refused("a.py", before, after, closed=True, tokens=9)


@pytest.mark.parametrize(
    ("sign", "code"),
    [("\u202e", "U+202E"), ("\x9b", "U+009B"), ("\x1b", "U+001B"), ("\u200b", "U+200B")],
)
def test_no_edit_brings_in_what_cannot_be_seen(sign: str, code: str) -> None:
    assert code in (refused("x = 'a'\n", f"x = 'a{sign}'\n") or "")
    # what the person's file has already may stay, move or go
    assert refused(f"x = 'a{sign}'\n", f"y = '{sign}a'\n") is None
    assert refused(f"x = 'a{sign}'\n", "x = 'a'\n") is None
    assert code in (refused(f"x = 'a{sign}'\n", f"x = 'a{sign}{sign}'\n") or "")


def test_tabs_and_joiners_are_no_secret() -> None:
    assert refused("x = ''\n", "if 1:\n\tx = '👩\u200d👧'\n") is None
