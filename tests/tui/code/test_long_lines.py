"""Rulers of long lines against measuring the whole line, and what a key makes them look at."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.style import Style

from tui.code import cells, long_lines
from tui.code.long_lines import Ruler, measured, ruler_of
from tui.code.painter import paint

PIECES = "ab 字😀é\t\x1b\u0301\u200d\ufe0f❤👩\u202e"
TEXTS = st.text(PIECES, max_size=30)
EDITS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9), TEXTS), max_size=6)


@pytest.fixture(autouse=True)
def no_rulers() -> Iterator[None]:
    long_lines._recent.clear()
    yield
    long_lines._recent.clear()


@pytest.fixture(scope="module")
def short_spans() -> Iterator[None]:
    """Marks so near to each other that graphemes and tabs lie across them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_lines, "_SPAN", 3)
        patch.setattr(cells, "LONG", -1)
        patch.setattr(long_lines, "_PROBE", 0)
        yield


@settings(max_examples=60, deadline=None, derandomize=True)
@given(TEXTS, EDITS, st.integers(1, 8))
def test_an_edited_line_measures_like_a_new_one(
    short_spans: None, text: str, edits: list[tuple[int, int, str]], tab: int
) -> None:
    for at, length, new in (*edits, (0, 0, "")):
        whole = list(measured(text, 0, tab))
        ruler = ruler_of(text, tab)
        assert [ruler.cell_of_column(column) for column in range(len(text) + 1)] == whole
        assert ruler.width == whole[-1] == cells.line_width(text, tab)
        assert ruler._columns == sorted(set(ruler._columns))
        for cell in range(whole[-1] + 2):
            expected = len(text) if cell >= whole[-1] else _last_at(whole, cell)
            assert cells.column_of_cell(text, cell, tab) == expected
        text = text[:at] + new + text[at + length :]


def _last_at(whole: list[int], cell: int) -> int:
    """Return the last column that starts at the cell or left of it."""
    return max(column for column, start in enumerate(whole) if start <= cell)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(TEXTS, st.integers(0, 40), st.integers(1, 20), st.integers(1, 8))
def test_a_long_line_is_drawn_as_a_short_one(
    short_spans: None, text: str, left: int, width: int, tab: int
) -> None:
    def drawn() -> str:
        segments = paint(text, [], Style(), left=left, width=width, tab_width=tab)
        return "".join(segment.text for segment in segments)

    long = drawn()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "LONG", 1_000)
        assert drawn() == long


FAR = 20_000
LINES: dict[str, Callable[[int], str]] = {
    "ascii": lambda n: "x" * 2 * n,
    "accent": lambda n: "x" * n + "é" + "x" * n,
    "tab": lambda n: "x" * n + "\t" + "x" * n,
    "tabs": lambda n: "a\t" * n,
    "wide": lambda n: "字" * 2 * n,
    "joined": lambda n: "👩\u200d👧" * n,
    "control": lambda n: "\x1b[31m" * n,
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_a_key_looks_at_as_much_in_a_line_of_any_length(
    line: Callable[[int], str], place: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = 0

    def simple(text: str) -> bool:
        nonlocal looked
        looked += len(text)
        return text.isascii() and text.isprintable()

    monkeypatch.setattr(long_lines, "is_simple", simple)
    monkeypatch.setattr(cells, "is_simple", simple)
    text = line(FAR)
    cells.line_width(text, 4)
    column = round(place * len(text))
    before = looked
    for key in "yz":
        text = text[:column] + key + text[column:]
        column += 1
        cells.line_width(text, 4)
        cell = cells.cell_of_column(text, column, 4)
        ghost = f"{text[:column]}abc{text[column:]}"
        left = max(0, cell - 50)
        paint(ghost, [], Style(), left=left, width=100, tab_width=4)
        assert abs(cells.column_of_cell(text, cell, 4) - column) <= 1
    assert looked - before < 8_000


def test_a_grapheme_of_a_thousand_columns_is_one() -> None:
    text = "a" + "\u0301" * 1_500 + "b" * 600
    ruler = Ruler(text, 4)
    assert ruler.width == 601
    assert [ruler.cell_of_column(column) for column in (0, 1, 1_500, 1_501, 1_502)] == [
        0,
        1,
        1,
        1,
        2,
    ]
    edited = ruler.edited(f"c{text}", 0, len(text))
    assert edited.cell_of_column(1_502) == 2


def test_what_is_kept_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(100):
        ruler_of(f"{number}" * 600, 4)
    assert len(long_lines._recent) == long_lines._RULERS
    monkeypatch.setattr(long_lines, "_CHARACTERS", 20_000)
    for number in range(8):
        ruler_of(f"{number}" * 10_000, 4)
    assert len(long_lines._recent) == long_lines._FEW_RULERS
