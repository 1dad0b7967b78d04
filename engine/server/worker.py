"""Worker: the one thread that computes; it opens sessions and serves their requests in turn.

While a session opens, the requests of the others are served between its steps.  While there is
nothing to do, the session served last prepares for its next request, and any task interrupts that.
Knows neither clients nor which session is whose.
"""

import gc
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Condition, Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.errors import EngineError
from engine.protocol.messages import (
    Answered,
    AnswerReading,
    Ask,
    Complete,
    Completed,
    Failed,
    OtherText,
    PartialText,
    Progress,
    Rewrite,
    Rewritten,
    ServerMessage,
)

if TYPE_CHECKING:
    from engine.server.served_session import ServedSession

__all__ = ["Closing", "Job", "Opening", "Worker"]

log = logging.getLogger(__name__)

PARTIAL_SECONDS = 0.015
"""Least time between two `PartialText` of a request: no screen shows more."""


@dataclass(frozen=True, slots=True)
class Job:
    """One request of a client, and where its answers go."""

    session: "ServedSession"
    message: Complete | Rewrite | Ask
    reply: Callable[[ServerMessage], None]
    """Safe to call from the worker's thread."""
    cancelled: Event = field(default_factory=Event)
    came_at: float = field(default_factory=monotonic)
    """When it came, on the monotonic clock."""

    @property
    def remote(self) -> bool:
        """Whether another engine computes."""
        return bool(self.session.model.remote)

    @property
    def request_id(self) -> int:
        """The number that its answers carry."""
        return self.message.request_id

    def cancel(self) -> None:
        """End it, also inside a step.  Any thread."""
        self.cancelled.set()
        self.session.interrupt()


@dataclass(frozen=True, slots=True)
class Opening:
    """A session to open.  All of it is called in the worker's thread."""

    open_session: Callable[[Callable[[Progress], None]], "ServedSession"]
    """Opens the session and reports its progress."""
    wanted: Callable[[], bool]
    """Asked between the steps; False gives the opening up."""
    on_progress: Callable[[Progress], None]
    on_ready: Callable[["ServedSession"], None]
    on_failed: Callable[[str], None]
    """Gets the reason; not called where it is no longer wanted."""
    remote: bool = False
    """Whether another engine computes."""


@dataclass(frozen=True, slots=True)
class Closing:
    """A session to close; its memory is free before the next task begins."""

    session: "ServedSession"

    @property
    def remote(self) -> bool:
        """Whether another engine computes."""
        return bool(self.session.model.remote)


class _GivenUpError(Exception):
    """Nobody wants the session any more that is being opened."""


class Worker(Thread):
    """Does one task after another until it is stopped.

    Args:
        prepare: Called first in the worker's thread: imports what every session needs.
        on_stopped: Called there once all tasks before `stop` are done.
    """

    def __init__(self, prepare: Callable[[], None], on_stopped: Callable[[], None]) -> None:
        # A daemon: the process may end while a compilation that cannot be interrupted runs on.
        super().__init__(name="engine", daemon=True)
        self._prepare = prepare
        self._on_stopped = on_stopped
        self._changed = Condition()
        self._tasks: deque[Job | Opening | Closing | None] = deque()
        self._idle: ServedSession | None = None  # served last, and has not prepared for more
        self._growing: ServedSession | None = None
        self.serving: Job | None = None
        """The request that is being computed.  Any thread may look."""

    def submit(self, task: Job | Opening | Closing) -> None:
        """Queue a task behind those before it.  Any thread."""
        self._put(task)

    def stop(self) -> None:
        """End after the tasks submitted so far.  Any thread."""
        self._put(None)

    def _put(self, task: Job | Opening | Closing | None) -> None:
        with self._changed:
            self._tasks.append(task)
            if self._growing is not None:
                self._growing.interrupt()
            self._changed.notify()

    def run(self) -> None:
        """Do the tasks; where that fails, the process ends, and clients hear that it did."""
        try:
            self._prepare()
            while self._does_next():
                pass
        except Exception:
            log.exception("the worker failed")
        self._on_stopped()

    def _does_next(self) -> bool:
        """Do the next task; return False at the end.

        A method of its own: what it names, such as a closed session, is gone when it returns.
        """
        self._grow_idle()
        with self._changed:
            self._changed.wait_for(lambda: len(self._tasks) > 0)
            task = self._tasks.popleft()
        match task:
            case Job():
                self._serve(task)
                self._idle = task.session
            case Opening():
                self._open(task)
            case Closing():
                task.session.close()
                del task
                gc.collect()  # a session's parts name each other
            case None:
                return False
        return True

    def _grow_idle(self) -> None:
        """Let the session served last prepare for its next request until there is a task."""
        with self._changed:
            session, self._idle = self._idle, None
            if session is None or self._tasks:
                return
            self._growing = session
        try:
            session.grow(lambda: len(self._tasks) > 0)
        except Exception:
            log.exception("could not prepare for the next request")
        finally:
            with self._changed:
                self._growing = None

    def _open(self, opening: Opening) -> None:
        """Open a session, or say why it cannot be opened."""

        def between_steps(progress: Progress) -> None:
            opening.on_progress(progress)
            if not opening.wanted():
                raise _GivenUpError
            self._serve_waiting()

        try:
            opening.on_ready(opening.open_session(between_steps))
        except _GivenUpError:
            log.info("gave up a session that nobody wants any more")
        except EngineError as error:
            log.error("cannot open a session: %s", error)
            opening.on_failed(str(error))
        except MemoryError:
            log.exception("cannot open a session")
            opening.on_failed(
                "the memory does not suffice; choose a smaller model or end other programs"
            )
        except Exception as error:
            log.exception("cannot open a session")
            opening.on_failed(f"the engine cannot start: {type(error).__name__}: {error}")

    def _serve_waiting(self) -> None:
        """Serve the requests that wait now, not those that come meanwhile.

        The other tasks keep their order and wait until the session is open.
        """
        with self._changed:
            jobs = [task for task in self._tasks if isinstance(task, Job)]
            others = [task for task in self._tasks if not isinstance(task, Job)]
            self._tasks = deque(others)
        for job in jobs:
            self._serve(job)

    def _serve(self, job: Job) -> None:
        self.serving = job
        try:
            _serve(job)
        finally:
            self.serving = None


def _serve(job: Job) -> None:
    """Answer one job; the last answer is exactly one of those that end it, or one `Failed`."""
    try:
        job.reply(_answer(job))
    except EngineError as error:
        log.info("request refused: %s", error)
        job.reply(Failed(job.request_id, str(error)))
    except Exception as error:
        log.exception("request failed")
        job.reply(
            Failed(
                job.request_id,
                f"the engine failed on this request ({type(error).__name__}: {error}); "
                "the log file has the details",
            )
        )


def _answer(job: Job) -> Completed | Rewritten | Answered:
    """Do what a job asks for and return the final answer."""
    match job.message:
        case Complete():
            return _complete(job, job.message)
        case Rewrite():
            return _rewrite(job, job.message)
        case Ask():
            return _ask(job, job.message)


def _complete(job: Job, message: Complete) -> Completed:
    queue_ms = (monotonic() - job.came_at) * 1e3
    prompts: list[str] = []

    def tell_other(other: OtherText) -> None:
        job.reply(replace(other, request_id=job.request_id))

    completion = job.session.complete(
        message.request,
        on_text=_Partial(job),
        cancelled=job.cancelled.is_set,
        quick=message.automatic,
        sure_only=message.automatic,
        threshold=message.threshold,
        others=message.others,
        on_other=tell_other,
        on_prompt=prompts.append,
    )
    log.info(
        "%s, %s: %d prompt tokens (%d cached), %d generated, prefill %.1f ms, decode %.1f ms",
        completion.model,
        completion.finish_reason,
        completion.prompt_tokens,
        completion.cached_tokens,
        completion.completion_tokens,
        completion.host.prefill_ms,
        completion.host.decode_ms,
    )
    host = replace(completion.host, queue_ms=queue_ms)
    prompt = "".join(prompts)
    return Completed(job.request_id, replace(completion, host=host), prompt)


def _rewrite(job: Job, message: Rewrite) -> Rewritten:
    edit = job.session.rewrite(
        message.request, on_text=_Partial(job), cancelled=job.cancelled.is_set
    )
    log.info(
        "%s, edit of %d lines, %s: %d prompt tokens, %d generated, prefill %.1f ms, decode %.1f ms",
        edit.model,
        message.request.last - message.request.first + 1,
        "offered" if edit.refused is None else "refused",
        edit.prompt_tokens,
        edit.completion_tokens,
        edit.host.prefill_ms,
        edit.host.decode_ms,
    )
    return Rewritten(job.request_id, edit)


def _ask(job: Job, message: Ask) -> Answered:
    reply = job.session.ask(
        message.request,
        on_reading=lambda reading: job.reply(AnswerReading(job.request_id, reading)),
        on_text=_Partial(job),
        cancelled=job.cancelled.is_set,
    )
    log.info(
        "%s, answer, %s: %d prompt tokens (%d cached), %d generated, prefill %.1f ms, "
        "decode %.1f ms",
        reply.model,
        reply.finish_reason,
        reply.prompt_tokens,
        reply.cached_tokens,
        reply.completion_tokens,
        reply.host.prefill_ms,
        reply.host.decode_ms,
    )
    return Answered(job.request_id, reply)


class _Partial:
    """Sends the text so far: the first at once, later ones not too often."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._sent = float("-inf")

    def __call__(self, text: str) -> None:
        now = monotonic()
        if now - self._sent >= PARTIAL_SECONDS:
            self._sent = now
            self._job.reply(PartialText(self._job.request_id, text))
