"""Lists the ways in which unfinished Python may go on.  Pure functions.

A block may lack its body, a call its bracket, a ``try`` its handler.  Code that parses with one of
these endings is on its way to code that parses.
"""

from collections.abc import Iterator, Sequence

from engine.completion.code.brackets import TRIPLE_QUOTES, closers, without_comment
from engine.completion.code.surroundings import indentation

__all__ = ["endings"]

_BODIES = ("\n pass", "\n pass\nexcept: pass", "\n case _: pass")
_DECORATED = "def f(): pass"
_OPERANDS = ("", " 0", " else 0", " in 0", ": 0")
"""Completions of a line inside brackets that ends with an operator."""


def endings(code: str, *, outer: str, tries: Sequence[str]) -> Iterator[str]:
    """Yield texts that may follow ``code`` directly, likely ones first.

    Args:
        code: The cursor's line and the suggested lines below it, up to the end of a line.
        outer: The brackets that close those still open above ``code``.
        tries: The indentation of each ``try`` around ``code``, the innermost first.
    """
    line = code.rpartition("\n")[2]
    indent = indentation(line)
    if without_comment(line) != line:
        yield f"\n{indent}pass"  # a body that is only a comment so far
        yield from _below(without_comment(line), "", indent)
        return
    for end in _of_line(code, outer):
        if end:
            yield end
        yield from _below(line, end, indent)
    if line.endswith("\\"):
        yield f"\n{indent}0"
    if "\n" in code:
        yield f"\n{indentation(code)}except: pass"
    handlers = ""
    for each in tries:
        handlers += f"\n{each}except: pass"
        yield handlers


def _of_line(code: str, outer: str) -> Iterator[str]:
    """Yield texts that complete the last line itself."""
    missing = closers(code)
    quotes = [quote for quote in TRIPLE_QUOTES if code.count(quote) % 2]
    inside = bool(missing or outer)
    for quote in [*quotes, ""]:
        for operand in _OPERANDS if inside else _OPERANDS[:1]:
            for closing in dict.fromkeys([missing, missing + outer]):
                for colon in ("", ":") if closing else ("",):
                    yield quote + operand + closing + colon


def _below(line: str, end: str, indent: str) -> Iterator[str]:
    """Yield texts that a line needs below it, if it needs any."""
    if (line + end).rstrip().endswith(":"):
        for body in _BODIES:
            yield end + body.replace("\n", "\n" + indent)
    if line.lstrip().startswith("@"):
        yield f"{end}\n{indent}{_DECORATED}"
