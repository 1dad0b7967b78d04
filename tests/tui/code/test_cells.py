"""Columns and cells."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from engine.visible_text import visible
from tui.code.cells import cell_of_column, cell_offsets, column_of_cell, line_width
from tui.code.painter import paint

LINES = st.text("ab 字😀é\t\x1b\u0301\u200d\ufe0f❤👩\u202e", max_size=30)


@given(LINES, st.integers(1, 8))
def test_offsets_agree_with_the_width_of_what_is_drawn(line: str, tab: int) -> None:
    offsets = cell_offsets(line, tab)
    assert len(offsets) == len(line) + 1
    assert list(offsets) == sorted(offsets)
    drawn = "".join(
        segment.text for segment in paint(line, [], Style(), left=0, width=300, tab_width=tab)
    )
    assert cell_len(drawn) == 300
    assert line_width(line, tab) == offsets[-1]
    if not set("\t\u200d\ufe0f\u0301") & set(line):
        assert drawn.rstrip() == visible(line, kept="\t").rstrip()


@given(LINES, st.integers(1, 8))
def test_a_cell_leads_back_to_its_column(line: str, tab: int) -> None:
    offsets = cell_offsets(line, tab)
    for column in range(len(line)):
        if offsets[column + 1] > offsets[column]:
            found = column_of_cell(line, offsets[column], tab)
            assert offsets[found] == offsets[column]
            assert cell_of_column(line, found, tab) == offsets[column]
    assert column_of_cell(line, offsets[-1] + 5, tab) == len(line)
    assert column_of_cell(line, -3, tab) in (
        0,
        *(c for c in range(len(line) + 1) if offsets[c] == 0),
    )
