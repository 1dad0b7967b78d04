"""Stored: a tensor as a file holds it, before anybody has looked at its bytes.

Containers make it, weight formats read it; it knows neither.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["SCALES_SUFFIX", "Stored"]

SCALES_SUFFIX = ".scales"
"""Where a file keeps the scales of tensor NAME as a tensor of their own: ``NAME.scales``."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor's name, type, shape and bytes; nothing about them is checked."""

    path: Path
    """The file it is in."""
    name: str
    type: str
    """As the container names it: ``"F16"``, ``"I8"``."""
    shape: tuple[int, ...]
    """(N, K) for a matrix, N outputs, K inputs; (N,) for a vector."""
    data: bytes | bytearray
    scales: "Stored | None" = None
    """Its scales, if the file keeps them as a tensor of their own."""

    @property
    def where(self) -> str:
        """File and tensor, as the beginning of an error message."""
        return f"{self.path}: tensor {self.name}"

    def array(self, dtype: DTypeLike) -> NDArray[Any]:
        """Return the bytes as an array of ``dtype`` in the tensor's shape; shares memory."""
        return np.frombuffer(self.data, dtype).reshape(self.shape)
