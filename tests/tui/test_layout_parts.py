import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.layout import FILL, PANE_MODES, arrange


def parts(width: int, height: int, **wishes):  # type: ignore[no-untyped-def]
    defaults = {"tree": None, "panes": None, "mode": "all", "newest": "panes"}
    return arrange(width, height, **(defaults | wishes))


def test_a_wide_terminal_shows_everything() -> None:
    seen = parts(120, 40)
    assert all((seen.tree, seen.panes, seen.deck, seen.wafer, seen.throughput, seen.memory))


def test_a_common_terminal_shows_editor_and_panes() -> None:
    seen = parts(80, 24)
    assert not seen.tree
    assert seen.panes
    assert 80 - seen.panes >= 40
    assert seen.throughput
    assert not seen.memory


def test_a_small_terminal_shows_the_editor_alone() -> None:
    seen = parts(40, 12)
    assert (seen.tree, seen.deck, seen.panes) == (0, True, 0)


@pytest.mark.parametrize("part", ["tree", "panes"])
def test_in_a_small_terminal_a_part_covers_the_editor(part: str) -> None:
    seen = parts(40, 12, **{part: True})
    assert getattr(seen, part) == 40
    assert not seen.deck


def test_what_was_asked_for_last_wins_where_both_cannot_be() -> None:
    assert parts(80, 24, tree=True, newest="tree").panes == 0
    assert parts(80, 24, tree=True, panes=True, newest="panes").tree == 0


def test_one_pane_alone() -> None:
    seen = parts(120, 40, mode="memory")
    assert (seen.wafer, seen.throughput, seen.memory) == (False, 0, FILL)
    assert seen.panes > parts(120, 40).panes


@given(
    width=st.integers(1, 300),
    height=st.integers(1, 100),
    tree=st.sampled_from([None, True, False]),
    panes=st.sampled_from([None, True, False]),
    mode=st.sampled_from(PANE_MODES),
    newest=st.sampled_from(["tree", "panes"]),
)
def test_widths_always_fit_and_something_is_seen(width, height, tree, panes, mode, newest) -> None:  # type: ignore[no-untyped-def]
    seen = arrange(width, height, tree=tree, panes=panes, mode=mode, newest=newest)
    assert seen.tree + seen.panes <= width
    assert seen.deck or seen.tree or seen.panes
    if seen.deck:
        assert width - seen.tree - seen.panes >= min(40, width)
