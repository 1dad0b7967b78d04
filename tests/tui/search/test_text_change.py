"""A change of a text leads back to exactly that text, wherever lines begin and end."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tui.search.in_files import fingerprint
from tui.search.text_change import TextChange, TextPiece, with_piece

TEXTS = st.text("ab\n字", max_size=20)


@given(text=TEXTS, ends=st.tuples(st.integers(0, 20), st.integers(0, 20)), new=TEXTS)
def test_a_change_that_is_taken_back_leaves_nothing(
    text: str, ends: tuple[int, int], new: str
) -> None:
    start, end = (min(each, len(text)) for each in sorted(ends))
    lines = text.split("\n")
    piece = TextPiece(_place(text, start), _place(text, end), new)
    changed = with_piece(lines, piece)
    assert changed == text[:start] + new + text[end:]
    back = TextChange("a", Path("a"), fingerprint(lines), 1, lambda _: piece).taken_back(
        lines, piece
    )
    assert back.fingerprint == fingerprint(changed.split("\n"))
    assert back.goal == fingerprint(lines)
    assert with_piece(changed.split("\n"), back.piece(changed.split("\n"))) == text


def _place(text: str, offset: int) -> tuple[int, int]:
    last = text[:offset].rpartition("\n")[2]
    return text[:offset].count("\n"), len(last)
