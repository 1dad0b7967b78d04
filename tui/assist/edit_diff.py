"""The difference between lines as they are and as an edit wants them: hunks, and rows to draw.

Pure: lists of lines in, small records out.  An edit that is still being written is compared as far
as it goes; what it has not reached yet counts neither as kept nor as removed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

__all__ = ["DiffRow", "Hunk", "Verdict", "changed_columns", "diff_rows", "hunks_of", "joined"]

Verdict = Literal["open", "accepted", "rejected"]
"""What a person has decided about a hunk."""

Columns = tuple[tuple[int, int], ...]
"""Ranges of a line: first column, column after the last."""

_AHEAD = 8
"""Lines that an edit under way may have left out so far: a line is not looked for farther down."""
_ALIKE = 0.5
"""Least similarity of two lines for the second to be shown as the first one, changed."""
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that change together: ``before[first:last]`` become ``after[start:stop]``."""

    first: int
    last: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class DiffRow:
    """One row of a difference."""

    kind: Literal["same", "removed", "added", "accepted", "ahead"]
    """``accepted`` is new and decided; ``ahead`` is old and not reached yet."""
    text: str
    number: int | None
    """Index of the line in the text as it will be; None for one that is removed."""
    hunk: int | None = None
    """The hunk that it belongs to, while that is open."""
    marks: Columns = ()
    """The columns that differ from the line that it replaces, or that replaces it."""


def hunks_of(before: Sequence[str], after: Sequence[str], *, whole: bool = True) -> list[Hunk]:
    """Return how lines change, from top to bottom.

    Args:
        before: The lines as they are.
        after: The lines as an edit wants them.
        whole: False: the edit is being written, and may end inside a line.
    """
    if whole:
        return list(_hunks(before, after))
    *lines, last = after or [""]
    reached = before[: len(after) + _AHEAD]
    found = _so_far(reached, lines)
    consumed = _end_of_match(reached, lines, found)
    if last and not "".join(before[consumed : consumed + 1]).startswith(last):
        return _so_far(reached, after)
    return found


def joined(
    before: Sequence[str], after: Sequence[str], hunks: Sequence[Hunk], verdicts: Sequence[Verdict]
) -> list[str]:
    """Return the lines with the accepted hunks in place, and all others as they are."""
    lines: list[str] = []
    at = 0
    for hunk, verdict in zip(hunks, verdicts, strict=True):
        lines += before[at : hunk.first]
        accepted = verdict == "accepted"
        lines += after[hunk.start : hunk.stop] if accepted else before[hunk.first : hunk.last]
        at = hunk.last
    return [*lines, *before[at:]]


def diff_rows(
    before: Sequence[str],
    after: Sequence[str],
    hunks: Sequence[Hunk],
    verdicts: Sequence[Verdict],
    *,
    whole: bool = True,
) -> list[DiffRow]:
    """Return what is drawn in place of ``before``.

    Args:
        before: The lines as they are.
        after: The lines as an edit wants them.
        hunks: As `hunks_of` returns them.
        verdicts: One for each hunk.
        whole: As in `hunks_of`.
    """
    rows: list[DiffRow] = []
    number = at = 0
    for index, (hunk, verdict) in enumerate(zip(hunks, verdicts, strict=True)):
        rows += _numbered("same", before[at : hunk.first], number)
        number += hunk.first - at
        rows += _hunk_rows(before, after, hunk, verdict, index, number)
        rejected = verdict == "rejected"
        number += hunk.last - hunk.first if rejected else hunk.stop - hunk.start
        at = hunk.last
    if whole:
        return [*rows, *_numbered("same", before[at:], number)]
    begun = len(after) - (not after[-1]) if after else 0
    reached = max(at, min(len(before), at + begun - (hunks[-1].stop if hunks else 0)))
    rows += _numbered("same", before[at:reached], number)
    return [*rows, *_numbered("ahead", before[reached:], number + reached - at)]


def changed_columns(old: str, new: str) -> tuple[Columns, Columns]:
    """Return the columns of two lines in which they differ, word by word; none if little is alike.

    Example:
        >>> changed_columns("return a + b", "return a - b")
        (((9, 10),), ((9, 10),))
    """
    old_words, new_words = _WORDS.findall(old), _WORDS.findall(new)
    matcher = SequenceMatcher(None, old_words, new_words, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return (), ()
    old_ends, new_ends = _ends(old_words), _ends(new_words)
    changes = [code[1:] for code in matcher.get_opcodes() if code[0] != "equal"]
    gone = tuple((old_ends[i], old_ends[j]) for i, j, _, _ in changes if i < j)
    come = tuple((new_ends[i], new_ends[j]) for _, _, i, j in changes if i < j)
    return gone, come


def _hunks(before: Sequence[str], after: Sequence[str]) -> Iterator[Hunk]:
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for tag, *places in matcher.get_opcodes():
        if tag != "equal":
            yield Hunk(*places)


def _so_far(before: Sequence[str], after: Sequence[str]) -> list[Hunk]:
    """Return the hunks of an edit under way; at its end no more goes than has come instead."""
    hunks = list(_hunks(before, after))
    if hunks and hunks[-1].last == len(before) and hunks[-1].stop == len(after):
        tail = hunks.pop()
        come = tail.stop - tail.start
        if come:
            hunks.append(Hunk(tail.first, min(tail.last, tail.first + come), tail.start, tail.stop))
    return hunks


def _end_of_match(before: Sequence[str], after: Sequence[str], hunks: Sequence[Hunk]) -> int:
    """Return how many of the old lines an edit under way has passed."""
    at, done = (hunks[-1].last, hunks[-1].stop) if hunks else (0, 0)
    return min(len(before), at + len(after) - done)


def _hunk_rows(
    before: Sequence[str],
    after: Sequence[str],
    hunk: Hunk,
    verdict: Verdict,
    index: int,
    number: int,
) -> Iterator[DiffRow]:
    old, new = before[hunk.first : hunk.last], after[hunk.start : hunk.stop]
    if verdict == "rejected":
        yield from _numbered("same", old, number)
    elif verdict == "accepted":
        yield from _numbered("accepted", new, number)
    else:
        gone, come = _marks(old, new)
        for text, marks in zip(old, gone, strict=True):
            yield DiffRow("removed", text, None, index, marks)
        for offset, (text, marks) in enumerate(zip(new, come, strict=True)):
            yield DiffRow("added", text, number + offset, index, marks)


def _numbered(
    kind: Literal["same", "accepted", "ahead"], lines: Sequence[str], number: int
) -> Iterator[DiffRow]:
    return (DiffRow(kind, text, number + offset) for offset, text in enumerate(lines))


def _marks(old: Sequence[str], new: Sequence[str]) -> tuple[list[Columns], list[Columns]]:
    """Return the marks of the old and the new lines of a hunk; a line pairs with one at most."""
    gone: list[Columns] = [()] * len(old)
    come: list[Columns] = [()] * len(new)
    at = 0
    for row, text in enumerate(new):
        left = len(new) - row
        # As many old lines stay as there are new ones below, so that equal counts pair in order.
        stop = max(at + 1, len(old) - left + 1)
        for other in range(at, min(stop, len(old))):
            marks = changed_columns(old[other], text)
            if marks != ((), ()):
                gone[other], come[row] = marks
                at = other + 1
                break
    return gone, come


def _ends(words: Sequence[str]) -> list[int]:
    """Return the column in which each word begins, and last the length of all."""
    ends = [0]
    for word in words:
        ends.append(ends[-1] + len(word))
    return ends
