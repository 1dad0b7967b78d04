"""A cursor in a text, as suggestions see it, and what was typed between two of them.  Pure."""

from dataclasses import dataclass

__all__ = ["LOOK_BACK", "NEAR_BEFORE", "CursorPlace", "typed_between"]

LOOK_BACK = 128
"""Characters typed since another place within which that place is still found."""
NEAR_BEFORE = 256
"""Characters before the cursor by which a place is known again."""


@dataclass(frozen=True, slots=True)
class CursorPlace:
    """A cursor in a text."""

    path: str
    """As shown to the model: relative to the repository."""
    language: str | None
    prefix: str
    """Text before the cursor, perhaps only its end."""
    suffix: str
    """Text after the cursor, perhaps only its beginning."""
    selection: bool = False
    """Whether text is selected."""
    read_only: bool = False
    secret: str | None = None
    """Pattern by which the file on disk is private, which ``path`` alone may not show."""


def typed_between(before: str, after: str) -> str | None:
    """Return what was typed at the end of the text ``before`` to make it ``after``, else None.

    The start of either may be cut off, as that of a long text before a cursor is.

    Example:
        >>> typed_between("def f(", "def f(self")
        'self'
    """
    if after.startswith(before):
        return after[len(before) :]
    tail = before[-NEAR_BEFORE:]
    for typed in range(1, min(LOOK_BACK, len(after)) + 1):
        start = len(after) - typed
        # The cheap comparison first; only one length in a great many passes it.
        if after[max(0, start - len(tail)) : start] == tail and before.endswith(after[:start]):
            return after[start:]
    return None
