"""What every source shares: what it is to bring, its progress, and the space it needs.

Fetches nothing itself.
"""

import shutil
from collections import deque
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import msgspec

from engine.errors import PullCancelledError, StoreError
from engine.units import size_text

__all__ = [
    "OnPullProgress",
    "ProgressMeter",
    "PullProgress",
    "SourceError",
    "WholeFile",
    "require_space",
]

SPARE_BYTES = 32 << 20
"""Space that is left free beside what a model takes."""

REPORT_SECONDS = 0.1
"""Time between two reports of progress."""

RATE_SECONDS = 5.0
"""The rate is that of so many last seconds."""


class PullProgress(msgspec.Struct, frozen=True):
    """How far a pull has got."""

    name: str
    """The model."""
    stage: str
    """``"waiting"`` (for another process), ``"fetching"``, ``"joining"`` or ``"checking"``."""
    source: str
    """``"packages"``, ``"hub"``, ``"url"`` or ``"folder"``; empty before one is chosen."""
    done_bytes: int
    total_bytes: int
    """0 while it is not known."""
    bytes_per_second: float | None
    """None until there is something to measure."""
    seconds_left: float | None


OnPullProgress = Callable[[PullProgress], None]


class SourceError(StoreError):
    """One source cannot give a model; another may."""


class WholeFile(msgspec.Struct, frozen=True):
    """All of a model's file, not yet checked and not yet in its place."""

    path: Path
    sha256: str
    origin: str
    """Where it came from, for `OriginNote`."""


class ProgressMeter:
    """Turns counts of bytes into reports, and asks on the way whether to go on.

    Args:
        name: The model.
        on_progress: Called with every report.
        cancelled: Asked before every report; True ends the pull.
        clock: A clock in seconds.
    """

    def __init__(
        self,
        name: str,
        on_progress: OnPullProgress,
        cancelled: Callable[[], bool],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._name = name
        self._on_progress = on_progress
        self._cancelled = cancelled
        self._clock = clock
        self._stage = self._source = ""
        self._total = 0
        self._told_at: float | None = None
        self._marks: deque[tuple[float, int]] = deque()

    def begin(self, stage: str, source: str, total_bytes: int) -> None:
        """Enter a stage; what is measured begins anew."""
        self._stage, self._source, self._total = stage, source, total_bytes
        self._told_at = None
        self._marks.clear()

    def at(self, done_bytes: int) -> None:
        """Report that so many bytes of this stage are done, if the last report is old enough.

        Raises:
            PullCancelledError: The pull is wanted no longer.
        """
        if self._cancelled():
            raise PullCancelledError(
                f"{self._name}: stopped; what came so far is kept, and the same command goes on"
            )
        done_bytes = min(done_bytes, self._total or done_bytes)
        now = self._clock()
        self._mark(now, done_bytes)
        if self._told_at is not None and now - self._told_at < REPORT_SECONDS:
            return
        self._told_at = now
        rate = self._rate()
        left = (self._total - done_bytes) / rate if rate and self._total else None
        self._on_progress(
            PullProgress(self._name, self._stage, self._source, done_bytes, self._total, rate, left)
        )

    def _mark(self, now: float, done: int) -> None:
        if self._marks and now - self._marks[-1][0] < REPORT_SECONDS / 2:
            return
        self._marks.append((now, done))
        while len(self._marks) > 2 and now - self._marks[0][0] > RATE_SECONDS:
            self._marks.popleft()

    def _rate(self) -> float | None:
        """Return bytes per second over the last seconds; what was there before does not count."""
        (began, first), (ended, last) = self._marks[0], self._marks[-1]
        return (last - first) / (ended - began) if last > first else None


def require_space(folder: Path, needed_bytes: int, what: str) -> None:
    """Refuse to begin what the disk has no room for.

    Raises:
        StoreError: Less is free than is needed.
    """
    free = shutil.disk_usage(folder).free
    if free < needed_bytes + SPARE_BYTES:
        raise StoreError(
            f"{what} needs {size_text(needed_bytes + SPARE_BYTES)} on the disk of {folder}, "
            f"{size_text(free)} are free; free some, or set SPARK_MODELS_DIR to a folder elsewhere"
        )
