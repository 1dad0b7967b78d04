"""The fast tier as a runner: a placed model packed for the host's kernels, which compile first.

The kernels' modules are imported when it opens, after their cache's folder was chosen.
"""

import logging
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.garbage import uncollected
from engine.model.tensors.tensor import Tensor
from engine.probabilities import Logits, Shares
from engine.progress import OnProgress, quiet
from engine.wafer.jit import kernel_cache
from engine.wafer.plan.placed import Placed, TierRunner

if TYPE_CHECKING:
    from engine.wafer.fast.executor import Executor

__all__ = ["FastRunner", "open_fast"]

MAX_CONTEXTS = 32
"""Most KV caches side by side; in practice a budget of memory allows fewer."""

_log = logging.getLogger(__name__)

_DAMAGE = (
    OSError, EOFError, ValueError, ImportError, LookupError, AttributeError, TypeError,
    pickle.UnpicklingError, RuntimeError,
)  # fmt: skip
"""Errors of a damaged file without a recorded checksum: numba and LLVM just read it."""


class FastRunner(TierRunner):
    """A placed model on the host's kernels.

    Args:
        placed: Where the model lies; its Program is the executor's.
        executor: The Program with its weights and its KV cache.
    """

    def __init__(self, placed: Placed, executor: "Executor") -> None:
        super().__init__(placed)
        self.executor = executor
        self.threads = executor.threads
        self.processor_path = executor.path_name

        self.contexts = MAX_CONTEXTS

    def finish(self) -> None:
        """Wait until all weights are packed."""
        self.executor.finish_packing()

    @property
    def position(self) -> int:
        """Rows in the KV cache."""
        return self.executor.position

    def move_to(self, position: int) -> None:
        """Let the next step begin at ``position``."""
        self.executor.position = position

    def step(self, tokens: NDArray[np.int32], last: int) -> NDArray[np.float32]:
        """Append tokens (M,) and return the logits of the last of them, (last, V)."""
        return self.executor.step(tokens, last)

    def probabilities(self, logits: Logits) -> Shares:
        """Return the probabilities that logits stand for."""
        return self.executor.probabilities(logits)

    def close(self) -> None:
        """End the threads that compute; another step would start them again."""
        self.executor.close()

    def interrupt(self) -> None:
        """Let the step that runs, or else the next one, end at once.  Any thread."""
        self.executor.interrupt()

    # ── KV caches side by side ──────────────────────────────────────────────────────────────

    def select(self, context: int, rows: int) -> None:
        """Use a KV cache from now on, and give it room for so many rows."""
        self.executor.contexts.select(context, rows)

    def copy_rows(self, source: int, target: int, rows: int) -> None:
        """Make the first rows of one KV cache all that another one has."""
        self.executor.contexts.copy_rows(source, target, rows)

    def release(self, context: int) -> None:
        """Give the memory of a KV cache back."""
        self.executor.contexts.release(context)

    def context_bytes(self, rows: int) -> int:
        """Return the host memory of a KV cache with room for so many rows."""
        return self.executor.contexts.size_bytes(rows)


def open_fast(
    placed: Placed,
    tensors: Mapping[str, Tensor],
    *,
    threads: int = 1,
    path: str | None = None,
    on_progress: OnProgress = quiet,
    model: Path | None = None,
    finished: bool = True,
) -> FastRunner:
    """Pack a placed model's weights and compile or load the kernels, both at the same time.

    Args:
        placed: The model on its machine.
        tensors: The model's tensors by name.
        threads: Compute threads of the host; no result depends on it.
        path: Name of the path that the kernels take; None is the processor's best.
        on_progress: Called with (done, total, label) while kernels compile.
        model: The folder or file of the tensors, whose packed weights are kept for the next start;
            None: nothing is kept.
        finished: False: do not wait for the weights; `FastRunner.finish` does, or the first step.

    Raises:
        EngineError: The threads asked for are not possible.
        WeightsError: A tensor has a value that its format does not allow.
    """
    with uncollected():
        cache = kernel_cache.use()
        from engine.wafer.fast.executor import Executor
        from engine.wafer.fast.kept_panels import KeptPanels
        from engine.wafer.fast.warm_up import compile_packers, works

    matrices = placed.program.matrices
    kept = None if model is None else KeptPanels(model, matrices)
    packers, kernels = works(matrices)
    total = packers + 1 + kernels
    first, second = (_shifted(on_progress, before, total) for before in (0, packers + 1))
    if kept is None or not kept.is_there:
        _compiled(lambda report: compile_packers(matrices, report), cache, first)
    executor = Executor(placed.program, tensors, threads=threads, path=path, kept=kept)
    _compiled(executor.warm_up, cache, second)
    runner = FastRunner(placed, executor)
    if finished:
        runner.finish()
    return runner


def _shifted(on_progress: OnProgress, before: int, total: int) -> OnProgress:
    """Return what reports a work as a part of a longer one."""
    return lambda done, _, label: on_progress(before + done, total, label)


def _compiled(work: Callable[[OnProgress], None], cache: Path, on_progress: OnProgress) -> None:
    """Compile kernels or load them from the cache; a damaged cache is filled anew."""
    with kernel_cache.alone(cache, lambda: on_progress(0, 1, "waiting for another process")):
        try:
            kernel_cache.remove_damaged(cache)
            work(on_progress)
        except _DAMAGE as error:
            # What was compiled can be compiled again; a fault of our own shows again, too.
            _log.warning("kernel cache %s is not usable (%r); compiling again", cache, error)
            kernel_cache.discard(cache)
            work(on_progress)
        kernel_cache.record(cache)
