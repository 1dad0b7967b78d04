"""The lines around a cursor, as the experts need them.  Pure data."""

from dataclasses import dataclass

__all__ = ["CursorLines", "indent_of"]

ABOVE = 4
BELOW = 3
_LOOK_LINES = 40
"""Lines on each side that are searched for some that are not blank."""


def indent_of(line: str) -> int:
    """Return how many characters of white space ``line`` begins with."""
    return len(line) - len(line.lstrip())


@dataclass(frozen=True, slots=True)
class CursorLines:
    """The lines around one cursor."""

    before: str
    """The cursor's line up to the cursor."""
    above: tuple[str, ...]
    """The nearest lines above that are not blank, the nearest last; at most 4."""
    below: tuple[str, ...]
    """The nearest lines below that are not blank, the nearest first; at most 3."""
    healing: bytes = b""
    """Bytes before the cursor that are generated again (token healing)."""
    one_line: bool = True
    """Whether the completion ends with the cursor's line."""

    @property
    def tabs(self) -> bool:
        """Whether any of these lines is indented with tabs."""
        return any(line.startswith("\t") for line in (self.before, *self.above, *self.below))

    @classmethod
    def of(cls, prefix: str, suffix: str, healing: bytes, *, one_line: bool) -> "CursorLines":
        """Return the lines around a cursor between ``prefix`` and ``suffix``."""
        *upper, before = prefix.rsplit("\n", _LOOK_LINES)
        lower = suffix.split("\n", _LOOK_LINES)[1:_LOOK_LINES]
        above = [line.rstrip() for line in upper if line.strip()][-ABOVE:]
        below = [line.rstrip() for line in lower if line.strip()][:BELOW]
        # In a long text the first piece holds many lines; only its last one is near.
        return cls(
            before,
            tuple(line.rpartition("\n")[2] for line in above),
            tuple(below),
            healing,
            one_line,
        )
