"""Placed: a model on a machine, planned, compiled and priced once.  This is what a tier opens.

Also counts what was run there, so that every tier counts alike, and gives the base of the runners
that count here.  Holds no weights, computes no logits and knows no tier.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.model.graph import ModelGraph
from engine.model.sum_orders import SumOrders
from engine.model.tensors.tensor import Format
from engine.probabilities import Logits, Shares, probabilities
from engine.wafer.compile.compiler import Compiled, compile_graph
from engine.wafer.place.orders import choose_orders
from engine.wafer.place.placement import Placement
from engine.wafer.plan.kept_plans import remembered_plan
from engine.wafer.plan.kept_timings import remembered_timing
from engine.wafer.program.machine import MachineSpec
from engine.wafer.program.program import Program
from engine.wafer.timing.blocks import CellGrid
from engine.wafer.timing.core_view import CoreView
from engine.wafer.timing.counts import Activity, Counts
from engine.wafer.timing.timing import Timing
from engine.wafer_changes import UNCHANGED, WaferChanges

__all__ = ["Placed", "TierRunner", "open_placed"]

_WAITING = 8
"""Steps of several tokens that wait to be counted, at most: what the next one then waits for."""

_TOGETHER = 64
"""Decodes that are counted together, at most."""

_PRICES = 4096
"""Steps whose cycles are remembered: each is asked for several times, and again with every key."""


class Placed:
    """A model where it lies on a machine, and what was run there.

    Steps are noted by one thread; `counts` and `expand` may be called from any.

    Args:
        graph: The model.
        machine: The chip.
        placement: Where the model lies on it.
        by_core: False: for cycles only, which is faster; no state of a single core is known.
        keep: True: take the prices from the user's cache, or put them there.

    Raises:
        PlacementError: The graph has a node that cannot be compiled.
    """

    def __init__(
        self,
        graph: ModelGraph,
        machine: MachineSpec,
        placement: Placement,
        *,
        by_core: bool = True,
        keep: bool = False,
    ) -> None:
        self.graph = graph
        self.machine = machine
        self.placement = placement
        self._by_core = by_core
        self.timing = (
            remembered_timing(graph, machine, placement, self._priced, by_core=by_core)
            if keep
            else self._priced()
        )
        """Cycles and states by formula."""
        self._formula = lru_cache(_PRICES)(self.timing.step_cycles)
        if keep:  # the costs in it would stay in memory
            vars(self).pop("compiled", None)
        self._counts = self.timing.none()
        self._steps: list[tuple[NDArray[np.int32], int, int]] = []  # not counted yet
        self._decodes: list[int] = []  # the same: tokens at positions one after the other
        self._decodes_at = 0
        self._simulated: dict[tuple[int, int, int], int] = {}  # position, rows, rows with logits
        self._lock = threading.Lock()

    def _priced(self) -> Timing:
        return Timing(self.compiled, self.placement, by_core=self._by_core)

    @cached_property
    def compiled(self) -> Compiled:
        """The Program with the micro-steps and the cost of each instruction; made when asked."""
        return compile_graph(
            self.graph, self.machine, self.placement, by_core=self._by_core, growth_only=True
        )

    @property
    def program(self) -> Program:
        """The compiled model."""
        return self.timing.program

    @cached_property
    def orders(self) -> SumOrders:
        """The orders of the sums that the placement gives."""
        return choose_orders(self.machine, self.placement)

    # ── what was run ────────────────────────────────────────────────────────────────────────

    def note_step(self, tokens: NDArray[np.int32], position: int, last: int = 1) -> None:
        """Count a step of ``tokens`` (M,) appended at ``position``, the last ones with logits.

        They are counted once somebody asks, or many wait, so that a suggestion need not wait for
        it: a count takes as long as a fifth of a small model's step.  That of many decodes one
        after the other takes no longer than that of one.
        """
        with self._lock:
            if tokens.size > 1:
                self._steps.append((tokens.copy(), position, last))
                if len(self._steps) >= _WAITING:
                    self._count_steps()
                return
            if position != self._decodes_at + len(self._decodes) or len(self._decodes) >= _TOGETHER:
                self._count_decodes()
                self._decodes_at = position
            self._decodes.append(int(tokens[0]))

    def _count_steps(self) -> None:
        """Add the steps of several tokens that were not counted yet."""
        for tokens, position, last in self._steps:
            self._counts = self._counts.plus(self.timing.count(tokens, position, last))
        self._steps = []

    def _count_decodes(self) -> None:
        """Add the decodes that were not counted yet."""
        if self._decodes:
            tokens = np.array(self._decodes, np.int32)
            self._counts = self._counts.plus(self.timing.count_decodes(tokens, self._decodes_at))
            self._decodes = []

    def note_cycles(self, position: int, rows: int, cycles: int, last: int = 1) -> None:
        """Remember the cycles that a simulation took for a step of ``rows`` rows."""
        self._simulated[position, rows, last] = cycles

    @property
    def counts(self) -> Counts:
        """What was run since the model was placed."""
        with self._lock:
            self._count_steps()
            self._count_decodes()
            return self._counts

    def expand(self, counts: Counts) -> Activity:
        """Return what every core did in ``counts``, by formula."""
        return self.timing.expand(counts)

    def view(self, grid: CellGrid | None) -> CoreView:
        """Return a view of cells of cores, to watch what they do; it takes a while to make."""
        return CoreView(self.timing, grid)

    # ── wafer time ──────────────────────────────────────────────────────────────────────────

    def step_cycles(self, position: int, rows: int = 1, last: int = 1) -> int:
        """Return the cycles of a step: as simulated where one was, by formula elsewhere.

        Args:
            position: KV rows before it.
            rows: Tokens appended.
            last: How many of them have logits.
        """
        simulated = self._simulated.get((position, rows, last))
        return self._formula(position, rows, last) if simulated is None else simulated

    def mac_utilisation(self, position: int) -> float:
        """Return MACs ÷ (cores used × cycles × MAC rate) of one decode step at ``position``."""
        ratio = self._formula(position, 1, 1) / self.step_cycles(position)
        return self.timing.mac_utilisation(position) * ratio


def open_placed(
    graph: ModelGraph,
    machine: MachineSpec,
    context_length: int | None = None,
    formats: Mapping[str, Format] | None = None,
    changes: WaferChanges = UNCHANGED,
    *,
    by_core: bool = True,
) -> Placed:
    """Place a model as the planner chooses, so that every tier can run it.

    Args:
        graph: The model.
        machine: The chip.
        context_length: KV rows to hold; None means the model's own.
        formats: Format of every tensor by name; None: int8 for every matrix.
        changes: What of the placement is given; more than one wafer is priced only.
        by_core: As of `Placed`.

    Raises:
        PlacementError: The model does not fit the machine, or cannot be compiled.
    """
    placement = remembered_plan(graph, machine, context_length, formats, changes)
    return Placed(graph, machine, placement, by_core=by_core, keep=True)


class TierRunner(ABC):
    """A placed model that a tier computes: token ids in, logits out, every step counted.

    Implements `engine.generation.generator.Runner`.  Steps come from one thread.
    """

    processor_path: str
    """The code that computes: the kernels' ``amx``, ``vnni``, ``avx-vnni``, ``avx2``,
    ``dotprod`` or ``portable``, the ``simulator``, or ``numpy``."""
    threads: int
    """Threads that compute."""
    contexts: int = 1
    """KV caches that can be kept side by side in the host's memory.  The wafer holds one."""

    def __init__(self, placed: Placed) -> None:
        self.placed = placed

    def finish(self) -> None:
        """Wait until the first step can begin; most tiers are ready at once.

        Raises:
            WeightsError: A tensor has a value that its format does not allow.
        """
        return

    @property
    def context_length(self) -> int:
        """Rows the KV cache can hold."""
        return self.placed.program.context_length

    @property
    @abstractmethod
    def position(self) -> int:
        """Rows in the KV cache."""

    def rewind(self, position: int) -> None:
        """Keep the first ``position`` rows of the KV cache.

        Raises:
            EngineError: There are not so many.
        """
        if not 0 <= position <= self.position:
            raise EngineError(f"rewind to {position}: the KV cache has {self.position} rows")
        self.move_to(position)

    @abstractmethod
    def move_to(self, position: int) -> None:
        """Let the next step begin at ``position``, at most the rows there are; for `rewind`."""

    @abstractmethod
    def step(self, tokens: NDArray[np.int32], last: int) -> NDArray[np.float32]:
        """Append tokens (M,) and return the logits of the last of them, (last, V).

        `prefill` and `verify` count the step.
        """

    def prefill(self, tokens: NDArray[np.int32]) -> NDArray[np.float32]:
        """Append tokens (M,), at most 64, and return the last row's logits (V,)."""
        logits: NDArray[np.float32] = self.verify(tokens, 1)[0]
        return logits

    def verify(self, tokens: NDArray[np.int32], last: int) -> NDArray[np.float32]:
        """Append tokens (M,), at most 64, and return the logits of the last of them, (last, V).

        Raises:
            EngineError: There are not so many rows, or the tier refuses the step.

        Exactness:
            The bits of `prefill` and `decode` for every row.
        """
        tokens = np.ascontiguousarray(tokens, np.int32)
        position, count = self.position, tokens.size
        if not 1 <= last <= max(count, 1):
            raise EngineError(f"logits of {last} rows of a step of {count}; 1 to {count} have them")
        logits = self.step(tokens, last)
        self.placed.note_step(tokens, position, last)
        return logits

    def close(self) -> None:
        """End the threads that compute, if there are any; another step would start them again."""
        return

    def decode(self, token: int) -> NDArray[np.float32]:
        """Append one token and return its logits (V,)."""
        return self.prefill(np.array([token], np.int32))

    def probabilities(self, logits: Logits) -> Shares:
        """Return what `engine.probabilities.probabilities` does: its bits, in any tier."""
        return probabilities(logits)

    def interrupt(self) -> None:  # noqa: B027  most tiers have nothing to do
        """Let the step that runs, or else the next one, raise `StepInterruptedError`.

        Any thread.  A tier whose steps cannot be interrupted does nothing.
        """

    # ── KV caches side by side: a tier with one of them needs none of this ──────────────────

    def select(self, context: int, rows: int) -> None:
        """Use KV cache ``context`` from now on, and give it room for ``rows`` rows."""
        self._refuse_others(context)

    def copy_rows(self, source: int, target: int, rows: int) -> None:
        """Make the first ``rows`` rows of KV cache ``source`` all that ``target`` has."""
        self._refuse_others(source, target)

    def release(self, context: int) -> None:
        """Give the memory of a KV cache back; it has no rows any more."""
        self._refuse_others(context)
        self.rewind(0)

    def context_bytes(self, rows: int) -> int:
        """Return the host memory of one more KV cache with room for ``rows`` rows."""
        return 0

    def _refuse_others(self, *contexts: int) -> None:
        if any(contexts):
            raise EngineError(f"KV cache {max(contexts)}: this tier keeps one, number 0")
