"""Plays a recorded session on the screen: the files, the edits, the suggestions and the counters.

Sets what the screen shows and asks no engine.  Files are copies in a folder of their own; the
person's are never opened.
"""

import asyncio
import errno
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual.document._document import Selection

from engine.protocol.messages import EngineReady
from tui.app_messages import SuggestionReport
from tui.assist.recording.events import (
    CountersSeen,
    EngineSaid,
    FileSeen,
    GhostEnded,
    GhostSeen,
    PlaceSeen,
    RecordedEvent,
    TextChanged,
)
from tui.assist.recording.session_file import RecordedSession, pictured
from tui.assist.recording.text_change import nearest_place
from tui.widgets.deck import Deck, OpenFile
from tui.widgets.editor import Editor

if TYPE_CHECKING:
    from tui.app_messages import EngineNews

__all__ = ["ReplayFlow", "folder_name", "lay_out_files"]

_NAP_SECONDS = 0.1
"""How often a pause looks whether it is over."""
_LONGEST_NAME = 60
_IMPOSSIBLE = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL}
"""What a name says about itself, and no disk."""
_FASTEST, _SLOWEST = 1024.0, 1 / 16


class ReplayFlow:
    """The player of one session.

    Args:
        session: What to play.
        root: The folder that `lay_out_files` filled.
        deck: Where files are shown.
        open_file: Shows a file.
        show: Shows fields of the status line.
        speed: Recorded seconds that pass in one.
    """

    def __init__(
        self,
        session: RecordedSession,
        root: Path,
        *,
        deck: Callable[[], Deck],
        open_file: Callable[[Path], Awaitable[None]],
        show: Callable[..., None],
        speed: float = 1.0,
    ) -> None:
        self._session = session
        self._root = root
        self._deck = deck
        self._open_file = open_file
        self._show = show
        self.speed = speed
        self.paused = False
        self.done = False
        self._visible: str | None = None
        self._deliver: Callable[[EngineNews], None] = lambda event: None

    def faster(self) -> None:
        """Play twice as fast."""
        self.speed = min(_FASTEST, 2 * self.speed)

    def slower(self) -> None:
        """Play half as fast."""
        self.speed = max(_SLOWEST, self.speed / 2)

    async def play(self, deliver: "Callable[[EngineNews], None]") -> None:
        """Play the session to its end.

        Args:
            deliver: Takes what the engine said, as from an engine.
        """
        self._deliver = deliver
        at_ms = 0
        for event in self._session.events:
            if isinstance(event, FileSeen | TextChanged | PlaceSeen | GhostSeen | GhostEnded):
                await self._wait(at_ms, event.at_ms)
                at_ms = event.at_ms
                await self._apply(event)
            elif isinstance(event, EngineSaid | CountersSeen):
                await self._wait(at_ms, event.at_ms)
                at_ms = event.at_ms
                self._say(event)
            await asyncio.sleep(0)  # the screen's turn
        self.done = True
        self._mark(at_ms)

    async def _wait(self, before_ms: int, at_ms: int) -> None:
        """Let the time between two events pass, at the speed of the moment."""
        left = (at_ms - before_ms) / 1e3
        self._mark(at_ms)
        while left > 0 or self.paused:
            nap = min(_NAP_SECONDS, max(left, 0.0) / self.speed) or _NAP_SECONDS
            began = time.monotonic()
            await asyncio.sleep(nap)
            if not self.paused:
                left -= (time.monotonic() - began) * self.speed
            self._mark(at_ms - round(1e3 * max(left, 0.0)))

    def _mark(self, at_ms: int) -> None:
        sign = "■" if self.done else "‖" if self.paused else "▶"
        pace = "" if self.speed == 1 else f" ×{self.speed:g}"
        whole = _clock(self._session.seconds)
        end = ", q closes" if self.done else ""
        self._show(mark=f"{sign} replay {_clock(at_ms / 1e3)}/{whole}{pace}{end}")

    # ── events ──────────────────────────────────────────────────────────────────────────────

    async def _apply(self, event: RecordedEvent) -> None:
        """Make the screen show what it showed."""
        if isinstance(event, FileSeen):
            await self._see(event)
            return
        file = self._file()
        if file is None:
            return
        editor = file.editor
        match event:
            case TextChanged():
                start, end = sorted((_inside(editor, event.start), _inside(editor, event.end)))
                editor.replace(event.text, start, end, maintain_selection_offset=False)
                editor.selection = Selection.cursor(_inside(editor, event.cursor))
            case PlaceSeen():
                editor.selection = Selection(
                    _inside(editor, event.anchor), _inside(editor, event.cursor)
                )
            case GhostSeen():
                editor.ghost = event.text
                report = SuggestionReport(
                    shown=True, latency_ms=event.latency_ms, cached=event.cached
                )
                self._show(report=report)
            case GhostEnded():
                editor.ghost = ""

    async def _see(self, event: FileSeen) -> None:
        """Bring a file to the front, with the text that it had."""
        path = None if event.path is None else safe_path(event.path)
        self._visible = path
        if path is None:
            return
        await self._open_file(self._root / path)
        file = self._file()
        if file is None:
            return
        if event.text is not None and file.editor.text != event.text:
            file.replace_text(event.text)
        file.editor.selection = Selection.cursor(_inside(file.editor, event.cursor))

    def _file(self) -> OpenFile | None:
        """Return the visible file, if it is the one that the session is in."""
        file = self._deck().current
        if file is None or self._visible is None or file.path != self._root / self._visible:
            return None
        return file

    def _say(self, event: EngineSaid | CountersSeen) -> None:
        """Deliver what the engine said; all models are that of one session here."""
        if isinstance(event, CountersSeen):
            self._deliver(replace(pictured(event), session=1))
        elif isinstance(event.message, EngineReady):
            self._deliver(replace(event.message, session=1))
        else:
            self._deliver(event.message)


def _inside(editor: Editor, place: tuple[int, int]) -> tuple[int, int]:
    return nearest_place(editor.document.lines, place)


def lay_out_files(events: Iterable[RecordedEvent], root: Path) -> None:
    """Write every file of a session into a folder, as it was when it was first visible.

    Files whose names cannot be there, or that would lie in another file, are left out.

    Raises:
        OSError: The folder cannot be written.
    """
    for event in events:
        if not isinstance(event, FileSeen) or event.path is None or event.text is None:
            continue
        path = safe_path(event.path)
        if path is None:
            continue
        try:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            with (root / path).open("x", encoding="utf-8", errors="replace", newline="") as file:
                file.write(event.text)
        except OSError as error:
            if error.errno not in _IMPOSSIBLE:
                raise


def safe_path(name: str) -> str | None:
    """Return a recorded path as one below a folder; its name alone if it leads elsewhere."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        path = PurePosixPath(path.name.replace("\0", ""))
    return str(path) if path.name not in ("", "..") else None


def folder_name(recorded: str) -> str:
    """Return a name for the folder of a session, after that of the repository."""
    return (safe_path(PurePosixPath(recorded).name) or "session")[:_LONGEST_NAME]


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 60}:{whole % 60:02}"
