"""The words under the wafer map, and where its legends can be clicked."""

import pytest

from tests.tui.visuals.inks import INKS
from tui.demo_engine import demo_ready
from tui.visuals.map_kinds import MAP_KINDS, kind_named
from tui.visuals.map_text import (
    amount_legend,
    kind_caption,
    owner_entry_at,
    owner_legend,
    value_text,
)
from tui.visuals.wafer_text import legend_text, state_at, state_name

MACHINE = demo_ready().machine


@pytest.mark.parametrize("width", [28, 40, 60, 96])
def test_a_click_on_a_state_finds_that_state(width: int) -> None:
    rows = legend_text([0.1] * 6, width, INKS).plain.split("\n")
    found = {}
    for row, line in enumerate(rows):
        for column in range(len(line)):
            found.setdefault(state_at(column, row, width), (column, row))
    assert set(found) - {None} == set(range(6))
    for state in range(6):
        column, row = found[state]
        assert rows[row][column] == "■"
    assert state_at(0, 3, width) is None


def test_the_state_that_is_shown_alone_stands_out() -> None:
    text = legend_text([0.1] * 6, 60, INKS, alone=4)
    bold = [text.plain[s.start : s.end].strip() for s in text.spans if "bold" in str(s.style)]
    assert bold == ["stalled on pipe"]
    assert state_name(4) == "stall pipe"


@pytest.mark.parametrize("width", [28, 60])
def test_a_click_on_an_owner_finds_that_region(width: int) -> None:
    rows = owner_legend(MACHINE.regions, None, width, INKS).plain.split("\n")
    for row, line in enumerate(rows):
        for column, sign in enumerate(line):
            if sign == "■":
                number = owner_entry_at(MACHINE.regions, column, row, width)
                assert number is not None
                label = MACHINE.regions[number].label
                assert line[column + 2 :].startswith(label)
    assert owner_entry_at(MACHINE.regions, 0, 3, width) is None


def test_every_kind_is_said_in_the_room_there_is() -> None:
    for kind in MAP_KINDS:
        for width in (24, 80):
            assert kind_caption(kind, "", width, INKS).cell_len <= width
    assert "against wse2" in kind_caption(kind_named("change"), "wse2", 80, INKS).plain


def test_a_scale_is_three_lines_from_dark_to_bright() -> None:
    lines = amount_legend(kind_named("SRAM"), ["one", "two", "three"], 60, INKS).plain.split("\n")
    assert lines[0].startswith("empty █")
    assert lines[0].endswith("█ full")
    assert lines[1:] == ["one", "two"]


def test_values_have_their_units() -> None:
    assert value_text(kind_named("SRAM"), [2 * 42_872], 2, MACHINE) == "41.9 KB of 48.0 KB"
    assert value_text(kind_named("links"), [1_234], 0, MACHINE) == "1.23k wavelets"
    assert value_text(kind_named("age"), [1_234], 1, MACHINE) == "1 234 cycles ago"
    assert value_text(kind_named("state"), None, 1, MACHINE) == ""
    assert value_text(kind_named("SRAM"), [0], 0, MACHINE) == ""
