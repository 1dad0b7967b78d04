"""Which unfinished line is not shown yet, because its end may take it back.

A line that stands below already, or a second definition of a name, is cut once it is whole
(`trim`, `repeats`).  Shown while it grows, it would vanish under the person's eyes.  Holds a line
back; whether it stays is decided by the rules themselves.
"""

import re
from collections.abc import Iterable

from engine.completion.code.surroundings import indent_width, indentation
from engine.completion.rules.repeated_text import is_distinct

__all__ = ["LinesInDoubt"]

_DEFINITION = re.compile(r"^([ \t]*)(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)")
_UNNAMED = re.compile(r"^([ \t]*)(?:async[ \t]+)?(?:def|class)[ \t]*(\w*)$")
"""A definition whose name may go on."""

_Definition = tuple[str, str]
"""Indentation and name."""

_WHATEVER = 1 << 30
"""More columns than any line is indented."""


class LinesInDoubt:
    """The beginnings of lines that may repeat what a file holds.

    Args:
        prefix: Text before the cursor.
        below: Lines below the cursor's, those that `trim` compares.
        suffix: Text behind the cursor.
        python: Whether the file is Python, where a name is defined once in a block.
    """

    def __init__(self, prefix: str, below: Iterable[str], suffix: str, *, python: bool) -> None:
        above, _, self._before = prefix.rpartition("\n")
        self._below = [(indentation(line), _signs(line)) for line in below if is_distinct(line)]
        around = [reversed(above.split("\n")), suffix.split("\n")[1:]] if python else []
        self._defined = {each for lines in around for each in _in_open_blocks(lines)}

    def without(self, text: str) -> str:
        """Return ``text`` without its last line if that is unfinished and in doubt."""
        start = text.rfind("\n") + 1
        line = text[start:] if start else self._before + text
        if not line.strip():
            return text
        open_to = self._least_indent(text[:start])
        if self._may_stand_below(line) or self._defines_again(line, open_to):
            return text[: max(0, start - 1)]
        return text

    def _least_indent(self, text: str) -> int:
        """Return the least indentation of the lines that are written: what it closes is closed."""
        whole = [line for line in (self._before + text).split("\n") if line.strip()]
        return min(map(indent_width, whole), default=_WHATEVER) if text else _WHATEVER

    def _may_stand_below(self, line: str) -> bool:
        indent, signs = indentation(line), _signs(line)
        return any(
            indent == below_indent and below.startswith(signs)
            for below_indent, below in self._below
        )

    def _defines_again(self, line: str, open_to: int) -> bool:
        """Return whether a line begins to define a name that its block has.

        Args:
            line: Unfinished.
            open_to: Blocks that are indented more are closed by now.
        """
        defined = [each for each in self._defined if indent_width(each[0]) <= open_to]
        if unfinished := _UNNAMED.match(line):
            indent, begun = unfinished.groups()
            return any(indent == at and name.startswith(begun) for at, name in defined)
        new = _definitions(line) - _definitions(self._before)  # a person may repeat a name
        return not new.isdisjoint(defined)


def _definitions(line: str) -> frozenset[_Definition]:
    """Return the function or class that a line defines, if it does."""
    match = _DEFINITION.match(line)
    return frozenset([(match[1], match[2])] if match else [])


def _in_open_blocks(lines: Iterable[str]) -> set[_Definition]:
    """Return the functions and classes of the blocks that the cursor is in.

    Args:
        lines: From the cursor away: a line that is indented less ends the blocks behind it.
    """
    found, least = set[_Definition](), _WHATEVER
    for line in filter(str.strip, lines):
        width = indent_width(line)
        if width <= least:
            found |= _definitions(line)
        least = min(least, width)
    return found


def _signs(line: str) -> str:
    """Return what of a line is compared: no spaces, one kind of quotes."""
    return re.sub(r"\s", "", line).replace("'", '"')
