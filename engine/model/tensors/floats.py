"""Tensors of plain floating-point numbers: fp32, in which vectors run, and fp16.

Matrices are stored in them, and become int8 on load; fp16 matrices can be priced on a wafer.
"""

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from engine.errors import WeightsError
from engine.model.tensors.stored import Stored
from engine.model.tensors.tensor import ALL_ROWS, Format, Rows, Tensor

__all__ = ["FLOAT_TYPES", "FP16", "FP32", "FloatTensor", "stored_floats"]


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


@dataclass(frozen=True, slots=True, eq=False)
class _StoredFloats:
    """Floating-point numbers as a file holds them; rows are read when they are asked for."""

    stored: Stored

    @property
    def format(self) -> Format:
        return FP16 if self.stored.type == "F16" else FP32

    @property
    def shape(self) -> tuple[int, ...]:
        return self.stored.shape

    @property
    def size_bytes(self) -> int:
        return prod(self.stored.shape) * (4 if self.stored.type == "F32" else 2)

    def dequantise(self, rows: Rows = ALL_ROWS) -> NDArray[np.float32]:
        raw = self.stored.raw_rows(rows)
        return _numbers(self.stored.type, raw).reshape(len(raw), *self.stored.shape[1:])


def stored_floats(stored: Stored) -> Tensor:
    """Return a stored tensor of one of `FLOAT_TYPES` as it is; nothing is read before it is used.

    Exactness:
        `Tensor.dequantise` gives the numbers that the file holds: float32 holds every fp16 and
        bf16.
    """
    return _StoredFloats(stored)


def _numbers(kind: str, raw: NDArray[np.uint8]) -> NDArray[np.float32]:
    if kind == "BF16":  # the upper half of a float32, a type that NumPy lacks
        return (raw.view("<u2").astype(np.uint32) << np.uint32(16)).view(np.float32)
    numbers: NDArray[np.float32] = raw.view("<f4" if kind == "F32" else "<f2").astype(np.float32)
    return numbers


FP16 = Format(
    name="fp16",
    weight_bits=16,
    block=1,
    block_bits=0,
    input_bytes=2,
    runs=False,
    priced=True,
    stored_types=("F16",),
    read=stored_floats,
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
    read=stored_floats,
)

FLOAT_TYPES = ("F32", "F16", "BF16")
"""Types of floating-point numbers in files."""
