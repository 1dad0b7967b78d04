"""Finds the lines that a traceback is about in the file that is open.  Reads the text alone."""

import re
from collections.abc import Sequence
from pathlib import Path

__all__ = ["error_row"]

_FRAME = re.compile(r'File "([^"\n]{1,1000})", line (\d{1,7})(?:, in (\w{1,200}))?')


def error_row(error: str, lines: Sequence[str], path: Path) -> int | None:
    """Return the row where the mending of an error begins; None: it names no line of the file.

    The head of the function of the innermost frame in the file, as the cause often stands above
    the line that failed; outside a function that line.

    Args:
        error: Text with a traceback of Python in it.
        lines: The file's.
        path: The file's; a traceback may name the end of it only.
    """
    for name, number, function in reversed(_FRAME.findall(error)):
        row = int(number) - 1
        if _names(name, path) and 0 <= row < len(lines):
            return _head(lines, row, function)
    return None


def _names(name: str, path: Path) -> bool:
    there = Path(name).parts
    return bool(there) and path.parts[-len(there) :] == there


def _head(lines: Sequence[str], row: int, function: str) -> int:
    """Return the row of the function's head above a row; the row itself if there is none."""
    head = re.compile(rf"\s*(async\s+)?def\s+{re.escape(function)}\b") if function else None
    above = range(row, -1, -1)
    return next((each for each in above if head and head.match(lines[each])), row)
