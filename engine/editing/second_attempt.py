"""Decides whether a model writes its edit once more, and what it is told.  Pure; runs nothing.

A small model mends most of what it is told about.  What it is told is what can be seen without
running the code: Python cannot read it, nothing changed, it has no end, a definition that nobody
asked to remove is gone, or the lines above the range stand in it again.
"""

import ast
import re

from engine.editing.edit_checks import UNCHANGED, UNFINISHED, UNREADABLE
from engine.protocol.editing import Edit, EditRequest

__all__ = ["complaint"]

_MAY_REMOVE = re.compile(
    r"\b(remove|delete|drop|inline|merge|replace|comment out|get rid|without|instead)\b", re.I
)
"""Words of an instruction with which a definition may go."""

_ADDS = re.compile(r"\badd (a|an|one|another) (new )?(method|function|class|test)\b", re.I)
"""Words with which one comes, and none may go in exchange."""


def complaint(request: EditRequest, edit: Edit) -> str | None:
    """Return what is wrong with an edit, for the model that wrote it; None: nothing it could mend.

    Args:
        request: What was asked.
        edit: What was written.
    """
    refused = edit.refused or ""
    if refused.startswith(UNREADABLE):
        problem = refused.removeprefix(UNREADABLE).lstrip(": ")
        return f"Python cannot read that: {problem}. Write all of the lines again, and mend it."
    if refused == UNCHANGED:
        return f"Nothing was changed. {request.instruction.strip()}"
    if refused.endswith(UNFINISHED):
        return "That is too long. Write it again, shorter, and end it."
    return _of_what_is_there(request, edit) if not refused else None


def _of_what_is_there(request: EditRequest, edit: Edit) -> str | None:
    """Return what is wrong with an edit that could be applied."""
    lines = request.text.split("\n")
    above = next((line for line in reversed(lines[: request.first - 1]) if line.strip()), "")
    chosen = "\n".join(lines[request.first - 1 : request.last])
    heads = [line.strip() for line in lines[: request.first - 1] if line.rstrip().endswith(":")]
    first = edit.text.lstrip("\n").partition("\n")[0].strip()
    if first and first in (above.strip(), *heads) and first not in chosen:
        return "Write only the lines themselves again, without those that stand before them."
    if _MAY_REMOVE.search(request.instruction):
        return None
    gone = _definitions(request.text) - _definitions(request.applied(edit.text))
    come = _definitions(request.applied(edit.text)) - _definitions(request.text)
    if len(gone) > len(come) or (gone and _ADDS.search(request.instruction)):  # else renamed
        names = ", ".join(f"`{name}`" for name in sorted(gone))
        return f"{names} is missing. Write all of the lines again, with the change in them."
    return None


def _definitions(text: str) -> set[str]:
    """Return the names of the functions and classes of a Python text; none if it is another."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}
