"""Answers over HTTP: JSON, errors in the form of llama.cpp and OpenAI, and streams of pieces.

A client that goes away ends the work on its answer, in the engine too.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from engine.errors import EngineError
from engine.server.http.unmet import refuse_unmet
from engine.server.replica import EngineNotReadyError
from engine.server.turns import TurnsFullError

__all__ = ["ClientGoneError", "PieceStream", "caller_of", "decoded", "error_value", "json_answer",
           "refusal", "refusal_of", "status_of", "while_there"]  # fmt: skip

log = logging.getLogger(__name__)

_Asked = TypeVar("_Asked")
_Answer = TypeVar("_Answer")

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    501: "not_supported_error",
    503: "unavailable_error",
}


class ClientGoneError(Exception):
    """The client went away before its answer was there."""


def json_answer(value: Any, status: int = 200) -> Response:
    """Return an answer of one JSON value."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def refusal(status: int, message: str, *, close: bool = False) -> Response:
    """Return an answer that says in one line what was wrong.

    Args:
        status: HTTP's.
        message: For a person.
        close: Whether the connection ends with it.
    """
    answer = json_answer({"error": error_value(status, message)}, status)
    if status == 401:
        answer.headers["www-authenticate"] = "Bearer"
    if status == 503:
        answer.headers["retry-after"] = "1"
    if close:
        answer.headers["connection"] = "close"
    return answer


def error_value(status: int, message: str) -> dict[str, Any]:
    """Return an error as llama.cpp and OpenAI write it."""
    return {"code": status, "message": message, "type": _KINDS.get(status, "server_error")}


def refusal_of(error: Exception) -> Response:
    """Return the answer for an error of the engine or of a request's JSON."""
    status, message = status_of(error)
    return refusal(status, message)


def status_of(error: Exception) -> tuple[int, str]:
    """Return the status and the line for an error."""
    match error:
        case EngineNotReadyError() | TurnsFullError():
            return 503, str(error)
        case msgspec.MsgspecError() | UnicodeDecodeError():
            return 400, f"the request is not as it should be: {error}"
        case EngineError():
            return 400, str(error)
        case _:
            log.error("a request failed", exc_info=error)
            return 500, "the server failed on this request; the log file has the details"


def decoded(body: bytes, kind: type[_Asked]) -> _Asked:
    """Return the request in a body; what it does not know in there is passed over.

    Raises:
        msgspec.MsgspecError: It is no JSON, or a field is not what it must be.
        PromptError: It asks for what is not done here.
    """
    try:
        asked = msgspec.json.decode(body, type=kind)
        refuse_unmet(body)
        return asked
    except RecursionError:
        raise msgspec.DecodeError("brackets in brackets too deep") from None


def caller_of(request: Request, user: str | None = None) -> str:
    """Return who asks, as far as turns are concerned: a computer, or a user there that it names."""
    host = request.client.host if request.client is not None else ""
    return f"{host} {user or ''}"


async def while_there(request: Request, work: Coroutine[Any, Any, _Answer]) -> _Answer:
    """Return the result of ``work``, which ends with the client.

    Raises:
        ClientGoneError: It went away.
    """
    task = asyncio.create_task(work)
    await _first_of(task, request.receive)
    if not task.done():
        await _ended(task)
        raise ClientGoneError
    return task.result()


class PieceStream(Response):
    """An answer that is sent piece by piece; the first decides about the status.

    Args:
        pieces: What is sent; ended with the client.
        media_type: ``text/event-stream`` or ``application/x-ndjson``.
        on_error: Returns the last piece where the work fails after the first one.
        on_gone: Called where the client went away before the end.
    """

    def __init__(
        self,
        pieces: AsyncIterator[bytes],
        media_type: str,
        on_error: Callable[[Exception], bytes],
        on_gone: Callable[[], None],
    ) -> None:
        super().__init__(media_type=media_type)
        del self.headers["content-length"]
        self.headers["cache-control"] = "no-store"
        self._pieces = pieces
        self._on_error = on_error
        self._on_gone = on_gone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        task = asyncio.create_task(self._send(scope, receive, send))
        await _first_of(task, receive)
        if task.done():
            task.result()
            return
        await _ended(task)
        self._on_gone()

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the pieces; an error before the first is an answer of its own."""
        begun = False
        try:
            async for piece in self._pieces:
                if not begun:
                    begun = True
                    await self._start(send)
                await _send_piece(send, piece, more=True)
            last = b""
        except Exception as error:
            if not begun:
                await refusal_of(error)(scope, receive, send)
                return
            last = self._on_error(error)
        if not begun:
            await self._start(send)
        await _send_piece(send, last, more=False)

    async def _start(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})


async def _send_piece(send: Send, piece: bytes, *, more: bool) -> None:
    await send({"type": "http.response.body", "body": piece, "more_body": more})


async def _first_of(task: "asyncio.Task[Any]", receive: Callable[[], Awaitable[Any]]) -> None:
    """Wait until a task is done or the client goes away."""

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    watch = asyncio.create_task(gone())
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        await _ended(task)
        raise
    finally:
        await _ended(watch)


async def _ended(task: "asyncio.Task[Any]") -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await task
