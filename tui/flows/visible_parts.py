"""Which parts of the screen are visible, and which of them has the keyboard.

`tui.screen_layout` decides by numbers what has room; here a person's wishes are kept and met.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

from textual.geometry import Size
from textual.widget import Widget

from tui.screen_layout import ALL_PANES, Wishes, arrange
from tui.settings import Settings
from tui.widgets.deck import Deck, OpenFile
from tui.widgets.pane_column import PaneColumn
from tui.widgets.repo_tree import RepoTree

__all__ = ["VisibleParts"]


class VisibleParts:
    """Shows and hides tree, editor and panes.

    Args:
        tree: On the left.
        deck: In the middle.
        panes: On the right.
        modes: What F3 shows, one after another.
        settings: What is shown at the start.
        size: Tells the size of the terminal.
        focus: Gives the keyboard to a widget, or to none.
        watch: Told whether somebody sees the panes.
    """

    def __init__(
        self,
        tree: RepoTree,
        deck: Deck,
        panes: PaneColumn,
        *,
        modes: Sequence[str],
        settings: Settings,
        size: Callable[[], Size],
        focus: Callable[[Widget | None], None],
        watch: Callable[[bool], None],
    ) -> None:
        self._tree = tree
        self._deck = deck
        self._panes = panes
        self._modes = modes
        self._size = size
        self._focus = focus
        self._watch = watch
        self._file: OpenFile | None = None
        self._wishes = Wishes(
            tree=None if settings.editor.tree else False,
            panes=None if settings.panes.visible else False,
        )

    def arrange(self) -> None:
        """Show the parts that have room; watch the engine only while panes are visible."""
        width, height = self._size()
        code = self._deck.current is not None
        parts = arrange(width, height, self._wishes, self._panes.rows, code=code)
        self._tree.display, self._tree.styles.width = parts.tree > 0, parts.tree
        self._tree.set_class(parts.tree_over, "over")
        self._panes.display, self._panes.styles.width = parts.panes > 0, parts.panes
        self._panes.can_focus = not parts.deck and parts.panes > 0
        self._deck.display = parts.deck
        self._panes.show_rows(parts.pane_rows)
        self._watch(parts.panes > 0)

    def file_shown(self) -> None:
        """Make room for another file than the one before, also where a pane fills the screen."""
        if self._deck.current is not self._file:
            self._file = self._deck.current
            self._wishes.mode = ALL_PANES
            self.arrange()

    @property
    def tree_covers(self) -> bool:
        """Whether the tree covers the editor, or the beginning of its lines."""
        return self._tree.display and (self._tree.has_class("over") or not self._deck.display)

    def uncover_editor(self) -> None:
        """Hide a tree that covers the editor."""
        if self.tree_covers:
            self._wishes.tree = None
            self.arrange()

    def toggle_tree(self) -> bool | None:
        """Show the tree and go to it, or hide it.

        Returns:
            Whether it is wanted from now on; None if it only covers the editor for a while.
        """
        covered, shown = self.tree_covers, not self._tree.display
        self._wish("tree", tree=None if covered else shown)
        self.focus_first(*((self._tree,) if shown else ()))
        return None if covered or self.tree_covers else shown

    def toggle_panes(self) -> bool:
        """Show or hide the panes; return which."""
        shown = not self._panes.display
        self._wish("panes", panes=shown, beside="")
        self.focus_first()
        return shown

    def next_pane(self) -> None:
        """Show the next pane alone on the whole screen, or all parts again.

        The first is the one with the keyboard; leaving it leads back to where it was.
        """
        here = self._modes.index(self._wishes.mode)
        mode = self._modes[(here + 1) % len(self._modes)]
        looked_at = self._pane_with_keyboard
        if self._wishes.mode == ALL_PANES and looked_at in self._modes:
            self._wish("panes", mode=looked_at)
        else:
            self._wish("panes", mode=mode, beside="")
        self._focus_mode()

    def _focus_mode(self) -> None:
        """Give the keyboard to the pane that fills the screen; to the editor where none does."""
        shown = [pane.key_target for pane in self._panes if self._wishes.mode == pane.NAME]
        targets = self._panes.key_targets if self._wishes.mode != ALL_PANES else []
        self.focus_first(*(target for target in (*shown, *targets) if target is not None))

    @property
    def _pane_with_keyboard(self) -> str:
        return next((pane.NAME for pane in self._panes if pane.has_focus_within), "")

    def focus_editor(self) -> None:
        """Give the keyboard back to the editor; a pane that fills the screen gives way."""
        if self._wishes.mode != ALL_PANES:
            self._wish("panes")
        if not self._deck.display and self._wishes.beside:
            self._wish("panes", beside="")
        self.uncover_editor()
        self.focus_first()

    def show_beside(self, name: str, *, keyboard: bool = True) -> None:
        """Show a pane beside the editor, and give it the keyboard, or leave that where it is."""
        self._wish("panes", beside=name)
        if not keyboard and self._deck.display:
            return
        targets = [pane.key_target for pane in self._panes if name == pane.NAME]
        self.focus_first(*(target for target in targets if target is not None))

    def next_area(self) -> None:
        """Move the keyboard on: tree, editor, output of a program, panes."""
        output = self._deck.query("OutputList")
        areas = [self._tree, self._editor, *output, *self._panes.key_targets]
        seen = [area for area in areas if area is not None and area.is_on_screen]
        here = next((i for i, area in enumerate(seen) if area.has_focus_within), -1)
        if self._deck.display:
            self.uncover_editor()
        self.focus_first(*seen[here + 1 :], *seen[:1])

    def focus_first(self, *widgets: Widget) -> None:
        """Give the keyboard to the first visible one of the widgets, the editor and the rest."""
        everything = (*widgets, self._editor, self._tree, self._panes)
        self._focus(next((widget for widget in everything if widget and _is_shown(widget)), None))

    @property
    def _editor(self) -> Widget | None:
        file = self._deck.current
        return None if file is None else file.editor

    def _wish(
        self,
        newest: Literal["tree", "panes"],
        *,
        mode: str = ALL_PANES,
        **shown: Any,
    ) -> None:
        """Note what the person wants to see from now on, and show it."""
        self._wishes = replace(self._wishes, newest=newest, mode=mode, **shown)
        self.arrange()


def _is_shown(widget: Widget) -> bool:
    """Return whether a widget and all that it lies in are shown; it may have no size yet."""
    return all(each.display for each in widget.ancestors_with_self if isinstance(each, Widget))
