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
    "toggled_comments",
]

_SAMPLE_LINES = 2_000
_LEADING = re.compile(r"[ \t]*")
_OPENERS = "([{"


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
        >>> after_enter("    if x:", "    ")
        '        '
    """
    return leading(left) + (unit if _opens_block(left) else "")


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


def toggled_comments(lines: Sequence[str], sign: str) -> list[str]:
    """Return ``lines`` with ``sign`` before each, or without it if all have it.

    The signs stand in one column, that of the least indented line.  Blank lines get none.

    Example:
        >>> toggled_comments(["if x:", "    y()"], "#")
        ['# if x:', '#     y()']
    """
    filled = [line for line in lines if line.strip()]
    if filled and all(line.lstrip().startswith(sign) for line in filled):
        mark = re.compile(rf"^([ \t]*){re.escape(sign)} ?")
        return [mark.sub(r"\1", line, count=1) for line in lines]
    column = min((len(leading(line)) for line in filled), default=0)
    return [f"{line[:column]}{sign} {line[column:]}" if line.strip() else line for line in lines]
