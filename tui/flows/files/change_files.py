"""Changes the text of a file: in its editor, as one step, if it is open; else on disk, as a save.

A file whose text is not the one that a change was made for is left alone.
"""

import asyncio
from collections.abc import Sequence

from tui.files.documents import Document, DocumentError
from tui.flows.files.find_in_file import replace_range
from tui.search.in_files import fingerprint
from tui.search.text_change import TextChange, with_piece
from tui.widgets.deck import Deck, OpenFile

__all__ = ["LeftAloneError", "change_file"]


class LeftAloneError(Exception):
    """A file was left alone; the message says which and why, for a person."""


async def change_file(change: TextChange, deck: Deck) -> tuple[TextChange | None, bool]:
    """Apply a change to a file.

    Args:
        change: What is to be done.
        deck: The open files.

    Returns:
        The change that takes it back, None where the text was already what it should become; and
        whether the file is open and has now text that is not on the disk.

    Raises:
        LeftAloneError: The file is as it was.
    """
    file = deck.find(change.path)
    if file is not None:
        undo = _change_open(file, change)
        return undo, file.unsaved
    return await asyncio.to_thread(_change_closed, change), False


def _change_open(file: OpenFile, change: TextChange) -> TextChange | None:
    """Change an open file as one step that can be undone; its cursor stays near.

    Raises:
        LeftAloneError: It may not be changed, or is another text.
    """
    lines = list(file.editor.document.lines)
    if not _is_to_change(change, lines):
        return None
    if file.editor.read_only:
        raise LeftAloneError(f"{change.name} is read only")
    piece, cursor = change.piece(lines), file.editor.cursor_location
    replace_range(file.editor, *piece)
    file.editor.move_cursor(file.editor.clamp_visitable(cursor))
    return change.taken_back(lines, piece)


def _change_closed(change: TextChange) -> TextChange | None:
    """Change a file on disk.

    Raises:
        LeftAloneError: It is another text, or could not be read or written.
    """
    try:
        document = Document.open(change.path)
        lines = document.text.split("\n")
        if document.is_new:
            raise LeftAloneError(f"{change.name} is gone")
        if not _is_to_change(change, lines):
            return None
        piece = change.piece(lines)
        document.save(with_piece(lines, piece))
    except DocumentError as error:
        raise LeftAloneError(str(error)) from error
    return change.taken_back(lines, piece)


def _is_to_change(change: TextChange, lines: Sequence[str]) -> bool:
    """Return whether a text is the one that a change was made for; False if it needs none.

    Raises:
        LeftAloneError: It is neither.
    """
    found = fingerprint(lines)
    if found not in (change.fingerprint, change.goal):
        raise LeftAloneError(f"{change.name} changed meanwhile")
    return found == change.fingerprint
