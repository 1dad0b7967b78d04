"""Records the session of one window into a file, from when the person wants it until they do not.

Tells `tui.assist.recording` what the screen shows.  A disk that is full ends the recording, never
the session.
"""

import datetime as dt
import time
from collections.abc import Callable
from pathlib import Path

from engine import __version__
from engine.own_files import make_own
from engine.protocol.messages import Completed, EngineReady, Telemetry
from tui.assist.recording.events import FORMAT, RecordedEvent, SessionBegan
from tui.assist.recording.recorder import SessionRecorder
from tui.assist.recording.session_file import SessionWriter
from tui.assist.suggestion_events import SuggestionEvent, SuggestionReady
from tui.format import request_path
from tui.widgets.deck import OpenFile
from tui.widgets.editor import Editor

__all__ = ["RecordingFlow", "new_session_file"]

MARK = "● rec"
"""What the status line says meanwhile."""


class RecordingFlow:
    """The recording of one window.

    Args:
        show: Shows a mark in the status line; empty takes it away.
        complain: Tells the person what went wrong.
    """

    def __init__(self, show: Callable[[str], None], complain: Callable[[str], None]) -> None:
        self._show = show
        self._complain = complain
        self._writer: SessionWriter | None = None
        self._recorder: SessionRecorder | None = None
        self._root = Path()
        self._editor: Editor | None = None

    @property
    def path(self) -> Path | None:
        """The file that is recorded into; None if nothing is."""
        return None if self._writer is None else self._writer.path

    def start(
        self, path: Path, root: Path, ready: EngineReady | None, file: OpenFile | None
    ) -> None:
        """Record from now on.

        Args:
            path: A new file.
            root: The repository's folder.
            ready: The model that serves.
            file: What is visible.

        Raises:
            OSError: The file cannot be made, or is there already.
        """
        self._writer, self._root = SessionWriter(path), root
        began = dt.datetime.now().astimezone().isoformat(timespec="seconds")
        self._write(SessionBegan(FORMAT, __version__, began, str(root)))
        self._recorder = SessionRecorder(self._write, time.monotonic)
        if ready is not None:
            self._recorder.said(ready)
        self.look_at(file)
        self._show(MARK)

    def stop(self) -> None:
        """Record no more."""
        writer, self._writer, self._recorder = self._writer, None, None
        if writer is not None:
            writer.close()
            self._show("")

    def _write(self, event: RecordedEvent) -> None:
        if self._writer is None:
            return
        try:
            room = self._writer.write(event)
        except OSError as error:
            self._complain(f"the recording ends: {self.path}: {error.strerror}")
            self.stop()
        else:
            if not room:
                self._complain(f"the recording ends: {self.path} is as large as it may be")
                self.stop()

    # ── what happens ────────────────────────────────────────────────────────────────────────

    def look_at(self, file: OpenFile | None) -> None:
        """Follow the person to another file, or to none."""
        self._editor = None if file is None else file.editor
        if self._recorder is None:
            return
        if file is None:
            self._recorder.looks_at(None, (), (0, 0), secret=False)
            return
        path, editor = request_path(file.path, self._root), file.editor
        secret = file.secret is not None
        self._recorder.looks_at(path, editor.document.lines, editor.cursor_location, secret)

    def edited(self, event: Editor.Edited) -> None:
        """Follow an edit."""
        editor = event.editor
        if self._recorder is not None and editor is self._editor:
            self._recorder.edited(editor.document.lines, event.cause, editor.cursor_location)

    def moved(self, event: Editor.Moved) -> None:
        """Follow the cursor."""
        if self._recorder is not None and event.editor is self._editor:
            self._recorder.moved(event.editor.selection.end, event.editor.selection.start)

    def suggestion(self, event: SuggestionEvent) -> None:
        """Follow a suggestion onto the screen."""
        if self._recorder is not None and isinstance(event, SuggestionReady):
            self._recorder.suggested(event)

    def accepted(self, event: Editor.GhostAccepted) -> None:
        """Follow a key that accepts something."""
        if self._recorder is not None and event.editor is self._editor:
            self._recorder.accepted(event.text, event.kind)

    def dismissed(self, event: Editor.GhostDismissed) -> None:
        """Follow a suggestion that went."""
        if self._recorder is not None and event.editor is self._editor:
            self._recorder.ended(event.reason)

    def engine(self, event: object) -> None:
        """Follow what the panes show."""
        if self._recorder is not None and isinstance(event, EngineReady | Completed | Telemetry):
            self._recorder.said(event)


def new_session_file(folder: Path) -> Path:
    """Return a new name for a recording, after the time, in a folder that is made if need be.

    Raises:
        OSError: The folder cannot be made.
    """
    make_own(folder)
    return folder / f"{dt.datetime.now():%Y-%m-%d-%H%M%S}.jsonl"
