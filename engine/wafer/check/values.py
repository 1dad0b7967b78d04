"""Compares values of the fast tier with a chip's observations of them, bit for bit.

Counts what it compared and keeps the first difference; runs neither tier.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.wafer.check.check_report import Difference
from engine.wafer.program.isa import Field, Op

if TYPE_CHECKING:
    from engine.wafer.fabric.lower import Chip
    from engine.wafer.fabric.lowering.context import Tap

__all__ = ["ValuesCompared"]


@dataclass(slots=True)
class ValuesCompared:
    """The values of one chip, compared one after the other."""

    chip: "Chip"
    count: int = 0
    """Values compared."""
    first_difference: Difference | None = None

    def compare(self, tap: "Tap", values: NDArray[np.float32], trace: NDArray[np.int32]) -> None:
        """Compare a value of all rows with the chip's observations, up to the first difference.

        Args:
            tap: Where the value lies on the chip.
            values: The fast tier's, float32 (rows, width).
            trace: The chip's observations, int32 (rows, words).
        """
        last_only = self.chip.program.instructions[tap.instruction, Field.LAST_ROW]
        rows = len(values)
        for row in range(rows - 1 if last_only else 0, rows):
            fast, seen = values[row, tap.elements], trace[row, tap.words].view(np.float32)
            self.count += fast.size
            differs = np.flatnonzero(fast.view(np.int32) != seen.view(np.int32))
            if differs.size:
                at = int(differs[0])
                self.first_difference = self._difference(
                    tap, at, row, float(fast[at]), float(seen[at])
                )
                return

    def _difference(self, tap: "Tap", at: int, row: int, fast: float, seen: float) -> Difference:
        program = self.chip.program
        instruction = program.instructions[tap.instruction]
        y, x = divmod(int(tap.cores[at]), self.chip.network.columns)
        return Difference(
            operation=Op(instruction[Field.OP]).name.lower(),
            instruction=tap.instruction, layer=int(instruction[Field.LAYER]),
            value=program.buffers[tap.buffer].name,
            core=(x + self.chip.corner[0], y + self.chip.corner[1]),
            index=int(tap.elements[at]), row=row, fast=fast, simulated=seen,
        )  # fmt: skip
