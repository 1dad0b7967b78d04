"""Indents and comments lines of code.  Pure functions of their text."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

__all__ = [
    "after_enter",
    "dedented",
    "expected_width",
    "indent_unit",
    "indented",
    "leading",
    "outdented",
    "toggled_comments",
]

_SAMPLE_LINES = 2_000
_LEADING = re.compile(r"[ \t]*")
_OPENERS = "([{"
_LEAVES = re.compile(r"[ \t]+(return|raise|break|continue|pass)\b")
"""Statements after which a block has no further one; at the margin there is nothing to leave."""
_CONTINUES = re.compile(r"[ \t]*(else|elif|except|finally)\b.*:$")
_STARTS = {
    "else": ("if", "elif", "for", "while", "try", "except"),
    "elif": ("if", "elif"),
    "except": ("try", "except"),
    "finally": ("try", "except", "else"),
}
_REACH = 500
"""Lines that are looked at above a line that may be too deep."""


def leading(line: str) -> str:
    """Return the spaces and tabs that ``line`` starts with."""
    match = _LEADING.match(line)
    return match.group() if match else ""


def indent_unit(lines: Iterable[str], default: str = "    ") -> str:
    """Return one level of indentation, as most of the first lines have it.

    Args:
        lines: The file.
        default: The answer where no line tells.

    Example:
        >>> indent_unit(["def f():", "  return 1"])
        '  '
    """
    votes: Counter[str] = Counter()
    before = 0
    for line in islice(lines, _SAMPLE_LINES):
        blank = leading(line)
        if len(blank) == len(line):
            continue
        if blank.startswith("\t"):
            votes["\t"] += 1
        elif len(blank) - before in (2, 3, 4):  # larger steps continue a line more often
            votes[" " * (len(blank) - before)] += 1
        before = len(blank)
    return votes.most_common(1)[0][0] if votes else default


def _opens_block(line: str) -> bool:
    """Return whether the line after ``line`` belongs one level deeper."""
    code = _without_comment(line).rstrip()
    return code.endswith((":", *_OPENERS))


def _without_comment(line: str) -> str:
    """Return ``line`` up to a ``#`` that stands after a space and outside of quotes."""
    quote = ""
    for column, character in enumerate(line):
        if quote:
            if character == quote and line[column - 1] != "\\":
                quote = ""
        elif character in "\"'":
            quote = character
        elif character == "#" and (column == 0 or line[column - 1] in " \t"):
            return line[:column]
    return line


def after_enter(left: str, unit: str) -> str:
    """Return the indentation of the line that Enter starts.

    Args:
        left: The current line up to the cursor.
        unit: One level of indentation.

    Example:
        >>> after_enter("    if x:", "    "), after_enter("        return x", "    ")
        ('        ', '    ')
    """
    if _opens_block(left):
        return leading(left) + unit
    return dedented([leading(left)], unit)[0] if _ends_block(left) else leading(left)


def _ends_block(line: str) -> bool:
    """Return whether nothing can follow ``line`` in its block: it returns, raises or the like."""
    code = _without_comment(line)
    brackets = sum(code.count(sign) for sign in _OPENERS) - sum(map(code.count, ")]}"))
    return _LEAVES.match(code) is not None and brackets == 0 and not code.rstrip().endswith("\\")


def outdented(lines: Sequence[str], row: int, line: str, unit: str) -> str | None:
    """Return ``line`` as deep as what it continues or closes; None if it stays as it is.

    Args:
        lines: The text; only those above ``row`` matter.
        row: Where ``line`` stands, or will stand.
        line: It begins with ``else:`` and the like, or with a closing bracket.
        unit: One level of indentation.

    Example:
        >>> outdented(["if x:", "    y"], 2, "    else:", "    ")
        'else:'
    """
    code = line.lstrip()
    above = lines[max(0, row - _REACH) : row]
    depth = _depth_of_opener(above) if code[:1] in tuple(")]}") else _depth_of_start(above, line)
    return None if depth is None or depth == leading(line) else depth + code


def _depth_of_opener(above: Sequence[str]) -> str | None:
    """Return the indentation of the line with the bracket that is open at the end of ``above``."""
    closed = 0
    for line in reversed(above):
        for character in reversed(_without_comment(line)):
            if character in ")]}":
                closed += 1
            elif character in _OPENERS:
                if not closed:
                    return leading(line)
                closed -= 1
    return None


def _depth_of_start(above: Sequence[str], line: str) -> str | None:
    """Return the indentation of the statement that an ``else:`` or the like continues."""
    found = _CONTINUES.match(line)
    starts = _STARTS[found.group(1)] if found else ()
    least = leading(line)
    for before in reversed(above):
        depth = leading(before)
        word = re.match(r"(?:async\s+)?\w*", before.strip())
        if not before.strip() or len(depth) > len(least):
            continue
        if word and word.group().split(" ")[-1] in starts and before.rstrip().endswith(":"):
            return depth
        least = min(least, depth, key=len)
    return None


def expected_width(lines: Sequence[str], row: int, unit: str, tab_width: int) -> int:
    """Return the cells of indentation that the line ``row`` should have after the line before it.

    Args:
        lines: The file; only lines above ``row`` matter.
        row: Index of the line.
        unit: One level of indentation.
        tab_width: Cells of a tab.
    """
    for above in reversed(lines[max(0, row - 200) : row]):
        if above.strip():
            return len(after_enter(above, unit).expandtabs(tab_width))
    return 0


def indented(lines: Iterable[str], unit: str) -> list[str]:
    """Return ``lines`` one level deeper; blank lines stay as they are."""
    return [unit + line if line.strip() else line for line in lines]


def dedented(lines: Iterable[str], unit: str) -> list[str]:
    """Return ``lines`` one level less deep, or as far as their spaces allow."""
    width = len(unit.expandtabs(4))
    result = []
    for line in lines:
        if line.startswith("\t"):
            result.append(line[1:])
        else:
            spaces = len(line) - len(line.lstrip(" "))
            result.append(line[min(spaces, spaces % width or width) :])
    return result


def toggled_comments(lines: Sequence[str], sign: str, end: str = "") -> list[str]:
    """Return ``lines`` with ``sign`` before each and ``end`` behind it, or without if all have it.

    The signs stand in one column, that of the least indented line.  Blank lines get none.

    Example:
        >>> toggled_comments(["if x:", "    y()"], "#")
        ['# if x:', '#     y()']
    """
    filled = [line for line in lines if line.strip()]
    if filled and all(line.lstrip().startswith(sign) for line in filled):
        mark = re.compile(rf"^([ \t]*){re.escape(sign)} ?")
        tail = re.compile(rf" ?{re.escape(end)}[ \t]*$" if end else r"(?!)")
        return [mark.sub(r"\1", tail.sub("", line), count=1) for line in lines]
    column = min((len(leading(line)) for line in filled), default=0)
    last = f" {end}" if end else ""
    return [
        f"{line[:column]}{sign} {line[column:]}{last}" if line.strip() else line for line in lines
    ]
