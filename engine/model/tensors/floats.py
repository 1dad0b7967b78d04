"""Tensors of plain floating-point numbers: fp32, in which vectors run, and fp16.

Matrices are stored in them, and become int8 on load; fp16 matrices can be priced on a wafer.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import WeightsError
from engine.model.tensors.stored import Stored
from engine.model.tensors.tensor import ALL_ROWS, Format, Rows

__all__ = ["FP16", "FP32", "FloatTensor"]


@dataclass(frozen=True, slots=True, eq=False)
class FloatTensor:
    """A vector or matrix of floating-point numbers.

    Raises:
        WeightsError: They are neither float32 nor float16.
    """

    values: NDArray[np.float32] | NDArray[np.float16]
    """float32 or float16, shape (N, K) or (N,)."""

    def __post_init__(self) -> None:
        if self.values.dtype not in (np.float32, np.float16):
            raise WeightsError(f"weights are float32 or float16, not {self.values.dtype}")

    @property
    def format(self) -> Format:
        """`FP32` or `FP16`."""
        return FP32 if self.values.dtype == np.float32 else FP16

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, K) or (N,)."""
        return self.values.shape

    @property
    def size_bytes(self) -> int:
        """Four or two for every number."""
        return self.values.nbytes

    def dequantise(self, rows: Rows = ALL_ROWS) -> NDArray[np.float32]:
        """Return some rows as float32; those of a float32 tensor share its memory if they can."""
        return self.values[rows].astype(np.float32, copy=False)


def _read_fp16(stored: Stored) -> FloatTensor:
    return FloatTensor(stored.array(np.float16))


def _read_fp32(stored: Stored) -> FloatTensor:
    if stored.type == "BF16":  # the upper half of a float32, a type that NumPy lacks
        halves = stored.array(np.uint16).astype(np.uint32)
        return FloatTensor((halves << np.uint32(16)).view(np.float32))
    return FloatTensor(stored.array(np.float32))


FP16 = Format(
    name="fp16",
    weight_bits=16,
    block=1,
    block_bits=0,
    input_bytes=2,
    runs=False,
    priced=True,
    stored_types=("F16",),
    read=_read_fp16,
)

FP32 = Format(
    name="fp32",
    weight_bits=32,
    block=1,
    block_bits=0,
    input_bytes=4,
    runs=False,
    priced=False,
    stored_types=("F32", "BF16"),
    read=_read_fp32,
)
