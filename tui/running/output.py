"""What a program said, as lines, and the places in files that they name.

Keeps the first and the last lines of very much output.  Escape sequences are taken out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Output", "SaidPlace", "place_said"]

MAX_LINES = 5_000
"""Lines that are kept."""
MAX_LINE = 2_000
"""Characters of a line that are kept."""
_HEAD_LINES = 500
"""Of these the first ones."""

_TRACEBACK = "Traceback (most recent call last)"
_UNPARSED = re.compile(r"(Syntax|Indentation|Tab)Error: ")
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\x07\x1b]{0,500}(?:\x07|\x1b\\)|.)")
_PYTHON = re.compile(r'^\s{0,40}File "([^"\n]{1,1000})", line (\d{1,7})')
_COLONS = re.compile(r"(?:^|[\s(])([^\s:()\"']{1,500}\.\w{1,8}):(\d{1,7})(?::(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class SaidPlace:
    """A place in a file that a line names; line and column from 1."""

    path: Path
    line: int
    column: int = 1


class Output:
    """The lines of a program's output."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.left_out = 0
        """Lines that were dropped from the middle."""
        self._rest = ""

    def feed(self, text: str) -> None:
        """Take output as it comes; a line that has no end yet waits for it."""
        *lines, self._rest = (self._rest + text).split("\n")
        self._rest = self._rest[-MAX_LINE:]
        for line in lines:
            self._add(line)
        self._drop()

    def end(self, words: str = "") -> None:
        """Take the last line, though it has no end, and then a word about the end."""
        if self._rest:
            self._add(self._rest)
            self._rest = ""
        if words:
            self._add(words)
        self._drop()

    def traceback(self) -> str:
        """Return the last traceback of Python in it; empty if there is none.

        Of a file that cannot be parsed Python says the same, but without the first line.
        """
        before = ""
        start = None
        for number, line in enumerate(self.lines):
            unparsed = line.startswith('  File "') and not before.startswith((" ", _TRACEBACK))
            if line.startswith(_TRACEBACK) or (
                unparsed and _UNPARSED.match(self._said(number)[-1])
            ):
                start = number
            before = line
        return "" if start is None else "\n".join(self._said(start))

    def _said(self, start: int) -> list[str]:
        """Return a line, the indented ones below it, and the one after them."""
        below = range(start + 1, len(self.lines))
        end = next((n for n in below if self.lines[n] and self.lines[n][0] != " "), len(self.lines))
        return self.lines[start : end + 1]

    def _add(self, line: str) -> None:
        line = line[:MAX_LINE]
        if "\x1b" in line:
            line = _ESCAPES.sub("", line)
        line = line.rstrip("\r").rpartition("\r")[2]  # as a terminal shows what is written again
        self.lines.append(line)

    def _drop(self) -> None:
        """Drop the lines that are too many, all at once: a program may say 60,000 at a time."""
        more = max(0, len(self.lines) - MAX_LINES)
        del self.lines[_HEAD_LINES : _HEAD_LINES + more]
        self.left_out += more


def place_said(line: str, folder: Path) -> SaidPlace | None:
    """Return the place that a line of output names, if it is in a file that is there.

    Args:
        line: As Python's tracebacks (``File "x.py", line 3``) or compilers (``x.c:3:5``) write it.
        folder: Where relative paths begin.
    """
    python = _PYTHON.match(line)
    found: Sequence[str | None]
    if python is not None:
        found = (*python.groups(), None)
    else:
        other = _COLONS.search(line)
        if other is None:
            return None
        found = other.groups()
    name, row, column = found
    path = folder / (name or "")
    try:
        there = path.is_file()
    except (OSError, ValueError):
        return None
    return SaidPlace(path, int(row or 1), int(column or 1)) if there else None
