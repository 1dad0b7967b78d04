"""Checks whether Python could parse a file with a suggestion in it, and whether it binds the names.

The grammar check parses only the statements around the cursor, so a mistake elsewhere does no harm.
It grants what the person may still write (`engine.completion.unfinished_code`), and it judges
nothing where not even a neutral line would parse.  The check of names needs the whole file.  The
grammar is that of the running Python.
"""

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from engine.completion.brackets import closers, inside_text
from engine.completion.surroundings import indent_width, indentation
from engine.completion.unbound_names import unbound
from engine.completion.unfinished_code import endings
from engine.knowledge.adviser import SUFFIXES
from engine.protocol.completion import PREFIX_CHARACTERS, SUFFIX_CHARACTERS

__all__ = ["Syntax", "is_python"]

LOOK_LINES = 200
"""Most lines looked at above the cursor, and as many below."""

# Must not match the prose of a docstring, such as "class may be used as".
_DEFINITION = re.compile(r"\s*(?:(?:async\s+)?def|class)\s+\w+\s*[(\[:]")
_CLOSER = re.compile(r"\s*[)\]}]")
_NEUTRAL = (
    *("pass", "0,", "if 0:", "", "0(", "[", "{", ")", "]", "}", "):"),
    *("else:", "except:", "if (", "def f():", "def f(", "class A:"),
)
"""Neutral lines: at any point of a file that Python can parse, one of them fits."""


def is_python(path: str) -> bool:
    """Return whether a file holds Python, judged by its name."""
    return PurePosixPath(path).suffix in SUFFIXES["python"]


@dataclass(frozen=True)
class Syntax:
    """The code around one cursor."""

    prefix: str
    """The text before the cursor."""
    suffix: str
    """The text after the cursor."""

    @cached_property
    def _above(self) -> list[str]:
        """The nearest lines above the cursor's, the nearest last."""
        return self.prefix.removeprefix("\ufeff").split("\n")[-LOOK_LINES - 1 : -1]

    @cached_property
    def _before(self) -> str:
        """The cursor's line up to the cursor."""
        return self.prefix.rpartition("\n")[2]

    @cached_property
    def _rest(self) -> str:
        """The cursor's line after the cursor."""
        return self.suffix.partition("\n")[0]

    @cached_property
    def _below(self) -> list[str]:
        """The nearest lines below the cursor's."""
        return self.suffix.split("\n", LOOK_LINES + 1)[1 : LOOK_LINES + 1]

    @cached_property
    def _regions(self) -> dict[int, tuple[str, str]]:
        """The results of `_region` by indentation: every ending that is tried asks for one."""
        return {}

    @cached_property
    def _is_whole(self) -> bool:
        """Whether the request holds the whole file, so that its client did not cut it."""
        return len(self.prefix) < PREFIX_CHARACTERS and len(self.suffix) < SUFFIX_CHARACTERS

    # ── grammar ─────────────────────────────────────────────────────────────────────────────

    def reads(self, text: str) -> bool:
        """Return whether the file parses with ``text`` at the cursor, or nobody can tell."""
        if self._before.lstrip().startswith("#") or inside_text(self.prefix):
            return True
        return self._end(text) is not None or not self._can_tell

    def readable(self, text: str) -> str:
        """Return the longest beginning of ``text``, in whole lines, that leaves the file readable.

        The first line always stays.
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
        """Return an ending of ``text`` with which its statements parse, None if there is none."""
        code = self._before + text + self._rest
        return next((end for end in self._ends(code) if self._parses(code, end)), None)

    def _ends(self, code: str) -> Iterator[str]:
        yield ""
        # Only after the empty ending: most code parses as it is.
        above, _ = self._region(indent_width(code))
        yield from endings(code, outer=closers(above), tries=self._tries(indent_width(code)))

    def _tries(self, indent: int) -> list[str]:
        """Return the indentation of each ``try`` around a line, the innermost first."""
        found = []
        for line in reversed(self._above):
            if line.strip() and indent_width(line) < indent:
                indent = indent_width(line)
                if line.strip() == "try:":
                    found.append(line.partition("try")[0])
        return found

    @cached_property
    def _can_tell(self) -> bool:
        """Whether some neutral line would parse in place of the cursor's.

        If none does, something around the cursor is unfinished or not what it seems, and every
        suggestion would fail.
        """
        indents = [self._before] if self._before.strip() else self._indents()
        return any(
            self._parses(indentation(like) + line, end)
            for like in indents
            for end in self._neutral_ends(like)
            for line in _NEUTRAL
        )

    def _neutral_ends(self, like: str) -> list[str]:
        """Return endings for a neutral line that is indented like ``like``."""
        width = indent_width(like)
        handlers = "".join(f"\n{each}except: pass" for each in self._tries(width))
        above, _ = self._region(width)
        body = "\n" + " " * (width + 1) + "pass"
        return list(dict.fromkeys(["", body, handlers, closers(above)]))

    def _indents(self) -> list[str]:
        """Return lines with each indentation that the cursor's line may have."""
        above = next((line for line in reversed(self._above) if line.strip()), "")
        below = next((line for line in self._below if line.strip()), "")
        deeper = " " * (indent_width(above) + 4) + "x"
        own = [self._before + "x"] if self._before else []
        return list({indent_width(line): line for line in [*own, above, below, deeper]}.values())

    def _parses(self, code: str, end: str) -> bool:
        """Return whether the statements around the cursor parse with ``code`` in its line."""
        above, below = self._region(indent_width(code))
        return _parsed(above + code + end + below) is not None

    def _region(self, indent: int) -> tuple[str, str]:
        """Return the code above and below that a line with this indentation must fit into.

        It reaches from the nearest definition that the line can belong to or follow, to the end of
        that definition; if that piece begins or ends inside a string, it is everything at hand.
        """
        if indent not in self._regions:
            above, below = self._nearest(indent)
            if inside_text(above + below):
                above, below = _joined(self._above), "\n" + "\n".join(self._below)
            self._regions[indent] = above, below
        return self._regions[indent]

    def _nearest(self, indent: int) -> tuple[str, str]:
        """Return the code above and below, from the nearest definition to its end."""
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
        # No definition: begin at the first line at module level.
        first = (i for i, line in enumerate(self._above) if line[:1].strip())
        return _joined(self._above[next(first, 0) :]), "\n" + "\n".join(self._until(0))

    def _until(self, indent: int) -> Sequence[str]:
        """Return the lines below, up to the next statement indented by ``indent`` or less."""
        for i, line in enumerate(self._below):
            if line.strip() and indent_width(line) <= indent and not _CLOSER.match(line):
                return self._below[:i]
        return self._below

    # ── names ───────────────────────────────────────────────────────────────────────────────

    def unbound(self, text: str) -> list[str]:
        """Return the names that ``text`` uses and the file does not bind.

        Names that stand complete on either side of the cursor are the person's and do not count.
        Empty where nobody can tell: the file does not parse, or the request holds only a part.
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
        except RecursionError:  # the parser reads deeper nesting than Python's own stack allows
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
