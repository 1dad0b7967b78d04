"""Kernels to be compiled, and a second process that compiles some of them meanwhile.

numba compiles one function at a time in a process, so two processors need two.  The helper puts
its part into the kernel cache, from where this process loads it.  Whatever the helper does not do,
because it was killed or never started, this process does.  Knows no kernel.
"""

import logging
import os
import pickle
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Thread
from typing import IO, Any

__all__ = ["CompileJob", "run_jobs"]

_log = logging.getLogger(__name__)

_SIZE = struct.Struct("<I")
_DONE = b"+"

_WORTH_A_PROCESS = 2
"""Jobs for a helper, at least: it takes as long to start as one takes."""


@dataclass(frozen=True, slots=True)
class CompileJob:
    """One or several kernels, for the argument types with which they are called."""

    label: str
    kernels: tuple[tuple[Any, tuple[Any, ...]], ...]
    """Each dispatcher with the numba types of its arguments."""
    lone: bool = False
    """True: calls no kernel of another job by its name, so another process repeats nothing."""
    part: bool = False
    """True: its code is in that of the jobs behind it, too, and nobody else asks for it."""

    def run(self) -> None:
        """Compile the kernels, or load them from the cache."""
        for dispatcher, signature in self.kernels:
            dispatcher.compile(signature)

    @property
    def is_kept(self) -> bool:
        """Whether all of them are in the cache or compiled already."""
        return all(_is_kept(dispatcher, signature) for dispatcher, signature in self.kernels)

    def named(self) -> bytes:
        """Return what another process needs to do the same."""
        names = [(d.py_func.__module__, d.py_func.__qualname__, s) for d, s in self.kernels]
        return pickle.dumps(names)


def _is_kept(dispatcher: Any, signature: tuple[Any, ...]) -> bool:
    if signature in dispatcher.overloads:
        return True
    cache = dispatcher._cache
    # numba has no name for this question; it asks the same before it reads the code.
    key = cache._index_key(signature, dispatcher.targetctx.codegen())
    return key in cache._cache_file._load_index()


def run_jobs(
    jobs: Sequence[CompileJob], cache: Path, on_progress: Callable[[int, int, str], None]
) -> None:
    """Run every job, with a helper where enough of them are not in the cache.

    Args:
        jobs: What to compile; those after others may call their kernels.
        cache: The folder where numba keeps compiled kernels.
        on_progress: Called in this thread with (done, total, label) before each job.
    """
    jobs = _needed(jobs)
    missing = [job for job in jobs if job.lone and not job.is_kept]
    with _helper(missing, cache) as helper:
        # The helper begins at the other end of those that both can do.
        lone = [job for job in reversed(jobs) if job in missing]
        callers = [job for job in jobs if job not in missing]
        order = [*callers[:-1], *lone, *callers[-1:]]
        for number, job in enumerate(order):
            ahead = 0 if helper is None else helper.ahead(order[number:])
            on_progress(number + ahead, len(order), f"preparing {job.label}")
            if helper is not None:
                helper.give_up(job)
            job.run()


def _needed(jobs: Sequence[CompileJob]) -> Sequence[CompileJob]:
    """Return the jobs without the parts, if all that has them in it is kept."""
    whole = [job for job in jobs if not job.part]
    return whole if whole and all(job.is_kept for job in whole) else jobs


@contextmanager
def _helper(jobs: list[CompileJob], cache: Path) -> Iterator["_Helper | None"]:
    """Yield a helper that has begun with some jobs; None where it is not worth it."""
    if len(jobs) < _WORTH_A_PROCESS or (os.cpu_count() or 1) < 2:
        yield None
        return
    try:
        process = _start(cache)
    except OSError as error:  # no further process, or no memory for one
        _log.warning("kernels are compiled by one process alone (%s)", error)
        yield None
        return
    helper = _Helper(process, jobs)
    helper.start()
    try:
        yield helper
    finally:
        helper.close()


def _start(cache: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "engine.wafer.jit.compile_helper", str(cache)]
    return subprocess.Popen(
        command,
        cwd=Path(__file__).resolve().parents[3],  # so that it imports the same sources
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


class _Helper(Thread):
    """Hands jobs to the other process, one by one, and hears when they are done."""

    def __init__(self, process: "subprocess.Popen[bytes]", jobs: list[CompileJob]) -> None:
        super().__init__(name="compile helper", daemon=True)
        self._process = process
        self._changed = Condition()
        self._waiting = deque(jobs)
        self._under_way: CompileJob | None = None
        self._done: list[CompileJob] = []

    def run(self) -> None:
        """Hand out jobs until none is left or the process is gone."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(OSError, ValueError):  # it was killed, or closed from here
            while (job := self._next()) is not None:
                send(self._process.stdin, job.named())
                if self._process.stdout.read(1) != _DONE:
                    break
                self._done.append(job)
        with self._changed:
            self._under_way = None
            self._waiting.clear()
            self._changed.notify_all()

    def _next(self) -> CompileJob | None:
        with self._changed:
            self._under_way = self._waiting.popleft() if self._waiting else None
            self._changed.notify_all()
            return self._under_way

    def ahead(self, jobs: Sequence[CompileJob]) -> int:
        """Return how many of these it has done."""
        return sum(job in jobs for job in tuple(self._done))

    def give_up(self, job: CompileJob) -> None:
        """See that the helper does not begin with a job, or wait until it has ended it."""
        with self._changed:
            if job in self._waiting:
                self._waiting.remove(job)
            self._changed.wait_for(lambda: self._under_way is not job)

    def close(self) -> None:
        """End the process; a file that it was writing is not there."""
        with self._changed:
            self._waiting.clear()
        self._process.kill()
        self.join()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):  # what was never read by the other end
                pipe.close()


def send(pipe: IO[bytes], content: bytes) -> None:
    """Write some bytes after their number."""
    pipe.write(_SIZE.pack(len(content)) + content)
    pipe.flush()


def receive(pipe: IO[bytes]) -> bytes | None:
    """Return what `send` wrote; None at the end."""
    head = pipe.read(_SIZE.size)
    if len(head) < _SIZE.size:
        return None
    size = _SIZE.unpack(head)[0]
    content = pipe.read(size)
    return content if len(content) == size else None


def answer(pipe: IO[bytes]) -> None:
    """Say that a job is done."""
    pipe.write(_DONE)
    pipe.flush()
