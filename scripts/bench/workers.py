"""Children that measure: started, asked, and ended whatever happens.  Knows no engine."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["ROOT", "Worker", "WorkerDied", "ended_in_order", "engine_worker"]

ROOT = Path(__file__).resolve().parents[2]
Json = dict[str, Any]


class WorkerDied(Exception):
    """A child ended without an answer.

    Args:
        what: Its name for people.
        code: What it ended with; negative: the signal's number.
    """

    def __init__(self, what: str, code: int) -> None:
        self.signal = signal.Signals(-code).name if code < 0 else None
        super().__init__(f"{what} ended with {self.signal or code} and gave no answer")


class Worker:
    """A child that describes itself on its first line and answers every line with one.

    Args:
        name: For messages.
        command: What to run.
        environment: Variables beside those of this process; None takes one away.
        folder: Where it runs.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        environment: dict[str, str | None] | None = None,
        folder: Path = ROOT,
    ) -> None:
        self.name = name
        merged: dict[str, str | None] = {**os.environ, **(environment or {})}
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={key: value for key, value in merged.items() if value is not None},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            self.described = self._answer()
        except BaseException:
            self.close()
            raise

    def ask(self, what: str, **question: Any) -> Json:
        """Ask and wait for the answer.

        Raises:
            WorkerDied: The child ended instead.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"ask": what, **question}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise WorkerDied(self.name, self._process.wait()) from None
        return self._answer()

    def _answer(self) -> Json:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise WorkerDied(self.name, self._process.wait())
        answer: Json = json.loads(line)
        return answer

    def close(self) -> None:
        """End the child."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            try:
                stream.close()
            except BrokenPipeError:  # a question that it never read
                continue

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()


def engine_worker(
    model: str, threads: int, tree: Path = ROOT, kernels: str | None = None
) -> Worker:
    """Start a child with a model open in the engine of a checkout.

    Args:
        model: A name, a folder or a GGUF file.
        threads: Compute threads.
        tree: The checkout.
        kernels: The kernel path that SPARK_KERNELS names; None: as this process has it.
    """
    most = max(threads, os.cpu_count() or 1)
    places = [str(tree), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {"PYTHONPATH": os.pathsep.join(places), "NUMBA_NUM_THREADS": str(most)}
    if kernels is not None:
        environment["SPARK_KERNELS"] = kernels
    place = Path(model).expanduser()
    job = {"model": str(place.resolve()) if place.exists() else model, "threads": threads}
    command = [sys.executable, str(Path(__file__).with_name("engine_worker.py")), json.dumps(job)]
    return Worker(f"the engine with {model} on {threads} threads", command, environment, tree)


def ended_in_order() -> None:
    """Let a request to end (SIGTERM) run what is left to do, as Ctrl-C does."""

    def end(number: int, frame: Any) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)
