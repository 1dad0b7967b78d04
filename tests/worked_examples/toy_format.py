"""A weight format as a newcomer adds it: this file, a line in `engine.model.tensors`, a test.

Levels of 4 bits in blocks of 32 with an fp16 scale each, two levels a byte.  Reference, kernels
and cores read levels and scales, so they need to know no more.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.model.tensors.stored import Stored
from engine.model.tensors.tensor import ALL_ROWS, Blocks, Format, Rows

__all__ = ["TOY", "ToyTensor"]

_BLOCK = 32
_HALF = _BLOCK // 2
_BLOCK_BYTES = 2 + _HALF


@dataclass(frozen=True, slots=True, eq=False)
class ToyTensor:
    """A matrix in blocks of 32 inputs: weight[n, k] = (level − 8) × scale."""

    packs: NDArray[np.uint8]
    """uint8, shape (N, K // 32, 18): the scale, then levels i and i + 16 in byte i's halves."""

    @property
    def format(self) -> Format:
        """`TOY`."""
        return TOY

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, K)."""
        return self.packs.shape[0], self.packs.shape[1] * _BLOCK

    @property
    def size_bytes(self) -> int:
        """18 bytes for every 32 weights."""
        return self.packs.nbytes

    def blocks(self, rows: Rows = ALL_ROWS) -> Blocks:
        """Return the levels, −8 … 7, and scales of some rows; there are no minima."""
        packs = self.packs[rows]
        packed = packs[:, :, 2:]
        levels = np.concatenate([packed & 15, packed >> 4], axis=2).view(np.int8) - np.int8(8)
        scales = np.ascontiguousarray(packs[:, :, :2]).view(np.float16).astype(np.float32)
        return Blocks(levels.reshape(len(packs), -1), scales[:, :, 0], None)

    def dequantise(self, rows: Rows = ALL_ROWS) -> NDArray[np.float32]:
        """Return the rows that levels and scales stand for, float32, shape (rows, K)."""
        return self.blocks(rows).dequantise()


def _read(stored: Stored) -> ToyTensor:
    outputs, inputs = stored.shape
    return ToyTensor(stored.raw_rows().reshape(outputs, inputs // _BLOCK, _BLOCK_BYTES))


TOY = Format(
    name="toy",
    weight_bits=4,
    block=_BLOCK,
    block_bits=16,
    input_bytes=1,
    runs=True,
    priced=True,
    stored_types=("TOY4",),
    read=_read,
)
