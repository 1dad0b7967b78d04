r"""The rules that cut a completion: small pure functions that keep the beginning of a text.

A `SETTLED` rule may look at text that is still growing: what it cuts stays cut whatever follows,
so generation can stop there (`engine.completion.rules.stop`).  A `FINAL` rule needs the whole text.
`trim` applies them all.  Lines end with ``\n``.
"""

import re
from collections.abc import Callable

from engine.completion.code.brackets import CLOSERS, depths, inside_text
from engine.completion.code.data_tables import made_up
from engine.completion.code.surroundings import Surroundings, indent_width, lines_of
from engine.completion.rules.repeated_text import (
    before_lines_below,
    before_own_closer,
    before_repeated_block,
    before_repeated_lines,
    before_repeated_pattern,
    before_suffix,
    without_line_above,
    without_lines_below,
    without_rest_of_line,
)
from engine.visible_text import UNSEEN

__all__ = ["FINAL", "SETTLED", "Rule", "first_line", "trim", "without_unfinished_line"]

Rule = Callable[[str, Surroundings], str]

MAX_LINES = 16
"""Most lines of a completion that are not blank; people rarely read more before accepting."""

_DEEPER_AFTER = ":([{,\\=+-*/%|&<>"
_CONTINUES = ("else", "elif", "except", "finally", "case", "catch")
_HEAD = re.compile(r"[:{]\s*(#.*)?$")
_WORD = re.compile(r"\s*([^\s#]\w*)")
_NO_TEXT = re.compile(rf"[{UNSEEN}\ufffd]")


# ── rules that decide on growing text ───────────────────────────────────────────────────────


def first_line(text: str, around: Surroundings) -> str:
    """Keep the first line."""
    return text.partition("\n")[0]


def first_line_before_text(text: str, around: Surroundings) -> str:
    """Keep the first line if the cursor's line goes on after the cursor."""
    return first_line(text, around) if around.rest.strip() else text


def printable(text: str, around: Surroundings) -> str:
    """Cut at a character that nobody could see, or at bytes that are no text."""
    match = _NO_TEXT.search(text)
    return text[: match.start()] if match else text


def where_indented_lines_stand(text: str, around: Surroundings) -> str:
    """Drop a text that begins indented where the file begins, unless what follows does so too.

    It was written for the inside of something, and there is nothing that it could be inside of.
    """
    follows_indented = bool(around.below) and indent_width(around.below[0]) > 0
    if around.above or around.before or follows_indented:
        return text
    first = next((line for _, line, _ in lines_of(text) if line.strip()), "")
    return "" if indent_width(first) else text


def within_block(text: str, around: Surroundings) -> str:
    """Cut before the first line that leaves the cursor's block.

    The first line with text, which may be the cursor's own, sets the block's indentation.  If it
    opens a deeper block, the next line back at its own indentation ends the completion as well,
    unless that line is a closing bracket, ``else`` or the like.
    """
    filled = [line for line in lines_of(around.before + text) if line[1].strip()]
    if not filled:
        return text
    _, first, _ = filled[0]
    base = indent_width(first)
    # A line that the person began is the thing to complete, so it ends with its block.  A line of
    # the text's own does so only if it heads a block; otherwise the first call that spans several
    # lines would end a correct body.
    heads = bool(around.before.strip()) or _HEAD.search(first) is not None
    opened = heads and len(filled) > 1 and indent_width(filled[1][1]) > base
    known = (*_CONTINUES, *around.language.closing_words)
    for start, line, complete in filled[1:]:
        indent, word = indent_width(line), line.strip()
        leaves = indent < base or (indent == base and opened)
        if leaves and not (indent == base and _may_continue(word, complete, known)):
            return text[: start - len(around.before) - 1]
    return text


def _may_continue(word: str, complete: bool, known: tuple[str, ...]) -> bool:
    """Return whether a line at a block's own indentation still belongs to the statement above."""
    if word[0] in CLOSERS:
        return True
    if not complete and any(each.startswith(word) for each in known):
        return True  # it may become one
    return re.split(r"\W", word, maxsplit=1)[0] in known


def before_double_blank(text: str, around: Surroundings) -> str:
    """Cut at two blank lines in a row after some text: a new subject begins there."""
    match = re.search(r"(?<=\S)[^\S\n]*\n[^\S\n]*\n[^\S\n]*\n", text)
    return text[: match.start()] if match else text


def before_made_up_data(text: str, around: Surroundings) -> str:
    """Cut before a datum that nobody could know, in a table of plain data."""
    at = None if around.table is None else made_up(around.before, text, around.table)
    return text if at is None else text[:at]


def at_most_max_lines(text: str, around: Surroundings) -> str:
    """Keep the first `MAX_LINES` lines that are not blank."""
    filled = [start + len(line) for start, line, done in lines_of(text) if done and line.strip()]
    return text[: filled[MAX_LINES - 1]] if len(filled) >= MAX_LINES else text


def before_dead_code(text: str, around: Surroundings) -> str:
    """Cut before a line that never runs: above it the same block returns, raises or the like.

    A ``yield`` may stand there, for it makes a function a generator.  Of 34,007 random cursors in
    code that people wrote, none was followed by such a line.
    """
    jumps = around.language.jumps
    if not (jumps and around.remarks):
        return text
    above = "" if around.before.strip() else around.statement + "\n"
    code = above + around.before + text
    left, open_until = None, 0
    for start, line, complete in lines_of(code):
        word = _WORD.match(line)
        if start < open_until or word is None:
            continue
        here = indent_width(line)
        if here == left and not _is_yield(word[1], complete):
            return text[: max(0, start - len(above + around.before) - 1)]
        left = here if word[1] in jumps else None
        open_until = start + _statement_length(code[start:])
    return text


def _is_yield(word: str, complete: bool) -> bool:
    return word == "yield" or (not complete and "yield".startswith(word))


def _statement_length(code: str) -> int:
    """Return how many characters the lines of the first statement of ``code`` have."""
    end, depth = 0, 0
    for start, line, _ in lines_of(code):
        end = start + len(line)
        depth += depths(line)[0]
        if depth <= 0 and not line.endswith("\\") and not inside_text(code[:end]):
            break
    return end


def before_remark(text: str, around: Surroundings) -> str:
    """Keep nothing of a text that opens with a comment or docstring which nobody began.

    People open one in 15 of their texts so; those, too, are theirs to begin.
    """
    if around.before.strip():
        line, _, opening = text.partition("\n")
        begun = line.strip() or around.before.lstrip().startswith(around.remarks)
    else:
        opening, begun = text, False
    return (
        "" if not begun and around.remarks and opening.lstrip().startswith(around.remarks) else text
    )


def before_fence(text: str, around: Surroundings) -> str:
    """Cut before a line that opens or closes a block of Markdown in code: talk follows."""
    if not around.remarks:
        return text
    for match in re.finditer(r"^[ \t]*```", text, re.MULTILINE):
        if not around.language.inside_prose(text[: match.start()]):
            return text[: max(0, match.start() - 1)]
    return text


# ── the one rule about the beginning ────────────────────────────────────────────────────────


def without_extra_indent(text: str, around: Surroundings) -> str:
    """Strip leading white space that is there already.

    On a line of only white space this is so if the line is at least as deep as the line above, and
    that opens no block.  Behind text it is a single space after another: ``x = | 1``.
    """
    if around.before.strip():
        return text[1:] if _is_second_space(text, around) else text
    if not around.before or not around.above:
        return text
    deepest = indent_width(around.above) <= indent_width(around.before)
    return text.lstrip(" \t") if deepest and around.above[-1] not in _DEEPER_AFTER else text


def _is_second_space(text: str, around: Surroundings) -> bool:
    """Return whether a text begins with a space too many; two stand in strings, before comments."""
    one_each = re.search(r"\S $", around.before) and re.match(r" [^\s#]", text)
    return bool(one_each) and not any(around.before.count(quote) % 2 for quote in "'\"`")


def without_unfinished_line(text: str) -> str:
    """Drop the last of several lines: for text cut short by the limit of tokens."""
    kept, newline, _ = text.rpartition("\n")
    return kept if newline and kept.strip() else text


# ── rules that need the whole text ──────────────────────────────────────────────────────────


def without_blank_end(text: str, around: Surroundings) -> str:
    """Strip white space at the end; nothing remains of a text of only white space.

    Where text follows on the cursor's line, a space at the end is kept: ``f(a, |b)``.
    """
    if not text.strip():
        return ""
    kept = text.rstrip()
    if around.rest.strip() and not around.rest[0].isspace():
        return kept + text[len(kept) :].partition("\n")[0]
    return kept


SETTLED: tuple[Rule, ...] = (
    first_line_before_text,
    printable,
    where_indented_lines_stand,
    within_block,
    before_double_blank,
    before_repeated_lines,
    before_repeated_block,
    before_repeated_pattern,
    before_lines_below,
    before_suffix,
    before_own_closer,
    before_made_up_data,
    before_dead_code,
    before_remark,
    before_fence,
    at_most_max_lines,
)
"""Rules whose cut no further text can undo."""

FINAL: tuple[Rule, ...] = (
    without_rest_of_line,
    without_lines_below,
    without_line_above,
    without_blank_end,
)
"""Rules that look at the end of the text, so it must be complete."""


def trim(text: str, around: Surroundings, *, multi_line: bool = True) -> str:
    """Return the part of a completion that is worth showing; may be empty."""
    text = without_extra_indent(text, around)
    if not multi_line:
        text = first_line(text, around)
    text = settle(text, around)
    for rule in FINAL:
        text = rule(text, around)
    return text


def settle(text: str, around: Surroundings) -> str:
    """Return ``text`` after all `SETTLED` rules."""
    for rule in SETTLED:
        text = rule(text, around)
    return text
