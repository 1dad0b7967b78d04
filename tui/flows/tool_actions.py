"""The actions of the tools around the editor, and what the tools hear of it.

Each tool is a flow of its own, made when it is first asked for.
"""

from functools import cached_property, partial
from typing import TYPE_CHECKING

from textual.binding import Binding

from tui.flows.code.jumps import Jumps
from tui.flows.files.file_actions import FileActions
from tui.flows.setting_actions import SettingActions
from tui.widgets.editor import Editor

if TYPE_CHECKING:
    from tui.flows.files.find_in_file import FindInFile
    from tui.flows.files.find_in_files import FindInFiles
    from tui.screens.find_in_files import FindInFilesScreen
    from tui.widgets.find_bar import FindBar

__all__ = ["ToolActions"]

_BAR_FIRST = frozenset({"why", "ask"})
"""Actions whose keys mean something of its own in the find bar."""
_ANYWHERE = frozenset({"quit", "help"})
"""The app's actions whose keys also work while a screen is over it.  Any other would change a file
that is covered, or move the keyboard to it."""


class ToolActions(FileActions, SettingActions):
    """The tools of the app that is built on it."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave the keys to a screen that is over the app, and some to the find bar."""
        if len(self.screen_stack) > 1 and action in self._covered:
            return False
        if action in _BAR_FIRST and self._is_in_bar():
            return False
        return super().check_action(action, parameters)

    @cached_property
    def _covered(self) -> frozenset[str]:
        """The actions whose keys rest while a screen is over the app."""
        keys = (binding for binding in self.BINDINGS if isinstance(binding, Binding))
        return frozenset(binding.action.partition("(")[0] for binding in keys) - _ANYWHERE

    def _is_in_bar(self) -> bool:
        """Return whether the keyboard is in a find bar, or in the screen that has one."""
        above = self.focused.ancestors if self.focused is not None else ()
        return any(each.id == "find-files" or each.has_class("find-bar") for each in above)

    # ── find in the file ────────────────────────────────────────────────────────────────────

    @cached_property
    def finder(self) -> "FindInFile":
        """Finds in the visible file."""
        from tui.flows.files.find_in_file import FindInFile

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
        self.run_safely(partial(self.finder.open, replacing=replacing), group="find-bar")

    def _step_finder(self, *, forward: bool) -> None:
        self.run_safely(partial(self.finder.step, forward=forward), group="find-bar")

    def on_find_bar_changed(self) -> None:
        """Follow what is typed into the bar."""
        self.finder.changed()

    def on_find_bar_entered(self) -> None:
        """Go to the next match."""
        self._step_finder(forward=True)

    def on_find_bar_stepped(self, event: "FindBar.Stepped") -> None:
        """Go to another match."""
        self._step_finder(forward=event.forward)

    def on_find_bar_replace_asked(self, event: "FindBar.ReplaceAsked") -> None:
        """Replace one match, or all."""
        work = self.finder.replace_all if event.everywhere else self.finder.replace_one
        self.run_safely(work, group="find-bar")

    def on_find_bar_undo_asked(self) -> None:
        """Take a replacement back without leaving the bar."""
        self.finder.undo()

    def on_find_bar_closed(self) -> None:
        """Take the bar away."""
        self.finder.close()

    # ── find in the repository ──────────────────────────────────────────────────────────────

    @cached_property
    def files_finder(self) -> "FindInFiles":
        """Finds in the files of the repository."""
        from tui.flows.files.find_in_files import FindInFiles

        return FindInFiles(
            self,
            self.deck,
            self.rules,
            jumps=self.jumps,
            private_patterns=lambda: self.settings.privacy.extra_patterns,
            run=partial(self.run_safely, group="find-files", exclusive=True),
        )

    def action_find_in_files(self) -> None:
        """Find in the files of the repository."""
        self.run_safely(self.files_finder.open, group="find-bar")

    def on_find_in_files_screen_wanted(self, event: "FindInFilesScreen.Wanted") -> None:
        """Look for something else."""
        self.files_finder.wanted(event.query)

    def on_find_in_files_screen_opened(self, event: "FindInFilesScreen.Opened") -> None:
        """Show what was found."""
        self.run_safely(partial(self.files_finder.opened, event.row), group="files")

    def on_find_in_files_screen_replace_wanted(
        self, event: "FindInFilesScreen.ReplaceWanted"
    ) -> None:
        """Replace in many files."""
        work = partial(self.files_finder.replace, event.found, event.replacement)
        self.run_safely(work, group="files")

    def on_find_in_files_screen_take_back_wanted(self) -> None:
        """Take the newest replacement back."""
        self.action_take_back_replacement()

    def action_take_back_replacement(self) -> None:
        """Take the newest replacement in many files back, in those that are closed, too."""
        self.run_safely(self.files_finder.take_back, group="files")

    # ── there and back ──────────────────────────────────────────────────────────────────────

    @cached_property
    def jumps(self) -> Jumps:
        """Shows places, and leads back."""
        return Jumps(self.deck, self.flows.open)

    def action_go_back(self) -> None:
        """Go back to where the last jump began."""
        self.run_safely(self._go_back, group="files")

    def action_go_forward(self) -> None:
        """Go again to where the person came back from."""
        self.run_safely(self._go_forward, group="files")

    async def _go_back(self) -> None:
        if not await self.jumps.back():
            self.notify("this is where you began: no jump leads further back", timeout=3)

    async def _go_forward(self) -> None:
        if not await self.jumps.forward():
            self.notify("this is the newest place: no jump leads further on", timeout=3)

    # ── what the tools hear ─────────────────────────────────────────────────────────────────

    def on_deck_changed(self) -> None:
        """Follow the visible file."""
        if self._finding:
            self.finder.follow()

    def on_editor_edited(self, event: Editor.Edited) -> None:
        """Follow an edit."""
        if self._finding:
            self.finder.edited()
