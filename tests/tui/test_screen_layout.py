"""Which parts are visible at which size."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.screen_layout import ALL_PANES, FILL, PaneRows, Parts, Wishes, arrange

PANES = {
    "map": PaneRows(minimum=10),
    "rates": PaneRows(by_height=((46, 15), (36, 11), (23, 7))),
    "memory": PaneRows(by_height=((46, 13), (36, 12))),
}


def parts(width: int, height: int, **wishes: Any) -> Parts:
    return arrange(width, height, Wishes(**wishes), PANES)


def test_a_wide_terminal_shows_everything() -> None:
    seen = parts(160, 40)
    assert all((seen.tree, seen.panes, seen.deck))
    assert seen.pane_rows == {"map": FILL, "rates": 11, "memory": 12}


@pytest.mark.parametrize("width", range(40, 260, 7))
def test_code_has_a_hundred_columns_before_anything_grows(width: int) -> None:
    seen = parts(width, 40)
    editor = width - seen.tree - seen.panes
    assert editor >= min(100, width) or (seen.tree, seen.panes) == (0, 34)
    assert bool(seen.panes) == (width >= 120)


def test_the_tree_shows_itself_where_no_code_wants_its_room() -> None:
    assert arrange(80, 24, Wishes(), PANES).tree == 0
    assert arrange(80, 24, Wishes(), PANES, code=False).tree == 22


def test_a_common_terminal_shows_the_editor_and_panes_that_are_asked_for() -> None:
    assert parts(80, 24) == Parts(tree=0, deck=True, panes=0, pane_rows=parts(80, 24).pane_rows)
    seen = parts(80, 24, panes=True)
    assert (seen.panes, seen.deck) == (34, True)
    assert seen.pane_rows == {"map": FILL, "rates": 7, "memory": 0}


@pytest.mark.parametrize(("width", "panes"), [(80, 36), (120, 54), (200, 96), (300, 96)])
def test_a_pane_beside_the_editor_has_the_column_alone(width: int, panes: int) -> None:
    seen = parts(width, 24, beside="memory", panes=False)
    assert (seen.deck, seen.panes) == (True, panes)
    assert seen.pane_rows == {"map": 0, "rates": 0, "memory": FILL}
    assert width - seen.tree - seen.panes >= 40


def test_in_a_small_terminal_it_covers_the_editor() -> None:
    seen = parts(60, 20, beside="memory")
    assert (seen.deck, seen.panes) == (False, 60)


def test_a_pane_that_is_shown_alone_is_none_of_all() -> None:
    seen = arrange(160, 60, Wishes(), PANES | {"talk": PaneRows(alone=True)})
    assert seen.pane_rows["talk"] == 0
    assert all(seen.pane_rows[name] for name in PANES)


def test_a_small_terminal_shows_the_editor_alone() -> None:
    seen = parts(40, 12)
    assert (seen.tree, seen.deck, seen.panes) == (0, True, 0)


@pytest.mark.parametrize("part", ["tree", "panes"])
def test_in_a_small_terminal_a_part_covers_the_editor(part: str) -> None:
    seen = parts(40, 12, **{part: True})
    assert getattr(seen, part) == 40
    assert not seen.deck


def test_what_was_asked_for_last_wins_where_one_part_is_all() -> None:
    assert parts(60, 24, tree=True, panes=True, newest="tree").panes == 0
    assert parts(60, 24, tree=True, panes=True, newest="panes").tree == 0


@pytest.mark.parametrize(
    ("width", "panes", "over", "columns"),
    [
        (80, False, True, 80),
        (100, None, True, 100),
        (120, None, True, 86),
        (120, False, True, 120),
        (140, None, True, 100),
        (140, False, False, 118),
        (160, None, False, 100),
    ],
)
def test_a_tree_that_is_asked_for_takes_no_columns_that_code_wants(
    width: int, panes: bool | None, over: bool, columns: int
) -> None:
    seen = parts(width, 40, tree=True, panes=panes)
    assert (seen.tree_over, seen.deck) == (over, True)
    assert width - seen.panes - (0 if over else seen.tree) == columns
    assert 22 <= seen.tree <= 34


@pytest.mark.parametrize("panes", [None, True, False])
def test_one_pane_is_the_whole_screen(panes: bool | None) -> None:
    seen = parts(120, 40, mode="memory", panes=panes)
    assert seen.pane_rows == {"map": 0, "rates": 0, "memory": FILL}
    assert (seen.tree, seen.deck, seen.panes) == (0, False, 120)


@given(
    width=st.integers(1, 300),
    height=st.integers(1, 100),
    tree=st.sampled_from([None, True, False]),
    panes=st.sampled_from([None, True, False]),
    mode=st.sampled_from([ALL_PANES, *PANES]),
    newest=st.sampled_from(["tree", "panes"]),
)
def test_widths_always_fit_and_something_is_seen(width, height, tree, panes, mode, newest) -> None:  # type: ignore[no-untyped-def]
    seen = parts(width, height, tree=tree, panes=panes, mode=mode, newest=newest)
    assert seen.tree + seen.panes <= width
    assert seen.deck or seen.tree or seen.panes
    if seen.deck:
        beside = 0 if seen.tree_over else seen.tree
        assert width - beside - seen.panes >= min(40, width)


@pytest.mark.parametrize("height", range(1, 80))
def test_a_pane_too_many_leaves_the_map_its_rows(height: int) -> None:
    crowd = PANES | {"one more": PaneRows(by_height=((40, 9), (20, 5)))}
    rows = arrange(120, height, Wishes(), crowd).pane_rows
    assert rows["map"] == FILL
    taken = sum(count for count in rows.values() if count != FILL)
    assert not taken or height - 1 - taken >= 10
    if not rows["one more"]:
        assert rows == arrange(120, height, Wishes(), PANES).pane_rows | {"one more": 0}
