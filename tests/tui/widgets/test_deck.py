"""The open files, where the rest of the screen is gone already."""

from tui.widgets.deck import Deck


def test_a_last_edit_is_heard_when_the_tabs_are_gone() -> None:
    Deck().show_unsaved()
