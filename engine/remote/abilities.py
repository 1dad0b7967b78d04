"""What a server can do with a model, found out by asking: a few requests of one token each.

A server that does not know a field may refuse it or may pass over it in silence.  Whether it read
a suffix, or took markers for control tokens, shows in how many tokens it counts.
"""

from dataclasses import dataclass
from typing import Any

from engine.completion.prompts.prompt_styles import PromptStyle
from engine.errors import ModelError, ServerError
from engine.remote.fill_prompt import FillWay, SentCursor, family_style, fill_request
from engine.remote.http_link import HttpLink, RefusedError
from engine.remote_host import RemoteAddress
from engine.visible_text import visible

__all__ = ["Abilities", "find_abilities"]

_PREFIX = "def total(values):\n    return "
_SUFFIX = "\n\n\nprint(total([1, 2, 3]))\nprint(total([4, 5, 6]))\nprint(total([7, 8, 9]))\n"
_LEAST_MORE = 10
"""Tokens that the suffix adds at least where it is read; it has about forty."""
_MOST_FOR_A_MARKER = 2
"""A marker that is read as text takes five tokens or more."""
ASSUMED_CONTEXT = 4_096
"""Where the server does not say."""
ASSUMED_CHARACTERS_A_TOKEN = 3.0
"""Where the server counts nothing; code has about 3.7."""
_MOST_NAMES = 8


@dataclass(frozen=True, slots=True)
class Abilities:
    """A model as a server offers it."""

    completes: bool
    """Whether there is ``/completions``, or ``/infill``."""
    fills: FillWay
    style: PromptStyle | None
    """The family's, for markers."""
    chats: bool
    context_length: int
    characters_per_token: float
    """By the server's own count of a piece of code."""


def find_abilities(link: HttpLink, address: RemoteAddress) -> Abilities:
    """Ask a server what it can do with a model.

    Raises:
        ModelError: It has no such model, or does nothing with it.
        ServerError: It cannot be reached, or refuses the key.
    """
    context = _context_length(link, address)
    asked = _Asked(link, address)
    alone = asked.prompt_tokens("/completions", {"prompt": _PREFIX})
    fills, style = _fill_way(asked, alone)
    chats = asked.takes("/chat/completions", {"messages": [{"role": "user", "content": "1+1="}]})
    if not (asked.completes or chats):
        raise ModelError(f"{address.place} neither completes nor answers with {address.model}")
    ratio = len(_PREFIX) / alone if alone else ASSUMED_CHARACTERS_A_TOKEN
    return Abilities(asked.completes, fills, style, chats, context, ratio)


def _fill_way(asked: "_Asked", alone: int | None) -> tuple[FillWay, PromptStyle | None]:
    """Return how the server fills in the middle."""
    cursor = SentCursor.cut("", _PREFIX, _SUFFIX)
    path, fields = fill_request(FillWay.SUFFIX, None, cursor)
    with_suffix = asked.prompt_tokens(path, fields)
    if alone and with_suffix and with_suffix >= alone + _LEAST_MORE:
        return FillWay.SUFFIX, None
    style = family_style(asked.model)
    if style is not None:
        path, fields = fill_request(FillWay.MARKERS, style, SentCursor("", "a", "b"))
        marks = sum(isinstance(part, str) for part in style.parts)
        count = asked.prompt_tokens(path, fields)
        if count is not None and count <= marks * _MOST_FOR_A_MARKER + 3:
            return FillWay.MARKERS, style
    path, fields = fill_request(FillWay.INFILL, None, cursor)
    if asked.takes(path, fields):
        return FillWay.INFILL, None
    return FillWay.NONE, None


class _Asked:
    """Asks a server for one token at a time."""

    def __init__(self, link: HttpLink, address: RemoteAddress) -> None:
        self._link = link
        self._address = address
        self.model = address.model
        self.completes = False

    def prompt_tokens(self, path: str, fields: dict[str, Any]) -> int | None:
        """Return how many tokens it counts in a prompt; None: it refuses, or does not say."""
        answer = self._answer(path, fields)
        self.completes = self.completes or answer is not None
        usage = answer.get("usage") if answer is not None else None
        count = usage.get("prompt_tokens") if isinstance(usage, dict) else None
        return count if isinstance(count, int) and count > 0 else None

    def takes(self, path: str, fields: dict[str, Any]) -> bool:
        """Return whether it answers."""
        answered = self._answer(path, fields) is not None
        self.completes = self.completes or (answered and path == "/infill")
        return answered

    def _answer(self, path: str, fields: dict[str, Any]) -> dict[str, Any] | None:
        """Return an answer of one token; None where the server has none for that.

        Raises:
            ServerError: It cannot be reached, refuses the key, or is out of order.
        """
        asked = {"model": self.model, "max_tokens": 1, "n_predict": 1, "temperature": 0} | fields
        asked.pop("n_predict" if path != "/infill" else "max_tokens")
        try:
            answer = self._link.post(place(self._address, path), asked)
        except RefusedError as error:
            if error.status in (401, 403, 429):
                raise
            return None
        if not isinstance(answer, dict):
            raise ServerError(f"{self._address.place} answers with what is no object")
        return answer


def place(address: RemoteAddress, path: str) -> str:
    """Return the path on the host: ``/infill`` stands beside ``/v1``, all else in it."""
    base = address.path.removesuffix("/v1") if path == "/infill" else address.path
    return base + path


def _context_length(link: HttpLink, address: RemoteAddress) -> int:
    """Look the model up in the server's list, and return the tokens that it holds.

    Raises:
        ModelError: It is not there; names those that are.
    """
    listed = link.get(place(address, "/models"))
    data = listed.get("data") if isinstance(listed, dict) else None
    models = [each for each in data or [] if isinstance(each, dict)]
    for each in models:
        if each.get("id") == address.model:
            return _told_length(each)
    names = [visible(str(each.get("id"))) for each in models]
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    known = ", ".join(names[:_MOST_NAMES]) + more
    raise ModelError(f"{address.place} has no model {address.model!r}; it has {known or 'none'}")


def _told_length(entry: dict[str, Any]) -> int:
    """Return the context of a model as vLLM, llama.cpp or we tell it."""
    meta = entry.get("meta")
    places = [entry, meta if isinstance(meta, dict) else {}]
    for key in ("max_model_len", "n_ctx", "context_length", "n_ctx_train"):
        for where in places:
            length = where.get(key)
            if isinstance(length, int) and length > 0:
                return length
    return ASSUMED_CONTEXT
