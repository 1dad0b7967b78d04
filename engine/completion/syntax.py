"""Whether Python could read a file with a suggestion in it, and knows its names.

For the grammar only the statements around the cursor are looked at, so a mistake elsewhere does
no harm; for the names it takes the whole file, or nothing is said of them.  What a person may still
write below is thought to be there (`engine.completion.unfinished`), and where nothing at all could
be read, everything may stand.  It is the grammar of the Python that runs this.
"""

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from engine.completion.brackets import closers, inside_text
from engine.completion.names import unbound
from engine.completion.place import indent_width, indentation
from engine.completion.unfinished import endings
from engine.knowledge.adviser import SUFFIXES
from engine.protocol.messages import PREFIX_CHARACTERS, SUFFIX_CHARACTERS

__all__ = ["Syntax", "is_python"]

LOOK_LINES = 200
"""Lines looked at above and below the cursor."""

# Not the prose of a docstring: "class may be used as".
_DEFINITION = re.compile(r"\s*(?:(?:async\s+)?def|class)\s+\w+\s*[(\[:]")
_CLOSER = re.compile(r"\s*[)\]}]")
_NEUTRAL = (
    *("pass", "0,", "if 0:", "", "0(", "[", "{", ")", "]", "}", "):"),
    *("else:", "except:", "if (", "def f():", "def f(", "class A:"),
)
"""Lines of which one can stand at any place that Python can read."""


def is_python(path: str) -> bool:
    """Return whether a file holds Python, by its name."""
    return PurePosixPath(path).suffix in SUFFIXES["python"]


@dataclass(frozen=True)
class Syntax:
    """The code around one cursor."""

    prefix: str
    """The text before it."""
    suffix: str
    """The text after it."""

    @cached_property
    def _above(self) -> list[str]:
        """The nearest lines above the cursor's."""
        return self.prefix.removeprefix("\ufeff").split("\n")[-LOOK_LINES - 1 : -1]

    @cached_property
    def _before(self) -> str:
        """The cursor's line up to the cursor."""
        return self.prefix.rpartition("\n")[2]

    @cached_property
    def _rest(self) -> str:
        """The cursor's line after it."""
        return self.suffix.partition("\n")[0]

    @cached_property
    def _below(self) -> list[str]:
        """The nearest lines below."""
        return self.suffix.split("\n", LOOK_LINES + 1)[1 : LOOK_LINES + 1]

    @cached_property
    def _regions(self) -> dict[int, tuple[str, str]]:
        """What `_region` found, by indentation: every ending of a line asks for it."""
        return {}

    @cached_property
    def _is_whole(self) -> bool:
        """Whether the client had no need to cut the file."""
        return len(self.prefix) < PREFIX_CHARACTERS and len(self.suffix) < SUFFIX_CHARACTERS

    # ── grammar ─────────────────────────────────────────────────────────────────────────────

    def reads(self, text: str) -> bool:
        """Return whether the file can be read with ``text`` at the cursor, or nothing can tell."""
        if self._before.lstrip().startswith("#") or inside_text(self.prefix):
            return True
        return self._end(text) is not None or not self._can_tell

    def readable(self, text: str) -> str:
        """Return the longest beginning of ``text``, in whole lines, with which it can be read.

        The first line stays in any case.
        """
        if "\n" not in text or self.reads(text):
            return text
        lines = text.split("\n")
        for count in range(len(lines) - 1, 1, -1):
            kept = "\n".join(lines[:count])
            if lines[count - 1].strip() and self._parses(self._before + kept + self._rest, ""):
                return kept
        return lines[0]

    def _end(self, text: str) -> str | None:
        """Return what may follow ``text`` so that the statements around it can be read, or None."""
        code = self._before + text + self._rest
        return next((end for end in self._ends(code) if self._parses(code, end)), None)

    def _ends(self, code: str) -> Iterator[str]:
        yield ""
        # Only now: most code can be read as it is.
        above, _ = self._region(indent_width(code))
        yield from endings(code, outer=closers(above), tries=self._tries(indent_width(code)))

    def _tries(self, indent: int) -> list[str]:
        """Return how each ``try`` that a line stands in is indented, the innermost first."""
        found = []
        for line in reversed(self._above):
            if line.strip() and indent_width(line) < indent:
                indent = indent_width(line)
                if line.strip() == "try:":
                    found.append(line.partition("try")[0])
        return found

    @cached_property
    def _can_tell(self) -> bool:
        """Whether a line that says nothing could be read in place of the cursor's.

        Otherwise something around it is unfinished, or not what it seems: every line would fail.
        """
        indents = [self._before] if self._before.strip() else self._indents()
        return any(
            self._parses(indentation(like) + line, end)
            for like in indents
            for end in self._neutral_ends(like)
            for line in _NEUTRAL
        )

    def _neutral_ends(self, like: str) -> list[str]:
        """Return what may follow a line that says nothing, indented like another."""
        width = indent_width(like)
        handlers = "".join(f"\n{each}except: pass" for each in self._tries(width))
        above, _ = self._region(width)
        body = "\n" + " " * (width + 1) + "pass"
        return list(dict.fromkeys(["", body, handlers, closers(above)]))

    def _indents(self) -> list[str]:
        """Return lines that are indented as the cursor's may be."""
        above = next((line for line in reversed(self._above) if line.strip()), "")
        below = next((line for line in self._below if line.strip()), "")
        deeper = " " * (indent_width(above) + 4) + "x"
        own = [self._before + "x"] if self._before else []
        return list({indent_width(line): line for line in [*own, above, below, deeper]}.values())

    def _parses(self, code: str, end: str) -> bool:
        """Return whether the statements around the cursor can be read with a line in its place."""
        above, below = self._region(indent_width(code))
        return _parsed(above + code + end + below) is not None

    def _region(self, indent: int) -> tuple[str, str]:
        """Return the text above and below that matters to a line with an indentation.

        From the nearest definition above that the line can belong to or follow, to its end; or,
        where that begins or ends inside of a string, all there is.
        """
        if indent not in self._regions:
            above, below = self._nearest(indent)
            if inside_text(above + below):
                above, below = _joined(self._above), "\n" + "\n".join(self._below)
            self._regions[indent] = above, below
        return self._regions[indent]

    def _nearest(self, indent: int) -> tuple[str, str]:
        """Return the text from the nearest definition to its end."""
        lowest = indent
        for i in range(len(self._above) - 1, -1, -1):
            line = self._above[i]
            if not line.strip():
                continue
            own = indent_width(line)
            if own <= lowest and _DEFINITION.match(line):
                wrap = ["if 1:"] if own else []
                return _joined([*wrap, *self._above[i:]]), "\n" + "\n".join(self._until(own))
            lowest = min(lowest, own)
        # No definition: from the first line that is not inside of anything.
        first = (i for i, line in enumerate(self._above) if line[:1].strip())
        return _joined(self._above[next(first, 0) :]), "\n" + "\n".join(self._until(0))

    def _until(self, indent: int) -> Sequence[str]:
        """Return the lines below up to the next statement indented by ``indent`` or less."""
        for i, line in enumerate(self._below):
            if line.strip() and indent_width(line) <= indent and not _CLOSER.match(line):
                return self._below[:i]
        return self._below

    # ── names ───────────────────────────────────────────────────────────────────────────────

    def unbound(self, text: str) -> list[str]:
        """Return the names that ``text`` uses and the file does not bind.

        As `engine.completion.names` has it, those left out that stand complete around the cursor;
        none where nothing can be told: the file cannot be read, or is not all there.
        """
        end = self._end(text) if self._is_whole else None
        if end is None:
            return []
        module = _parsed(self.prefix + text + self._rest + end + self.suffix[len(self._rest) :])
        if module is None:
            return []
        start = self.prefix.count("\n") + 1, len(self._before.encode("utf-8", "replace"))
        *more, last = text.split("\n")
        column = len(last.encode("utf-8", "replace")) + (0 if more else start[1])
        try:
            return unbound(module, start, (start[0] + len(more), column))
        except RecursionError:  # the parser goes deeper than Python's own stack
            return []


def _joined(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _parsed(code: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
