"""ggml's packed blocks as numbers: levels, scales and minima of every group.

The plain NumPy reading of each type, one function a type: what every faster reading must equal.
A weight is ``scale · level − minimum``, where the minimum is 0 for types without one; scale and
minimum belong to a group of 32 neighbouring inputs (16 for Q6_K).

Source:
    The block structures and ``dequantize_row_*`` of ggml (``ggml-common.h``, ``ggml-quants.c``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

__all__ = ["UNPACKED_TYPES", "Groups", "unpack"]

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Groups:
    """A matrix (N, K) in groups of neighbouring inputs."""

    levels: NDArray[np.int8]
    """Shape (N, K), zero points taken off."""
    scales: Floats
    """Shape (N, K // group); exact: a half, or a half times a whole number of 6 or 8 bits."""
    minima: Floats | None
    """The same shape; None: all are 0."""

    @property
    def group(self) -> int:
        """Inputs that share a scale."""
        return int(self.levels.shape[1]) // int(self.scales.shape[1])

    def dequantise(self) -> Floats:
        """Return the weights, float32 (N, K): one product and one difference, each rounded."""
        spread = np.repeat(self.scales, self.group, axis=1)
        weights = self.levels.astype(np.float32) * spread
        if self.minima is not None:
            weights -= np.repeat(self.minima, self.group, axis=1)
        return weights


def unpack(name: str, data: Bytes, shape: tuple[int, int]) -> Groups:
    """Return a matrix of the type ``name``.

    Args:
        name: A key of `UNPACKED_TYPES`.
        data: Its packed bytes, row after row.
        shape: (N, K).
    """
    block_values, read = _TYPES[name]
    blocks = data.reshape(shape[0] * shape[1] // block_values, -1)
    levels, scales, minima = read(blocks)
    rows = shape[0]
    return Groups(
        levels.astype(np.int8, copy=False).reshape(shape),
        scales.reshape(rows, -1),
        None if minima is None else minima.reshape(rows, -1),
    )


_Read = Callable[[Bytes], tuple[NDArray[np.generic], Floats, Floats | None]]


def _halves(blocks: Bytes, at: int) -> Floats:
    """Return the half at byte ``at`` of every block, float32 (blocks, 1)."""
    return np.ascontiguousarray(blocks[:, at : at + 2]).view(np.float16).astype(np.float32)


def _nibbles(packed: Bytes) -> Bytes:
    """Return the low halves of a block's bytes, then the high ones."""
    return np.concatenate([packed & 15, packed >> 4], axis=-1)


def _fifth_bits(blocks: Bytes, at: int) -> Bytes:
    """Return bit 4 of each of 32 levels from the four bytes at ``at``."""
    bits: Bytes = np.unpackbits(blocks[:, at : at + 4], axis=1, bitorder="little")
    return np.left_shift(bits, np.uint8(4), dtype=np.uint8)


def _q4_0(blocks: Bytes) -> tuple[NDArray[np.generic], Floats, None]:
    return _nibbles(blocks[:, 2:]).view(np.int8) - np.int8(8), _halves(blocks, 0), None


def _q4_1(blocks: Bytes) -> tuple[NDArray[np.generic], Floats, Floats]:
    return _nibbles(blocks[:, 4:]), _halves(blocks, 0), -_halves(blocks, 2)


def _q5_0(blocks: Bytes) -> tuple[NDArray[np.generic], Floats, None]:
    levels = _nibbles(blocks[:, 6:]) | _fifth_bits(blocks, 2)
    return levels.view(np.int8) - np.int8(16), _halves(blocks, 0), None


def _q5_1(blocks: Bytes) -> tuple[NDArray[np.generic], Floats, Floats]:
    levels = _nibbles(blocks[:, 8:]) | _fifth_bits(blocks, 4)
    return levels, _halves(blocks, 0), -_halves(blocks, 2)


def _q8_0(blocks: Bytes) -> tuple[NDArray[np.generic], Floats, None]:
    return np.ascontiguousarray(blocks[:, 2:]).view(np.int8), _halves(blocks, 0), None


def _q4_k(blocks: Bytes) -> tuple[NDArray[np.generic], Floats, Floats]:
    scales, minima = _k_scales(blocks)
    # Each run of 32 bytes holds two groups: low halves, then high halves.
    return _nibbles(blocks[:, 16:].reshape(-1, 4, 32)), scales, minima


def _q5_k(blocks: Bytes) -> tuple[NDArray[np.generic], Floats, Floats]:
    scales, minima = _k_scales(blocks)
    levels = _nibbles(blocks[:, 48:].reshape(-1, 4, 32)).reshape(-1, 8, 32)
    # Bit g of byte i is the fifth bit of input i of group g.
    high = blocks[:, None, 16:48] >> np.arange(8, dtype=np.uint8)[:, None] & 1
    return levels | high << 4, scales, minima


def _k_scales(blocks: Bytes) -> tuple[Floats, Floats]:
    """Return scales and minima of the eight groups of Q4_K and Q5_K: halves times 6-bit numbers."""
    packed = blocks[:, 4:16].reshape(-1, 3, 4)
    first, second, mixed = packed[:, 0], packed[:, 1], packed[:, 2]
    scales = np.concatenate([first & 63, mixed & 15 | first >> 6 << 4], axis=1)
    minima = np.concatenate([second & 63, mixed >> 4 | second >> 6 << 4], axis=1)
    return _halves(blocks, 0) * scales, _halves(blocks, 2) * minima


def _q6_k(blocks: Bytes) -> tuple[NDArray[np.generic], Floats, None]:
    # Two halves of 128 inputs; four runs of 32 inputs each: low bits from two runs of 32 bytes,
    # low then high nibbles, and two high bits each from one run of 32 bytes.
    low = blocks[:, :128].reshape(-1, 2, 2, 32)
    low = np.concatenate([low & 15, low >> 4], axis=2)
    high = (
        blocks[:, 128:192].reshape(-1, 2, 1, 32) >> np.arange(0, 8, 2, dtype=np.uint8)[:, None] & 3
    )
    levels = (low | high << 4).view(np.int8) - np.int8(32)
    scales = np.ascontiguousarray(blocks[:, 192:208]).view(np.int8).astype(np.float32)
    return levels, _halves(blocks, 208) * scales, None


_TYPES: Mapping[str, tuple[int, _Read]] = MappingProxyType(
    {
        "Q4_0": (32, _q4_0),
        "Q4_1": (32, _q4_1),
        "Q5_0": (32, _q5_0),
        "Q5_1": (32, _q5_1),
        "Q8_0": (32, _q8_0),
        "Q4_K": (256, _q4_k),
        "Q5_K": (256, _q5_k),
        "Q6_K": (256, _q6_k),
    }
)

UNPACKED_TYPES = tuple(_TYPES)
"""The types that `unpack` reads."""
