"""Brings a block of code from an answer into the visible file, at a key of the person's."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import App

from tui.assist.code_fitting import inserted_text, lines_to_replace, plain_code, replacing_text
from tui.assist.conversation import AskedTurn
from tui.widgets.deck import Deck, OpenFile

if TYPE_CHECKING:
    from tui.widgets.ask_answer import AnswerCode

__all__ = ["AskCode"]


class AskCode:
    """What the keys on a block of code do.

    Args:
        app: Shows notices and has the clipboard.
        deck: The open files.
        path_of: Returns a file's path as the model reads it.
        offer: Shows lines as a change of the lines from the first to the last, from 1.
    """

    def __init__(
        self,
        app: App[None],
        deck: Deck,
        path_of: Callable[[OpenFile], str],
        offer: Callable[[int, int, str], None],
    ) -> None:
        self._app = app
        self._deck = deck
        self._path_of = path_of
        self._offer = offer

    def use(self, event: "AnswerCode.Used") -> None:
        """Do what a key says."""
        code = plain_code(event.code)
        if event.use == "copy":
            self._app.copy_to_clipboard(code)
            self._app.notify("code copied", timeout=2)
            return
        file = self._deck.current
        if file is None or file.editor.read_only:
            why = "open a file first" if file is None else "the file is read only"
            self._app.notify(f"{why}: there is nowhere to put the code", severity="warning")
        elif event.use == "insert":
            self._insert(file, code)
        else:
            self._apply(file, code, event.turn)

    def _apply(self, file: OpenFile, code: str, turn: AskedTurn) -> None:
        """Show code as a change of the definition of its name, or of what was selected."""
        path, lines = self._path_of(file), file.editor.document.lines
        place = turn.place
        selected = (place.first, place.last) if place.first and place.path == path else None
        found = lines_to_replace(code, "\n".join(lines), path, selected)
        if found is None:
            self._app.notify(
                f"nothing in {path} has the code's name, and no lines of it were selected when you"
                " asked: i inserts the code at the cursor",
                severity="warning",
            )
            return
        first, last = found
        replaced = "\n".join(lines[first - 1 : last])
        self._offer(first, last, replacing_text(code, replaced))

    def _insert(self, file: OpenFile, code: str) -> None:
        """Insert code at the cursor, as one step that can be undone."""
        editor = file.editor
        row, column = editor.cursor_location
        line = editor.document.lines[row]
        text = inserted_text(code, line[:column], line[column:])
        editor.history.checkpoint()
        editor.insert(text, (row, column), maintain_selection_offset=False)
        editor.history.checkpoint()
        editor.focus()
