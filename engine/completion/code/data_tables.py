"""Tables of plain data in code, and which data of a text for one nobody could know.  Pure.

A table is a run of lines that hold only strings, numbers and the signs between them, in whatever
language.  A number that a model writes there on its own looks like those above and is made up, and
so is a string of digits or symbols.  A string of words is let be: a model may know the next month.
Only where a string that the person began ends is theirs to say.
A datum is *known* where the rows above determine it: they all say the same, count on, or repeat
what stands to the left.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

__all__ = ["DataTable", "Datum", "made_up", "table_at"]

ROWS = 5
"""Lines with data, above and below the cursor together, that make a table."""

TELLING_ROWS = 3
"""Rows that must agree before the next one is thought to follow from them."""

_LOOK_ROWS = 200
"""Lines above and lines below that are looked at."""

_STRING = r"""[BbRrUu]{0,2}(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|'(?:[^'\\]|\\.)*(?:'|\\?$))"""
_NUMBER = r"[-+]?\.?\d[\w.]*(?:(?<=[eE])[-+]\d+)?"
_TOKEN = re.compile(
    rf"(?P<remark>#.*|//.*)|(?P<mark>[][(){{}},:])|(?P<string>{_STRING})|(?P<number>{_NUMBER})"
    r"|(?P<constant>(?:True|False|None|true|false|null)\b)|(?P<space>\s+)"
)
_COUNTED = re.compile(r"(.*?)(\d+)(\D*)", re.DOTALL)
_HEXADECIMAL = re.compile(r"()0[xX]([\da-fA-F]+)()")
_SIGNS = re.compile(r"""\A(?:\\[abfnrtv'"\\]|[\x00-/:-@[\]^_`{-\x7f])*""")
_CODES = (r"\x", r"\u", r"\U")


@dataclass(frozen=True, slots=True)
class Datum:
    """A string, a number or a constant on a line of data."""

    kind: str
    """``string``, ``number`` or ``constant``."""
    content: str
    """What it says: a string's text without quotes."""
    shape: str
    """What stands before it on its line, each datum by the first letter of its kind."""
    start: int
    end: int
    closed: bool
    """Whether it is no string, or its last quote is there."""
    is_key: bool
    """Whether a colon follows."""


_Row = Sequence[Datum]


@dataclass(frozen=True, slots=True)
class DataTable:
    """The table around a cursor."""

    rows: tuple[_Row, ...]
    """Its lines above the cursor, those without data left out."""
    keys: frozenset[str]
    """What stands before a colon in several rows: names of columns."""


def table_at(prefix: str, suffix: str) -> DataTable | None:
    """Return the table that a cursor between two texts stands in; None where it is in none."""
    *upper, before = prefix.rsplit("\n", _LOOK_ROWS)
    if not upper or not _data(before)[1]:
        return None
    rows = [row for row in _rows(reversed(upper)) if row]
    below = suffix.split("\n", _LOOK_ROWS)[1:_LOOK_ROWS]
    if not rows or len(rows) + sum(1 for row in _rows(below) if row) < ROWS:
        return None
    keys = Counter(datum.content for row in rows for datum in row if datum.is_key)
    several = frozenset(key for key, count in keys.items() if count >= TELLING_ROWS)
    return DataTable(tuple(reversed(rows)), several)


def made_up(before: str, text: str, table: DataTable) -> int | None:
    """Return where the first datum of a text begins that nobody could know.

    Args:
        before: The cursor's line up to the cursor.
        text: What is to stand there; it may still grow.
        table: Around the cursor.

    Returns:
        An offset in ``text``; None where all is known, or text that is no data comes first.
    """
    rows, start = list(table.rows), -len(before)
    for line in (before + text).split("\n"):
        row, is_data = _data(line)
        for i, datum in enumerate(row):
            grows = not datum.closed or (datum.kind != "string" and start + datum.end == len(text))
            new = start + datum.end > 0 and (_is_bare(datum) or _only_closes(datum, start))
            if new and not _is_known(datum, _determined(datum, row[:i], rows), table, grows):
                return max(0, start + datum.start)
        if not is_data:
            return None
        rows.append(row)
        start += len(line) + 1
    return None


# ── lines ───────────────────────────────────────────────────────────────────────────────────────


def _rows(lines: Iterable[str]) -> Iterator[_Row]:
    """Yield the data of each line up to the first that holds something else.

    A line of strings alone is a part of a long one.
    """
    for line in lines:
        row, is_data = _data(line)
        separated = not row or re.search("[,:]", line[: row[0].start] + line[row[-1].end :])
        if not is_data or not (separated or re.search("[,:]", row[-1].shape)):
            return
        if not all(datum.closed for datum in row):
            return
        yield row


def _data(line: str) -> tuple[list[Datum], bool]:
    """Return the data at the beginning of a line, and whether nothing else stands on it."""
    found: list[Datum] = []
    at, shape = 0, ""
    while at < len(line) and (match := _TOKEN.match(line, at)) is not None:
        at, kind = match.end(), match.lastgroup or ""
        if kind == "mark":
            shape += match[0]
        elif kind in ("string", "number", "constant"):
            found.append(_datum(kind, match, shape, line))
            shape += kind[0]
    return found, at == len(line)


def _datum(kind: str, match: re.Match[str], shape: str, line: str) -> Datum:
    text, closed = match[0], True
    if kind == "string":
        text = text.lstrip("BbRrUu")
        closed = len(text) > 1 and text[-1] == text[0] and not _escaped(text)
        text = text[1 : len(text) - closed]
    is_key = line[match.end() :].lstrip()[:1] == ":"
    return Datum(kind, text, shape, match.start(), match.end(), closed, is_key)


def _escaped(text: str) -> bool:
    """Return whether the last character stands behind an odd number of backslashes."""
    return (len(text) - 1 - len(text[:-1].rstrip("\\"))) % 2 == 1


# ── what is known ───────────────────────────────────────────────────────────────────────────────


def _is_bare(datum: Datum) -> bool:
    """Return whether a datum is a number, or a string that begins with a digit or a symbol.

    Signs of ASCII at the beginning say nothing yet: ``"--help"``, ``"#fff"``.  Once true it stays
    true however the string goes on.
    """
    if datum.kind != "string":
        return datum.kind == "number"
    said = _SIGNS.sub("", datum.content, count=1)
    if not said:
        return datum.closed and bool(datum.content.strip())
    return said[0].isdigit() or said[:2] in _CODES or not (said[0].isascii() or said[0].isalnum())


def _only_closes(datum: Datum, start: int) -> bool:
    """Return whether the text of a line that begins at ``start`` only ends a string."""
    begun = start + datum.start < 0 and bool(datum.content)
    return begun and datum.kind == "string" and datum.closed and start + datum.end == 1


def _is_known(datum: Datum, follows: Iterable[str], table: DataTable, grows: bool) -> bool:
    """Return whether a datum, or what one that grows may become, could be known."""
    content = _plain(datum)
    return any(
        each == content or (grows and each.startswith(content)) for each in (*follows, *table.keys)
    )


def _determined(datum: Datum, row: _Row, rows: Sequence[_Row]) -> Iterator[str]:
    """Yield what follows at the place of a datum, as its content, from the rows above."""
    places = ((each, above) for above in reversed(rows) for each in above)
    alike = list(islice((place for place in places if place[0].shape == datum.shape), TELLING_ROWS))
    alike.reverse()
    if len(alike) == TELLING_ROWS:
        yield from _next([each for each, _ in alike])
        for at, left in enumerate(row):
            if all(above[at].content == each.content for each, above in alike):
                yield _plain(left)
    stream = [each for above in rows[-TELLING_ROWS:] for each in above] + list(row)
    if datum.kind == "number" and len(stream) >= TELLING_ROWS:
        yield from _next(stream[-TELLING_ROWS:])


def _plain(datum: Datum) -> str:
    return datum.content.lower() if datum.kind == "number" else datum.content


def _next(data: Sequence[Datum]) -> Iterator[str]:
    """Yield what goes on with some data: the same again, or one that counts on."""
    contents = [_plain(each) for each in data]
    if len(set(contents)) == 1:
        yield contents[0]
        return
    for pattern, base in ((_HEXADECIMAL, 16), (_COUNTED, 10)):
        found = [match for each in contents if (match := pattern.fullmatch(each))]
        steps = {int(after[2], base) - int(before[2], base) for before, after in pairwise(found)}
        around = {(match[1], match[3]) for match in found}
        if len(found) == len(contents) and len(steps) == len(around) == 1:
            yield _counted_on(found[-1], steps.pop(), base)


def _counted_on(last: re.Match[str], step: int, base: int) -> str:
    """Return a datum with the next number in place of the last; leading zeros stay."""
    digits = last[2]
    width = len(digits) if digits.startswith("0") or base == 16 else 0
    value = int(digits, base) + step
    number = f"0x{value:0{width}x}" if base == 16 else f"{value:0{width}}"
    return f"{last[1]}{number}{last[3]}"
