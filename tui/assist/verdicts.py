"""What becomes of a suggestion that a person saw: taken, refused, or neither.  Pure.

What is neither tells nothing of the person: text that was hardly seen, or that went because the
cursor, the focus or the file did.
"""

from dataclasses import dataclass
from typing import Literal

__all__ = ["End", "SeenText", "verdict"]

End = Literal["escape", "typed", "finished", "moved", "blur", "undo", "accepted"]
"""Why ghost text went, or ``accepted``: a key made some of it text."""

_LEAST_SECONDS = 0.5
"""Text that something else was typed over sooner was not read.  Assumed: the time of a glance."""


@dataclass(slots=True)
class SeenText:
    """A suggestion on the screen."""

    text: str
    mean_logprob: float
    since: float
    """Clock when it was first shown, in seconds."""
    kept: bool = False
    """Whether some of it was typed."""

    def is_same(self, text: str) -> bool:
        """Return whether ``text`` is this suggestion, what is left of it, or more of it."""
        return text.startswith(self.text) or self.text.endswith(text)

    def now_left(self, text: str) -> None:
        """Note what is left of it: less, where its beginning was typed."""
        self.kept = self.kept or (len(text) < len(self.text) and self.text.endswith(text))


def verdict(seen: SeenText, end: End, now: float) -> bool | None:
    """Return whether a suggestion was taken (True) or refused (False); None: neither.

    Args:
        seen: The suggestion.
        end: What became of it.
        now: Clock, in seconds.
    """
    if end in ("accepted", "finished"):
        return True
    if end == "escape":
        return False
    if end == "typed" and not seen.kept and now - seen.since >= _LEAST_SECONDS:
        return False
    return None
