"""Writes a recorded session line by line, and reads one that anybody may have written.

A file is JSON lines, readable by the user alone.  What a line holds that cannot be is left out and
told; nothing read here is trusted with more memory than its file could honestly need.
"""

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec.structs import replace

from engine.plain_files import open_plain
from engine.protocol.messages import Telemetry
from tui.assist.recording.events import (
    FORMAT,
    CountersSeen,
    RecordedEvent,
    SessionBegan,
)

__all__ = [
    "RecordedSession",
    "SessionFileError",
    "SessionWriter",
    "pictured",
    "read_session",
    "recorded_sessions",
]

MAX_BYTES = 1 << 30
"""Where a recording ends by itself, and the largest that is read."""

_LINE_BYTES = 64 << 20
_STATES_OF_A_CELL = 48
"""Bytes of one cell in a picture: six counts of eight."""

_decoder: msgspec.json.Decoder[RecordedEvent] = msgspec.json.Decoder(RecordedEvent)
_encoder = msgspec.json.Encoder()


def recorded_sessions(folder: Path) -> list[Path]:
    """Return the sessions that the app recorded into a folder, the oldest first."""
    return sorted(folder.glob("*.jsonl"))  # their names are times


class SessionFileError(ValueError):
    """A file is no recorded session that this release can read."""


class SessionWriter:
    """A recording under way.

    Args:
        path: A new file; those above it must be there.

    Raises:
        OSError: It cannot be made, or is there already.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._bytes = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0)

    def write(self, event: RecordedEvent) -> bool:
        """Write one event; return whether there is room for another.

        Raises:
            OSError: The disk is full, or gone.
        """
        line = _line(event)
        self._file.write(line)
        self._bytes += len(line)
        return self._bytes < MAX_BYTES

    def close(self) -> None:
        """End the recording."""
        self._file.close()


def _line(event: RecordedEvent) -> bytes:
    """Return an event as a line, with � for half a surrogate pair, for which JSON has no sign."""
    try:
        return _encoder.encode(event) + b"\n"
    except UnicodeEncodeError:
        plain = msgspec.to_builtins(event, builtin_types=(bytes,))
        return _encoder.encode(_whole(plain)) + b"\n"


def _whole(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {key: _whole(each) for key, each in value.items()}
    return [_whole(each) for each in value] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class RecordedSession:
    """What a file holds."""

    began: SessionBegan
    events: tuple[RecordedEvent, ...]
    """In the order of their times, without the first line."""
    left_out: int
    """Lines that could not be read."""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return max((_at_ms(event) for event in self.events), default=0) / 1e3


def read_session(path: Path) -> RecordedSession:
    """Return the session in a file.

    Raises:
        OSError: It cannot be read.
        SessionFileError: It is no recorded session, is too large, or of a later release.
    """
    lines = _lines(path)
    began = _began(path, next(lines, b""))
    events: list[RecordedEvent] = []
    left_out = 0
    for line in lines:
        event = _event(line)
        if event is None:
            left_out += 1
        else:
            events.append(event)
    events.sort(key=_at_ms)
    return RecordedSession(began, tuple(events), left_out)


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file; a longer one than can be is as good as none."""
    with open_plain(path) as file:
        if os.fstat(file.fileno()).st_size > MAX_BYTES + _LINE_BYTES:
            raise SessionFileError(f"it has more than {MAX_BYTES >> 20} MB")
        while line := file.readline(_LINE_BYTES):
            yield line


def _began(path: Path, line: bytes) -> SessionBegan:
    try:
        first = msgspec.json.decode(line, type=SessionBegan)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise SessionFileError("its first line is not that of a recorded session") from error
    if first.format != FORMAT:
        raise SessionFileError(
            f"it has format {first.format}, this release reads {FORMAT}: use the release that"
            " recorded it"
        )
    return first


def _event(line: bytes) -> RecordedEvent | None:
    """Return the event in a line; None if there is none, or one that cannot be."""
    try:
        event = _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(event, SessionBegan) or event.at_ms < 0:
        return None
    return event


def _at_ms(event: RecordedEvent) -> int:
    return 0 if isinstance(event, SessionBegan) else event.at_ms


def pictured(event: CountersSeen) -> Telemetry:
    """Return counters with their picture, if it is one of the cells that they name."""
    cores = event.telemetry.cores
    size = cores.columns * cores.rows * _STATES_OF_A_CELL if cores and cores.sound else 0
    if not event.picture or not size:
        return replace(event.telemetry, cell_states=b"")
    try:
        states = zlib.decompressobj().decompress(event.picture, size + 1)
    except zlib.error:
        states = b""
    return replace(event.telemetry, cell_states=states if len(states) == size else b"")
