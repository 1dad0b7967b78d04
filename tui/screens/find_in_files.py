"""The screen that finds in the files of the repository: what to find, above what was found.

Shows and asks; the search and the files are for the flow that is behind it.
"""

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen

from tui.search.found_rows import FoundRow, FoundRows
from tui.search.query import Query, QueryError, compiled
from tui.search.replacement import Replacement
from tui.visuals.found_text import found_sum_text
from tui.widgets.find_bar import FindBar
from tui.widgets.found_list import FoundList

__all__ = ["FindInFilesScreen"]

_KEYS = "Enter opens  Tab list  Ctrl+R replace  Esc closes"
_KEYS_REPLACING = "Tab list: Space ticks, Enter opens  Ctrl+Z takes back  Esc closes"


class FindInFilesScreen(ModalScreen[None]):
    """Finds in files; it is kept, with what was found, while it is out of sight.

    Args:
        history: What was looked for before, the newest last.
    """

    DEFAULT_CSS = """
    FindInFilesScreen {
        #find-files {
            width: 96%;
            height: 96%;
            border: round $primary;
            background: $panel;
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("alt+a", "replace_all", "replace all that is ticked", priority=True,
                id="files.replace_all"),
        Binding("escape", "hide", "back to the editor", id="files.close"),
        Binding("f9", "begin", "find something else", priority=True, id="files.find"),
        Binding("ctrl+r", "replace", "show or hide the replacement", priority=True,
                id="files.replace"),
        Binding("ctrl+z", "take_back", "take the newest replacement back in all its files",
                id="files.take_back"),
    ]  # fmt: skip

    @dataclass
    class Wanted(Message):
        """Something else is to be found; an empty query wants nothing."""

        query: Query

    @dataclass
    class Opened(Message):
        """The person wants to see a place in a file."""

        row: FoundRow

    @dataclass
    class ReplaceWanted(Message):
        """The person wants all ticked matches replaced."""

        found: FoundRows
        replacement: Replacement

    class TakeBackWanted(Message):
        """The person wants the newest replacement taken back."""

    def __init__(self, history: list[str]) -> None:
        super().__init__()
        self._history = history
        self._last = Query("")
        self.replaced_now = False
        """Whether the rows on the screen were replaced, and so are no longer in the files."""
        self._outdated = False
        """Whether the rows on the screen were found for another query."""
        self._open_first = False
        """Whether to open the first match as soon as there is one."""

    def compose(self) -> ComposeResult:
        """Lay out the bar above the list."""
        with Vertical(id="find-files") as box:
            box.border_title = "find in the repository"
            box.border_subtitle = _KEYS
            yield FindBar(self._history, "Alt+A replaces what is ticked")
            yield FoundList()

    @property
    def bar(self) -> FindBar:
        """What is to be found."""
        return self.query_one(FindBar)

    @property
    def rows(self) -> FoundList:
        """What was found."""
        return self.query_one(FoundList)

    def begin(self, text: str) -> None:
        """Ask what to find; a text is taken for it.  What was replaced is looked for anew."""
        self.bar.begin(text, replacing=self.bar.replacement is not None, afresh=True)
        if self.replaced_now:
            self.post_message(self.Wanted(self._last))

    # ── what was found ──────────────────────────────────────────────────────────────────────

    def show_found(self, found: FoundRows) -> None:
        """Show the rows of a search that begins."""
        self.replaced_now = self._outdated = False
        self.rows.show(found)

    def show_progress(self, searched: int, unread: int, remark: str) -> None:
        """Show rows that came, and the count."""
        self.rows.grown()
        if self._open_first and self.rows.row_count:
            self._open_first = False
            self.rows.action_choose()
        self.bar.show_count(f"{self.rows.found.match_count:,}")
        self.bar.show_note(found_sum_text(self.rows.found, searched, unread, remark))

    def show_problem(self, words: str) -> None:
        """Say what is wrong with the query."""
        self.show_found(FoundRows())
        self.bar.show_count("")
        self.bar.show_note(words, problem=bool(words))

    def show_replaced(self, words: str, *, problem: bool) -> None:
        """Say what became of a replacement."""
        self.replaced_now = True
        self.bar.show_note(words, problem=problem)

    def show_taken_back(self, words: str, *, problem: bool) -> None:
        """Say what became of a replacement that was taken back; the same may be replaced again."""
        self.replaced_now = False
        self.bar.show_note(words, problem=problem)

    # ── what is asked for ───────────────────────────────────────────────────────────────────

    def on_find_bar_changed(self, event: FindBar.Changed) -> None:
        """Find something else, or show another replacement."""
        event.stop()
        if self.bar.query_now != self._last:
            self._last = self.bar.query_now
            self._outdated, self._open_first = True, False
            self.post_message(self.Wanted(self._last))
        self._preview()

    def on_find_bar_entered(self, event: FindBar.Entered) -> None:
        """Open the row at the cursor, or the first match when it comes."""
        event.stop()
        if self._outdated or not self.rows.row_count:
            self._open_first = True
        else:
            self.rows.action_choose()

    def on_find_bar_stepped(self, event: FindBar.Stepped) -> None:
        """Go into the list."""
        event.stop()
        self.rows.focus()
        self.rows.action_move(1 if event.forward else -1)

    def on_find_bar_closed(self, event: FindBar.Closed) -> None:
        """Go back to the editor."""
        event.stop()
        self.action_hide()

    def on_find_bar_replace_asked(self, event: FindBar.ReplaceAsked) -> None:
        """Replace what is ticked; Enter alone goes to the list, where ticks are set."""
        event.stop()
        if not event.everywhere:
            self.rows.focus()
            return
        replacement = self._replacement()
        if replacement is not None and not self.replaced_now:
            self.post_message(self.ReplaceWanted(self.rows.found, replacement))

    def on_find_bar_undo_asked(self, event: FindBar.UndoAsked) -> None:
        """Take the newest replacement back, not the last change of a file that is covered."""
        event.stop()
        self.action_take_back()

    def on_row_list_chosen(self, event: FoundList.Chosen) -> None:
        """Open a row's file."""
        event.stop()
        self.bar.remember()
        self.post_message(self.Opened(self.rows.found[event.row]))

    def action_hide(self) -> None:
        """Go back to the editor; what was found stays."""
        self.bar.remember()
        self._open_first = False
        self.app.pop_screen()

    def action_replace_all(self) -> None:
        """Replace what is ticked, wherever the keyboard is."""
        self.bar.action_replace_all()

    def action_take_back(self) -> None:
        """Ask for the newest replacement to be taken back in all its files."""
        self.post_message(self.TakeBackWanted())

    def action_begin(self) -> None:
        """Take the keyboard to what is to be found."""
        self.bar.begin("", replacing=False)
        self._preview()

    def action_replace(self) -> None:
        """Show the line for the replacement, or take it away."""
        self.bar.begin("", replacing=self.bar.replacement is None)
        self._preview()

    def _preview(self) -> None:
        """Show what the replacement would make of each match."""
        replacement = self._replacement()
        replaces = self.bar.replacement is not None
        self.query_one("#find-files").border_subtitle = _KEYS_REPLACING if replaces else _KEYS
        self.rows.replacement_of = (
            None if replacement is None else lambda match: replacement.text_for(match.groups)
        )
        self.rows.refresh()

    def _replacement(self) -> Replacement | None:
        """Return what is to stand in place of matches; say so if that cannot be."""
        template, query = self.bar.replacement, self.bar.query_now
        if template is None or not query.text:
            return None
        try:
            return Replacement(template, compiled(query))
        except QueryError as error:
            self.bar.show_note(str(error), problem=True)
            return None
