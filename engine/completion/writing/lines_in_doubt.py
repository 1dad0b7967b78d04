"""Which unfinished line is not shown yet, because its end may take it back.

A line that stands below already, or a second definition of a name, is cut once it is whole
(`trim`, `repeats`).  Shown while it grows, it would vanish under the person's eyes.  Holds a line
back; whether it stays is decided by the rules themselves.
"""

import re
from collections.abc import Iterable

from engine.completion.code.surroundings import indentation
from engine.completion.rules.repeated_text import is_distinct

__all__ = ["LinesInDoubt"]

_DEFINITION = re.compile(r"^([ \t]*)(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE)
_UNNAMED = re.compile(r"^([ \t]*)(?:async[ \t]+)?(?:def|class)[ \t]*(\w*)$")
"""A definition whose name may go on."""


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
        self._defined = _definitions(above) | _definitions(suffix) if python else frozenset()

    def without(self, text: str) -> str:
        """Return ``text`` without its last line if that is unfinished and in doubt."""
        start = text.rfind("\n") + 1
        line = text[start:] if start else self._before + text
        if not line.strip() or not (self._may_stand_below(line) or self._defines_again(line)):
            return text
        return text[: max(0, start - 1)]

    def _may_stand_below(self, line: str) -> bool:
        indent, signs = indentation(line), _signs(line)
        return any(
            indent == below_indent and below.startswith(signs)
            for below_indent, below in self._below
        )

    def _defines_again(self, line: str) -> bool:
        if unfinished := _UNNAMED.match(line):
            indent, begun = unfinished.groups()
            return any(indent == at and name.startswith(begun) for at, name in self._defined)
        new = _definitions(line) - _definitions(self._before)  # a person may repeat a name
        return not self._defined.isdisjoint(new)


def _definitions(text: str) -> frozenset[tuple[str, str]]:
    """Return (indentation, name) of each function and class."""
    return frozenset((match[1], match[2]) for match in _DEFINITION.finditer(text))


def _signs(line: str) -> str:
    """Return what of a line is compared: no spaces, one kind of quotes."""
    return re.sub(r"\s", "", line).replace("'", '"')
