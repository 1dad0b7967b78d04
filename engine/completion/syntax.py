"""Whether Python could read a file with a suggestion in it.

Only the statements around the cursor are looked at, so a mistake elsewhere does no harm; and what
a person may still write below a line (a body, a closing bracket) is thought to be there.  It is
the grammar of the Python that runs this.
"""

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from engine.completion.brackets import closers
from engine.completion.names import unbound
from engine.completion.place import indent_width
from engine.messages import PREFIX_CHARACTERS, SUFFIX_CHARACTERS

__all__ = ["Syntax", "is_python"]

LOOK_LINES = 400
"""Lines looked at above and below the cursor."""

# Not the prose of a docstring: "class may be used as".
_DEFINITION = re.compile(r"\s*(?:(?:async\s+)?def|class)\s+\w+\s*[(\[:]")
_CLOSER = re.compile(r"\s*[)\]}]")
_BODIES = ("\n pass", "\n pass\nexcept: pass", "\n case _: pass")
_DECORATED = "def f(): pass"


def is_python(path: str) -> bool:
    """Return whether a file holds Python, by its name."""
    return PurePosixPath(path).suffix in (".py", ".pyi")


@dataclass(frozen=True, slots=True)
class Syntax:
    """The code around one cursor."""

    prefix: str
    suffix: str
    above: Sequence[str]
    """The nearest lines above the cursor's."""
    before: str
    """The cursor's line up to the cursor."""
    rest: str
    """The cursor's line after it."""
    below: Sequence[str]
    """The nearest lines below."""

    @classmethod
    def of(cls, prefix: str, suffix: str) -> "Syntax":
        """Return the code between ``prefix`` and ``suffix``."""
        *above, before = prefix.split("\n")
        rest, *below = suffix.split("\n")
        return cls(prefix, suffix, above[-LOOK_LINES:], before, rest, below[:LOOK_LINES])

    def reads(self, text: str) -> bool:
        """Return whether the file can be read with ``text`` at the cursor."""
        return self._end(text) is not None

    def unbound(self, text: str) -> list[str]:
        """Return the names that ``text`` uses and the file does not bind.

        As `engine.completion.names` has it; none where that cannot be told: the file cannot be
        read, or is not all there.
        """
        whole = len(self.prefix) < PREFIX_CHARACTERS and len(self.suffix) < SUFFIX_CHARACTERS
        end = self._end(text) if whole else None
        if end is None:
            return []
        below = self.suffix[len(self.rest) :]
        module = _parsed(self.prefix + text + self.rest + end + below)
        first = self.prefix.count("\n") + 1
        return [] if module is None else unbound(module, range(first, first + text.count("\n") + 1))

    def _end(self, text: str) -> str | None:
        """Return what may follow ``text`` so that the statements around it can be read, or None."""
        code = self.before + text + self.rest
        top, bottom, wrap = self._region(indent_width(code))
        above, below = "\n".join([*wrap, *top, ""]), "\n" + "\n".join(bottom)
        return next((end for end in _ends(code) if _parsed(above + code + end + below)), None)

    def readable(self, text: str) -> str:
        """Return the longest beginning of ``text``, in whole lines, with which it can be read.

        The first line stays in any case.
        """
        lines = text.split("\n")
        for count in range(len(lines), 1, -1):
            kept = "\n".join(lines[:count])
            if lines[count - 1].strip() and self.reads(kept):
                return kept
        return lines[0]

    def _region(self, indent: int) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
        """Return the lines above and below that matter, and what to put in front of them.

        From the nearest definition above that the line can belong to or follow, to its end.
        """
        lowest = indent
        for i in range(len(self.above) - 1, -1, -1):
            line = self.above[i]
            if not line.strip():
                continue
            own = indent_width(line)
            if own <= lowest and _DEFINITION.match(line):
                return self.above[i:], self._until(own), ["if 1:"] if own else []
            lowest = min(lowest, own)
        # No definition: from the first line that is not inside of anything.
        first = (i for i, line in enumerate(self.above) if line[:1].strip())
        return self.above[next(first, 0) :], self._until(0), []

    def _until(self, indent: int) -> Sequence[str]:
        """Return the lines below up to the next statement indented by ``indent`` or less."""
        for i, line in enumerate(self.below):
            if line.strip() and indent_width(line) <= indent and not _CLOSER.match(line):
                return self.below[:i]
        return self.below


def _ends(code: str) -> Iterator[str]:
    """Yield what may yet follow: nothing, what makes the last line a statement, a body."""
    yield ""
    line = code.rpartition("\n")[2]
    indent = line[: len(line) - len(line.lstrip())]
    missing = closers(code)
    completed = [missing, missing + ":", " _" + missing, " _" + missing + ":"] if missing else [""]
    for end in completed:
        if missing:
            yield end
        if (line + end).rstrip().endswith(":"):
            for body in _BODIES:
                yield end + body.replace("\n", "\n" + indent)
    if line.lstrip().startswith("@"):
        yield missing + "\n" + indent + _DECORATED


def _parsed(code: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
