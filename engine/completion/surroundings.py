"""The lines around a cursor, as the rules for a completion need them.  Pure data."""

from dataclasses import dataclass

from engine.completion.languages import language_of

__all__ = ["Surroundings", "indent_width", "indentation"]

_BELOW_LINES = 8
_LOOK_CHARACTERS = 4096
TAB_WIDTH = 8
"""A tab reaches to the next multiple of this many columns, as Python counts indentation."""


def indentation(line: str) -> str:
    """Return the white space in front of ``line``."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def indent_width(line: str) -> int:
    """Return the columns of white space in front of ``line``."""
    return len(indentation(line).expandtabs(TAB_WIDTH))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The cursor's line and its neighbours."""

    before: str = ""
    """The cursor's line up to the cursor."""
    rest: str = ""
    """The cursor's line after the cursor, without its line end."""
    above: str = ""
    """The nearest line above that is not blank."""
    below: tuple[str, ...] = ()
    """The next lines that are not blank, at most 8, without white space at their ends."""
    suffix: str = ""
    """The beginning of the text after the cursor."""
    closing_words: tuple[str, ...] = ()
    """Words of the language that end a block and stand alone on a line, such as ``end``."""

    @classmethod
    def of(cls, prefix: str, suffix: str, path: str = "") -> "Surroundings":
        """Return the surroundings of a cursor between ``prefix`` and ``suffix`` in a file."""
        *upper, before = prefix[-_LOOK_CHARACTERS:].split("\n")
        rest, *lower = suffix[:_LOOK_CHARACTERS].split("\n")
        above = next((line for line in reversed(upper) if line.strip()), "")
        below = [line.rstrip() for line in lower if line.strip()][:_BELOW_LINES]
        return cls(
            before,
            rest.rstrip("\r"),
            above.rstrip(),
            tuple(below),
            suffix[:_LOOK_CHARACTERS],
            language_of(path).closing_words,
        )
