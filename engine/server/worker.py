"""The thread that opens the session and computes, one request after the other."""

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
"""Opens the session, reporting its progress."""

PARTIAL_SECONDS = 0.015
"""Least time between two `PartialText` of a request: faster than a screen is of no use."""


@dataclass(frozen=True, slots=True)
class Job:
    """One request, and where its answers go."""

    request: Complete
    reply: Callable[[ServerMessage], None]
    """Safe to call from the worker's thread."""
    cancelled: Event = field(default_factory=Event)


class Worker(Thread):
    """Opens a session, then serves jobs until told to stop.

    All callbacks are called in the worker's thread.

    Args:
        open_session: Opens the session; imports of numpy and numba happen in there.
        on_progress: Gets what opening reports.
        on_ready: Gets the open session.
        on_failed: Gets the message of why it cannot be opened; the thread then ends.
        on_stopped: Called when all jobs before `stop` are answered.
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
        # A daemon: compiling cannot be interrupted, but the process may end meanwhile.
        super().__init__(name="engine", daemon=True)
        self._open_session = open_session
        self._on_progress = on_progress
        self._on_ready = on_ready
        self._on_failed = on_failed
        self._on_stopped = on_stopped
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()

    def submit(self, job: Job) -> None:
        """Serve ``job`` after those before it.  Any thread."""
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
        """Answer one job, with exactly one Completed or Failed at the end."""
        request = job.request
        try:
            job.reply(_complete(session, job))
        except EngineError as error:
            log.info("request refused: %s", error)
            job.reply(Failed(request.request_id, str(error)))
        except Exception as error:
            log.exception("request failed")
            job.reply(
                Failed(
                    request.request_id,
                    f"the engine failed on this request ({type(error).__name__}: {error}); "
                    "the log file has the details",
                )
            )


def _complete(session: "Session", job: Job) -> Completed:
    """Complete a job's request and return the final answer."""
    from engine.session import CompletionRequest

    request = job.request
    completion = session.complete(
        CompletionRequest(
            path=request.path,
            prefix=request.prefix,
            suffix=request.suffix,
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            top_k=request.top_k,
            top_p=request.top_p,
            seed=request.seed,
            multi_line=request.multi_line,
            repository=request.repository,
            private_patterns=request.private_patterns,
        ),
        # What comes unasked may prove too unlikely to be shown: that is known at its end.
        on_text=None if request.automatic and session.threshold is not None else _Partial(job),
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
    return Completed(
        request_id=request.request_id,
        text=completion.text,
        finish_reason=completion.finish_reason,
        prompt_tokens=completion.prompt_tokens,
        cached_tokens=completion.cached_tokens,
        completion_tokens=completion.completion_tokens,
        host=completion.host,
        wafer=completion.wafer,
        repository=completion.repository,
        mean_logprob=completion.mean_logprob,
        shown=completion.shown,
    )


class _Partial:
    """Sends text so far, the first at once and later ones not too often."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._sent = float("-inf")

    def __call__(self, text: str) -> None:
        now = monotonic()
        if now - self._sent >= PARTIAL_SECONDS:
            self._sent = now
            self._job.reply(PartialText(self._job.request.request_id, text))
