"""Cuts a file into passages that make sense alone: definitions, and what lies between.  Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.completion.code.surroundings import indent_width
from engine.repository.other_files import DEFINING_WORDS

__all__ = ["Passage", "definition", "passages"]

MOST_LINES = 60
"""Longest passage; a longer definition is cut after so many lines."""
LEAST_LINES = 8
"""Shortest passage that another one may follow in the same file."""

_BEGINS = re.compile(
    rf" {{0,4}}(?:(?:export|public|static|async|abstract|pub|default)\s+)*(?:{DEFINING_WORDS})\b"
    r"| {0,4}@\w|#{1,4} \S",
)
"""A line that begins a definition, its decorator, or a section of Markdown."""
_LEADS = ("@", "#[", "///", "/**", " *")
"""How lines begin that stand above a definition and belong to it."""
_CLOSES = ("}", ")", "]", "end")


@dataclass(frozen=True, slots=True)
class Passage:
    """Lines of a file."""

    path: str
    first: int
    """Its first line, from 1."""
    lines: tuple[str, ...]

    @property
    def last(self) -> int:
        """Its last line."""
        return self.first + len(self.lines) - 1

    @property
    def text(self) -> str:
        """Its lines as one text, without a line end at its end."""
        return "\n".join(self.lines)

    def overlaps(self, other: "Passage") -> bool:
        """Return whether two passages share a line."""
        return self.path == other.path and self.first <= other.last and other.first <= self.last

    @classmethod
    def of(cls, path: str, lines: Sequence[str], first: int, last: int) -> "Passage":
        """Return the lines ``first`` to ``last`` of a file, without blank ones at either end."""
        while first < last and not lines[first - 1].strip():
            first += 1
        while last > first and not lines[last - 1].strip():
            last -= 1
        return cls(path, first, tuple(lines[first - 1 : last]))


def passages(path: str, lines: Sequence[str]) -> Iterator[Passage]:
    """Yield a file in passages of `LEAST_LINES` to `MOST_LINES` lines, without blank ones."""
    start = 1
    for number in range(2, len(lines) + 2):
        at_end = number == len(lines) + 1
        begins = not at_end and _BEGINS.match(lines[number - 1]) is not None
        follows_lead = begins and lines[number - 2].lstrip().startswith("@")
        size = number - start
        cut = begins and not follows_lead and size >= LEAST_LINES
        if at_end or cut or size >= MOST_LINES:
            found = Passage.of(path, lines, start, number - 1)
            if found.text.strip():
                yield found
            start = number


def definition(path: str, lines: Sequence[str], at: int) -> Passage:
    """Return the definition whose head is the line ``at``: decorators above, its body below.

    The body is what is indented deeper, and the line that closes it.
    """
    first = at
    while first > 1 and lines[first - 2].lstrip().startswith(_LEADS):
        first -= 1
    depth, last = indent_width(lines[at - 1]), at
    for number in range(at + 1, min(first + MOST_LINES, len(lines) + 1)):
        line = lines[number - 1]
        if line.strip() and indent_width(line) <= depth:
            if not line.lstrip().startswith(_CLOSES):
                break
            last = number
            if not line.rstrip().endswith((":", "{")):
                break
        last = number
    return Passage.of(path, lines, first, last)
