"""Running totals of one session's work, and frozen copies of them.

A step costs a few additions, whether anybody watches or not.  A reader computes for itself
whatever it wants beyond sums.
"""

from dataclasses import dataclass, replace
from threading import Lock

__all__ = ["Work", "WorkCounters"]


@dataclass(frozen=True, slots=True)
class Work:
    """Totals since the session opened, or their difference over an interval."""

    prefill_tokens: int = 0
    decode_tokens: int = 0
    prefill_seconds: float = 0.0
    """Host time."""
    decode_seconds: float = 0.0
    """Host time."""
    prefill_cycles: int = 0
    """Wafer time."""
    decode_cycles: int = 0
    """Wafer time."""

    @property
    def cycles(self) -> int:
        """Wafer cycles of all steps."""
        return self.prefill_cycles + self.decode_cycles

    def plus(self, *, decode: bool, tokens: int, seconds: float, cycles: int) -> "Work":
        """Return the totals after one more step, decode or prefill."""
        if decode:
            return replace(
                self,
                decode_tokens=self.decode_tokens + tokens,
                decode_seconds=self.decode_seconds + seconds,
                decode_cycles=self.decode_cycles + cycles,
            )
        return replace(
            self,
            prefill_tokens=self.prefill_tokens + tokens,
            prefill_seconds=self.prefill_seconds + seconds,
            prefill_cycles=self.prefill_cycles + cycles,
        )

    def since(self, older: "Work") -> "Work":
        """Return the work done since ``older`` was taken."""
        return Work(
            self.prefill_tokens - older.prefill_tokens,
            self.decode_tokens - older.decode_tokens,
            self.prefill_seconds - older.prefill_seconds,
            self.decode_seconds - older.decode_seconds,
            self.prefill_cycles - older.prefill_cycles,
            self.decode_cycles - older.decode_cycles,
        )


class WorkCounters:
    """The totals of one session.  One thread adds, any thread reads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._work = Work()

    def add(self, *, decode: bool, tokens: int, seconds: float, cycles: int) -> None:
        """Count one step, with its host time in seconds and its wafer time in cycles."""
        with self._lock:
            self._work = self._work.plus(
                decode=decode, tokens=tokens, seconds=seconds, cycles=cycles
            )

    def read(self) -> Work:
        """Return the totals so far."""
        with self._lock:
            return self._work
