"""Finds comments in an editor that ask for an edit (``AI!``), each once; begins none."""

from tui.assist.edit_comments import CommentedEdit, commented_edit
from tui.code.languages import comment_sign
from tui.code.statements import statement_lines
from tui.widgets.editor import Editor

__all__ = ["EditComments"]


class EditComments:
    """The comments of the open files whose edit was offered."""

    def __init__(self) -> None:
        self._offered: set[tuple[Editor, str]] = set()

    def find(self, editor: Editor, row: int | None = None) -> CommentedEdit | None:
        """Return the edit that a comment asks for; None where there is none, or no new one.

        Args:
            editor: Where to look.
            row: The comment's row, if the line below it is blank; None: look from the top.
        """
        lines = editor.document.lines
        for place in range(len(lines)) if row is None else [row]:
            if place < 0 or not lines[place].rstrip().endswith("AI!"):
                continue
            if row is not None and lines[place + 1].strip():
                continue  # its line is not the one that was finished
            found = self._new(editor, place)
            if found is not None:
                return found
        return None

    def _new(self, editor: Editor, row: int) -> CommentedEdit | None:
        """Return the edit that the comment in a row asks for, once."""
        lines, language = editor.document.lines, editor.language_name
        key = editor, lines[row].strip()
        if key in self._offered:
            return None
        found = commented_edit(
            lines,
            row,
            comment_sign(language),
            lambda text, place: statement_lines(text, place, language),
        )
        if found is not None:
            self._offered.add(key)
        return found
