"""The actions of the tools around the editor, and what the tools hear of it.

Each tool is a flow of its own, made when it is first asked for.
"""

from collections.abc import Callable, Coroutine
from functools import cached_property, partial
from typing import TYPE_CHECKING

from textual.app import App
from textual.worker import Worker

from tui.widgets.deck import Deck
from tui.widgets.editor import Editor

if TYPE_CHECKING:
    from tui.flows.find_in_file import FindInFile
    from tui.widgets.find_bar import FindBar

__all__ = ["ToolActions"]


class ToolActions(App[None]):
    """The tools of the app that is built on it."""

    deck: Deck

    def run_safely(
        self, work: Callable[[], Coroutine[None, None, None]], group: str, exclusive: bool = False
    ) -> Worker[None]:
        """Do something in the background; see `tui.safe_app`."""
        raise NotImplementedError

    # ── find in the file ────────────────────────────────────────────────────────────────────

    @cached_property
    def finder(self) -> "FindInFile":
        """Finds in the visible file."""
        from tui.flows.find_in_file import FindInFile

        return FindInFile(self.deck, partial(self.run_safely, group="find", exclusive=True))

    @property
    def _finding(self) -> bool:
        return "finder" in vars(self)

    def action_find(self) -> None:
        """Find in the visible file."""
        self._open_finder(replacing=False)

    def action_replace(self) -> None:
        """Find and replace in the visible file."""
        self._open_finder(replacing=True)

    def action_find_next(self) -> None:
        """Go to the next match of what was looked for last."""
        self._step_finder(forward=True)

    def action_find_previous(self) -> None:
        """Go to the match before."""
        self._step_finder(forward=False)

    def _open_finder(self, *, replacing: bool) -> None:
        if len(self.screen_stack) == 1:
            self.run_safely(partial(self.finder.open, replacing=replacing), group="find-bar")

    def _step_finder(self, *, forward: bool) -> None:
        if len(self.screen_stack) == 1:
            self.run_safely(partial(self.finder.step, forward=forward), group="find-bar")

    def on_find_bar_changed(self) -> None:
        """Follow what is typed into the bar."""
        self.finder.changed()

    def on_find_bar_stepped(self, event: "FindBar.Stepped") -> None:
        """Go to another match."""
        self._step_finder(forward=event.forward)

    def on_find_bar_replace_asked(self, event: "FindBar.ReplaceAsked") -> None:
        """Replace one match, or all."""
        work = self.finder.replace_all if event.everywhere else self.finder.replace_one
        self.run_safely(work, group="find-bar")

    def on_find_bar_closed(self) -> None:
        """Take the bar away."""
        self.finder.close()

    # ── what the tools hear ─────────────────────────────────────────────────────────────────

    def on_deck_changed(self) -> None:
        """Follow the visible file."""
        if self._finding:
            self.finder.follow()

    def on_editor_edited(self, event: Editor.Edited) -> None:
        """Follow an edit."""
        if self._finding:
            self.finder.edited()
