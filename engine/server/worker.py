"""Worker: the thread that opens the session and serves requests one after another."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.protocol.messages import (
    Complete,
    Completed,
    Failed,
    PartialText,
    Progress,
    ServerMessage,
)

if TYPE_CHECKING:
    from engine.session import Session

__all__ = ["Job", "OpenSession", "Worker"]

log = logging.getLogger(__name__)

OpenSession = Callable[[Callable[[Progress], None]], "Session"]
"""Opens the session and reports its progress."""

PARTIAL_SECONDS = 0.015
"""Least time between two `PartialText` of a request: no screen shows more."""


@dataclass(frozen=True, slots=True)
class Job:
    """One request of a client, and where its answers go."""

    message: Complete
    reply: Callable[[ServerMessage], None]
    """Safe to call from the worker's thread."""
    cancelled: Event = field(default_factory=Event)

    @property
    def request_id(self) -> int:
        """The number that its answers carry."""
        return self.message.request_id


class Worker(Thread):
    """Opens a session, then serves jobs until it is stopped.

    All callbacks run in the worker's thread.

    Args:
        open_session: Opens the session; numpy and numba are imported in there.
        on_progress: Gets each step of opening.
        on_ready: Gets the open session.
        on_failed: Gets the reason why the session cannot be opened; the thread then ends.
        on_stopped: Called once all jobs submitted before `stop` are answered.
    """

    def __init__(
        self,
        open_session: OpenSession,
        *,
        on_progress: Callable[[Progress], None],
        on_ready: Callable[["Session"], None],
        on_failed: Callable[[str], None],
        on_stopped: Callable[[], None],
    ) -> None:
        # A daemon: the process may end while a compilation that cannot be interrupted runs on.
        super().__init__(name="engine", daemon=True)
        self._open_session = open_session
        self._on_progress = on_progress
        self._on_ready = on_ready
        self._on_failed = on_failed
        self._on_stopped = on_stopped
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()

    def submit(self, job: Job) -> None:
        """Queue ``job`` behind those before it.  Any thread."""
        self._jobs.put(job)

    def stop(self) -> None:
        """End after the jobs submitted so far.  Any thread."""
        self._jobs.put(None)

    def run(self) -> None:
        """Open the session and serve jobs."""
        try:
            session = self._open_session(self._on_progress)
        except EngineError as error:
            log.error("cannot start: %s", error)
            self._on_failed(str(error))
            return
        except Exception as error:
            log.exception("cannot start")
            self._on_failed(f"the engine cannot start: {type(error).__name__}: {error}")
            return
        self._on_ready(session)
        while (job := self._jobs.get()) is not None:
            self._serve(session, job)
        session.close()
        self._on_stopped()

    def _serve(self, session: "Session", job: Job) -> None:
        """Answer one job; the last of its answers is exactly one `Completed` or `Failed`."""
        try:
            job.reply(_complete(session, job))
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


def _complete(session: "Session", job: Job) -> Completed:
    """Complete a job's request and return the final answer."""
    # A suggestion that comes unasked may prove too unlikely to be shown, and only its end tells.
    silent = job.message.automatic and session.threshold is not None
    completion = session.complete(
        job.message.request,
        on_text=None if silent else _Partial(job),
        cancelled=job.cancelled.is_set,
    )
    log.info(
        "%s: %d prompt tokens (%d cached), %d generated, prefill %.1f ms, decode %.1f ms",
        completion.finish_reason,
        completion.prompt_tokens,
        completion.cached_tokens,
        completion.completion_tokens,
        completion.host.prefill_ms,
        completion.host.decode_ms,
    )
    return Completed(job.request_id, completion)


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
