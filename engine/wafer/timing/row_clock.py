"""The clock of a row at a position, from that of a row with one KV row in every core."""

import numpy as np
from numpy.typing import NDArray

from engine.wafer.program.isa import Field, Op
from engine.wafer.timing.timing import Timing

__all__ = ["RowClock", "ends_of_row"]

Ints = NDArray[np.int64]


def ends_of_row(timing: Timing, position: int) -> Ints:
    """Return when each instruction has moved the last core's clock to, for a row at a position.

    Returns:
        int64 (instructions,), in cycles since the row entered; the last is its latency.
    """
    moved = timing.latency_by_instruction.copy()
    attends = timing.program.instructions[:, Field.OP] == Op.ATTENTION
    moved[attends] += timing.growth(position)[0]
    return np.cumsum(moved)


class RowClock:
    """Turns cycles of a row with one KV row in every core into those of a row at a position.

    Attentions last longer, and what follows comes later.  Inside an attention the growth is spread
    over the time that it moves the last core's clock by.

    Args:
        timing: Of the placed model.
        position: KV rows before the row.
    """

    def __init__(self, timing: Timing, position: int) -> None:
        self._lasting = timing.latency_by_instruction
        self._began = np.cumsum(self._lasting) - self._lasting
        longer = ends_of_row(timing, position) - np.cumsum(self._lasting)
        self._before = np.concatenate([[0], longer[:-1]])
        self._growth = longer - self._before

    def at(self, instructions: Ints, times: Ints) -> Ints:
        """Return cycles at the position, int64, as many as given.

        Args:
            instructions: The number of the instruction that each belongs to.
            times: With one KV row in every core.
        """
        passed = (times - self._began[instructions]) / np.maximum(self._lasting[instructions], 1)
        grown = np.clip(passed, 0.0, 1.0) * self._growth[instructions]
        found = times + self._before[instructions] + np.rint(grown).astype(np.int64)
        return np.asarray(found, np.int64)
