"""Starts a run of adapting in a process of its own and follows it; light, for the app's start.

The process has one thread of NumPy's own, because each of its workers has a core.  It ends with
this one: its standard input is a pipe from here.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from engine.adapting.messages import (
    Adapted,
    AdaptFailed,
    AdaptMessage,
    AdaptProgress,
    AdaptScene,
    decode_message,
)
from engine.errors import AdaptCancelledError, AdaptError
from engine.paths import child_environment
from engine.protocol.training import TrainingScene

__all__ = ["AdaptingProcess"]

_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class AdaptingProcess:
    """A run in a process of its own.

    Args:
        folder: The repository's folder.
        model: A model in a folder; None is the bundled one.
        private_patterns: More patterns of private files.
        plan: Fields of `engine.adapting.plan.AdaptPlan`.
        scene: Whether a step of it on the wafer is told.
    """

    def __init__(
        self,
        folder: Path,
        *,
        model: str | None = None,
        private_patterns: tuple[str, ...] = (),
        plan: dict[str, Any] | None = None,
        scene: bool = False,
    ) -> None:
        command = [sys.executable, "-P", "-m", "engine.adapting", str(folder)]
        command += ["--model", model] if model is not None else []
        command += [f"--private={pattern}" for pattern in private_patterns]
        command += ["--plan", msgspec.json.encode(plan or {}).decode()]
        command += ["--scene"] * scene
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            start_new_session=True,  # Ctrl+C is for this process, which then closes the pipe
        )

    def follow(
        self,
        on_progress: Callable[[AdaptProgress], None],
        on_scene: Callable[[TrainingScene], None] = lambda scene: None,
    ) -> Adapted:
        """Wait for the end.

        Args:
            on_progress: Called with how far it is.
            on_scene: Called once with a step of it on the wafer, if that was asked for.

        Raises:
            AdaptCancelledError: It was told to stop.
            AdaptError: It ended without a result; the message says why.
        """
        for message in self._messages():
            match message:
                case AdaptProgress():
                    on_progress(message)
                case AdaptScene(scene):
                    on_scene(scene)
                case Adapted():
                    return message
                case AdaptFailed(text, stopped):
                    raise AdaptCancelledError(text) if stopped else AdaptError(text)
        code = self._process.wait()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise AdaptError(
            f"the process that adapts the model ended ({how}); what it learnt until the last "
            "checkpoint is kept, and the same command goes on"
        )

    def _messages(self) -> Iterator[AdaptMessage]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            yield decode_message(line)

    def stop(self) -> None:
        """Have it keep what it learnt and end; does not wait for that."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def close(self) -> None:
        """Have it end, and wait until it has."""
        self.stop()
        assert self._process.stdout is not None
        for _ in self._process.stdout:  # else it could wait for somebody to read
            pass
        self._process.stdout.close()
        self._process.wait()


def _environment() -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    return {**child_environment(), "PYTHONPATH": path, **dict.fromkeys(_THREADS, "1")}
