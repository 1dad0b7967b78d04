"""Instructions that are prepared: those that come with the app, and those of the person's settings.

Texts only; what they are about is decided where they are given.
"""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["LINE_BREAK", "PreparedEdit", "prepared_edits"]

LINE_BREAK = " ⏎ "
"""Stands for a line break in a line of text: a traceback is pasted with all its lines."""


@dataclass(frozen=True, slots=True)
class PreparedEdit:
    """An instruction with a name."""

    name: str
    help: str
    instruction: str
    unfinished: bool = False
    """Whether the person writes the rest of it."""


_OWN = (
    PreparedEdit(
        "Write a docstring",
        "for the selection or the statement",
        "Add a docstring that says what this does, its parameters and what it returns. Change "
        "nothing else.",
    ),
    PreparedEdit(
        "Write a test",
        "below the selection or the statement",
        "Keep this as it is, and add a test function for it below, with a few assert statements.",
    ),
    PreparedEdit(
        "Add type hints",
        "to the selection or the statement",
        "Add type hints to all parameters and to what is returned. Change nothing else.",
    ),
    PreparedEdit(
        "Fix this error",
        "paste the traceback or the message",
        "Fix this error: ",
        unfinished=True,
    ),
)


def prepared_edits(own: Mapping[str, str]) -> tuple[PreparedEdit, ...]:
    """Return all prepared instructions.

    Args:
        own: The person's, by name; one of a name that comes with the app takes its place.
    """
    theirs = [
        PreparedEdit(name, "your own instruction", text.strip())
        for name, text in own.items()
        if name.strip() and text.strip()
    ]
    names = {each.name for each in theirs}
    return (*(each for each in _OWN if each.name not in names), *theirs)
