"""Replica: one engine that answers requests of other programs, one at a time.

Here it is an engine process of this computer; `engine.server.ray_replica` has those of a cluster.
Decides neither whose turn it is nor who answers: that is `engine.server.dispatcher`'s.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from time import monotonic
from typing import Protocol

from engine.client import EngineClient
from engine.client_events import ClientEvent, EngineDown, EngineSilent, ModelKilled
from engine.engine_process import SERVER_COMMAND
from engine.errors import EngineError, PromptError, ServerError
from engine.protocol.asking import AskReply, AskRequest
from engine.protocol.completion import Completion, CompletionRequest
from engine.protocol.messages import (
    Answered,
    Ask,
    Cancel,
    Complete,
    Completed,
    EngineReady,
    Failed,
    PartialText,
    Progress,
    SessionFailed,
    Welcome,
)

__all__ = ["LONGEST_SECONDS", "EngineNotReadyError", "EngineReplica", "Replica", "TextRequest"]

log = logging.getLogger(__name__)

LONGEST_SECONDS = 120.0
"""So long a request may be computed; then it ends with what there is."""

GRACE_SECONDS = 10.0
"""How long the engine may take to end a request that it was told to end."""

TextRequest = CompletionRequest | AskRequest
"""A cursor, or a question."""
OnText = Callable[[str], bool]
"""Gets all text so far; returns whether that is enough."""


class EngineNotReadyError(ServerError):
    """The engine answers no requests at the moment; the message says why."""


class _Pending:
    """The request that is being served."""

    def __init__(self, number: int, on_text: Callable[[str], bool]) -> None:
        self.number = number
        self.on_text = on_text
        self.end: asyncio.Future[Completion | AskReply] = asyncio.get_running_loop().create_future()

    def succeed(self, answer: Completion | AskReply) -> None:
        if not self.end.done():
            self.end.set_result(answer)

    def fail(self, error: EngineError) -> None:
        if not self.end.done():
            self.end.set_exception(error)


class Replica(Protocol):
    """One engine.  For one event loop."""

    on_state: Callable[[], None]
    """Called whenever one of the following has changed."""
    ready: EngineReady | None
    """What answers; None: nothing does at the moment."""
    progress: Progress | None
    """The step of getting ready."""
    reason: str
    """Why nothing answers."""

    async def run(self) -> None:
        """Keep the connection until `close`.

        Raises:
            ServerError: There will be no engine.
        """
        ...

    async def close(self) -> None:
        """End the connection and the request that is being served."""
        ...

    async def answer(
        self, request: TextRequest, on_text: OnText, *, automatic: bool = False
    ) -> Completion | AskReply:
        """Return the answer to a request; to cancel the task that waits for it cancels it.

        Raises:
            EngineNotReadyError: The engine is not ready, or is lost meanwhile.
            EngineError: It refuses the request.
        """
        ...


class EngineReplica:
    """A connection to an engine process of this computer; all else is as of `Replica`.

    Args:
        model: Name or path; None is the default.
        machine: The emulated machine.
        clock_ghz: Its clock; None is the machine's own.
        command: Starts the engine process.
        longest_seconds: So long a request may be computed.
        number: As of `paths.socket_path`: 0 shares the app's engine process.
    """

    def __init__(
        self,
        model: str | None = None,
        machine: str = "wse3",
        clock_ghz: float | None = None,
        *,
        command: Sequence[str] = SERVER_COMMAND,
        longest_seconds: float = LONGEST_SECONDS,
        number: int = 0,
    ) -> None:
        self._client = EngineClient(
            model=model,
            machine=machine,
            clock_ghz=clock_ghz,
            on_event=self._on_event,
            command=command,
            replica=number,
        )
        self.on_state: Callable[[], None] = lambda: None
        self._longest_seconds = longest_seconds
        self._numbers = count(1)
        self._pending: _Pending | None = None
        self.ready: EngineReady | None = None
        self.progress: Progress | None = None
        self.engine_pid = 0
        """The engine process."""
        self.reason = "the engine is starting"

    async def run(self) -> None:
        """Keep the connection."""
        await self._client.run()
        if self.ready is None and self.reason:
            raise ServerError(self.reason)

    async def close(self) -> None:
        """End the connection."""
        self._lose("the server ends")
        self.reason = ""
        await self._client.close()

    def stop(self) -> None:
        """Have the request that is being served end with the text so far."""
        if self._pending is not None:
            self._client.send(Cancel(self._pending.number))

    async def answer(
        self, request: TextRequest, on_text: OnText, *, automatic: bool = False
    ) -> Completion | AskReply:
        """Return the answer to a request."""
        if self.ready is None:
            raise EngineNotReadyError(self.reason)
        pending = self._pending = _Pending(next(self._numbers), on_text)
        try:
            self._send(
                Ask(1, pending.number, request)
                if isinstance(request, AskRequest)
                else Complete(1, pending.number, request, automatic)
            )
            return await self._end_of(pending)
        finally:
            if self._pending is pending:
                self._pending = None
            if not pending.end.done():
                self._client.send(Cancel(pending.number))
            elif not pending.end.cancelled():
                pending.end.exception()  # heard, also where nobody waits for it any more

    def _send(self, message: Complete | Ask) -> None:
        if not self._client.send(message):
            raise EngineNotReadyError("the connection to the engine is lost; ask again later")

    async def _end_of(self, pending: _Pending) -> Completion | AskReply:
        """Wait for the end of a request; end it when it takes too long."""
        with suppress(TimeoutError):
            return await asyncio.wait_for(asyncio.shield(pending.end), self._longest_seconds)
        began = monotonic()
        self._client.send(Cancel(pending.number))
        try:
            return await asyncio.wait_for(asyncio.shield(pending.end), GRACE_SECONDS)
        except TimeoutError:
            waited = self._longest_seconds + monotonic() - began
            raise ServerError(f"the engine gave no answer within {waited:.0f} s") from None

    # ── what the engine says ────────────────────────────────────────────────────────────────

    def _on_event(self, event: ClientEvent) -> None:
        match event:
            case PartialText(number, text):
                self._hear_text(number, text)
            case Completed(number, completion):
                if (pending := self._of(number)) is not None:
                    pending.succeed(completion)
            case Answered(number, reply):
                if (pending := self._of(number)) is not None:
                    pending.succeed(reply)
            case Failed(number, message):
                if (pending := self._of(number)) is not None:
                    pending.fail(PromptError(message))
            case Welcome(pid=pid):
                self.engine_pid = pid
            case Progress():
                self.progress = event
                self.on_state()
            case EngineReady():
                self.ready, self.progress, self.reason = event, None, ""
                self.on_state()
            case SessionFailed(_, message):
                self._lose(message)
                asyncio.get_running_loop().create_task(self._client.close())
            case EngineDown(reason):
                self._lose(reason)
            case EngineSilent(reason):
                self.stop()  # it may yet read this, and go on with the next
                self._lose(f"the engine is silent: {reason}")
            case ModelKilled():
                log.warning("%s", event.reason)

    def _of(self, number: int) -> _Pending | None:
        """Return the request that is served, if it has this number."""
        pending = self._pending
        return pending if pending is not None and pending.number == number else None

    def _hear_text(self, number: int, text: str) -> None:
        pending = self._of(number)
        if pending is not None and not pending.end.done() and pending.on_text(text):
            self._client.send(Cancel(number))

    def _lose(self, reason: str) -> None:
        """Note that nothing answers any more, and why."""
        self.ready, self.reason = None, reason
        if self._pending is not None:
            self._pending.fail(EngineNotReadyError(reason))
        self.on_state()
