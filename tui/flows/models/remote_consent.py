"""A model in another engine: its address, and once for each host whether text may go there."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from textwrap import fill

from engine.errors import ModelError
from engine.remote_host import PREFIX, RemoteAddress, agree, agreed, remote_address
from tui.link.engine_link import ClientMaker, EngineLink
from tui.screens.line_input import LineInputScreen
from tui.screens.question import Choice, QuestionScreen

__all__ = ["AskLine", "AskQuestion", "RemoteChoice", "asked_address", "may_send", "settle_remote"]

AskLine = Callable[[LineInputScreen], Awaitable[str | None]]
"""Shows a line to type in, and waits for what is typed."""
AskQuestion = Callable[[QuestionScreen], Awaitable[str]]
"""Shows a question, and waits for the answer."""

_TEXT_CELLS = 66
"""Cells of a line in a dialog."""


@dataclass(frozen=True, slots=True)
class RemoteChoice:
    """A remote model that was asked for, and what serves if text may not go there."""

    address: RemoteAddress
    otherwise: ClientMaker


async def settle_remote(choice: RemoteChoice, link: EngineLink, ask: AskQuestion) -> None:
    """Ask about a host nobody agreed to yet; without a yes the link gets another model.

    Args:
        choice: The model.
        link: Not yet running.
        ask: Shows a question and waits for the answer.
    """
    if not await may_send(choice.address, ask):
        link.make_with(choice.otherwise)


async def asked_address(before: str, ask: AskLine) -> str | None:
    """Return the address of a model elsewhere that the person types; None: they want none.

    Args:
        before: The one that stands in the line at first.
        ask: Shows a line to type in.
    """
    hint = f"{PREFIX}http://HOST:PORT/v1#NAME"
    screen = LineInputScreen("A model in another engine", before, _flaw, hint)
    text = await ask(screen)
    return None if text is None else text.strip()


async def may_send(address: RemoteAddress, ask: AskQuestion) -> bool:
    """Return whether text may go to a host; ask where nobody agreed to it yet, and keep a yes."""
    if agreed(address):
        return True
    choices = [Choice("no", "No, a model here", "n"), Choice("yes", "Send text there", "y")]
    question = QuestionScreen("a model elsewhere", _text(address), choices, escape="no")
    if await ask(question) != "yes":
        return False
    agree(address)
    return True


def _flaw(text: str) -> str:
    try:
        remote_address(text.strip())
    except ModelError as error:
        return str(error)
    return ""


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
