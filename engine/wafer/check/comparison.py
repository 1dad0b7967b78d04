"""Compares both tiers on the same tokens: are the numbers equal, and how far apart the cycles?

Runs a prefill and some decoded tokens on the fast tier, one instruction at a time, and on the
simulated chip, and compares every value of the Program bit for bit, core by core, then cycles and
states.  Neither tier knows of the other.
"""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.model.tensors.tensor import Tensor
from engine.progress import OnProgress, quiet
from engine.wafer.check.check_report import CheckReport, OperationCycles
from engine.wafer.check.state_sums import StateSums
from engine.wafer.check.values import ValuesCompared
from engine.wafer.fabric.prepare import prepare_simulator
from engine.wafer.fast.fast_runner import FastRunner, open_fast
from engine.wafer.plan.placed import Placed
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.program import Program

if TYPE_CHECKING:
    from engine.wafer.fabric.chip import ChipStep

__all__ = ["PREFILL_ROWS", "Comparison", "check", "first_tokens"]

PREFILL_ROWS = 8

Ints = NDArray[np.int64]


def check(
    placed: Placed,
    tensors: Mapping[str, Tensor],
    *,
    tokens: int = 2,
    prefill: int = PREFILL_ROWS,
    on_progress: OnProgress = quiet,
) -> CheckReport:
    """Compare the tiers on a prefill and ``tokens`` decoded tokens.

    Stops at the first value that differs.

    Args:
        placed: The model on its machine.
        tensors: The model's tensors by name.
        tokens: Decoded tokens, each the most likely one.
        prefill: Rows of the first step.
        on_progress: Called with (done, total, label).

    Raises:
        EngineError: The rows do not fit the context, or the fabric comes to rest too early.
        PlacementError: Colors run out.
    """
    graph = placed.graph
    if tokens < 0 or prefill + tokens > graph.context_length:
        raise EngineError(
            f"{tokens} tokens after a prefill of {prefill} asked for; {graph.name} takes "
            f"{graph.context_length} positions: ask for 0 to {graph.context_length - prefill}"
        )
    runner = open_fast(placed, tensors, on_progress=on_progress)
    return Comparison(runner, tensors, prefill, tokens, on_progress).run()


class Comparison:
    """One comparison under way: both tiers are open, and the chip is lowered.

    Args:
        runner: The fast tier, at position 0.
        tensors: The model's tensors by name.
        prefill: Rows of the first step.
        tokens: Decoded tokens.
        on_progress: Called with (done, total, label).
    """

    def __init__(
        self,
        runner: FastRunner,
        tensors: Mapping[str, Tensor],
        prefill: int,
        tokens: int,
        on_progress: OnProgress = quiet,
    ) -> None:
        placed = runner.placed
        self.runner, self.prefill, self.tokens = runner, prefill, tokens
        self.on_progress = on_progress
        self.timing = placed.timing
        self.program: Program = placed.program
        self.report = CheckReport(
            placed.graph.name, placed.machine.name, self.program.hash, prefill + tokens
        )
        prepare_simulator(placed.machine, on_progress)
        from engine.wafer.fabric.chip import SimulatedChip

        self.started = time.perf_counter()
        on_progress(0, 1, "lowering the program")
        self.chip = SimulatedChip(
            placed.compiled, placed.placement, tensors, rows=prefill, context=prefill + tokens
        )
        self.simulating = 0.0
        self._analytic: dict[str, int] = {}
        self._simulated = np.zeros(len(Op), np.int64)
        network = self.chip.chip.network
        self._states = StateSums(self.program, self.chip.chip.corner, network.columns)

    def run(self) -> CheckReport:
        """Run all steps, or up to the first difference."""
        report = self.report
        report.colors_used = self.chip.chip.colors_used
        report.skew_cycles = self.timing.skew_cycles
        report.wavelets = {"sent": 0, "copied": 0, "taken": 0}
        step_tokens = first_tokens(self.program.vocabulary, self.prefill)
        for number in range(1 + self.tokens):
            self.on_progress(number, 1 + self.tokens, f"step of {step_tokens.size} rows")
            logits = self._step(step_tokens)
            if report.first_difference is not None:
                break
            step_tokens = np.array([int(np.argmax(logits))], np.int32)
        self._sum_up()
        return report

    def _step(self, tokens: NDArray[np.int32]) -> NDArray[np.float32]:
        """Run one step on both tiers and add up what they took; return its logits."""
        position = self.chip.position
        begun = time.perf_counter()
        step = self.chip.step(tokens)
        self.simulating += time.perf_counter() - begun
        logits = self._compare(tokens, step.trace)
        if self.report.first_difference is None:
            self._add(tokens, position, step)
        return logits

    def _add(self, tokens: NDArray[np.int32], position: int, step: "ChipStep") -> None:
        """Add the cycles, states and wavelets of a step whose values are the same."""
        report, timing = self.report, self.timing
        report.cycles_simulated += step.cycles
        counts = timing.count_in_columns(tokens, position)
        cycles_analytic, by_operation = timing.elapsed(counts)
        report.cycles_analytic += cycles_analytic
        if tokens.size == 1:
            for name, cycles in by_operation.items():
                self._analytic[name] = self._analytic.get(name, 0) + cycles
            self._simulated += progress_by_operation(self.program, step.ended)
        expected = timing.expand(counts).states
        self._states.add(expected, step.states, step.cycles, tokens.size)
        report.wavelets["sent"] += step.sent
        report.wavelets["copied"] += step.copied
        report.wavelets["taken"] += step.taken
        report.busiest_link = max(report.busiest_link, step.busiest_link / step.cycles)

    def _sum_up(self) -> None:
        """Fill in the figures that need all steps."""
        report = self.report
        report.bit_identical = report.first_difference is None
        report.states = self._states.errors()
        if report.cycles_simulated:
            report.relative_error = report.cycles_analytic / report.cycles_simulated - 1
            report.tile_cycles_per_second = (
                self.program.cores_used * report.cycles_simulated / self.simulating
            )
        report.by_op = {
            op.name.lower(): _operation(
                self._analytic.get(op.name.lower(), 0), int(self._simulated[op])
            )
            for op in Op
            if op in self.program.instructions[:, Field.OP]
        }
        report.seconds = time.perf_counter() - self.started

    def _compare(self, tokens: NDArray[np.int32], trace: NDArray[np.int32]) -> NDArray[np.float32]:
        """Run the fast tier's step and look for the first difference; return its logits."""
        executor, found = self.runner.executor, ValuesCompared(self.chip.chip)
        taps = {tap.instruction: tap for tap in self.chip.chip.taps}
        logits = np.zeros(0, np.float32)
        for number in executor.step_by_instruction(tokens):
            if number not in taps or found.first_difference is not None:
                continue
            name = self.program.buffers[taps[number].buffer].name
            values = executor.value(name, tokens.size)
            found.compare(taps[number], values, trace)
            if name == "logits":
                logits = values[-1]
        self.report.values_compared += found.count
        self.report.first_difference = found.first_difference
        return logits


def first_tokens(vocabulary: int, count: int) -> NDArray[np.int32]:
    """Return the prompt of a check: always the same ids, spread over the vocabulary."""
    return np.array([(7919 * i + 17) % vocabulary for i in range(count)], np.int32)


def progress_by_operation(program: Program, ended: Ints) -> Ints:
    """Return by operation how far its instructions moved the end of a step; sums to the cycles.

    Args:
        program: The instructions.
        ended: One past the last cycle of each instruction by row, (rows, instructions).
    """
    order = np.argsort(ended, axis=None, kind="stable")
    times = ended.ravel()[order]
    steps = np.diff(np.maximum.accumulate(times), prepend=0)
    operations = np.tile(program.instructions[:, Field.OP], len(ended))[order]
    return np.bincount(operations, weights=steps, minlength=len(Op)).astype(np.int64)


def _operation(analytic: int, simulated: int) -> OperationCycles:
    error = analytic / simulated - 1 if simulated else 0.0
    return OperationCycles(analytic, simulated, error)
