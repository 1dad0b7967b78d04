"""Tensor and Format: what every weight tensor in memory offers, and what its format states.

A format is a row of facts: its name, its block, its bytes, how a file's bytes become a tensor of
it.  Each lies in a module of its own beside this one; the package holds the table of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any, NamedTuple, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from engine.errors import WeightsError
from engine.model.tensors.stored import Stored

__all__ = [
    "ALL_ROWS",
    "GROUP",
    "Blocks",
    "Format",
    "Packing",
    "QuantisedTensor",
    "Rows",
    "Tensor",
    "float_vector",
    "quantised_matrix",
]

GROUP = 32
"""Inputs that are quantised together, and whose products add up exactly."""

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


class Blocks(NamedTuple):
    """Some rows of a quantised matrix: weight = scale · level − minimum, by blocks of inputs."""

    levels: NDArray[np.int8]
    """int8, shape (R, K): signed, or from 0 on where there are minima."""
    scales: NDArray[np.float32]
    """float32, shape (R, K / block), of any sign, finite."""
    minima: NDArray[np.float32] | None
    """float32, shape (R, K / block), finite; None for a format without them."""

    def dequantise(self) -> NDArray[np.float32]:
        """Return the weights, float32, shape (R, K): product and difference each rounded."""
        rows, inputs = self.levels.shape
        by_block = self.levels.astype(np.float32).reshape(rows, self.scales.shape[1], -1)
        weights = by_block * self.scales[:, :, None]
        if self.minima is not None:
            weights = weights - self.minima[:, :, None]
        return weights.reshape(rows, inputs)


class QuantisedTensor(Tensor, Protocol):
    """A matrix in blocks of inputs: weight[n, k] = scale · level[n, k] − minimum."""

    def blocks(self, rows: Rows = ALL_ROWS) -> Blocks:
        """Return the levels, scales and minima of some rows.

        Raises:
            WeightsError: A level is −128, or a scale or minimum is not finite.
        """


@dataclass(frozen=True, slots=True)
class Packing:
    """How GGML packs neighbouring inputs of a row into bytes."""

    type_name: str
    """``"Q4_K"``: the type's name in GGML."""
    inputs: int
    """Inputs that are packed together, a multiple of the format's block."""
    bytes: int
    """Bytes they take."""
    decode: Callable[[NDArray[np.uint8]], Blocks] = field(repr=False, compare=False)
    """Turns packs, uint8 (B, bytes), into the blocks of B rows of ``inputs`` inputs."""

    def row_bytes(self, inputs: int) -> int:
        """Return the bytes of a row of ``inputs`` inputs, a multiple of `inputs`."""
        return inputs // self.inputs * self.bytes


def _refused(stored: Stored) -> Tensor:
    raise WeightsError(f"{stored.where} has type {stored.type}, which no stored tensor may have")


@dataclass(frozen=True, slots=True)
class Format:
    """What a weight format states about itself."""

    name: str
    """``"int8"``: its name in Programs, in JSON and on the command line."""
    weight_bits: int
    """Bits of a weight without its scale."""
    block: int
    """Inputs that share a scale, 32 or 16; 1: every weight stands for itself."""
    block_bits: int
    """Bits of the scale, and of the minimum, that a block adds to its weights."""
    input_bytes: int
    """Bytes of an input as it meets the weights: 1 if it is rounded to int8, 2 to fp16."""
    runs: bool
    """True: kernels and cores read a matrix of this format as it is.  False: it becomes int8 on
    load, and a wafer that holds it can only be priced."""
    priced: bool
    """True: products with a matrix of this format have a price on a wafer."""
    stored_types: tuple[str, ...] = ()
    """Types of stored tensors that `read` takes."""
    read: Callable[[Stored], Tensor] = field(default=_refused, repr=False, compare=False)
    """Turns a stored tensor into one of this format; raises WeightsError for a wrong value."""
    packing: Packing | None = None
    """How GGML packs it; None: GGML has no such format."""
    has_minima: bool = False
    """Whether a block has a minimum beside its scale."""
    super_block: int = 0
    """Inputs whose scales share a factor of their own; 0: scales stand for themselves."""
    super_block_bytes: int = 0
    """Bytes of the factors that a super-block adds."""
    unpack_operations: int = 0
    """Shifts, masks, ORs and adds that turn a packed weight into its level."""
    scale_operations: int = 0
    """Operations that turn a block's packed scale, and minimum, into fp32 numbers, besides those
    of an fp16 scale."""

    @property
    def is_quantised(self) -> bool:
        """Whether a tensor of it is a `QuantisedTensor`."""
        return self.block > 1

    @property
    def blocks_per_group(self) -> int:
        """Scales of a group of 32 inputs, and its terms in a product: 1 or 2."""
        return GROUP // self.block

    def sram_bytes(self, outputs: int, inputs: int, first: int = 0) -> int:
        """Return the bytes of a tile in a core's SRAM.

        Args:
            outputs: Outputs of the tile, N.
            inputs: Neighbouring inputs of the tile, K.  A core that holds part of a group of 32
                keeps the group's scales and minima, one that holds part of a super-block of 256
                keeps its two fp16 factors.
            first: Number of the first of them in the matrix: where groups begin.

        Cost:
            ⌈N · row_bits / 8⌉ with row_bits = K · weight_bits + blocks of the groups touched
            · block_bits + super-blocks touched · super_block_bytes · 8
        """
        return ceil(outputs * self.row_bits(inputs, first) / 8)

    def row_bits(self, inputs: int, first: int = 0) -> int:
        """Return the bits of one output of a tile, as in `sram_bytes`."""
        bits = inputs * self.weight_bits
        if self.is_quantised:
            groups = _touched(GROUP, inputs, first)
            bits += groups * self.blocks_per_group * self.block_bits
        if self.super_block:
            bits += 8 * self.super_block_bytes * _touched(self.super_block, inputs, first)
        return bits


def _touched(size: int, inputs: int, first: int) -> int:
    """Return how many pieces of ``size`` inputs a run of inputs lies in."""
    return ceil((first + inputs) / size) - first // size if inputs else 0


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
