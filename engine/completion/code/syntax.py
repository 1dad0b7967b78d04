"""Checks whether Python could parse a file with a suggestion in it, and whether it makes sense.

The grammar check parses only the statements around the cursor, so a mistake elsewhere does no harm.
It grants what the person may still write (`engine.completion.code.unfinished_code`), and it judges
nothing where not even a neutral line would parse.  The grammar is that of the running Python.  What
makes no sense in spite of it is found by `engine.completion.code.flaws`.
"""

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePosixPath

from engine.completion.code.brackets import closers, inside_text
from engine.completion.code.flaws import find_flaws
from engine.completion.code.piece import Flaw, Piece, Position
from engine.completion.code.surroundings import indent_width, indentation
from engine.completion.code.unfinished_code import endings
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

    @cached_property
    def _in_prose(self) -> bool:
        """Whether the cursor is in a comment or a long string, where any text will do."""
        return self._before.lstrip().startswith("#") or inside_text(self.prefix)

    @cached_property
    def _known_ends(self) -> dict[str, str | None]:
        """The results of `_end`, by text."""
        return {}

    # ── grammar ─────────────────────────────────────────────────────────────────────────────

    def reads(self, text: str) -> bool:
        """Return whether the file parses with ``text`` at the cursor, or nobody can tell."""
        read = self._in_prose or self._end(text) is not None or self._tries_below(text)
        return read or not self._can_tell

    def readable(self, text: str) -> str:
        """Return the longest beginning of ``text``, in whole lines, that may stand there.

        The file must be readable with it, and it must have no flaw.  If Python cannot read the
        first line, or its flaw is doubtful, it stays all the same; of a faulty one nothing does.
        """
        lines = text.split("\n")
        kept = text if len(lines) == 1 or self.reads(text) else self._first_lines(lines[:-1])
        first = next((i for i, line in enumerate(lines) if line.strip()), 0)
        for flaw in self.flaws(kept):
            if not flaw.doubtful or flaw.at[0] > first:
                above = lines[: flaw.at[0]] if flaw.at[0] > first else []
                return self.readable(self._first_lines(above)) if above else ""
        return kept

    def _first_lines(self, lines: Sequence[str]) -> str:
        """Return as many of the first lines as leave the file readable, but at least one.

        Brackets that were open above the cursor may stay open.
        """
        above, _ = self._region(indent_width(self._before + lines[0]))
        ends = dict.fromkeys(["", closers(above)])
        for count in range(len(lines), 1, -1):
            kept = "\n".join(lines[:count])
            code = self._before + kept + self._rest
            if lines[count - 1].strip() and any(self._parses(code, end) for end in ends):
                return kept
        return lines[0]

    def _end(self, text: str) -> str | None:
        """Return an ending of ``text`` with which its statements parse, None if there is none."""
        if text not in self._known_ends:
            code = self._before + text + self._rest
            fitting = (end for end in self._ends(code) if self._parses(code, end))
            self._known_ends[text] = next(fitting, None)
        return self._known_ends[text]

    def _tries_below(self, text: str) -> bool:
        """Return whether ``text`` is a ``try`` whose body is below: its handler may yet follow."""
        line = (self._before + text + self._rest).rpartition("\n")[2]
        if line.strip() != "try:":
            return False
        above, _ = self._region(indent_width(line))
        body = [*self._until(indent_width(line)), f"{indentation(line)}except: pass"]
        return (
            _parsed(above + self._before + text + self._rest + "\n" + "\n".join(body)) is not None
        )

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

    # ── meaning ─────────────────────────────────────────────────────────────────────────────

    def flaws(self, text: str) -> list[Flaw]:
        """Return what speaks against ``text``, in order; the lines count from the cursor's, 0.

        What stands complete on either side of the cursor is the person's and does not count.
        Empty where nobody can tell.  Names are looked up only in a whole file that parses.
        """
        if text not in self._known_flaws:
            self._known_flaws[text] = self._find_flaws(text)
        return self._known_flaws[text]

    @cached_property
    def _known_flaws(self) -> dict[str, list[Flaw]]:
        return {}

    def _find_flaws(self, text: str) -> list[Flaw]:
        end = None if self._in_prose else self._end(text)
        if end is None:
            return []
        piece = whole = None
        if self._is_whole:
            below = self.suffix[len(self._rest) :]
            piece = whole = self._piece(self.prefix, text, self._rest + end + below)
        if piece is None:
            above, below = self._region(indent_width(self._before + text))
            piece = self._piece(above + self._before, text, self._rest + end + below)
        if piece is None:
            return []
        try:
            found = find_flaws(piece, names=whole is not None)
        except RecursionError:  # the parser reads deeper nesting than Python's own stack allows
            return []
        return [replace(flaw, at=(flaw.at[0] - piece.start[0], flaw.at[1])) for flaw in found]

    def _piece(self, above: str, text: str, below: str) -> Piece | None:
        """Return ``text`` as a piece of the code around it; None: Python cannot parse this."""
        above = above.removeprefix("\ufeff")
        module = _parsed(above + text + below)
        if module is None:
            return None
        grows = not self._rest.strip()
        return Piece(module, _end_of(above), _end_of(above + text), grows)


def _end_of(code: str) -> Position:
    """Return the position behind ``code``."""
    return code.count("\n") + 1, len(code.rpartition("\n")[2].encode("utf-8", "replace"))


def _joined(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _parsed(code: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
