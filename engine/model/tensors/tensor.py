"""Tensor and Format: what every weight tensor in memory offers, and what its format states.

A format is a row of facts: its name, its block, its bytes, how a file's bytes become a tensor of
it.  Each lies in a module of its own beside this one; the package holds the table of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from engine.errors import WeightsError
from engine.model.tensors.stored import Stored

__all__ = [
    "ALL_ROWS",
    "Format",
    "QuantisedTensor",
    "Rows",
    "Tensor",
    "float_vector",
    "quantised_matrix",
]

Rows = slice | NDArray[np.integer[Any]]
"""Which rows of a tensor: a slice, or their numbers."""

ALL_ROWS = slice(None)


class Tensor(Protocol):
    """A weight tensor: shape (N, K) for a matrix, N outputs, K inputs; (N,) for a vector.

    Readers share it and do not write to its arrays.
    """

    @property
    def format(self) -> "Format":
        """The format it is held in."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, K) or (N,)."""

    @property
    def size_bytes(self) -> int:
        """Bytes it takes on the host."""

    def dequantise(self, rows: Rows = ALL_ROWS) -> NDArray[np.float32]:
        """Return the numbers that some rows stand for, float32, shape (rows, K) or (rows,)."""


class QuantisedTensor(Tensor, Protocol):
    """A matrix in blocks of inputs: weight[n, k] ≈ values[n, k] × scales[n, k // block]."""

    @property
    def values(self) -> NDArray[np.int8]:
        """Levels, int8, shape (N, K)."""

    @property
    def scales(self) -> NDArray[np.float16]:
        """float16, shape (N, K / block)."""


@dataclass(frozen=True, slots=True)
class Format:
    """What a weight format states about itself."""

    name: str
    """``"int8"``: its name in Programs, in JSON and on the command line."""
    weight_bits: int
    """Bits of a weight without its scale."""
    block: int
    """Inputs that share a scale; 1: every weight stands for itself."""
    block_bytes: int
    """Bytes of the scale that a block adds to its weights."""
    input_bytes: int
    """Bytes of an input as it meets the weights: 1 if it is rounded to int8, 2 to fp16."""
    runs: bool
    """True: kernels and cores read a matrix of this format as it is.  False: it becomes int8 on
    load, and a wafer that holds it can only be priced."""
    priced: bool
    """True: products with a matrix of this format have a price on a wafer."""
    stored_types: tuple[str, ...]
    """Types of stored tensors that `read` takes."""
    read: Callable[[Stored], Tensor] = field(repr=False, compare=False)
    """Turns a stored tensor into one of this format; raises WeightsError for a wrong value."""

    @property
    def is_quantised(self) -> bool:
        """Whether a tensor of it is a `QuantisedTensor`."""
        return self.block > 1

    def sram_bytes(self, outputs: int, inputs: int) -> int:
        """Return the bytes of a tile in a core's SRAM.

        Args:
            outputs: Outputs of the tile, N.
            inputs: Inputs of the tile, K.  A core that holds part of a block keeps its scale.

        Cost:
            N · (K · weight_bits / 8 + ⌈K / block⌉ · block_bytes), rounded up once.
        """
        weights = ceil(outputs * inputs * self.weight_bits / 8)
        return weights + outputs * ceil(inputs / self.block) * self.block_bytes


def quantised_matrix(tensors: Mapping[str, Tensor], name: str) -> QuantisedTensor:
    """Return a tensor that is used by its levels and scales.

    Raises:
        WeightsError: Its format has none.
    """
    tensor = tensors[name]
    if not _is_quantised(tensor):
        raise WeightsError(f"tensor {name} is {tensor.format.name}: it must be quantised")
    return tensor


def float_vector(tensors: Mapping[str, Tensor], name: str) -> NDArray[np.float32]:
    """Return a tensor that is used as plain numbers, float32.

    Raises:
        WeightsError: It is quantised.
    """
    tensor = tensors[name]
    if _is_quantised(tensor):
        raise WeightsError(f"tensor {name} is {tensor.format.name}: a vector is never quantised")
    return tensor.dequantise()


def _is_quantised(tensor: Tensor) -> TypeGuard[QuantisedTensor]:
    return tensor.format.is_quantised
