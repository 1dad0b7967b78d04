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
    from engine.wafer.fabric.chip import SimulatedChip

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

    def step(self, tokens: NDArray[np.int32]) -> NDArray[np.float32]:
        """Append tokens (M,) and return the last row's logits (V,)."""
        position = self.position
        done = self._chip.step(tokens)
        self.placed.note_cycles(position, tokens.size, done.cycles)
        logits = np.empty(self.placed.program.vocabulary, np.float32)
        logits[self._logits.elements] = done.trace[-1, self._logits.words].view(np.float32)
        return logits


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
