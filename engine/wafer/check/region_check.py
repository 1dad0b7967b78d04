"""Compares both tiers in one region of a model that is too large to be simulated whole.

The fast tier computes whole steps.  What comes to the region over its lanes there is given to
feeders, which send it from the cycles on in which it would come by formula; on the cycle tier the
region's own weights, keys and values meet it.  Every value that the region makes is compared bit
for bit, and its cycles with the formulas'.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError, PlacementError
from engine.model.tensors.tensor import Tensor
from engine.progress import OnProgress, quiet
from engine.wafer.check.comparison import PREFILL_ROWS, first_tokens
from engine.wafer.check.region_cycles import BothTiers, RegionsCompared
from engine.wafer.check.region_report import RegionReport, RegionStepCycles
from engine.wafer.check.values import ValuesCompared
from engine.wafer.fast.fast_runner import FastRunner, open_fast
from engine.wafer.place.placement import Placement
from engine.wafer.plan.placed import Placed
from engine.wafer.program.isa import Field, Op

if TYPE_CHECKING:
    from engine.wafer.fabric.lone_runner import LoneRegion
    from engine.wafer.fabric.lower import Chip

__all__ = ["check_region"]

Floats = NDArray[np.float32]


def check_region(
    placed: Placed,
    tensors: Mapping[str, Tensor],
    index: int,
    *,
    tokens: int = 2,
    prefill: int = PREFILL_ROWS,
    on_progress: OnProgress = quiet,
) -> RegionReport:
    """Compare the tiers in one region, on a prefill and ``tokens`` decoded tokens.

    Stops at the first value that differs.

    Args:
        placed: The model on its machine.
        tensors: The model's tensors by name.
        index: The region's number; of the head, what follows the layers is simulated.
        tokens: Decoded tokens, each the most likely one.
        prefill: Rows of the first step.
        on_progress: Called with (done, total, label); may raise, which ends it.

    Raises:
        EngineError: The rows do not fit the context.
        PlacementError: There is no such region, the stream comes or goes over a link between
            wafers, or colors run out.
        PredictionError: The placement can be priced only.
        FabricError: The fabric cannot finish.
    """
    context = placed.graph.context_length
    if tokens < 0 or prefill < 1 or prefill + tokens > context:
        raise EngineError(
            f"{tokens} tokens after a prefill of {prefill} asked for; {placed.graph.name} takes "
            f"{context} positions: ask for at least one row, and no more than these"
        )
    _refuse_region(placed.placement, index)
    regions = RegionsCompared(placed, tensors, on_progress)
    begun = time.perf_counter()
    lone = regions.open(index, prefill, prefill + tokens, regions.starts(index))
    fast = _FastSteps(open_fast(placed, tensors, on_progress=on_progress), index, lone.chip)
    checked = _Checked(
        regions, lone, fast, _angles(placed, prefill + tokens), _begin(placed, index)
    )
    checked.run(first_tokens(placed.program.vocabulary, prefill), 1 + tokens)
    checked.report.seconds = time.perf_counter() - begun
    return checked.report


def _refuse_region(placement: Placement, index: int) -> None:
    """Refuse a number that no region has.

    Raises:
        PlacementError: It has none; the message says which there are.
    """
    regions = placement.regions
    if not 0 <= index < len(regions):
        raise PlacementError(
            f"region {index} asked for; the model lies in regions 0 to {len(regions) - 1}: "
            f"{len(regions) - 1} blocks of layers, and the head last"
        )


def _begin(placed: Placed, index: int) -> RegionReport:
    region = placed.placement.regions[index]
    return RegionReport(
        model=placed.graph.name, machine=placed.machine.name, program=placed.program.hash,
        region=index, label=region.label, layers=tuple(region.layers),
        size=(region.width, region.height),
        folds=any(each.folds for each in placed.placement.regions),
        wavelets=dict.fromkeys(("sent", "copied", "taken"), 0),
    )  # fmt: skip


def _angles(placed: Placed, context: int) -> Floats:
    from engine.wafer.fabric.chip import rotary_angles

    return rotary_angles(placed.program, context)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the fast tier showed of one step."""

    stream: Floats
    """That comes to the region, (rows, width)."""
    values: dict[int, Floats]
    """That the region makes, by instruction, (rows, width)."""
    logits: Floats
    """Of the last row."""


class _FastSteps:
    """The fast tier's steps, looked at in one region.

    Args:
        runner: The fast tier, at position 0.
        index: The region's number.
        chip: The region's, which says what is observed.
    """

    def __init__(self, runner: FastRunner, index: int, chip: "Chip") -> None:
        self._executor, self._chip = runner.executor, chip
        program = runner.placed.program
        self._table = program.instructions
        self._names = [buffer.name for buffer in program.buffers]
        mine = self._table[:, Field.REGION] == index
        arrives = np.flatnonzero(mine & (self._table[:, Field.OP] == Op.RECEIVE))
        self._arrives = int(arrives[0])

    def step(self, tokens: NDArray[np.int32]) -> _Seen:
        """Run a step and keep what the region takes and makes."""
        executor, rows = self._executor, tokens.size
        buffers = {tap.instruction: tap.buffer for tap in self._chip.taps}
        stream, values = np.zeros(0, np.float32), {}
        for number in executor.step_by_instruction(tokens):
            if number == self._arrives:
                source = int(self._table[number, Field.SOURCE])
                stream = executor.value(self._names[source], rows)
            if number in buffers:
                values[number] = executor.value(self._names[buffers[number]], rows)
        return _Seen(stream, values, executor.value("logits", rows)[-1])


@dataclass(slots=True)
class _Checked:
    """A check under way: both tiers are open."""

    regions: RegionsCompared
    lone: "LoneRegion"
    fast: _FastSteps
    angles: Floats
    """Of all positions, (context, angles)."""
    report: RegionReport

    def run(self, tokens: NDArray[np.int32], steps: int) -> None:
        """Run a prefill of ``tokens`` and decode, up to so many steps or the first difference."""
        for _ in range(steps):
            seen = self.fast.step(tokens)
            self._step(seen, tokens.size)
            if self.report.first_difference is not None:
                return
            tokens = np.array([int(np.argmax(seen.logits))], np.int32)

    def _step(self, seen: _Seen, rows: int) -> None:
        """Replay a step in the region, compare its values and add up what it took."""
        lone, report, position = self.lone, self.report, self.lone.position
        lone.write(seen.stream, self.angles[position : position + rows])
        cycles, done = self.regions.step(report.region, lone, rows)
        report.memory_bytes = lone.memory_bytes
        self._compare(seen, done.step.trace)
        if report.first_difference is not None:
            return
        report.steps.append(RegionStepCycles(position, rows, cycles.whole))
        if position:
            for name, both in cycles.operations.items():
                report.operations[name] = report.operations.get(name, BothTiers(0, 0)).plus(both)
        for name in report.wavelets:
            report.wavelets[name] += getattr(done.step, name)

    def _compare(self, seen: _Seen, trace: NDArray[np.int32]) -> None:
        found = ValuesCompared(self.lone.chip)
        for tap in self.lone.chip.taps:
            if found.first_difference is None:
                found.compare(tap, seen.values[tap.instruction], trace)
        self.report.values_compared += found.count
        self.report.first_difference = found.first_difference
