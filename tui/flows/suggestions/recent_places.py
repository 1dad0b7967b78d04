"""Notices which places in files a person sees, changes and saves, for `RecentChunks`.

Looks at the editors; decides nothing about suggestions.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tui.assist.recent_chunks import JUMP_LINES, REST_SECONDS, STEP_SECONDS, RecentChunks
from tui.format import request_path
from tui.widgets.editor import Editor

__all__ = ["RecentPlaces"]


class RecentPlaces:
    """Follows the person through the files of a repository.

    Args:
        chunks: Takes the places.
        root: The repository's folder; files outside do not count.
        set_timer: Calls back after a number of seconds, as ``App.set_timer`` does.
    """

    def __init__(
        self,
        chunks: RecentChunks,
        root: Path,
        set_timer: Callable[[float, Callable[[], None]], Any],
    ) -> None:
        self._chunks = chunks
        self._root = root
        self._set_timer = set_timer
        self._timer: Any = None
        self._editor: Editor | None = None  # of the visible file, if it counts
        self._path = ""
        self._row = 0
        self._unsaved = False

    def look_at(self, editor: Editor | None, path: Path, secret: str | None) -> None:
        """Follow the person to a file, or to none; a file that was just saved counts again.

        Args:
            editor: The editor of the file; None if there is no file.
            path: The file.
            secret: Pattern by which it is private; such a file does not count.
        """
        counts = editor is not None and secret is None and path.is_relative_to(self._root)
        now = editor if counts else None
        if now is not self._editor:
            self._take()
            self._editor, self._path = now, request_path(path, self._root)
        elif now is None or not self._unsaved or now.modified:
            return
        self._unsaved = False
        self._take()

    def edited(self, editor: Editor) -> None:
        """Follow an edit; the place counts when the person leaves or saves it."""
        if editor is self._editor:
            self._row = editor.cursor_location[0]
            self._unsaved = True
            self._rest()

    def moved(self, editor: Editor) -> None:
        """Follow the cursor; a place counts that it leaves."""
        if editor is not self._editor:
            return
        row = editor.cursor_location[0]
        if abs(row - self._row) > JUMP_LINES:
            self._take(self._row)
            self._row = row
        self._rest()

    def _take(self, row: int | None = None) -> None:
        """Take the place around a row of the visible file; None: the cursor's."""
        if self._editor is None:
            return
        at = self._editor.cursor_location[0] if row is None else row
        self._row = at
        self._chunks.saw(self._path, self._editor.document.lines, at)
        self._rest()

    def _rest(self, seconds: float = REST_SECONDS) -> None:
        """Wait for a pause, from now."""
        if self._timer is not None:
            self._timer.stop()
        self._timer = self._set_timer(seconds, self._settle)

    def _settle(self) -> None:
        self._timer = None
        if self._chunks.settle():
            self._rest(STEP_SECONDS)
