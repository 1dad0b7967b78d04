"""CursorLines: the text around a cursor as the experts need it.  Pure data."""

from dataclasses import dataclass

__all__ = ["CursorLines", "indent_of"]

ABOVE = 4
BELOW = 3
_LOOK_LINES = 40


def indent_of(line: str) -> int:
    """Return the signs of white space in front of ``line``."""
    return len(line) - len(line.lstrip())


@dataclass(frozen=True, slots=True)
class CursorLines:
    """The lines around a cursor."""

    before: str
    """The cursor's line up to the cursor."""
    above: tuple[str, ...]
    """The nearest lines above that are not blank, the nearest last; at most 4."""
    below: tuple[str, ...]
    """The next lines below the cursor's that are not blank; at most 3."""
    healing: bytes = b""
    """Bytes before the cursor that the generated text says again."""
    one_line: bool = True
    """Whether the completion ends with the cursor's line."""

    @property
    def tabs(self) -> bool:
        """Whether lines here are indented with tabs."""
        return any(line.startswith("\t") for line in (self.before, *self.above, *self.below))

    @classmethod
    def of(cls, prefix: str, suffix: str, healing: bytes, *, one_line: bool) -> "CursorLines":
        """Return the cursor between ``prefix`` and ``suffix``."""
        *upper, before = prefix.rsplit("\n", _LOOK_LINES)
        lower = suffix.split("\n", _LOOK_LINES)[1:_LOOK_LINES]
        above = [line.rstrip() for line in upper if line.strip()][-ABOVE:]
        below = [line.rstrip() for line in lower if line.strip()][:BELOW]
        # Of a longer text the first piece is more than one line; only its last one counts.
        return cls(
            before,
            tuple(line.rpartition("\n")[2] for line in above),
            tuple(below),
            healing,
            one_line,
        )
