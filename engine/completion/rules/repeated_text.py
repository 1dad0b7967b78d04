r"""The rules that cut what a completion says twice: within itself, and beside the lines around it.

`engine.completion.rules.trim` says when each applies.  Lines end with ``\n``.
"""

import re
from itertools import pairwise, takewhile

from engine.completion.code.brackets import CLOSERS, OPENERS, brackets
from engine.completion.code.surroundings import Surroundings, indent_width, lines_of

__all__ = [
    "before_lines_below",
    "before_own_closer",
    "before_repeated_block",
    "before_repeated_lines",
    "before_repeated_pattern",
    "before_suffix",
    "is_distinct",
    "without_line_above",
    "without_lines_below",
    "without_rest_of_line",
]

REPEATED_LINES = 3
"""A line this many times in a row is a model going in circles; a distinct line needs only two."""

REPEATED_BLOCK = 4
"""Most lines of a block that is looked for twice in a row."""

OVERLAP_CHARACTERS = 20
"""Text that repeats this many characters from after the cursor has caught up with them."""

DISTINCT_CHARACTERS = 6
"""A line with fewer letters and digits, such as ``else:`` or ``)``, may rightly come twice."""

_SIGNS = (":", ",", ";")
"""Where one of these stands alone after the cursor, the text must not end with the same one."""

_REPEATED = re.compile(r"(?P<short>[^\n]{3,9}?)(?P=short){5}|(?P<long>[^\n]{10,40}?)(?P=long){3}")


# ── said before by the text itself ──────────────────────────────────────────────────────────


def before_repeated_lines(text: str, around: Surroundings) -> str:
    """Keep one copy of a line that comes `REPEATED_LINES` times in a row, or twice if distinct.

    Among 3,000 lines of code from ten packages, no distinct line stood right below its copy.
    """
    run = 1
    complete = [(start, line) for start, line, done in lines_of(text) if done and line.strip()]
    for (_, previous), (start, line) in pairwise(complete):
        same = line.rstrip() == previous.rstrip() and re.search(r"[\w'\"]", line)
        run = run + 1 if same else 1
        if run == 2:
            cut = start
        if run == REPEATED_LINES or (run == 2 and is_distinct(line)):
            return text[: cut - 1]
    return text


def before_repeated_block(text: str, around: Surroundings) -> str:
    """Keep one copy of a block of 2 to `REPEATED_BLOCK` lines that comes twice in a row."""
    lines = [
        (start - len(around.before), line.rstrip())
        for start, line, done in lines_of(around.before + text)
        if done and line.strip()
    ]
    for i in range(len(lines)):
        for size in range(2, min(REPEATED_BLOCK, (len(lines) - i) // 2) + 1):
            first, second = lines[i : i + size], lines[i + size : i + 2 * size]
            same = [line for _, line in first] == [line for _, line in second]
            if same and any(is_distinct(line) for _, line in first):
                return text[: second[0][0] - 1]
    return text


def before_repeated_pattern(text: str, around: Surroundings) -> str:
    """Keep one copy of a short pattern that repeats within a line: ``foo(foo(foo(foo(``."""
    for match in _REPEATED.finditer(text):
        pattern = match["short"] or match["long"]
        if re.search(r"\w", pattern):  # a ruler of dashes is intended
            return text[: match.start() + len(pattern)]
    return text


# ── said by the lines around it ─────────────────────────────────────────────────────────────


def before_lines_below(text: str, around: Surroundings) -> str:
    """Cut before a line that repeats the next line of the file.

    If that line says too little, it takes the ones below it too, `OVERLAP_CHARACTERS` in all.  Of
    34,007 texts that people wrote, up to eight lines long, 0.6 % have such a line.
    """
    lines = [each for each in lines_of(around.before + text) if each[2] and each[1].strip()]
    for i, (start, _, _) in enumerate(lines):
        pairs = zip(lines[i:], around.below, strict=False)
        same = takewhile(lambda pair: _is_same(pair[0][1], pair[1]), pairs)
        repeated = [below.strip() for _, below in same]
        many = "".join(repeated) if len("".join(repeated)) >= OVERLAP_CHARACTERS else ""
        if any(map(is_distinct, [*repeated[:1], many])):
            return text[: max(0, start - len(around.before) - 1)]
    return text


def before_suffix(text: str, around: Surroundings) -> str:
    """Cut where the text begins to repeat the rest of the cursor's line.

    The lines below are not compared like this: neighbouring lines often begin alike.
    """
    if not around.rest.strip():
        return text
    start = around.suffix.lstrip()[:OVERLAP_CHARACTERS]
    if len(start) < OVERLAP_CHARACTERS or not is_distinct(start):
        return text
    return text.partition(start)[0]


def before_own_closer(text: str, around: Surroundings) -> str:
    """Cut at a bracket that closes nothing in the text if the same one follows the cursor."""
    after = around.suffix.lstrip()[:1]
    if not after or after not in CLOSERS:
        return text
    depth = _open_on_line(around)
    for i, sign in brackets(text, around.before, comments=False):
        depth += 1 if sign in OPENERS else -1
        if depth < 0:
            return text[:i] if sign == after else text
    return text


def _open_on_line(around: Surroundings) -> int:
    """Return how many brackets of the cursor's line the bracket after the cursor leaves open.

    That bracket belongs to a line above if it stands on its own line, less indented than the
    cursor's.
    """
    if around.rest.strip() or indent_width(around.below[0]) >= indent_width(around.before):
        return 0
    signs = brackets(around.before, comments=False)
    return max(0, sum(1 if sign in OPENERS else -1 for _, sign in signs))


def without_rest_of_line(text: str, around: Surroundings) -> str:
    """Cut the end of the text if it repeats the rest of the cursor's line."""
    rest = around.rest.rstrip()
    if not rest.strip():
        return text
    if rest.strip() in _SIGNS and text.rstrip().endswith(rest.strip()):
        return text.rstrip()[:-1]
    for length in range(min(len(rest), len(text)), 0, -1):
        if text.endswith(rest[:length]) and _is_overlap(text, rest[:length]):
            return text[:-length]
    return text


def _is_overlap(text: str, end: str) -> bool:
    """Return whether ``end`` would stand there twice if it followed ``text`` again."""
    if end[0] in "'\"":
        return text.count(end[0]) % 2 == 1
    return len(end.strip()) >= 3


def without_lines_below(text: str, around: Surroundings) -> str:
    """Cut the last lines if they are the next lines of the file."""
    lines = [(start, line.rstrip()) for start, line, _ in lines_of(around.before + text)]
    filled = [(start, line) for start, line in lines if line]
    for count in range(min(len(filled), len(around.below)), 0, -1):
        pairs = zip(filled[-count:], around.below, strict=False)
        if all(_is_same(line, below) for (_, line), below in pairs):
            start = filled[-count][0] - len(around.before)
            # The person wrote the cursor's own line: cut only whole lines of the completion.
            if start > 0 or not around.before.strip():
                return text[: max(0, start - 1)]
    return text


def without_line_above(text: str, around: Surroundings) -> str:
    """Drop the whole text if its first line repeats the line above the cursor."""
    if around.before.strip() or not is_distinct(around.above):
        return text
    return "" if _is_same(around.before + text.partition("\n")[0], around.above) else text


# ── helpers ─────────────────────────────────────────────────────────────────────────────────


def _is_same(line: str, other: str) -> bool:
    """Return whether two lines differ at most in spaces and in the kind of their quotes."""
    if indent_width(line) != indent_width(other):
        return False
    first, second = (re.sub(r"\s", "", each).replace("'", '"') for each in (line, other))
    return first == second


def is_distinct(line: str) -> bool:
    """Return whether a line has enough letters and digits to be told from others."""
    return len(re.findall(r"\w", line)) >= DISTINCT_CHARACTERS
