r"""A place in a file: parses ``FILE:LINE[:COLUMN]`` and cuts a text there.  Opens no file.

Lines and columns count from 1.  Columns count Unicode code points: column k lies before the
k-th character of its line.  A line ends with ``\n``, ``\r\n`` or ``\r``, which is no part of
its columns; the text after a final line ending is one more, empty line.
"""

import re
from dataclasses import dataclass

__all__ = ["FilePlace", "FileRange", "PlaceError", "cut", "parse_place", "parse_range"]

_PLACE = re.compile(
    r"(?P<file>.+?):(?P<line>\d{1,4000})(?::(?P<column>\d{1,4000}))?", re.DOTALL | re.ASCII
)
_RANGE = re.compile(
    r"(?P<file>.+?):(?P<first>\d{1,18})(?:-(?P<last>\d{1,18}))?", re.DOTALL | re.ASCII
)
_LINE_END = re.compile(r"\r\n|\n|\r")


class PlaceError(ValueError):
    """A place is malformed or lies outside its text; the message says the limits."""


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A place in a file, as a person writes it: ``FILE:LINE[:COLUMN]``."""

    file: str
    line: int
    column: int | None = None
    """None is the end of the line, before its line ending."""


@dataclass(frozen=True, slots=True)
class FileRange:
    """Lines of a file, as a person writes them: ``FILE:FIRST-LAST``; both belong to the range."""

    file: str
    first: int
    last: int


def parse_range(text: str) -> FileRange:
    """Return the lines that ``FILE:FIRST-LAST`` or ``FILE:LINE`` names.

    Raises:
        PlaceError: ``text`` has another form, or the last line comes before the first.

    Example:
        >>> parse_range("a.py:3-7")
        FileRange(file='a.py', first=3, last=7)
    """
    match = _RANGE.fullmatch(text)
    if match is None:
        raise PlaceError(f"'{text}' names no lines; write FILE:FIRST-LAST, counted from 1")
    first = int(match["first"])
    last = int(match["last"] or first)
    if not 1 <= first <= last:
        raise PlaceError(f"'{text}' names no lines: {first}-{last} is no range counted from 1")
    return FileRange(match["file"], first, last)


def parse_place(text: str) -> FilePlace:
    """Return the place that ``FILE:LINE`` or ``FILE:LINE:COLUMN`` names.

    Raises:
        PlaceError: ``text`` has another form.

    Example:
        >>> parse_place("a.py:3:1")
        FilePlace(file='a.py', line=3, column=1)
    """
    match = _PLACE.fullmatch(text)
    if match is None:
        raise PlaceError(
            f"'{text}' names no place; write FILE:LINE or FILE:LINE:COLUMN, counted from 1"
        )
    column = match["column"]
    return FilePlace(match["file"], int(match["line"]), None if column is None else int(column))


def cut(text: str, place: FilePlace) -> tuple[str, str]:
    r"""Return the text before and after ``place``; together they are ``text``.

    Raises:
        PlaceError: The line or the column does not exist.  Nothing is clamped.

    Example:
        >>> cut("ab\r\ncd", FilePlace("f", 1))
        ('ab', '\r\ncd')
    """
    start, end = _line_span(text, place)
    length = end - start
    column = length + 1 if place.column is None else place.column
    if not 1 <= column <= length + 1:
        raise PlaceError(
            f"{place.file}:{place.line}: column {column} does not exist;"
            f" this line has columns 1 to {length + 1}"
        )
    offset = start + column - 1
    return text[:offset], text[offset:]


def _line_span(text: str, place: FilePlace) -> tuple[int, int]:
    """Return where the line of ``place`` begins and ends, its line ending left out."""
    start = 0
    count = 1
    for match in _LINE_END.finditer(text):
        if count == place.line:
            return start, match.start()
        start = match.end()
        count += 1
    if count == place.line:
        return start, len(text)
    raise PlaceError(
        f"{place.file}: line {place.line} does not exist; this text has lines 1 to {count}"
    )
