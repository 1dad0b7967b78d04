"""What the three languages share: the writer, the model that answers, and how an answer is awaited.

Knows none of them.
"""

from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from msgspec import MsgspecError
from starlette.requests import Request
from starlette.responses import Response

from engine.errors import EngineError
from engine.protocol.messages import ModelInfo
from engine.server.http.answers import ClientGoneError, PieceStream, while_there
from engine.server.http.metrics import Metrics
from engine.server.http.writing import TextWriter
from engine.server.replica import EngineNotReadyError

__all__ = ["Service"]

_Answer = TypeVar("_Answer")

MOST_TOKENS = 4096
"""Longest text, whatever is asked."""


@dataclass
class Service:
    """The server behind its languages."""

    writer: TextWriter
    metrics: Metrics
    private_patterns: tuple[str, ...] = ()
    """Further patterns of files that are refused and left out."""
    errors: tuple[type[Exception], ...] = (EngineError, MsgspecError, UnicodeDecodeError)
    """What a request can fail with, through no fault of the server."""

    def model(self) -> ModelInfo:
        """Return the model that answers.

        Raises:
            EngineNotReadyError: None does at the moment.
        """
        dispatcher = self.writer.dispatcher
        if dispatcher.ready is None:
            raise EngineNotReadyError(dispatcher.reason)
        return dispatcher.ready.model

    def tokens(self, asked: int | None, default: int) -> int:
        """Return how many tokens to write at most: what is asked, within half of the context.

        Args:
            asked: None or less than 0 stands for ``default``.
            default: As it says.

        Raises:
            EngineNotReadyError: No model answers at the moment.
        """
        half = self.model().context_length // 2
        return min(default if asked is None or asked < 0 else asked, MOST_TOKENS, half)

    async def waited(self, request: Request, work: Coroutine[Any, Any, _Answer]) -> _Answer:
        """Return the result of ``work``, which ends with the client.

        Raises:
            ClientGoneError: It went away.
            EngineError: As of ``work``.
        """
        try:
            return await while_there(request, work)
        except ClientGoneError:
            self.note_gone()
            raise

    def note_gone(self) -> None:
        """Count a client that went away."""
        self.metrics.abandoned += 1

    def stream(
        self,
        pieces: AsyncIterator[bytes],
        media_type: str,
        on_error: Callable[[Exception], bytes],
    ) -> Response:
        """Return an answer that is sent piece by piece; it ends with the client."""
        return PieceStream(pieces, media_type, on_error, self.note_gone)
