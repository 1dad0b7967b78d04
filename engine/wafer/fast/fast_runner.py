"""Opening a model on a machine: plan, compile, pack, compile kernels; and the runner they make."""

import logging
import pickle
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.model.load import Model
from engine.model.sum_orders import SumOrders
from engine.protocol import messages
from engine.wafer.compile.compiler import choose_orders, compile_graph
from engine.wafer.jit import kernel_cache
from engine.wafer.place.placement import Placement
from engine.wafer.plan.kept_plans import remembered_plan
from engine.wafer.program.machine import MachineSpec
from engine.wafer.program.program import Program
from engine.wafer.timing.timing import Activity, Counts, Timing

if TYPE_CHECKING:
    from engine.wafer.fast.executor import Executor

__all__ = ["WaferRunner", "open_wafer"]

_log = logging.getLogger(__name__)

_DAMAGE = (
    OSError, EOFError, ValueError, ImportError, LookupError, AttributeError, TypeError,
    pickle.UnpicklingError, RuntimeError,
)  # fmt: skip
"""How a damaged file shows that no checksum was recorded of: numba and LLVM just read it."""


class WaferRunner:
    """A model on an emulated wafer: token ids in, logits out, cycles counted.

    Implements `engine.generation.generator.Runner`.  Steps come from one thread; `counts` and
    `expand` may be called from any.
    """

    def __init__(
        self, executor: "Executor", timing: Timing, placement: Placement, orders: SumOrders
    ) -> None:
        """Join what runs with what prices."""
        self.executor = executor
        self.timing = timing
        self.placement = placement
        self.orders = orders
        self.program: Program = executor.program
        self.threads = executor.threads
        self.processor_path = executor.path_name
        self.context_length = executor.context_length
        self._counts = timing.none()
        self._lock = threading.Lock()

    @property
    def position(self) -> int:
        """Rows in the KV cache."""
        return self.executor.position

    def rewind(self, position: int) -> None:
        """Keep the first ``position`` rows of the KV cache."""
        self.executor.rewind(position)

    def prefill(self, tokens: NDArray[np.int32]) -> NDArray[np.float32]:
        """Append tokens (M,), at most 64, and return the last row's logits (V,)."""
        tokens = np.ascontiguousarray(tokens, np.int32)
        step = self.timing.count(tokens, self.position)
        logits = self.executor.step(tokens)
        with self._lock:
            self._counts = self._counts.plus(step)
        return logits

    def decode(self, token: int) -> NDArray[np.float32]:
        """Append one token and return its logits (V,)."""
        return self.prefill(np.array([token], np.int32))

    @property
    def counts(self) -> Counts:
        """What was run since the runner was opened."""
        with self._lock:
            return self._counts

    def expand(self, counts: Counts) -> Activity:
        """Return what every core did in ``counts``."""
        return self.timing.expand(counts)

    def machine_info(self) -> messages.MachineInfo:
        """Return where the model lies."""
        machine = self.program.machine
        return messages.MachineInfo(
            name=machine.name,
            clock_ghz=machine.clock_ghz,
            columns=machine.columns,
            rows=machine.rows,
            sram_bytes_per_core=machine.sram_bytes,
            program=self.program.hash,
            cores_used=self.program.cores_used,
            regions=[
                messages.Region(r.label, r.x, r.y, r.width, r.height, r.sram_bytes)
                for r in self.program.regions
            ],
        )


def open_wafer(
    model: Model,
    spec: MachineSpec,
    *,
    threads: int = 1,
    portable: bool = False,
    context_length: int | None = None,
    on_progress: Callable[[int, int, str], None] = lambda done, total, label: None,
) -> WaferRunner:
    """Place, compile and load a model.

    Args:
        model: The loaded model.
        spec: The machine.
        threads: Compute threads of the host; no result depends on it.
        portable: Use the portable kernels even where the processor has better.
        context_length: KV rows; None means the model's own.
        on_progress: Called with (done, total, label) while kernels compile.

    Raises:
        PlacementError: The model does not fit the machine.
        EngineError: The threads asked for are not possible.
    """
    placement = remembered_plan(model.graph, spec, context_length, model.formats)
    compiled = compile_graph(model.graph, spec, placement)
    timing = Timing(compiled, placement)
    orders = choose_orders(spec, placement)
    cache = kernel_cache.use()
    from engine.wafer.fast.executor import Executor

    executor = Executor(compiled.program, model.tensors, threads=threads, portable=portable)
    with kernel_cache.alone(cache, lambda: on_progress(0, 1, "waiting for another process")):
        try:
            kernel_cache.remove_damaged(cache)
            executor.warm_up(on_progress)
        except _DAMAGE as error:
            # What was compiled can be compiled again; a fault of our own shows again, too.
            _log.warning("kernel cache %s is not usable (%r); compiling again", cache, error)
            kernel_cache.discard(cache)
            executor.warm_up(on_progress)
        kernel_cache.record(cache)
    return WaferRunner(executor, timing, placement, orders)
