"""Which panes of `spark-tui watch` are shown, and which has the keyboard.  Knows no editor."""

from collections.abc import Callable, Sequence

from textual.geometry import Size
from textual.widget import Widget

from tui.screen_layout import ALL_PANES, pane_rows
from tui.widgets.pane_column import PaneColumn

__all__ = ["WatchParts"]


class WatchParts:
    """Shows all panes that have room, or one alone.

    Args:
        panes: The column, as wide as the terminal.
        modes: What F3 shows, one after another.
        mode: What is shown first.
        size: Tells the size of the terminal.
        focus: Gives the keyboard to a widget, or to none.
        watch: Told whether somebody sees the panes.
        keep: Told what is shown alone, for the next start.
    """

    def __init__(
        self,
        panes: PaneColumn,
        *,
        modes: Sequence[str],
        mode: str,
        size: Callable[[], Size],
        focus: Callable[[Widget | None], None],
        watch: Callable[[bool], None],
        keep: Callable[[str], None],
    ) -> None:
        self._panes = panes
        self._modes = modes
        self._mode = mode if mode in modes else ALL_PANES
        self._size = size
        self._focus = focus
        self._watch = watch
        self._keep = keep

    def arrange(self) -> None:
        """Fit the panes into the terminal."""
        self._panes.show_rows(pane_rows(self._size().height, self._mode, self._panes.rows))
        self._watch(True)

    def show(self, mode: str, *, keyboard: bool = True) -> None:
        """Show one pane alone, or all."""
        self._mode = mode
        self.arrange()
        self._keep(mode)
        if keyboard:
            self.focus_first(None if mode == ALL_PANES else mode)

    def next_pane(self) -> None:
        """Show the next pane alone, or all again."""
        here = self._modes.index(self._mode)
        self.show(self._modes[(here + 1) % len(self._modes)])

    def show_beside(self, name: str, *, keyboard: bool = True) -> None:
        """Show one pane alone, with the one that belongs to it."""
        self.show(name, keyboard=keyboard)

    def focus_editor(self) -> None:
        """Show all panes again."""
        self.show(ALL_PANES)

    def next_area(self) -> None:
        """Give the keyboard to the next pane that is shown."""
        seen = [target for target in self._panes.key_targets if _is_shown(target)]
        here = next((at for at, target in enumerate(seen) if target.has_focus), -1)
        if seen:
            self._focus(seen[(here + 1) % len(seen)])

    def focus_first(self, name: str | None) -> None:
        """Give the keyboard to a pane, or to the first that is shown."""
        targets = [pane.key_target for pane in self._panes if name in (None, pane.NAME)]
        self._focus(next((each for each in targets if each and _is_shown(each)), None))


def _is_shown(widget: Widget) -> bool:
    return all(each.display for each in widget.ancestors_with_self if isinstance(each, Widget))
