"""Connection: one client, its sessions, its requests and its streams of telemetry."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.errors import EngineError
from engine.protocol.completion import WaferStats
from engine.protocol.messages import (
    Answered,
    AnswerWave,
    AnswerXray,
    Ask,
    AskWhatIf,
    Cancel,
    ClientMessage,
    CloseSession,
    Compare,
    Compared,
    Complete,
    Completed,
    CoreAsked,
    EngineReady,
    Failed,
    LookInto,
    MarkInterval,
    OpenSession,
    Ping,
    Pong,
    Progress,
    Rewrite,
    Rewritten,
    ServerMessage,
    SessionFailed,
    Shutdown,
    Simulating,
    StillAsked,
    Unwatch,
    Watch,
    WatchedCores,
    WhatIfTold,
    encode,
)
from engine.protocol.what_if import WhatIfCurve, WhatIfQuestion, WhatIfSetup
from engine.protocol.xray import SimulationLine
from engine.server.sessions import FromWorker, Held, Sessions
from engine.server.simulation import simulate
from engine.server.what_if import price_beside
from engine.server.worker import Job
from engine.server.worker_threads import WorkerThreads
from engine.units import Gigahertz, tokens_per_second

if TYPE_CHECKING:
    from engine.server.served_session import ServedSession
    from engine.telemetry.snapshot import View
    from engine.wafer.timing.counts import Counts

__all__ = ["Connection"]

log = logging.getLogger(__name__)

_Look = LookInto | Compare | AskWhatIf
"""What is answered beside the worker."""

SLOW_CLIENT_BYTES = 8 * 1024 * 1024
"""A client with more unread bytes gets no telemetry until it has caught up."""

DEAD_CLIENT_BYTES = 64 * 1024 * 1024
"""A client with more unread bytes is dropped."""

CLOSE_SECONDS = 1.0
"""How long a client that is let go may still take to read."""

PAUSE_FOR_MAKING = 9
"""Least pause after a message of telemetry, in times that it took to make: a tenth of a core."""

REST_SECONDS = 0.05
"""Until a client that looks at other cells is believed to go on doing so: making a view of them
takes a while, and a window that is drawn larger passes many sizes."""

MAX_SESSIONS = 8
"""Sessions that one client may have open."""


class Connection:
    """One client.

    Args:
        writer: Where its messages go.
        sessions: Where it gets its sessions.
        worker: Where its requests go.
        from_worker: Hands answers over to the event loop's thread.
        shut_down: Ends the process once all requests so far are answered.
    """

    def __init__(
        self,
        writer: asyncio.StreamWriter,
        sessions: Sessions,
        worker: WorkerThreads,
        from_worker: FromWorker,
        shut_down: Callable[[], None],
    ) -> None:
        self._writer = writer
        self._sessions = sessions
        self._worker = worker
        self._from_worker = from_worker
        self._shut_down = shut_down
        self._views: dict[int, _View] = {}
        self._jobs: dict[type[Complete | Rewrite | Ask], Job] = {}  # the newest of each kind

    def send(self, message: ServerMessage) -> None:
        """Send ``message`` unless the client has gone; never waits."""
        if self._writer.is_closing():
            return
        if self.unread_bytes() > DEAD_CLIENT_BYTES:
            log.warning("dropped a client that does not read")
            self._writer.transport.abort()
            return
        try:
            frame = encode(message)
        except (ValueError, OverflowError, TypeError):
            # Without an end it would wait for what never comes; a new connection may do better.
            log.exception("dropped a client that a message could not be written for")
            self._writer.transport.abort()
            return
        self._writer.write(frame)

    def unread_bytes(self) -> int:
        """Return the bytes that the client has still to read."""
        return self._writer.transport.get_write_buffer_size()

    def receive(self, message: ClientMessage) -> None:
        """Do what the client asks."""
        match message:
            case OpenSession():
                self._open(message)
            case CloseSession(session):
                self._close(session)
            case Complete():
                self._cancel(Complete)
                self._serve(message)
            case Rewrite():
                self._cancel(Complete, Rewrite)
                self._serve(message)
            case Ask():
                self._cancel(Complete, Ask)
                self._serve(message)
            case Cancel(request_id):
                for kind, job in self._jobs.items():
                    if job.request_id == request_id:
                        self._cancel(kind)
                for each in self._views.values():
                    each.end_look(request_id)
            case Watch(session, interval_ms, cores):
                if (view := self._views.get(session)) is not None:
                    view.watch(min(max(interval_ms, 20), 60_000) / 1e3, cores)
            case LookInto() | Compare() | AskWhatIf():
                self._look_into(message)
            case Unwatch(session):
                if (view := self._views.get(session)) is not None:
                    view.unwatch()
            case StillAsked() | CoreAsked():
                self._tell_of_wafer(message)
            case MarkInterval(session):
                if (view := self._views.get(session)) is not None:
                    view.mark()
            case Ping():
                self.send(Pong())
            case Shutdown():
                self._shut_down()

    async def close(self) -> None:
        """Cancel the client's requests, give its sessions back and end the connection."""
        self._cancel(*self._jobs)
        for number in list(self._views):
            self._close(number)
        self._writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._writer.wait_closed()
        self._writer.transport.abort()  # what a stopped client has not read by now, it never will

    def _open(self, message: OpenSession) -> None:
        self._close(message.session)
        if len(self._views) >= MAX_SESSIONS:
            reason = f"a client may have {MAX_SESSIONS} sessions open; close one first"
            self.send(SessionFailed(message.session, reason))
            return
        view = _View(self, message, lambda: self._views.pop(message.session, None))
        self._views[message.session] = view
        view.held = self._sessions.open(message, view)

    def _close(self, number: int) -> None:
        view = self._views.pop(number, None)
        if view is None:
            return
        view.forget()
        for kind, job in self._jobs.items():
            if job.message.session == number:
                self._cancel(kind)
        if view.held is not None:
            self._sessions.leave(view.held, view)

    def _serve(self, message: Complete | Rewrite | Ask) -> None:
        """Pass a request to the worker; refuse it while its session is not open."""
        view = self._views.get(message.session)
        if view is None:
            reason = f"session {message.session} is not open; open it first"
            self.send(Failed(message.request_id, reason))
        elif view.session is None:
            reason = "the engine is still starting; ask again later"
            self.send(Failed(message.request_id, reason))
        else:
            job = Job(view.session, message, self._from_worker(view.answer))
            self._jobs[type(message)] = job
            self._worker.submit(job)

    def _look_into(self, message: _Look) -> None:
        """Answer beside the worker: it needs formulas only, and no turn."""
        view = self._views.get(message.session)
        if view is None or view.session is None:
            reason = f"session {message.session} is not open; open it first"
            self.send(Failed(message.request_id, reason))
        else:
            view.look_into(message)

    def _tell_of_wafer(self, asked: StillAsked | CoreAsked) -> None:
        """Answer a question about cores; refuse it while its session is not open."""
        view = self._views.get(asked.session)
        if view is None or view.session is None:
            reason = f"session {asked.session} is not open; ask again once it is"
            self.send(Failed(asked.request_id, reason))
        else:
            view.tell_of_wafer(asked)

    def _cancel(self, *kinds: type[Complete | Rewrite | Ask]) -> None:
        """End the newest request of each kind: a client has use for no older one."""
        for kind in kinds:
            if kind in self._jobs:
                self._jobs[kind].cancel()


class _View:
    """One client's end of a session: its own number, its own clock, its own telemetry.

    Args:
        connection: The client.
        asked: What it asked for.
        forget: Forgets this view, which can get no session.
    """

    def __init__(
        self, connection: Connection, asked: OpenSession, forget: Callable[[], object]
    ) -> None:
        self._connection = connection
        self._asked = asked
        self._forget = forget
        self._since = monotonic()
        self._watching: asyncio.Task[None] | None = None
        self._looking: dict[type[_Look], tuple[int, asyncio.Task[None]]] = {}
        self._looks_at: View | None = None
        self._latest: Counts | None = None  # of the last interval with cycles that was told
        self._marked: Counts | None = None  # one of these, kept
        self._telling: dict[type[StillAsked | CoreAsked], asyncio.Task[None]] = {}
        self._ready = asyncio.Event()
        self.session: ServedSession | None = None
        self.held: Held | None = None

    # ── what the session's state says ───────────────────────────────────────────────────────

    def opening(self, progress: Progress) -> None:
        """Pass on a step of opening."""
        self._connection.send(replace(progress, session=self._asked.session))

    def opened(self, held: Held) -> None:
        """Say that the session answers from now on."""
        session = held.session
        assert session is not None  # it says that it is open
        self.session = session
        self._ready.set()
        clock = self._asked.clock_ghz
        ready = EngineReady(
            model=session.model,
            machine=session.machine if clock is None else replace(session.machine, clock_ghz=clock),
            threads=session.threads,
            processor_path=session.processor_path,
            start_ms=(monotonic() - self._since) * 1e3,
            session=self._asked.session,
        )
        log.info("%s is ready after %.0f ms", ready.model.name, ready.start_ms)
        self._connection.send(ready)

    def failed(self, message: str) -> None:
        """Say that there will be no session."""
        self.unwatch()
        self._forget()
        self._connection.send(SessionFailed(self._asked.session, message))

    # ── answers and numbers ─────────────────────────────────────────────────────────────────

    def answer(self, message: ServerMessage) -> None:
        """Send an answer of the session, at this client's clock."""
        clock = self._asked.clock_ghz
        match message:
            case Completed(completion=completion) if clock is not None:
                wafer = _at_clock(completion.wafer, clock)
                message = replace(message, completion=replace(completion, wafer=wafer))
            case Rewritten(edit=edit) if clock is not None:
                message = replace(message, edit=replace(edit, wafer=_at_clock(edit.wafer, clock)))
            case Answered(reply=reply) if clock is not None:
                wafer = _at_clock(reply.wafer, clock)
                message = replace(message, reply=replace(reply, wafer=wafer))
        self._connection.send(message)

    def look_into(self, message: _Look) -> None:
        """Begin to look into something; an older look of its kind that goes on is given up."""
        self._end_look(type(message))
        task = asyncio.create_task(self._look_into(message))
        self._looking[type(message)] = message.request_id, task

    def end_look(self, request_id: int | None = None) -> None:
        """Give up the look of a number, or all there are."""
        for kind, (number, _) in list(self._looking.items()):
            if request_id in (None, number):
                self._end_look(kind)

    def _end_look(self, kind: type[_Look]) -> None:
        if kind in self._looking:
            self._looking.pop(kind)[1].cancel()

    async def _look_into(self, message: _Look) -> None:
        assert self.session is not None  # whoever asks has looked
        found: AnswerXray | AnswerWave | Compared | WhatIfTold | Failed
        clock = self._asked.clock_ghz
        try:
            if isinstance(message, AskWhatIf):
                found = await self._what_if(message)
            elif isinstance(message, LookInto) and message.simulate and message.token is not None:
                found = await self._simulate(message, message.token)
            else:
                found = await asyncio.to_thread(look_into, self.session, message, clock)
        except EngineError as error:
            found = Failed(message.request_id, str(error))
        except Exception as error:
            log.exception("could not answer %s", type(message).__name__)
            reason = f"the engine failed on this request ({type(error).__name__}: {error})"
            found = Failed(message.request_id, reason)
        if isinstance(found, AnswerXray) and clock is not None:
            found = replace(found, xray=replace(found.xray, clock_ghz=clock))
        self._connection.send(found)

    async def _simulate(self, message: LookInto, token: int) -> AnswerWave:
        assert self.session is not None  # whoever asks has looked
        model, machine = self.session.model.folder, self._asked.machine
        row = self.session.looks.row_of(message.answer, token)

        def tell(line: SimulationLine) -> None:
            told = Simulating(message.request_id, line.done, line.total, line.label)
            self._connection.send(told)

        wave = await simulate((model, machine, *row), tell, self._asked.changes)
        return AnswerWave(message.request_id, message.answer, token, wave)

    async def _what_if(self, message: AskWhatIf) -> WhatIfTold:
        assert self.session is not None  # whoever asks has looked
        clock = self._asked.clock_ghz or self.session.machine.clock_ghz
        own = WhatIfSetup(self._asked.machine, clock, self._asked.changes)
        steps = self.session.looks.steps_of(message.answer)
        model, setup = self.session.model.folder, message.setup or own

        def tell(curve: WhatIfCurve) -> None:
            self._connection.send(WhatIfTold(message.request_id, curve))

        question = WhatIfQuestion(model, setup, message.over, steps)
        return WhatIfTold(message.request_id, await price_beside(question, tell))

    def watch(self, seconds: float, cores: WatchedCores | None) -> None:
        """Begin to send telemetry, once there is a session."""
        self.unwatch()
        self._watching = asyncio.create_task(self._watch(seconds, cores))

    def unwatch(self) -> None:
        """Send no more telemetry."""
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None

    def forget(self) -> None:
        """Send nothing more of the wafer."""
        self.unwatch()
        self.end_look()
        for task in self._telling.values():
            task.cancel()

    def mark(self) -> None:
        """Keep the last interval with cycles."""
        self._marked = self._latest

    def tell_of_wafer(self, asked: StillAsked | CoreAsked) -> None:
        """Answer a question about cores; a newer one of its kind takes an older one's place."""
        before = self._telling.get(type(asked))
        if before is not None:
            before.cancel()
        self._telling[type(asked)] = asyncio.create_task(self._tell(asked))

    async def _tell(self, asked: StillAsked | CoreAsked) -> None:
        assert self.session is not None  # the connection has looked
        told: ServerMessage
        try:
            wafer, now = self.session.wafer, self.session.snapshot()
            if isinstance(asked, StillAsked):
                told = await asyncio.to_thread(wafer.still, asked, now, self._marked)
            else:
                told = await asyncio.to_thread(wafer.core, asked, now, self._latest)
        except EngineError as error:
            told = Failed(asked.request_id, str(error))
        except Exception as error:
            log.exception("a question about the wafer failed")
            told = Failed(asked.request_id, f"the engine failed ({type(error).__name__}: {error})")
        self._connection.send(told)

    async def _watch(self, seconds: float, cores: WatchedCores | None) -> None:
        """Send telemetry at once, then every interval in which something happened.

        A message takes time to make, from a core that the model could use: the pause after it is
        longer where that is much.
        """
        await self._ready.wait()
        session, number = self.session, self._asked.session
        assert session is not None  # set before the event
        if self._looks_at is None or self._looks_at.cores != cores:
            await asyncio.sleep(REST_SECONDS)
            self._looks_at = await asyncio.to_thread(session.view, cores)
        view = self._looks_at
        older = session.snapshot()
        first = session.telemetry(0, older, older, view, self._latest)
        self._connection.send(replace(first, session=number))
        sequence, making = 0, 0.0
        while True:
            await asyncio.sleep(max(seconds, PAUSE_FOR_MAKING * making))
            began = monotonic()
            newer = session.snapshot()
            unchanged = (newer.work, newer.busy) == (older.work, older.busy)
            if unchanged or self._connection.unread_bytes() > SLOW_CLIENT_BYTES:
                continue  # the next message will cover this interval as well
            sequence += 1
            telemetry = session.telemetry(sequence, older, newer, view)
            self._connection.send(replace(telemetry, session=number))
            if telemetry.elapsed_cycles:
                self._latest = newer.counts.since(older.counts)
            older, making = newer, monotonic() - began


def look_into(
    session: "ServedSession", message: LookInto | Compare, clock_ghz: float | None = None
) -> AnswerXray | AnswerWave | Compared:
    """Return what is asked of an answer or of the model.

    Raises:
        EngineError: The answer is forgotten, or has no such token; or nothing ran on the wafer.
    """
    if isinstance(message, Compare):
        return Compared(message.request_id, session.beside_peers(clock_ghz))
    if message.token is None:
        return AnswerXray(message.request_id, session.looks.xray(message.answer))
    wave = session.looks.wave(message.answer, message.token)
    return AnswerWave(message.request_id, message.answer, message.token, wave)


def _at_clock(wafer: WaferStats | None, clock_ghz: float) -> WaferStats | None:
    """Return wafer time as told at another clock."""
    if wafer is None:
        return None
    speed = tokens_per_second(wafer.cycles_per_token, Gigahertz(clock_ghz))
    return replace(wafer, clock_ghz=clock_ghz, tokens_per_second=speed)
