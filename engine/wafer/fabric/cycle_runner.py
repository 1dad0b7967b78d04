"""A model on the simulated chip as a runner: tokens in, logits and simulated cycles out.

Takes seconds a token where the fast tier takes milliseconds; the numbers are the same.
"""

import threading

import numpy as np
from numpy.typing import NDArray

from engine.model.load import Model
from engine.model.sum_orders import SumOrders
from engine.wafer.compile.compiler import compile_graph
from engine.wafer.fabric.chip import SimulatedChip, warm_up
from engine.wafer.fast.executor import MAX_ROWS
from engine.wafer.fast.fast_runner import WaferRunner
from engine.wafer.jit import kernel_cache
from engine.wafer.timing.timing import Activity, Counts, Timing

__all__ = ["CycleRunner", "SimulatedTiming"]


class SimulatedTiming:
    """Cycles of steps: as simulated where a step was, by formula elsewhere."""

    def __init__(self, formulas: Timing) -> None:
        """Know nothing but the formulas yet."""
        self._formulas = formulas
        self._known: dict[tuple[int, int], int] = {}

    def note(self, position: int, rows: int, cycles: int) -> None:
        """Remember what a step took."""
        self._known[position, rows] = cycles

    def step_cycles(self, position: int, rows: int = 1) -> int:
        """Return the cycles of a step of ``rows`` rows at ``position``."""
        known = self._known.get((position, rows))
        return self._formulas.step_cycles(position, rows) if known is None else known

    def mac_utilisation(self, position: int) -> float:
        """Return MACs ÷ (cores used × cycles × MAC rate) of one decode step at ``position``."""
        ratio = self._formulas.step_cycles(position) / self.step_cycles(position)
        return self._formulas.mac_utilisation(position) * ratio


class CycleRunner:
    """Implements `engine.generation.generator.Runner`, and what a session asks of a wafer.

    Args:
        model: The model.
        fast: The same on the fast tier: where it lies, and its formulas.
    """

    def __init__(self, model: Model, fast: WaferRunner) -> None:
        self._fast = fast
        self.context_length = fast.context_length
        self.processor_path, self.threads = fast.processor_path, fast.threads
        self.orders: SumOrders = fast.orders
        self.timing = SimulatedTiming(fast.timing)
        with kernel_cache.alone(kernel_cache.use(), lambda: None):
            warm_up(fast.program.machine)
            kernel_cache.record(kernel_cache.folder())
        compiled = compile_graph(model.graph, fast.program.machine, fast.placement)
        self._chip = SimulatedChip(
            compiled, fast.placement, model.tensors, rows=MAX_ROWS, context=fast.context_length
        )
        names = [buffer.name for buffer in fast.program.buffers]
        logits = names.index("logits")
        self._logits = next(tap for tap in self._chip.chip.taps if tap.buffer == logits)
        self._counts = fast.timing.none()
        self._lock = threading.Lock()

    @property
    def position(self) -> int:
        """Rows in the KV cache."""
        return self._chip.position

    def rewind(self, position: int) -> None:
        """Keep the first ``position`` rows of the KV cache."""
        self._chip.position = position

    def prefill(self, tokens: NDArray[np.int32]) -> NDArray[np.float32]:
        """Append tokens (M,), at most 64, and return the last row's logits (V,)."""
        tokens = np.ascontiguousarray(tokens, np.int32)
        position = self.position
        counts = self._fast.timing.count(tokens, position)
        step = self._chip.step(tokens)
        self.timing.note(position, tokens.size, step.cycles)
        with self._lock:
            self._counts = self._counts.plus(counts)
        logits = np.empty(self._fast.program.vocabulary, np.float32)
        logits[self._logits.elements] = step.trace[-1, self._logits.words].view(np.float32)
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
        """Return what every core did in ``counts``, by formula."""
        return self._fast.expand(counts)
