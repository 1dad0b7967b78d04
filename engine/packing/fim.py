"""Choose what to leave out of a file, and order the parts for fill-in-the-middle.

Works on characters and on lists of token ids; knows nothing of files, rows or the model.
Every cut lies between two characters, wherever tokens would fall: the three parts are encoded
apart, so a model learns the cursor positions an editor really asks about.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

__all__ = [
    "CUTS",
    "KINDS",
    "CutText",
    "Encode",
    "MarkerIds",
    "MiddleHole",
    "arrange",
    "choose_hole",
    "cut",
    "line_bounds",
    "rest_of_line",
]

Encode = Callable[[str], list[int]]

MAX_MIDDLE = 1200
"""Longest middle in characters."""

KINDS = {"rest": 0.45, "lines": 0.27, "block": 0.14, "span": 0.14}
"""How often each kind of hole is tried."""

_WORD_START = re.compile(r"(?<![A-Za-z0-9_])(?=[A-Za-z_\"'])|(?<=[.(\[,=])")


@dataclass(frozen=True, slots=True)
class MiddleHole:
    """The characters ``text[start:end]`` left out, and why these."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class CutText:
    """A text cut in four: prefix, what is typed of the cursor's line, middle, suffix."""

    prefix: str
    typed: str
    middle: str
    suffix: str


@dataclass(frozen=True, slots=True)
class MarkerIds:
    """Token ids of the markers."""

    end: int
    prefix: int
    middle: int
    suffix: int


def line_bounds(text: str, position: int) -> tuple[int, int]:
    """Return where the line around a position begins and where its newline is."""
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    return start, len(text) if end < 0 else end


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _code_line(text: str, random: Random) -> tuple[int, int] | None:
    """Return the bounds of a random line that is not blank."""
    for _ in range(8):
        start, end = line_bounds(text, random.randrange(len(text)))
        if text[start:end].strip():
            return start, end
    return None


def rest_of_line(text: str, random: Random) -> MiddleHole | None:
    """Cut from inside a line to its end."""
    bounds = _code_line(text, random)
    if bounds is None:
        return None
    start, end = bounds
    first = start + _indent(text[start:end])
    # Half of the cuts stand where hints are asked for most: at a name, after a dot or bracket.
    if random.random() < 0.5:
        starts = [m.start() for m in _WORD_START.finditer(text, first, end)]
        if starts:
            return MiddleHole(random.choice(starts), end, "rest")
    # The end itself counts: a line may be complete, and the model must say so.
    return MiddleHole(random.randint(first, end), end, "rest")


def whole_lines(text: str, random: Random) -> MiddleHole | None:
    """Cut one or more lines, the cursor after the indentation or at the line's start."""
    bounds = _code_line(text, random)
    if bounds is None:
        return None
    start, end = bounds
    if random.random() < 0.7:
        start += _indent(text[start:end])
    extra = 0 if random.random() < 0.6 else random.randint(1, 6)
    for _ in range(extra):
        if end >= len(text):
            break
        end = line_bounds(text, end + 1)[1]
    return MiddleHole(start, end, "lines")


def block_body(text: str, random: Random) -> MiddleHole | None:
    """Cut the indented body under a line that ends with a colon."""
    headers = [m.end() for m in re.finditer(r"^[ \t]*[^\s#].*:$", text, re.M)]
    if not headers:
        return None
    header = random.choice(headers)
    start = line_bounds(text, header)[0]
    depth = _indent(text[start:header])
    end, position = header, header + 1
    while position < len(text):
        first, last = line_bounds(text, position)
        line = text[first:last]
        if line.strip():
            if _indent(line) <= depth:
                break
            end = last
        position = last + 1
    if end == header or end - header > MAX_MIDDLE:
        return None
    if random.random() < 0.6:
        # An editor has made the new line and its indentation already.
        body = header + 1
        return MiddleHole(body + _indent(text[body : line_bounds(text, body)[1]]), end, "block")
    return MiddleHole(header, end, "block")


def character_span(text: str, random: Random) -> MiddleHole | None:
    """Cut anywhere, short spans more often than long ones."""
    length = int(4 * 100 ** random.random())
    start = random.randrange(len(text))
    return MiddleHole(start, min(start + length, len(text)), "span")


CUTS = {
    "rest": rest_of_line,
    "lines": whole_lines,
    "block": block_body,
    "span": character_span,
}


def choose_hole(text: str, random: Random, kinds: Mapping[str, float] = KINDS) -> MiddleHole | None:
    """Choose a hole of a random kind, or None where the text offers none."""
    if not text.strip():
        return None
    (kind,) = random.choices(list(kinds), list(kinds.values()))
    hole = CUTS[kind](text, random)
    if hole is None:
        hole = rest_of_line(text, random)
    if hole is None or hole.end - hole.start > MAX_MIDDLE:
        return None
    return hole


def cut(text: str, hole: MiddleHole) -> CutText:
    """Cut a text at a hole.  The four parts joined are the text again."""
    line = text.rfind("\n", 0, hole.start) + 1
    return CutText(
        text[:line], text[line : hole.start], text[hole.start : hole.end], text[hole.end :]
    )


def arrange(
    parts: CutText, order: str, ids: MarkerIds, encode: Encode, room: int
) -> tuple[list[int], int] | None:
    """Encode and order the parts; drop far context where they do not fit.

    Args:
        parts: The cut text.
        order: ``psm`` is prefix, suffix, middle.  ``typed`` is the same with the typed part of
            the cursor's line after the middle marker, so a cache of prefix and suffix outlives
            keystrokes.  ``spm`` is suffix first, then prefix and middle in one run.
        ids: The markers.
        encode: From text to token ids.
        room: Tokens available.

    Returns:
        The tokens, and how many at the end belong to the middle (its end marker included);
        None if the middle leaves no room for context.
    """
    prefix, typed = encode(parts.prefix), encode(parts.typed)
    middle, suffix = [*encode(parts.middle), ids.end], encode(parts.suffix)
    room -= 3 + len(typed) + len(middle)
    if room < 16:
        return None
    # The suffix keeps at least a quarter of the room and at most what the prefix leaves.
    kept = min(len(suffix), max(room // 4, room - len(prefix)))
    suffix = suffix[:kept]
    spare = room - kept
    prefix = prefix[-spare:] if spare < len(prefix) else prefix
    if order == "psm":
        # One run of text: prefix and typed part are encoded together, as a caller would.
        before = encode(parts.prefix + parts.typed)[-(spare + len(typed)) :]
        tokens = [ids.prefix, *before, ids.suffix, *suffix, ids.middle]
    elif order == "typed":
        tokens = [ids.prefix, *prefix, ids.suffix, *suffix, ids.middle, *typed]
    elif order == "spm":
        before = encode(parts.prefix + parts.typed)[-(spare + len(typed)) :]
        tokens = [ids.prefix, ids.suffix, *suffix, ids.middle, *before]
    else:
        raise ValueError(f"order {order!r} is none of psm, typed, spm")
    return tokens + middle, len(middle)
