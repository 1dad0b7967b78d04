"""The lines around a cursor, as the rules for a completion need them.  Pure data."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.completion.code.brackets import depths
from engine.completion.code.data_tables import DataTable, table_at
from engine.completion.code.languages import UNKNOWN, Language, language_of

__all__ = ["Surroundings", "indent_width", "indentation", "lines_of"]

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


def lines_of(text: str) -> list[tuple[int, str, bool]]:
    """Return (start, line, whether the line has its line end) for every line."""
    found, start = [], 0
    pieces = text.split("\n")
    for i, line in enumerate(pieces):
        found.append((start, line, i < len(pieces) - 1))
        start += len(line) + 1
    return found


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
    language: Language = UNKNOWN
    remarks: tuple[str, ...] = ()
    """Signs that begin a comment or docstring at the cursor; none inside of one."""
    statement: str = ""
    """The last statement above, as whole lines; empty where the language has no words that jump."""
    table: DataTable | None = None
    """The table of plain data that the cursor stands in."""

    @classmethod
    def of(cls, prefix: str, suffix: str, path: str = "") -> "Surroundings":
        """Return the surroundings of a cursor between ``prefix`` and ``suffix`` in a file."""
        *upper, before = prefix[-_LOOK_CHARACTERS:].split("\n")
        language = language_of(path)
        rest, *lower = suffix[:_LOOK_CHARACTERS].split("\n")
        above = next((line for line in reversed(upper) if line.strip()), "")
        below = [line.rstrip() for line in lower if line.strip()][:_BELOW_LINES]
        return cls(
            before,
            rest.rstrip("\r"),
            above.rstrip(),
            tuple(below),
            suffix[:_LOOK_CHARACTERS],
            language,
            language.remarks(prefix),
            _last_statement(upper) if language.jumps else "",
            table_at(prefix, suffix),
        )


def _last_statement(lines: Sequence[str]) -> str:
    """Return the last of the statements that ``lines`` end with; comments are none."""
    code = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    depth = 0
    for start in range(len(code) - 1, -1, -1):
        depth += depths(code[start])[0]
        if depth >= 0 and not (start and code[start - 1].endswith("\\")):
            return "\n".join(code[start:])
    return ""
