"""Turns what happens on the screen into the events of a recorded session.  Writes no file.

Nothing of a file that may hold secrets is told, nor of what happens while one is visible.
"""

import zlib
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from engine.protocol.messages import Completed, EngineReady, Telemetry
from tui.assist.recording.events import (
    CountersSeen,
    EngineSaid,
    FileSeen,
    GhostEnded,
    GhostSeen,
    GhostTaken,
    PlaceSeen,
    RecordedEvent,
    TextChanged,
)
from tui.assist.recording.text_change import replacement_between
from tui.assist.suggestion_events import SuggestionReady

__all__ = ["SessionRecorder"]

_PICTURE_MS = 1000
"""Least time between two pictures of all cores: each takes up to a few hundred kilobytes."""

_CAUSES = ("typed", "accepted", "undone", "loaded")


class SessionRecorder:
    """Follows one session.

    Args:
        write: Takes each event.
        clock: Monotonic, in seconds.
    """

    def __init__(self, write: Callable[[RecordedEvent], None], clock: Callable[[], float]) -> None:
        self._write = write
        self._clock = clock
        self._began = clock()
        self._texts: dict[str, list[str]] = {}
        self._path: str | None = None
        self._picture_at = -_PICTURE_MS

    @property
    def at_ms(self) -> int:
        """Milliseconds since the recording began."""
        return round((self._clock() - self._began) * 1e3)

    def looks_at(
        self, path: str | None, lines: Sequence[str], cursor: tuple[int, int], secret: bool
    ) -> None:
        """Follow the person to another file.

        Args:
            path: Relative to the repository; None if no file is visible.
            lines: Its text.
            cursor: Row and column.
            secret: Whether the file may hold secrets.
        """
        if path is None or secret:
            self._path = None
            self._write(FileSeen(self.at_ms, None))
            return
        now = list(lines)
        text = None if self._texts.get(path) == now else "\n".join(now)
        self._path, self._texts[path] = path, now
        self._write(FileSeen(self.at_ms, path, text, cursor))

    def edited(self, lines: Sequence[str], cause: str, cursor: tuple[int, int]) -> None:
        """Follow an edit of the visible file, which is ``lines`` now."""
        if self._path is None:
            return
        change = replacement_between(self._texts[self._path], lines)
        if change is None:
            return
        self._texts[self._path] = list(lines)
        known = cause if cause in _CAUSES else "typed"
        self._write(TextChanged(self.at_ms, change.start, change.end, change.text, known, cursor))  # type: ignore[arg-type]

    def moved(self, cursor: tuple[int, int], anchor: tuple[int, int]) -> None:
        """Follow the cursor."""
        if self._path is not None:
            self._write(PlaceSeen(self.at_ms, cursor, anchor))

    def suggested(self, event: SuggestionReady) -> None:
        """Follow a suggestion onto the screen."""
        if self._path is not None:
            self._write(
                GhostSeen(
                    self.at_ms,
                    event.text,
                    round(event.latency_ms, 1),
                    event.from_cache,
                    event.complete,
                )
            )

    def accepted(self, text: str, key: str) -> None:
        """Follow a key that accepts text of the suggestion."""
        if self._path is not None:
            self._write(GhostTaken(self.at_ms, text, key))

    def ended(self, reason: str) -> None:
        """Follow a suggestion that went."""
        if self._path is not None:
            self._write(GhostEnded(self.at_ms, reason))

    def said(self, message: EngineReady | Completed | Telemetry) -> None:
        """Follow what the panes show of the engine; answers for a secret file there are none."""
        if not isinstance(message, Telemetry):
            self._write(EngineSaid(self.at_ms, message))
            return
        now, picture = self.at_ms, b""
        if message.cell_states and now - self._picture_at >= _PICTURE_MS:
            self._picture_at = now
            picture = zlib.compress(message.cell_states, level=1)
        self._write(CountersSeen(now, replace(message, cell_states=b""), picture))
