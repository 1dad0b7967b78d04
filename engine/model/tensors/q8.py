"""Group-32 signed 8-bit quantisation of weight matrices, the layout that GGUF calls Q8_0.

Sizes: N outputs, K inputs.  Weights only: activations are quantised by whoever multiplies them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import WeightsError

__all__ = ["LARGEST_WEIGHT", "QUANTISATION_GROUP", "QuantTensor", "dequantise", "quantise"]

QUANTISATION_GROUP = 32
"""Neighbouring inputs of a weight matrix that share one scale."""

_LIMIT = np.float32(127.0)

LARGEST_WEIGHT = 127.0 * 65504.0
"""Above it a scale does not fit fp16."""

_BLOCK_VALUES = 1 << 16  # 256 KiB of float32: temporaries stay in the processor's cache


@dataclass(frozen=True, slots=True)
class QuantTensor:
    """A matrix in groups of 32 inputs: weight[n, k] ≈ values[n, k] × scales[n, k // 32].

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
    def shape(self) -> tuple[int, int]:
        """The matrix's shape, (N, K)."""
        rows, columns = self.values.shape
        return rows, columns

    @property
    def size_bytes(self) -> int:
        """Bytes of values and scales together: 34 for every 32 weights."""
        return self.values.nbytes + self.scales.nbytes


def quantise(weights: NDArray[np.float32] | NDArray[np.float16]) -> QuantTensor:
    """Return a matrix in int8 groups of 32 with fp16 scales.

    s = fp16(max|w| / 127); q = clip(round-half-even(w / s), ±127); a group whose s is 0 is 0.

    Args:
        weights: float32 or float16, shape (N, K).

    Raises:
        WeightsError: Not a matrix, K is no multiple of 32, a value is not finite, or a value is
            too large for a scale in fp16.

    Exactness:
        |w − q·s| ≤ s/2 where s is a normal fp16 number (≥ 2⁻¹⁴), because rounding s moves
        max|w| / s from 127 by at most 127·2⁻¹¹ < 1/2; below, 127·2⁻²⁵ may be added.
        Deterministic.
    """
    rows, columns = _check_shape(weights.shape)
    groups = columns // QUANTISATION_GROUP
    values = np.empty((rows, columns), np.int8)
    scales = np.empty((rows, groups), np.float16)
    step = max(1, _BLOCK_VALUES // columns)
    for first in range(0, rows, step):
        block = np.asarray(weights[first : first + step], np.float32)
        block = block.reshape(-1, groups, QUANTISATION_GROUP)
        scales[first : first + step] = block_scales = _scales(block)
        values[first : first + step] = _levels(block, block_scales).reshape(-1, columns)
    return QuantTensor(values, scales)


def dequantise(tensor: QuantTensor) -> NDArray[np.float32]:
    """Return the matrix that a quantised tensor stands for, float32, shape (N, K)."""
    rows, columns = tensor.shape
    groups = tensor.values.astype(np.float32).reshape(rows, -1, QUANTISATION_GROUP)
    scaled = groups * tensor.scales.astype(np.float32)[:, :, None]
    return scaled.reshape(rows, columns)


def _scales(block: NDArray[np.float32]) -> NDArray[np.float16]:
    """Return the scale of every group of a block (rows, groups, 32)."""
    # A maximum is NaN or infinite where any value is: one check covers all of them.
    largest = np.maximum(block.max(axis=2), -block.min(axis=2))
    peak = float(largest.max())
    if not np.isfinite(peak):
        raise WeightsError("a value is not finite (NaN or infinite)")
    with np.errstate(over="ignore", under="ignore"):
        scales: NDArray[np.float16] = (largest / _LIMIT).astype(np.float16)
    if not np.isfinite(scales).all():
        raise WeightsError(f"a value of {peak:g} is above {LARGEST_WEIGHT:g}, the largest scale")
    return scales


def _levels(block: NDArray[np.float32], scales: NDArray[np.float16]) -> NDArray[np.int8]:
    """Return the int8 values of a block (rows, groups, 32), same shape."""
    divisors = scales.astype(np.float32)
    divisors[divisors == 0.0] = 1.0  # what is too small for a scale rounds to level 0
    levels = block / divisors[:, :, None]
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
