"""int8: matrices of signed 8-bit levels in blocks of 32 inputs, the layout that GGUF calls Q8_0.

Sizes: N outputs, K inputs.  Weights only: activations are quantised by whoever multiplies them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import WeightsError
from engine.model.tensors.stored import SCALES_SUFFIX, Stored
from engine.model.tensors.tensor import ALL_ROWS, GROUP, Blocks, Format, Packing, Rows, Tensor

__all__ = ["INT8", "LARGEST_WEIGHT", "QUANTISATION_GROUP", "Q8Tensor", "quantise"]

QUANTISATION_GROUP = GROUP
"""Neighbouring inputs that share a scale, of weights as of activations."""

_LIMIT = np.float32(127.0)

LARGEST_WEIGHT = 127.0 * 65504.0
"""Above it a scale does not fit fp16."""

_VALUES_AT_ONCE = 1 << 16  # 256 KiB of float32: temporaries stay in the processor's cache


@dataclass(frozen=True, slots=True, eq=False)
class Q8Tensor:
    """A matrix in blocks of 32 inputs: weight[n, k] ≈ values[n, k] × scales[n, k // 32].

    Raises:
        WeightsError: Shapes or types do not belong together.
    """

    values: NDArray[np.int8]
    """int8, shape (N, K), C-contiguous, −127 … 127."""
    scales: NDArray[np.float16]
    """float16, shape (N, K // 32), finite, ≥ 0."""

    def __post_init__(self) -> None:
        rows, columns = _check_shape(self.values.shape)
        expected = (rows, columns // QUANTISATION_GROUP)
        if self.scales.shape != expected:
            raise WeightsError(f"scales have shape {self.scales.shape}, expected {expected}")
        if self.values.dtype != np.int8 or self.scales.dtype != np.float16:
            raise WeightsError(
                f"quantised weights are int8 with float16 scales, "
                f"not {self.values.dtype} with {self.scales.dtype}"
            )
        if not self.values.flags.c_contiguous:
            raise WeightsError("quantised weights must be C-contiguous")

    @property
    def format(self) -> Format:
        """`INT8`."""
        return INT8

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, K)."""
        return self.values.shape

    @property
    def size_bytes(self) -> int:
        """Bytes of values and scales together: 34 for every 32 weights."""
        return self.values.nbytes + self.scales.nbytes

    def dequantise(self, rows: Rows = ALL_ROWS) -> NDArray[np.float32]:
        """Return the rows that levels and scales stand for, float32, shape (rows, K)."""
        return self.blocks(rows).dequantise()

    def blocks(self, rows: Rows = ALL_ROWS) -> Blocks:
        """Return the levels and scales of some rows; there are no minima."""
        return Blocks(self.values[rows], self.scales[rows].astype(np.float32), None)


def quantise(tensor: Tensor) -> Q8Tensor:
    """Return a matrix of any format in int8 blocks of 32 with fp16 scales.

    s = fp16(max|w| / 127); q = clip(round-half-even(w / s), ±127); a block whose s is 0 is 0.

    Args:
        tensor: Shape (N, K).

    Raises:
        WeightsError: Not a matrix, K is no multiple of 32, a value is not finite, or a value is
            too large for a scale in fp16.

    Exactness:
        |w − q·s| ≤ s/2 where s is a normal fp16 number (≥ 2⁻¹⁴), because rounding s moves
        max|w| / s from 127 by at most 127·2⁻¹¹ < 1/2; below, 127·2⁻²⁵ may be added.
        Deterministic.
    """
    rows, columns = _check_shape(tensor.shape)
    blocks = columns // QUANTISATION_GROUP
    values = np.empty((rows, columns), np.int8)
    scales = np.empty((rows, blocks), np.float16)
    step = max(1, _VALUES_AT_ONCE // columns)
    for first in range(0, rows, step):
        some = slice(first, first + step)
        weights = tensor.dequantise(some).reshape(-1, blocks, QUANTISATION_GROUP)
        scales[some] = some_scales = _scales(weights)
        values[some] = _levels(weights, some_scales).reshape(-1, columns)
    return Q8Tensor(values, scales)


def _scales(weights: NDArray[np.float32]) -> NDArray[np.float16]:
    """Return the scale of every block of weights (rows, blocks, 32)."""
    # A maximum is NaN or infinite where any value is: one check covers all of them.
    largest = np.maximum(weights.max(axis=2), -weights.min(axis=2))
    peak = float(largest.max())
    if not np.isfinite(peak):
        raise WeightsError("a value is not finite (NaN or infinite)")
    with np.errstate(over="ignore", under="ignore"):
        scales: NDArray[np.float16] = (largest / _LIMIT).astype(np.float16)
    if not np.isfinite(scales).all():
        raise WeightsError(f"a value of {peak:g} is above {LARGEST_WEIGHT:g}, the largest scale")
    return scales


def _levels(weights: NDArray[np.float32], scales: NDArray[np.float16]) -> NDArray[np.int8]:
    """Return the levels of weights (rows, blocks, 32), int8, same shape."""
    divisors = scales.astype(np.float32)
    divisors[divisors == 0.0] = 1.0  # what is too small for a scale rounds to level 0
    levels = weights / divisors[:, :, None]
    np.rint(levels, out=levels)
    np.clip(levels, -_LIMIT, _LIMIT, out=levels)
    return levels.astype(np.int8)


def _check_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    if len(shape) != 2:
        raise WeightsError(f"only matrices are quantised, not shape {shape}")
    rows, columns = shape
    if columns == 0 or columns % QUANTISATION_GROUP:
        raise WeightsError(
            f"a matrix of shape {shape} has {columns} inputs; "
            f"quantisation needs a multiple of {QUANTISATION_GROUP}"
        )
    return rows, columns


def _read(stored: Stored) -> Q8Tensor:
    """Return a stored matrix of type I8 with its scales, value for value."""
    scales = _stored_scales(stored)
    values = stored.array(np.int8).copy()
    if (values == -128).any():
        raise WeightsError(f"{stored.where}: a value is -128; lowest allowed: -127")
    try:
        return Q8Tensor(values, scales)
    except WeightsError as error:
        raise WeightsError(f"{stored.where}: {error}") from error


def _stored_scales(stored: Stored) -> NDArray[np.float16]:
    """Return the scales of a stored matrix, their type, shape and values checked."""
    scales = stored.scales
    if scales is None:
        raise WeightsError(
            f"{stored.where} has type {stored.type} but there is no {stored.name}{SCALES_SUFFIX}"
        )
    rows, columns = stored.shape
    expected = (rows, columns // QUANTISATION_GROUP)
    if scales.type != "F16" or scales.shape != expected:
        raise WeightsError(
            f"{scales.where} has type {scales.type} and shape {scales.shape}, "
            f"needed: F16 and {expected}"
        )
    numbers: NDArray[np.float16] = scales.array(np.float16).copy()
    if not np.isfinite(numbers).all() or (numbers < 0).any():
        raise WeightsError(f"{scales.where}: a scale is negative or not finite")
    return numbers


def _unpacked(packs: NDArray[np.uint8]) -> Blocks:
    """Return the blocks of packs (B, 34): an fp16 scale, then 32 levels."""
    scales = np.ascontiguousarray(packs[:, :2]).view(np.float16).astype(np.float32)
    return Blocks(np.ascontiguousarray(packs[:, 2:]).view(np.int8), scales, None)


INT8 = Format(
    name="int8",
    weight_bits=8,
    block=QUANTISATION_GROUP,
    block_bits=16,
    input_bytes=1,
    runs=True,
    priced=True,
    stored_types=("I8",),
    read=_read,
    packing=Packing("Q8_0", QUANTISATION_GROUP, 2 + QUANTISATION_GROUP, _unpacked),
)
