"""What a person may still write behind and below code that is not finished.  Pure functions.

A block that was begun has no body yet, a call is not closed, a ``try`` has no handler: code that
could be read with one of these endings is on its way to something that can.
"""

from collections.abc import Iterator, Sequence

from engine.completion.brackets import TRIPLE_QUOTES, closers, without_comment
from engine.completion.place import indentation

__all__ = ["endings"]

_BODIES = ("\n pass", "\n pass\nexcept: pass", "\n case _: pass")
_DECORATED = "def f(): pass"
_OPERANDS = ("", " 0", " else 0", " in 0", ": 0")
"""For a line that ends with an operator, inside of brackets."""


def endings(code: str, *, outer: str, tries: Sequence[str]) -> Iterator[str]:
    """Yield what may follow ``code``, likely ones first; each begins where the code's text ends.

    Args:
        code: The cursor's line and those suggested below it, to the end of a line.
        outer: The brackets that close those which are open in front of it.
        tries: How each ``try`` that it stands in is indented, the innermost first.
    """
    line = code.rpartition("\n")[2]
    indent = indentation(line)
    if without_comment(line) != line:
        yield f"\n{indent}pass"  # a body of which only a comment is there
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
    """Yield what makes the last line one that is not cut short."""
    missing = closers(code)
    quotes = [quote for quote in TRIPLE_QUOTES if code.count(quote) % 2]
    inside = bool(missing or outer)
    for quote in [*quotes, ""]:
        for operand in _OPERANDS if inside else _OPERANDS[:1]:
            for closing in dict.fromkeys([missing, missing + outer]):
                for colon in ("", ":") if closing else ("",):
                    yield quote + operand + closing + colon


def _below(line: str, end: str, indent: str) -> Iterator[str]:
    """Yield what stands below a line, if it must have something there."""
    if (line + end).rstrip().endswith(":"):
        for body in _BODIES:
            yield end + body.replace("\n", "\n" + indent)
    if line.lstrip().startswith("@"):
        yield f"{end}\n{indent}{_DECORATED}"
