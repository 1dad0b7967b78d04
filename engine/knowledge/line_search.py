"""Searches the indexed texts for lines that might belong at the cursor.

A line is offered as it is if it begins with the typed text.  It is also offered rewritten
(`engine.knowledge.analogy`) if the words around it differ from those around the cursor.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.knowledge.analogy import (
    MOST_CHARACTERS,
    Analogy,
    Pair,
    common_words,
    typed_words,
)
from engine.knowledge.cursor_lines import CursorLines, indent_of
from engine.knowledge.line_index import UNKNOWN_STEP, LineIndex, Neighbours
from engine.knowledge.text_index import IndexView
from engine.tokenizer import Tokenizer

__all__ = ["FoundLine", "find_lines"]

MAX_FOUND = 60
"""Most lines that a search returns."""

MAX_LOOKED_AT = 4_000
"""Best-fitting lines of an index that are compared with the typed text."""

MAX_UNTYPED = 400
"""The same if nothing is typed: nearly all of these lines would then be kept."""

MAX_COMPARED = 120
"""How many of them may be rewritten; with 1,000 hardly more came out right."""

MAX_REWRITTEN = 40
"""Most lines of an index that are rewritten; each must begin like the typed text."""

_KEPT = 8
"""Searches that are remembered: those of the views at one place, where keys follow each other."""

MAX_LINES = 8
"""Most lines of a completion of several lines."""

SHARPNESS = 4.0
"""A line weighs exp(`SHARPNESS` · fit); the weights of equal lines add up."""

OWN_BONUS = 0.2
"""Added to the fit of the buffer's own lines."""

ANALOGY_BONUS = 0.1
"""Added to the fit of a rewritten line."""

HALF_TYPED_BONUS = -0.5
"""The same if the rewriting used the last typed word, which may still be growing.

Both found by trial on 400 places of ten development packages; ±0.3 matters little."""

TAB_SPACES = 4
"""Spaces that count as one tab if one place uses tabs and the other spaces."""

NEAREST_FIRST = (-1, 1, -2, 2, -3, 3, -4)
"""Distances of neighbouring lines, in the order in which their words are trusted."""


@dataclass(slots=True)
class FoundLine:
    """A text for the cursor; the other fields describe the first place where it was found."""

    text: bytes
    """The rest of the cursor's line."""
    index: LineIndex
    line: int
    fit: float
    """How well the line fits between the cursor's neighbours."""
    analogy: Analogy | None = None
    """How the line was rewritten; None: it was not."""
    weight: float = 0.0
    """exp(`SHARPNESS` · fit), summed over all places."""

    @property
    def score(self) -> float:
        """The fit of a single line with the weight of all."""
        return float(np.log(self.weight)) / SHARPNESS

    def ending(self, cursor: CursorLines) -> bytes:
        """Return the line's end and, for a completion of several lines, the lines below it there.

        These are indented and rewritten like the first line, and end with its block.
        """
        if cursor.one_line:
            return b"\n"
        index, line = self.index, self.line
        first = cursor.before + self.text.decode("utf-8", "replace") + "x"
        own = first[: indent_of(first)].encode()
        content = index.texts[index.text[line]]
        stop = int(index.end[line])
        written = b""
        for below in range(line + 1, min(line + MAX_LINES, len(index))):
            if not index.same_text(line, below) or index.indent[below] < index.indent[line]:
                break
            start, end = int(index.start[below]), int(index.end[below])
            gap = content[stop : start - int(index.indent[below])]
            indent = own + _white_space(index, below, line, cursor)
            again = content[start:end]
            if self.analogy is not None:
                again = self.analogy(again.decode("utf-8", "replace")).encode("utf-8", "replace")
            written += b"\n" * gap.count(b"\n") + indent + again
            stop = end
        return written + b"\n"


def find_lines(
    views: Sequence[IndexView], tokenizer: Tokenizer, cursor: CursorLines
) -> list[FoundLine]:
    """Return the lines of all views that might belong at the cursor, the heaviest first."""
    surroundings = _Surroundings.of(cursor, tokenizer)
    found: dict[bytes, FoundLine] = {}
    for view in views:
        for each in _lines_of(view, surroundings):
            known = found.setdefault(each.text, each)
            known.weight += float(np.exp(SHARPNESS * each.fit))
    return sorted(found.values(), key=lambda each: (-each.weight, each.text))[:MAX_FOUND]


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """The cursor, and its neighbours as tokens and as text."""

    cursor: CursorLines
    typed: str
    """The cursor's line up to the cursor, without indentation."""
    neighbours: Neighbours
    around: Mapping[int, str]
    """The lines around the cursor without indentation, by distance."""

    @classmethod
    def of(cls, cursor: CursorLines, tokenizer: Tokenizer) -> "_Surroundings":
        around = {-i: line.strip() for i, line in enumerate(reversed(cursor.above), 1)}
        around |= {i: line.strip() for i, line in enumerate(cursor.below, 1)}
        step = UNKNOWN_STEP
        if cursor.above and cursor.before:
            step = int(np.sign(indent_of(cursor.before + "x") - indent_of(cursor.above[-1])))
        tokens = {distance: tokenizer.encode_part(line) for distance, line in around.items()}
        return cls(cursor, cursor.before.lstrip(), Neighbours.of(tokens, step), around)

    def analogy(self, index: LineIndex, line: int, typed: list[Pair]) -> Analogy | None:
        """Return the analogy between a line's place and the cursor; None if no word differs."""
        evidence: list[Sequence[Pair]] = [typed]
        evidence += [
            common_words(
                index.content(line + distance).decode("utf-8", "replace"), self.around[distance]
            )
            for distance in NEAREST_FIRST
            if distance in self.around and index.same_text(line, line + distance)
        ]
        if all(there == here for pairs in evidence for there, here in pairs):
            return None
        return Analogy(evidence)


def _lines_of(view: IndexView, surroundings: _Surroundings) -> Iterator[FoundLine]:
    """Yield the lines of one view that fit the cursor, plain and rewritten, best fit first."""
    index = view.index.lines
    best = _fitting(
        view, surroundings.neighbours, MAX_LOOKED_AT if surroundings.typed else MAX_UNTYPED
    )
    rewritten = 0
    typed = surroundings.typed.encode("utf-8", "replace")
    for rank, (line, content, fit) in enumerate(best):
        short = len(content) <= MOST_CHARACTERS
        if short and rank < MAX_COMPARED and rewritten < MAX_REWRITTEN:
            again = _rewritten(index, line, content.decode("utf-8", "replace"), surroundings)
            if again is not None:
                rewritten += 1
                again.fit += fit
                yield again
        if content.startswith(typed):
            rest = _indentation(index, line, surroundings.cursor) + content[len(typed) :]
            yield FoundLine(rest, index, line, fit)


@lru_cache(maxsize=_KEPT)
def _fitting(
    view: IndexView, neighbours: Neighbours, count: int
) -> tuple[tuple[int, bytes, float], ...]:
    """Return the ``count`` lines of a view that fit best: number, content, fit; the best first."""
    index = view.index.lines
    fit = index.fit(neighbours) + (OWN_BONUS if view.own else 0.0)
    for name in view.hidden & view.index.names.keys():
        fit[index.text == view.index.names[name]] = -1.0
    best = _best(fit, count)
    lines = zip(best.tolist(), index.contents(best), fit[best].tolist(), strict=True)
    return tuple(lines)


def _rewritten(
    index: LineIndex, line: int, content: str, surroundings: _Surroundings
) -> FoundLine | None:
    """Return a line rewritten; None if that changes nothing or contradicts the typed text.

    Its ``fit`` is only the bonus: the caller adds the fit of the line itself.
    """
    known = typed_words(content, surroundings.typed)
    if known is None:
        return None
    complete, last = known
    tries = [(complete, ANALOGY_BONUS)]
    if last:
        tries.append((complete + last, HALF_TYPED_BONUS))
    for pairs, bonus in tries:
        analogy = surroundings.analogy(index, line, pairs)
        text = analogy(content) if analogy is not None else content
        if text != content and text.startswith(surroundings.typed):
            rest = text[len(surroundings.typed) :].encode("utf-8", "replace")
            rest = _indentation(index, line, surroundings.cursor) + rest
            return FoundLine(rest, index, line, bonus, analogy)
    return None


def _best(fit: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Return the ``count`` lines that fit best, the best first; of equals, the first.

    Lines without any fit are left out.
    """
    bound = 1e-9
    if len(fit) > count:
        nth = len(fit) - count
        bound = max(bound, float(np.partition(fit, nth)[nth]))
    lines = np.flatnonzero(fit >= bound)
    return lines[np.argsort(-fit[lines], kind="stable")][:count]


def _indentation(index: LineIndex, line: int, cursor: CursorLines) -> bytes:
    """Return the white space to write before a line at the cursor.

    If the cursor stands at the start of its line, the indentation changes from the line above by
    as much as it does there.
    """
    if cursor.before or not cursor.above:
        return b""
    above = cursor.above[-1]
    own = above[: indent_of(above)].encode()
    if index.step[line] == UNKNOWN_STEP:
        return own
    if index.indent[line] < index.indent[line - 1]:
        less = len(_white_space(index, line - 1, line, cursor))
        return own[: max(0, len(own) - less)]
    return own + _white_space(index, line, line - 1, cursor)


def _white_space(index: LineIndex, deep: int, shallow: int, cursor: CursorLines) -> bytes:
    """Return the white space by which one line is deeper than another, as written here."""
    more = max(0, int(index.indent[deep] - index.indent[shallow]))
    there_tabs = index.indented_with_tab(deep)
    if cursor.tabs and not there_tabs:
        more = -(-more // TAB_SPACES)
    elif there_tabs and not cursor.tabs:
        more *= TAB_SPACES
    return (b"\t" if cursor.tabs else b" ") * more
