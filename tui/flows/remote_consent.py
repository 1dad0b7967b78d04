"""Asks once for each host whether text of the person's files may go to a model there."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from textwrap import fill

from engine.remote_host import RemoteAddress, agree, agreed
from tui.link.engine_link import ClientMaker, EngineLink
from tui.screens.question import Choice, QuestionScreen

__all__ = ["RemoteChoice", "settle_remote"]

_TEXT_CELLS = 66
"""Cells of a line in a dialog."""


@dataclass(frozen=True, slots=True)
class RemoteChoice:
    """A remote model that was asked for, and what serves if text may not go there."""

    address: RemoteAddress
    otherwise: ClientMaker


async def settle_remote(
    choice: RemoteChoice, link: EngineLink, ask: Callable[[QuestionScreen], Awaitable[str]]
) -> None:
    """Ask about a host nobody agreed to yet; without a yes the link gets another model.

    Args:
        choice: The model.
        link: Not yet running.
        ask: Shows a question and waits for the answer.
    """
    if agreed(choice.address):
        return
    choices = [Choice("no", "No, a model here", "n"), Choice("yes", "Send text there", "y")]
    question = QuestionScreen("a model elsewhere", _text(choice.address), choices, escape="no")
    if await ask(question) == "yes":
        agree(choice.address)
    else:
        link.make_with(choice.otherwise)


def _text(address: RemoteAddress) -> str:
    way = (
        "this computer itself"
        if address.is_here
        else "encrypted on the way"
        if address.encrypted
        else "NOT encrypted: anyone on the way can read it"
    )
    parts = (
        f"{address.model} runs in another engine, at",
        f"{address.origin} ({way}).",
        fill(
            "Suggestions, edits and answers then send it text around the cursor, outlines of "
            "imported files and what you ask about. Private files and those that git ignores are "
            "never sent. Nothing of it runs on the wafer.",
            _TEXT_CELLS,
        ),
        fill("The answer is kept for this host.", _TEXT_CELLS),
    )
    return f"{parts[0]}\n{parts[1]}\n\n{parts[2]}\n\n{parts[3]}"
