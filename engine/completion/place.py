"""What the rules for a completion need to know of the text around the cursor.  Pure data."""

from dataclasses import dataclass

__all__ = ["Place", "indent_width", "indentation"]

_BELOW_LINES = 8
_LOOK_CHARACTERS = 4096
TAB_WIDTH = 8
"""Columns to the next multiple of which a tab moves, as Python counts indentation."""


def indentation(line: str) -> str:
    """Return the white space in front of ``line``."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def indent_width(line: str) -> int:
    """Return the columns of white space in front of ``line``."""
    return len(indentation(line).expandtabs(TAB_WIDTH))


@dataclass(frozen=True, slots=True)
class Place:
    """The lines around a cursor."""

    before: str = ""
    """The cursor's line up to the cursor."""
    rest: str = ""
    """The cursor's line after the cursor, without its line ending."""
    above: str = ""
    """The nearest line above that is not blank."""
    below: tuple[str, ...] = ()
    """The next lines that are not blank, without white space at their ends; at most 8."""
    suffix: str = ""
    """The text after the cursor, its beginning."""

    @classmethod
    def of(cls, prefix: str, suffix: str) -> "Place":
        """Return the place between ``prefix`` and ``suffix``."""
        *upper, before = prefix[-_LOOK_CHARACTERS:].split("\n")
        rest, *lower = suffix[:_LOOK_CHARACTERS].split("\n")
        above = next((line for line in reversed(upper) if line.strip()), "")
        below = [line.rstrip() for line in lower if line.strip()][:_BELOW_LINES]
        return cls(
            before, rest.rstrip("\r"), above.rstrip(), tuple(below), suffix[:_LOOK_CHARACTERS]
        )
