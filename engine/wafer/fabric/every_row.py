"""Row programs for a step whose every row has logits: a draft that is verified.

Changes the micro-programs of a chip that was lowered for decode and prefill; lowers nothing itself.
"""

import numpy as np
from numpy.typing import NDArray

from engine.wafer.fabric.micro import LAST_ROW, MicroField
from engine.wafer.program.isa import Field
from engine.wafer.program.program import Program

__all__ = ["every_row_has_logits"]

Table = NDArray[np.int32]


def every_row_has_logits(
    program: Program, instructions: Table, first: NDArray[np.int64], rows: int, trace_words: int
) -> tuple[Table, NDArray[np.int64]]:
    """Return micro-instructions, and each core's first, for so many rows with logits.

    The last block sends every row.  The head looks up all rows first, then takes in one row after
    the other: what it does for a step's last row is written out once for each row.

    Args:
        program: What was lowered.
        instructions: Micro-instructions, core by core.
        first: Each core's first, and the end, (C + 1,).
        rows: Rows of the step: no more than there are blocks, or head and blocks wait for each
            other.
        trace_words: Words of a row's trace; of row m of the head they lie in the trace of the last
            row, this many times m further on.
    """
    flagged = (instructions[:, MicroField.FLAGS] & LAST_ROW) != 0
    region = program.instructions[instructions[:, MicroField.INSTRUCTION], Field.REGION]
    tail = flagged & (region == len(program.regions) - 1)
    changed = instructions.copy()
    changed[flagged & ~tail, MicroField.FLAGS] &= ~LAST_ROW
    core = np.repeat(np.arange(first.size - 1), np.diff(first))
    further = [_later(changed[tail], row * trace_words) for row in range(1, rows)]
    cores = np.concatenate([core, *[core[tail]] * (rows - 1)])
    order = np.argsort(cores, kind="stable")  # a core's tails follow all else that it does
    ends = np.cumsum(np.bincount(cores, minlength=first.size - 1))
    return np.concatenate([changed, *further])[order], np.concatenate(([0], ends))


def _later(tail: Table, words: int) -> Table:
    """Return the same instructions, observed so many words further on in the trace."""
    later = tail.copy()
    later[later[:, MicroField.TAP] >= 0, MicroField.TAP] += words
    return later
