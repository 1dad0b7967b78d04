"""The cycle tier as a runner: tokens in, logits and simulated cycles out.

Takes seconds a token where the fast tier takes milliseconds; the numbers are the same.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.model.tensors.tensor import Tensor
from engine.progress import OnProgress, quiet
from engine.wafer.fabric.prepare import prepare_simulator
from engine.wafer.plan.placed import Placed, TierRunner
from engine.wafer.program.program import MAX_ROWS

if TYPE_CHECKING:
    from engine.wafer.fabric.chip import ChipStep, SimulatedChip

__all__ = ["CycleRunner", "open_cycle"]


class CycleRunner(TierRunner):
    """A placed model on the simulated chip.

    Args:
        placed: Where the model lies; learns the cycles of every step.
        chip: The chip that was lowered from its Program.
    """

    processor_path = "simulator"
    threads = 1

    def __init__(self, placed: Placed, chip: "SimulatedChip") -> None:
        super().__init__(placed)
        self._chip = chip
        names = [buffer.name for buffer in placed.program.buffers]
        logits = names.index("logits")
        self._logits = next(tap for tap in chip.chip.taps if tap.buffer == logits)

    @property
    def position(self) -> int:
        """Rows in the KV cache."""
        return self._chip.position

    def move_to(self, position: int) -> None:
        """Let the next step begin at ``position``."""
        self._chip.position = position

    def step(self, tokens: NDArray[np.int32], last: int) -> NDArray[np.float32]:
        """Append tokens (M,) and return the logits of the last of them, (last, V).

        Where several rows have logits, those before them are a step of their own here, and each
        wave of them is.
        """
        position, cycles = self.position, 0
        logits = np.empty((last, self.placed.program.vocabulary), np.float32)
        if last == 1:
            done = self._chip.step(tokens)
            self._read(done, [0], logits)
            cycles = done.cycles
        else:
            cycles = self._verify(tokens, logits)
        self.placed.note_cycles(position, tokens.size, cycles, last)
        return logits

    def _verify(self, tokens: NDArray[np.int32], logits: NDArray[np.float32]) -> int:
        """Append tokens, fill in the logits of the last of them, and return the cycles."""
        before, cycles = tokens.size - len(logits), 0
        if before:
            cycles += self._chip.step(tokens[:before]).cycles
        done = 0
        for rows, _ in self.placed.timing.waves(len(logits), len(logits)):
            wave = slice(done, done + rows)
            step = self._chip.step(tokens[before:][wave], every_row=True)
            words = self._chip.chip.trace_words
            self._read(step, [row * words for row in range(rows)], logits[wave])
            cycles, done = cycles + step.cycles, done + rows
        return cycles

    def _read(self, step: "ChipStep", further: list[int], logits: NDArray[np.float32]) -> None:
        """Fill in rows of logits from the trace of a step's last row, so many words further on."""
        for row, words in zip(logits, further, strict=True):
            row[self._logits.elements] = step.trace[-1, words + self._logits.words].view(np.float32)


def open_cycle(
    placed: Placed,
    tensors: Mapping[str, Tensor],
    *,
    on_progress: OnProgress = quiet,
) -> CycleRunner:
    """Lower a placed model to the simulated chip.

    Args:
        placed: The model on its machine.
        tensors: The model's tensors by name.
        on_progress: Called with (done, total, label).

    Raises:
        PlacementError: Colors run out.
    """
    prepare_simulator(placed.machine, on_progress)
    from engine.wafer.fabric.chip import SimulatedChip

    on_progress(0, 1, "lowering the program")
    context = placed.program.context_length
    chip = SimulatedChip(placed.compiled, placed.placement, tensors, rows=MAX_ROWS, context=context)
    on_progress(1, 1, "the chip is ready")
    return CycleRunner(placed, chip)
