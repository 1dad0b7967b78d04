"""Dispatcher: takes requests of other programs to the engine process, one at a time and in turn.

For the process that serves them: it has one connection, as the app has, so that the app waits for
one of these requests at most, however many there are.  Knows no HTTP and no editor.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count
from time import monotonic

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
from engine.server.turns import Turns

__all__ = ["Dispatcher", "EngineNotReadyError"]

log = logging.getLogger(__name__)

MOST_WAITING = 64
"""Requests that wait at most; one more is refused."""

LONGEST_SECONDS = 120.0
"""So long a request may be computed; then it ends with what there is."""

GRACE_SECONDS = 10.0
"""How long the engine may take to end a request that it was told to end."""


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


class Dispatcher:
    """One connection to the engine process, shared by all who ask.

    Args:
        model: Name or path; None is the default.
        machine: The emulated machine.
        clock_ghz: Its clock; None is the machine's own.
        command: Starts the engine process.
        longest_seconds: So long a request may be computed.
    """

    def __init__(
        self,
        model: str | None = None,
        machine: str = "wse3",
        clock_ghz: float | None = None,
        *,
        command: Sequence[str] = SERVER_COMMAND,
        longest_seconds: float = LONGEST_SECONDS,
    ) -> None:
        self._client = EngineClient(
            model=model,
            machine=machine,
            clock_ghz=clock_ghz,
            on_event=self._on_event,
            command=command,
        )
        self.on_state: Callable[[], None] = lambda: None
        """Called in the event loop whenever `ready`, `progress` or `reason` has changed."""
        self._longest_seconds = longest_seconds
        self._numbers = count(1)
        self._pending: _Pending | None = None
        self.turns = Turns(MOST_WAITING)
        self.ready: EngineReady | None = None
        """What answers; None: nothing does at the moment."""
        self.progress: Progress | None = None
        """The step of getting ready."""
        self.engine_pid = 0
        """The engine process."""
        self.reason = "the engine is starting"
        """Why nothing answers."""

    async def run(self) -> None:
        """Keep the connection until `close`.

        Raises:
            ServerError: There will be no engine.
        """
        await self._client.run()
        if self.ready is None and self.reason:
            raise ServerError(self.reason)

    async def close(self) -> None:
        """End the connection and the request that is being served."""
        self._lose("the server ends")
        self.reason = ""
        await self._client.close()

    async def complete(
        self,
        request: CompletionRequest,
        caller: str,
        on_text: Callable[[str], bool] = lambda text: False,
        *,
        automatic: bool = False,
    ) -> Completion:
        """Return the text for a cursor, as `engine.Session.complete` does.

        To cancel the task that waits for it cancels the request.

        Args:
            request: The cursor.
            caller: Who asks: callers take turns.
            on_text: Gets all text so far; returns whether that is enough.
            automatic: Nobody asked for it: less context, and likely text only.

        Raises:
            EngineError: The engine refuses it, is not ready, or is lost; or too many wait.
        """
        async with self._served(caller, on_text) as pending:
            self._send(Complete(1, pending.number, request, automatic))
            answer = await self._end_of(pending)
            assert isinstance(answer, Completion)
            return answer

    async def ask(
        self,
        request: AskRequest,
        caller: str,
        on_text: Callable[[str], bool] = lambda text: False,
    ) -> AskReply:
        """Return the answer to a question; all else is as for `complete`."""
        async with self._served(caller, on_text) as pending:
            self._send(Ask(1, pending.number, request))
            answer = await self._end_of(pending)
            assert isinstance(answer, AskReply)
            return answer

    # ── one request ─────────────────────────────────────────────────────────────────────────

    @asynccontextmanager
    async def _served(self, caller: str, on_text: Callable[[str], bool]) -> AsyncIterator[_Pending]:
        """Wait for a turn; the request that is sent in it is ended with it."""
        async with self.turns.turn(caller):
            if self.ready is None:
                raise EngineNotReadyError(self.reason)
            pending = self._pending = _Pending(next(self._numbers), on_text)
            try:
                yield pending
            finally:
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
                if self._pending is not None:  # it may yet read this, and go on with the next
                    self._client.send(Cancel(self._pending.number))
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
