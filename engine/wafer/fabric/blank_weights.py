"""Weights that are all 0, for cycles alone: how long a core takes depends on none of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.model.tensors.floats import FP32
from engine.model.tensors.tensor import ALL_ROWS, Blocks, Format, Rows

__all__ = ["BlankTensor", "BlankWeights"]


@dataclass(frozen=True, slots=True)
class BlankTensor:
    """A tensor of zeros; takes next to no memory until somebody copies it."""

    format: Format
    shape: tuple[int, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes it takes on the host."""
        return 0

    def dequantise(self, rows: Rows = ALL_ROWS) -> NDArray[np.float32]:
        """Return zeros, float32."""
        return np.zeros(self.shape, np.float32)[rows]

    def blocks(self, rows: Rows = ALL_ROWS) -> Blocks:
        """Return levels, scales and minima of 0."""
        outputs, inputs = self.shape
        scales = np.zeros((outputs, inputs // self.format.block), np.float32)[rows]
        levels = np.zeros(self.shape, np.int8)[rows]
        return Blocks(levels, scales, scales if self.format.has_minima else None)


class BlankWeights(Mapping[str, BlankTensor]):
    """A model's tensors by name, all 0.

    Args:
        shapes: Of every tensor.
        formats: Of every matrix.
    """

    def __init__(
        self, shapes: Mapping[str, tuple[int, ...]], formats: Mapping[str, Format]
    ) -> None:
        self._shapes, self._formats = shapes, formats

    def __getitem__(self, name: str) -> BlankTensor:
        shape = self._shapes[name]
        return BlankTensor(self._formats[name] if len(shape) > 1 else FP32, shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)
