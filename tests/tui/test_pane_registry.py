"""What the list of panes must hold for layout, F3 and help."""

from tui.pane_registry import PANES
from tui.screen_layout import ALL_PANES


def test_every_pane_has_a_name_of_its_own_that_is_no_mode() -> None:
    names = [pane.NAME for pane in PANES]
    assert len(set(names)) == len(names)
    assert ALL_PANES not in names
    assert all(name.isidentifier() for name in names)


def test_every_pane_explains_itself() -> None:
    assert all(pane.TITLE and pane.HELP.startswith("**") for pane in PANES)


def test_some_pane_takes_the_rows_that_are_left() -> None:
    assert any(not pane.ROWS.by_height and pane.ROWS.minimum for pane in PANES)
