"""The reference tier as a runner: NumPy in the arithmetic and the sum orders of a placed model.

Needs no compiler.  Its cycles are those that the formulas give for the placement.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from engine.model.reference import QuantisedReference
from engine.model.tensors.tensor import Tensor
from engine.wafer.plan.placed import Placed, TierRunner

__all__ = ["ReferenceRunner"]


class ReferenceRunner(TierRunner):
    """A placed model in plain NumPy.

    Args:
        placed: Where the model lies, which gives the order of every sum.
        tensors: The model's tensors by name.

    Raises:
        ModelError: The graph has an operation or a sum that the reference cannot compute.
    """

    processor_path = "numpy"
    threads = 1

    def __init__(self, placed: Placed, tensors: Mapping[str, Tensor]) -> None:
        super().__init__(placed)
        self._reference = QuantisedReference(placed.graph, tensors, placed.orders)

    @property
    def position(self) -> int:
        """Rows in the KV cache."""
        return self._reference.position

    def move_to(self, position: int) -> None:
        """Let the next step begin at ``position``."""
        self._reference.rewind(position)

    def step(self, tokens: NDArray[np.int32], last: int) -> NDArray[np.float32]:
        """Append tokens (M,) and return the logits of the last of them, (last, V)."""
        return self._reference.verify(tokens)[len(tokens) - last :]
