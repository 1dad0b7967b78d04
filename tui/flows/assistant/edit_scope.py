"""Where an edit by instruction may happen, and which lines it is about."""

from tui.code.statements import statement_lines
from tui.widgets.deck import OpenFile
from tui.widgets.editor import Editor

__all__ = ["edited_lines", "why_not_edited"]


def why_not_edited(file: OpenFile | None) -> str:
    """Return why a file cannot be edited by instruction, for a person; empty if it can."""
    if file is None:
        return "open a file first: an edit changes lines of it"
    if file.editor.read_only:
        return "the file is read-only, so nothing in it can be edited"
    if file.secret is not None:
        return f"the file is private ({file.secret}), so no model sees it"
    return ""


def edited_lines(editor: Editor) -> tuple[int, int]:
    """Return the first and the last row that an edit is about.

    The lines that the selection touches; without one, those of the statement at the cursor, and
    where there is none, all.
    """
    lines = editor.document.lines
    (top, _), (bottom, column) = sorted(editor.selection)
    if not editor.selection.is_empty:
        return top, bottom - 1 if bottom > top and column == 0 else bottom
    found = statement_lines(lines, top, editor.language_name)
    if found is not None:
        return found
    last = len(lines) - 1
    return 0, last - 1 if last > 0 and not lines[last] else last
