"""Steps of a lone region: the stream's rows in, what the region makes of them and when out.

Knows no price; `engine.wafer.check.region_cycles` sets both tiers side by side.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.wafer.fabric.chip import ChipStep, FilledChip
from engine.wafer.fabric.lone_region import LoneChip
from engine.wafer.fabric.micro import MicroField
from engine.wafer.fabric.record import RUNS, Recorder, RunField
from engine.wafer.fabric.simulator import Fabric

__all__ = ["LoneRegion", "RegionStep"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RegionStep:
    """A step of one region."""

    step: ChipStep
    came: int
    """Cycle in which the region before had sent its first row, on all lanes."""
    done: int
    """Cycle in which the region's last core is free."""
    left: Ints
    """Cycle in which each lane's last wavelet of the step is at its sink, int64 (rows,)."""

    @property
    def cycles(self) -> int:
        """Cycles from the one to the other: what the region adds to a step."""
        return self.done - self.came


class LoneRegion(FilledChip):
    """A region's chip with its feeders.

    Args:
        lone: What was lowered.
        rows: Most rows of a step.
        context: KV positions it has memory for.
    """

    def __init__(self, lone: LoneChip, *, rows: int, context: int) -> None:
        super().__init__(lone.chip, rows=rows, context=context)
        self._lone = lone
        self.memory_bytes = 0
        """Of the last step's tables."""

    @cached_property
    def _own(self) -> NDArray[np.bool_]:
        """Which instructions of the Program run in the region."""
        taken = np.unique(self.chip.instructions[:, MicroField.INSTRUCTION])
        mine = np.zeros(len(self.chip.program.instructions), np.bool_)
        mine[taken] = True
        mine[self._lone.came] = False
        if self._lone.sinks.size:
            mine[taken.max()] = False
        return mine

    def write(self, stream: NDArray[np.float32], angles: NDArray[np.float32]) -> None:
        """Give the feeders what they send in the next step.

        Args:
            stream: Rows of the stream, float32 (M, width).
            angles: Rotary angles of these rows, float32 (M, angles); lane 0 carries them.
        """
        bits, turned = (np.ascontiguousarray(part).view(np.int32) for part in (stream, angles))
        ends = np.cumsum(self._lone.slices)
        pieces = zip(self._lone.feeds, self._lone.slices.tolist(), ends.tolist(), strict=True)
        for row, ((address, words), size, end) in enumerate(pieces):
            for m in range(len(bits)):
                at = address + m * words
                self.words[at : at + size] = bits[m, end - size : end]
                if row == 0 and words > size:
                    self.words[at + size : at + words] = turned[m]

    def region_step(self, count: int) -> RegionStep:
        """Run a step of ``count`` rows that were written.

        Raises:
            EngineError: Too many rows or positions.
            FabricError: The fabric cannot finish.
        """
        watched = np.zeros(self.chip.first.size - 1, np.uint8)
        watched[self._lone.sinks] = 1
        recorder = Recorder.of(watched, (0, count * max(1, self._lone.sinks.size), 0))
        step = self.run(count, recorder=recorder)
        runs = recorder.runs[: recorder.noted[RUNS]]
        left = np.zeros(watched.size, np.int64)
        np.maximum.at(left, runs[:, RunField.CORE], runs[:, RunField.ENDED].astype(np.int64))
        return RegionStep(
            step=step,
            came=self._lone.sent,
            done=int(step.ended[:, self._own].max()),
            left=left[self._lone.sinks],
        )

    def sending_again(self, done: RegionStep) -> Ints:
        """Return when each lane to the next region began to be sent, the first one at 0.

        Where the stream is at the sinks, less what its way there took; int64 (rows,), empty for
        the head.
        """
        begun = done.left - self._lone.passing
        return begun - begun.min() if begun.size else begun

    def simulate(self, fabric: Fabric, rows: int, reverse: bool) -> tuple[int, int]:
        """Run a step, and note how large its tables are."""
        tables = [part for part in (*fabric, *fabric.net) if isinstance(part, np.ndarray)]
        self.memory_bytes = sum(part.nbytes for part in tables)
        return super().simulate(fabric, rows, reverse)
