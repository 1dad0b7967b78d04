"""The budget of memory that all sessions of the process share.  Estimates; allocates nothing."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.host_memory import available_bytes

__all__ = ["SHARE", "Budget"]

SHARE = 0.8
"""Of the memory that is available or held by sessions: the rest is for what is not foreseen."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much memory sessions may take together."""

    limit_bytes: int | None = None
    """A fixed budget; None: a share of what this computer has available."""
    available: Callable[[], int] = available_bytes

    def room_bytes(self, held_bytes: int, coming_bytes: int) -> int:
        """Return the bytes left for another session; less than 0 where others need more.

        Args:
            held_bytes: Of the open sessions.  They are no longer available, so they count back in
                before the share is taken.
            coming_bytes: Of those being opened, which have still to take theirs.
        """
        whole = self.limit_bytes
        if whole is None:
            whole = int(SHARE * (self.available() + held_bytes))
        return whole - held_bytes - coming_bytes
