r"""Rules that cut a completion: each a small pure function from text to its beginning.

`SETTLED` rules decide on text that is still growing: once one of them cuts, more text cannot
undo it, so decoding may stop there (`engine.completion.stop`).  `FINAL` rules need the whole
text.  `trim` applies all of them.  Text has ``\n`` line ends.
"""

import re
from collections.abc import Callable
from itertools import pairwise

from engine.completion.brackets import CLOSERS, OPENERS, brackets
from engine.completion.place import Place, indent_width

__all__ = ["FINAL", "SETTLED", "Rule", "first_line", "trim", "without_unfinished_line"]

Rule = Callable[[str, Place], str]

MAX_LINES = 16
"""Lines that are not blank in one completion: more is rarely read before it is accepted."""

REPEATED_LINES = 3
"""The same line this many times running is a model going in circles; a distinct one twice."""

REPEATED_BLOCK = 4
"""So many lines that come twice running are the same."""

OVERLAP_CHARACTERS = 20
"""Text that repeats this many characters from after the cursor has arrived there."""

DISTINCT_CHARACTERS = 6
"""A line with fewer letters and digits (``else:``, ``)``) may well come twice."""

_SIGNS = (":", ",", ";")
"""Alone right of the cursor, none of these is meant twice."""

_DEEPER_AFTER = ":([{,\\=+-*/%|&<>"
_CONTINUES = ("else", "elif", "except", "finally", "case", "catch")
_HEAD = re.compile(r"[:{]\s*(#.*)?$")
_REPEATED = re.compile(r"(?P<short>[^\n]{3,9}?)(?P=short){5}|(?P<long>[^\n]{10,40}?)(?P=long){3}")
_NO_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffd]")


# ── rules that decide on growing text ───────────────────────────────────────────────────────


def first_line(text: str, place: Place) -> str:
    """Keep the first line: for single-line requests and where text follows the cursor."""
    return text.partition("\n")[0]


def first_line_before_text(text: str, place: Place) -> str:
    """Keep the first line where the cursor's line goes on after the cursor."""
    return first_line(text, place) if place.rest.strip() else text


def printable(text: str, place: Place) -> str:
    """Cut at a control character or at bytes that were no text."""
    match = _NO_TEXT.search(text)
    return text[: match.start()] if match else text


def within_block(text: str, place: Place) -> str:
    """Cut before the first line that leaves the block the cursor is in.

    The block is that of the first line with text, the cursor's own line included.  If that line
    opened something and the next one is deeper, a line back at its indentation ends the
    completion, but for closing brackets and for ``else`` and its like.
    """
    filled = [line for line in _lines(place.before + text) if line[1].strip()]
    if not filled:
        return text
    _, first, _ = filled[0]
    base = indent_width(first)
    # A line that the person began is what is to be completed; of the text's own lines only the
    # head of a block is, or correct bodies would end behind their first call of several lines.
    heads = bool(place.before.strip()) or _HEAD.search(first) is not None
    opened = heads and len(filled) > 1 and indent_width(filled[1][1]) > base
    for start, line, complete in filled[1:]:
        indent, word = indent_width(line), line.strip()
        leaves = indent < base or (indent == base and opened)
        if leaves and not _may_continue(word, complete, indent == base):
            return text[: start - len(place.before) - 1]
    return text


def _may_continue(word: str, complete: bool, same_indent: bool) -> bool:
    """Return whether a line with little indentation still belongs to the statement above."""
    if not same_indent:
        return False
    if word[0] in CLOSERS:
        return True
    if not complete and any(known.startswith(word) for known in _CONTINUES):
        return True  # it may become one
    return re.split(r"\W", word, maxsplit=1)[0] in _CONTINUES


def before_double_blank(text: str, place: Place) -> str:
    """Cut at two blank lines running, once there is text: what follows is another thing."""
    match = re.search(r"(?<=\S)[^\S\n]*\n[^\S\n]*\n[^\S\n]*\n", text)
    return text[: match.start()] if match else text


def before_repeated_lines(text: str, place: Place) -> str:
    """Keep one of a line that comes `REPEATED_LINES` times running, or twice if it is distinct.

    Of 3,000 lines of code of ten packages, not one stood right below its like.
    """
    run = 1
    complete = [(start, line) for start, line, done in _lines(text) if done and line.strip()]
    for (_, previous), (start, line) in pairwise(complete):
        same = line.rstrip() == previous.rstrip() and re.search(r"[\w'\"]", line)
        run = run + 1 if same else 1
        if run == 2:
            cut = start
        if run == REPEATED_LINES or (run == 2 and _is_distinct(line)):
            return text[: cut - 1]
    return text


def before_repeated_block(text: str, place: Place) -> str:
    """Keep one of two to `REPEATED_BLOCK` lines that come twice running."""
    lines = [
        (start - len(place.before), line.rstrip())
        for start, line, done in _lines(place.before + text)
        if done and line.strip()
    ]
    for i in range(len(lines)):
        for size in range(2, min(REPEATED_BLOCK, (len(lines) - i) // 2) + 1):
            first, second = lines[i : i + size], lines[i + size : i + 2 * size]
            same = [line for _, line in first] == [line for _, line in second]
            if same and any(_is_distinct(line) for _, line in first):
                return text[: second[0][0] - 1]
    return text


def before_repeated_pattern(text: str, place: Place) -> str:
    """Keep one of a short pattern that repeats inside a line, such as ``foo(foo(foo(foo(``."""
    for match in _REPEATED.finditer(text):
        pattern = match["short"] or match["long"]
        if re.search(r"\w", pattern):  # a ruler of dashes is meant
            return text[: match.start() + len(pattern)]
    return text


def before_line_below(text: str, place: Place) -> str:
    """Cut before a line that repeats the next line of the file."""
    if not place.below or not _is_distinct(place.below[0]):
        return text
    for start, line, complete in _lines(place.before + text):
        if complete and line.rstrip() == place.below[0]:
            return text[: max(0, start - len(place.before) - 1)]
    return text


def before_suffix(text: str, place: Place) -> str:
    """Cut where the text right of the cursor begins again.

    Of what stands on the lines below, the beginning says too little: neighbours often begin alike.
    """
    if not place.rest.strip():
        return text
    start = place.suffix.lstrip()[:OVERLAP_CHARACTERS]
    if len(start) < OVERLAP_CHARACTERS or not _is_distinct(start):
        return text
    return text.partition(start)[0]


def before_own_closer(text: str, place: Place) -> str:
    """Cut at a bracket that closes nothing in the text and already stands after the cursor."""
    after = place.suffix.lstrip()[:1]
    if not after or after not in CLOSERS:
        return text
    depth = _open_on_line(place)
    for i, sign in brackets(text, place.before, comments=False):
        depth += 1 if sign in OPENERS else -1
        if depth < 0:
            return text[:i] if sign == after else text
    return text


def _open_on_line(place: Place) -> int:
    """Return how many brackets of the cursor's line the one after the cursor does not close.

    A closing bracket on a line of its own, less deep than the cursor's, belongs to a line above.
    """
    if place.rest.strip() or indent_width(place.below[0]) >= indent_width(place.before):
        return 0
    signs = brackets(place.before, comments=False)
    return max(0, sum(1 if sign in OPENERS else -1 for _, sign in signs))


def at_most_max_lines(text: str, place: Place) -> str:
    """Keep the first `MAX_LINES` lines that are not blank."""
    filled = [start + len(line) for start, line, done in _lines(text) if done and line.strip()]
    return text[: filled[MAX_LINES - 1]] if len(filled) >= MAX_LINES else text


# ── the one rule about the beginning ────────────────────────────────────────────────────────


def without_extra_indent(text: str, place: Place) -> str:
    """Strip white space in front where the cursor's line is indented as deep as it can be.

    That is on a line of white space only, at least as deep as the line above, which opens no
    block.
    """
    if not place.before or place.before.strip() or not place.above:
        return text
    deepest = indent_width(place.above) <= indent_width(place.before)
    return text.lstrip(" \t") if deepest and place.above[-1] not in _DEEPER_AFTER else text


def without_unfinished_line(text: str) -> str:
    """Drop the last line of several where the limit of tokens, not the model, ended it."""
    kept, newline, _ = text.rpartition("\n")
    return kept if newline and kept.strip() else text


# ── rules that need the whole text ──────────────────────────────────────────────────────────


def without_rest_of_line(text: str, place: Place) -> str:
    """Cut the end of the text where it repeats what stands right of the cursor."""
    rest = place.rest.rstrip()
    if not rest.strip():
        return text
    if rest.strip() in _SIGNS and text.rstrip().endswith(rest.strip()):
        return text.rstrip()[:-1]
    for length in range(min(len(rest), len(text)), 0, -1):
        if text.endswith(rest[:length]) and _is_overlap(text, rest[:length]):
            return text[:-length]
    return text


def _is_overlap(text: str, end: str) -> bool:
    """Return whether ``end``, said again after ``text``, would be once too often."""
    if end[0] in "'\"":
        return text.count(end[0]) % 2 == 1
    return len(end.strip()) >= 3


def without_lines_below(text: str, place: Place) -> str:
    """Cut the last lines where they are the next lines of the file."""
    lines = [(start, line.rstrip()) for start, line, _ in _lines(place.before + text)]
    filled = [(start, line) for start, line in lines if line]
    for count in range(min(len(filled), len(place.below)), 0, -1):
        if tuple(line for _, line in filled[-count:]) == place.below[:count]:
            start = filled[-count][0] - len(place.before)
            # The cursor's own line is the person's: cut only lines that are ours.
            if start > 0 or not place.before.strip():
                return text[: max(0, start - 1)]
    return text


def without_line_above(text: str, place: Place) -> str:
    """Drop a text whose first line only repeats the line above the cursor."""
    if place.before.strip() or not _is_distinct(place.above):
        return text
    return "" if (place.before + text.partition("\n")[0]).rstrip() == place.above else text


def without_blank_end(text: str, place: Place) -> str:
    """Strip white space at the end; text of nothing else becomes empty.

    Before text on the cursor's line a space at the end counts: ``f(a, |b)``.
    """
    if not text.strip():
        return ""
    kept = text.rstrip()
    if place.rest.strip() and not place.rest[0].isspace():
        return kept + text[len(kept) :].partition("\n")[0]
    return kept


SETTLED: tuple[Rule, ...] = (
    first_line_before_text,
    printable,
    within_block,
    before_double_blank,
    before_repeated_lines,
    before_repeated_block,
    before_repeated_pattern,
    before_line_below,
    before_suffix,
    before_own_closer,
    at_most_max_lines,
)
"""More text never undoes a cut of these."""

FINAL: tuple[Rule, ...] = (
    without_rest_of_line,
    without_lines_below,
    without_line_above,
    without_blank_end,
)
"""These look at the end of the text, so it must be complete."""


def trim(text: str, place: Place, *, multi_line: bool = True) -> str:
    """Return the part of a completion worth showing; may be empty."""
    text = without_extra_indent(text, place)
    if not multi_line:
        text = first_line(text, place)
    text = settle(text, place)
    for rule in FINAL:
        text = rule(text, place)
    return text


def settle(text: str, place: Place) -> str:
    """Return the text after all `SETTLED` rules."""
    for rule in SETTLED:
        text = rule(text, place)
    return text


# ── helpers ─────────────────────────────────────────────────────────────────────────────────


def _lines(text: str) -> list[tuple[int, str, bool]]:
    """Return (start, line, whether its line end is there) of every line."""
    found, start = [], 0
    pieces = text.split("\n")
    for i, line in enumerate(pieces):
        found.append((start, line, i < len(pieces) - 1))
        start += len(line) + 1
    return found


def _is_distinct(line: str) -> bool:
    """Return whether a line says enough to be told from others."""
    return len(re.findall(r"\w", line)) >= DISTINCT_CHARACTERS
