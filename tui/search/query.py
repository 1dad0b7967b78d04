r"""What is looked for: a text or a regular expression, compiled for one pass over bytes.

Expressions are those of RE2, whose time grows with the text and never with the expression: no
look-around, no back-references, and nothing that could keep the app busy for ever.  They match
inside lines, unless they name a newline (``\n``).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

__all__ = ["Pattern", "Query", "QueryError", "compiled"]

_MAX_CHARACTERS = 2_000
_LINES = "(?m)"
"""Makes ``^`` and ``$`` stand for the ends of lines."""

_SURROGATES = re.compile("[\ud800-\udfff]")
_BYTE = re.compile(r"(?<!\\)(?:\\\\)*\\C")
"""What stands for a single byte in an expression of RE2."""

Span = tuple[int, int]
"""First byte, byte after the last."""


class QueryError(Exception):
    """A query or a replacement cannot be used; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a person looks for."""

    text: str
    match_case: bool = False
    whole_word: bool = False
    regex: bool = False
    """Whether ``text`` is a regular expression."""


class Pattern:
    """A query that can be looked for; any thread may use it.

    Args:
        query: What is looked for; its text is not empty.

    Raises:
        QueryError: It is too long, or no regular expression.
    """

    def __init__(self, query: Query) -> None:
        _refuse_what_no_text_has(query)
        self.query = query
        source = _LINES + (query.text if query.regex else re2.escape(query.text))
        self._compiled = _compile(source, match_case=query.match_case, lines=_in_lines(query))

    @property
    def groups(self) -> int:
        """The number of its groups; the whole is none of them."""
        groups: int = self._compiled.groups
        return groups

    @property
    def group_names(self) -> frozenset[str]:
        """The names of those groups that have one."""
        return frozenset(name.decode() for name in self._compiled.groupindex)

    def spans(self, data: bytes) -> Iterator[Span]:
        """Yield where it matches in UTF-8 text, from the start on, without overlaps.

        Whether each counts, too, `fits` says.
        """
        last = (-1, -1)
        for match in self._compiled.finditer(data):
            span = match.span()
            if span != last:
                yield span
            last = span

    def groups_at(self, data: bytes, start: int) -> dict[str, str] | None:
        """Return the groups of the match that begins at a byte, by number and by name.

        ``"0"`` is the whole match; a group that took no part is empty.  None: there is no match.
        """
        match = self._compiled.match(data, start)
        if match is None:
            return None
        found = [match.group(), *match.groups(default=b"")]
        named = {name.decode(): found[at] for name, at in self._compiled.groupindex.items()}
        groups = {str(number): value for number, value in enumerate(found)} | named
        return {name: value.decode("utf-8", "replace") for name, value in groups.items()}

    def fits(self, data: bytes, start: int, end: int) -> bool:
        """Return whether a match cuts no character, and no word where whole ones are asked for."""
        if start == end and data[start : start + 1] and 0x80 <= data[start] < 0xC0:
            return False
        if not self.query.whole_word or start == end:
            return True
        return not (
            _joins(_before(data, start), _after(data, start))
            or _joins(_before(data, end), _after(data, end))
        )


@lru_cache(maxsize=32)
def compiled(query: Query) -> Pattern:
    """Return the pattern of a query; see `Pattern` for what it raises."""
    return Pattern(query)


def _refuse_what_no_text_has(query: Query) -> None:
    """Raise an error for a query that is too long, or would find parts of characters."""
    if len(query.text) > _MAX_CHARACTERS:
        limit = f"at most {_MAX_CHARACTERS:,}"
        raise QueryError(f"{len(query.text):,} characters are too long a query: {limit}")
    if _SURROGATES.search(query.text):
        raise QueryError("half a surrogate pair is in no text: leave it out")
    if query.regex and _BYTE.search(query.text):
        raise QueryError(r"\C would find parts of characters: a dot stands for a whole one")


def _in_lines(query: Query) -> bool:
    r"""Return whether a query can match inside lines only: it names no newline."""
    return "\n" not in query.text and not (query.regex and r"\n" in query.text)


def _compile(source: str, *, match_case: bool, lines: bool) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = match_case
    options.never_nl = lines
    try:
        return re2.compile(source.encode("utf-8"), options)
    except re2.error as error:
        reason = error.args[0] if error.args else b"it cannot be read"
        words = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise QueryError(f"no regular expression: {words.replace(_LINES, '', 1)}") from None


def _before(data: bytes, at: int) -> str:
    """Return the character that ends at a byte; empty at the start."""
    start = at - 1
    while start > 0 and 0x80 <= data[start] < 0xC0:
        start -= 1
    return data[max(0, start) : at].decode("utf-8", "replace")


def _after(data: bytes, at: int) -> str:
    """Return the character that begins at a byte; empty at the end."""
    return data[at : at + 4].decode("utf-8", "ignore")[:1]


def _joins(left: str, right: str) -> bool:
    """Return whether two neighbouring characters belong to one word."""
    return _is_word(left) and _is_word(right)


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
