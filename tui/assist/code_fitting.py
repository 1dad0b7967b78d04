"""Fits a block of code from an answer into a file: its indentation, and the lines it replaces.

Pure; changes nothing.  Lines count from 1.
"""

import ast
import re
from textwrap import dedent

from engine.visible_text import UNSEEN

__all__ = ["inserted_text", "lines_to_replace", "plain_code", "replacing_text"]

_UNSEEN = re.compile(f"[{UNSEEN}]")

_HEAD = re.compile(
    r"[ \t]*(?:(?:export|public|static|async|abstract|pub|default)\s+)*"
    r"(?:def|class|function|func|fn|struct|enum|trait|interface|type)\s+(\w+)"
)


def plain_code(code: str) -> str:
    """Return a block of code without characters that cannot be seen."""
    return _UNSEEN.sub("", code)


def inserted_text(code: str, before: str, after: str = "") -> str:
    """Return what to insert at a cursor for a block of code.

    It gets the indentation of the cursor's line, and never shares a line with text that was there,
    apart from a single line behind other text, which may be a part of it.

    Args:
        code: The block.
        before: The cursor's line up to the cursor.
        after: The rest of the line.
    """
    code = dedent(code).strip("\n")
    line = before + after if after.strip() else before
    indent = line[: len(line) - len(line.lstrip(" \t"))]
    first, *rest = code.split("\n")
    text = "\n".join([first, *(indent + line if line.strip() else line for line in rest)])
    if not before.strip():
        return f"{indent[len(before) :]}{text}\n{before}" if after.strip() else text
    if not rest:
        return text
    spaces = len(after) - len(after.lstrip(" \t"))
    return f"\n{indent}{text}" + (f"\n{indent[spaces:]}" if after.strip() else "")


def replacing_text(code: str, replaced: str) -> str:
    """Return a block of code with the indentation of the lines that it replaces."""
    filled = [line for line in replaced.split("\n") if line.strip()]
    first = filled[0] if filled else ""
    indent = first[: len(first) - len(first.lstrip(" \t"))]
    code = dedent(code).strip("\n")
    return "\n".join(indent + line if line.strip() else line for line in code.split("\n"))


def lines_to_replace(
    code: str, text: str, path: str, selected: tuple[int, int] | None
) -> tuple[int, int] | None:
    """Return the lines that a block of code is meant to replace; None where nothing tells.

    A definition replaces the one of its name, if there is one alone; anything else the lines that
    were selected when it was asked for.

    Args:
        code: The block.
        text: The file's text.
        path: Tells the language.
        selected: The lines that were selected.
    """
    name = _defined_name(code)
    found = None if name is None else _definition(text, name, python=path.endswith((".py", ".pyi")))
    count = text.count("\n") + 1
    inside = selected is not None and 1 <= selected[0] <= selected[1] <= count
    return found or (selected if inside else None)


def _defined_name(code: str) -> str | None:
    """Return the name of the only definition that is not inside another; None if not one."""
    lines = dedent(code).split("\n")
    names = [m[1] for line in lines if not line[:1].isspace() and (m := _HEAD.match(line))]
    return names[0] if len(names) == 1 else None


def _definition(text: str, name: str, *, python: bool) -> tuple[int, int] | None:
    """Return the lines of the only definition of a name."""
    if python and (exact := _python_definitions(text, name)) is not None:
        return exact[0] if len(exact) == 1 else None
    lines = text.split("\n")
    heads = [i for i, line in enumerate(lines) if (m := _HEAD.match(line)) and m[1] == name]
    return _block(lines, heads[0]) if len(heads) == 1 else None


def _python_definitions(text: str, name: str) -> list[tuple[int, int]] | None:
    """Return the lines of Python's definitions of a name; None where it cannot be parsed."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    found = [node for node in ast.walk(tree) if isinstance(node, kinds) and node.name == name]
    return [
        (min(node.lineno, *(each.lineno for each in node.decorator_list), node.lineno),
         node.end_lineno or node.lineno)
        for node in found
    ]  # fmt: skip


def _block(lines: list[str], head: int) -> tuple[int, int]:
    """Return the lines of a definition by indentation: the body, and the bracket that closes it."""
    depth = len(lines[head]) - len(lines[head].lstrip())
    last = head
    for i in range(head + 1, len(lines)):
        line = lines[i]
        if not line.strip():
            continue
        if len(line) - len(line.lstrip()) <= depth:
            if line.strip()[0] in "})]" or line.strip() == "end":
                last = i
            elif line.strip() != "{":
                break
            if line.strip()[0] in "})]":
                break
        last = i
    return head + 1, last + 1
