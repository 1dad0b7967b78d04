"""What servers say in a stream: pieces of text, why it ended, and how many tokens it took.

One form for `/v1/completions`, `/v1/chat/completions` and llama.cpp's `/infill`.  Pure.
"""

from dataclasses import dataclass
from typing import Any

from engine.errors import ServerError

__all__ = ["StreamPiece", "read_piece"]

_REASONS = {"length": "length", "limit": "length"}


@dataclass(frozen=True, slots=True)
class StreamPiece:
    """One event."""

    text: str = ""
    ended: str | None = None
    """``stop`` or ``length``; None: more may come."""
    prompt_tokens: int | None = None
    """As the server counts; None where it does not say."""
    cached_tokens: int | None = None
    completion_tokens: int | None = None


def read_piece(event: Any) -> StreamPiece:
    """Return what an event says; what it does not say is left out.

    Raises:
        ServerError: It is an error, or no object.
    """
    if not isinstance(event, dict):
        raise ServerError("the server sent an event that is no object")
    if event.get("error"):
        raise ServerError(f"the server broke off: {_message(event['error'])}")
    if "choices" not in event:
        return _of_llama(event)
    choices = event["choices"]
    choice = choices[0] if isinstance(choices, list) and choices else {}
    if not isinstance(choice, dict):
        raise ServerError("the server sent a choice that is no object")
    usage = _object(event.get("usage"))
    details = _object(usage.get("prompt_tokens_details"))
    return StreamPiece(
        text=_text(choice.get("text")) or _text(_said(choice).get("content")),
        ended=_ended(choice.get("finish_reason")),
        prompt_tokens=_count(usage.get("prompt_tokens")),
        cached_tokens=_count(details.get("cached_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
    )


def _of_llama(event: dict[str, Any]) -> StreamPiece:
    """Return what an event of llama.cpp's own interface says."""
    ended = None
    if event.get("stop"):
        ended = "length" if event.get("stop_type") == "limit" else "stop"
    timings = _object(event.get("timings"))
    return StreamPiece(
        text=_text(event.get("content")),
        ended=ended,
        prompt_tokens=_count(event.get("tokens_evaluated")),
        cached_tokens=_count(timings.get("cache_n")),
        completion_tokens=_count(event.get("tokens_predicted")) if ended else None,
    )


def _said(choice: dict[str, Any]) -> dict[str, Any]:
    return _object(choice.get("delta")) or _object(choice.get("message"))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _ended(reason: Any) -> str | None:
    return None if not isinstance(reason, str) or not reason else _REASONS.get(reason, "stop")


def _message(error: Any) -> str:
    said = _object(error).get("message", error)
    return " ".join(str(said).split())[:300]
