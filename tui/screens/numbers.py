"""The numbers screen: what became of suggestions on this computer, by time, model and file."""

import datetime as dt
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.assist.numbers.counts import DAYS, DailyCounts, KindCounts, total
from tui.visuals.numbers_text import counts_text, kinds_text
from tui.widgets.theme_inks import inks_of

__all__ = ["NumbersScreen"]

_PERIODS = {"today": 1, "7 days": 7, f"{DAYS} days": DAYS}


class NumbersScreen(ModalScreen[str | None]):
    """Shows counts; is dismissed with ``"clear"`` if the person wants them forgotten.

    Args:
        counts: All that is kept.
        today: The day it is.
    """

    DEFAULT_CSS = """
    NumbersScreen #numbers-figures { height: 8; }
    NumbersScreen #numbers-kinds { height: auto; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss(None)", "close", show=False),
        Binding("up", "select(-1)", show=False),
        Binding("down", "select(1)", show=False),
        Binding("t,tab", "next_period", show=False),
        Binding("c", "dismiss('clear')", show=False),
    ]

    def __init__(self, counts: DailyCounts, today: dt.date) -> None:
        super().__init__()
        self._counts = counts
        self._today = today
        self._period = len(_PERIODS) - 1
        self._selected = 0

    def compose(self) -> ComposeResult:
        """Lay out the figures above the kinds."""
        with Vertical(classes="dialog numbers") as box:
            box.border_title = "numbers: counted here, kept here, no text in them"
            box.border_subtitle = "↑ ↓ kind · t time · c clears · Esc closes"
            yield Static(id="numbers-figures")
            yield Static(id="numbers-kinds")

    def on_mount(self) -> None:
        """Fill in the figures."""
        self._show()

    def action_select(self, step: int) -> None:
        """Show the figures of another kind."""
        self._selected = max(0, min(len(self._rows()) - 1, self._selected + step))
        self._show()

    def action_next_period(self) -> None:
        """Show today, the last days, or all."""
        self._period = (self._period + 1) % len(_PERIODS)
        self._selected = 0
        self._show()

    def _rows(self) -> list[KindCounts]:
        """Return all kinds together, then each."""
        name, days = list(_PERIODS.items())[self._period]
        kinds = self._counts.kinds(self._today - dt.timedelta(days=days - 1))
        return [KindCounts(f"all, {name}", "", total(kinds)), *kinds]

    def _show(self) -> None:
        rows, inks = self._rows(), inks_of(self)
        figures = counts_text(rows[self._selected].counts, inks)
        self.query_one("#numbers-figures", Static).update(figures)
        self.query_one("#numbers-kinds", Static).update(kinds_text(rows, self._selected, inks))
