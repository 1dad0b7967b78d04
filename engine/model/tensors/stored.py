"""Stored: a tensor as a file holds it, before anybody has looked at its bytes.

Containers make it, weight formats read it; it knows neither.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["SCALES_SUFFIX", "Stored"]

SCALES_SUFFIX = ".scales"
"""Where a file keeps the scales of tensor NAME as a tensor of their own: ``NAME.scales``."""

RowReader = Callable[[Any], NDArray[np.uint8]]
"""Returns some rows of a file as they are, uint8, shape (rows, bytes of a row)."""


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
    data: bytes | memoryview | RowReader
    """Its bytes, or what reads some of its rows."""
    scales: "Stored | None" = None
    """Its scales, if the file keeps them as a tensor of their own."""

    @property
    def where(self) -> str:
        """File and tensor, as the beginning of an error message."""
        return f"{self.path}: tensor {self.name}"

    def raw_rows(self, rows: slice | NDArray[np.integer[Any]] = slice(None)) -> NDArray[np.uint8]:
        """Return the bytes of some rows, uint8, shape (rows, bytes of a row).

        Raises:
            WeightsError: The file cannot be read any more.
        """
        if callable(self.data):
            return self.data(rows)
        count = self.shape[0] if self.shape else 1
        whole = np.frombuffer(self.data, np.uint8)
        return whole.reshape(count, len(whole) // count if count else 0)[rows]

    def array(self, dtype: DTypeLike) -> NDArray[Any]:
        """Return all bytes as an array of ``dtype`` in the tensor's shape; it may be read-only."""
        return self.raw_rows().view(dtype).reshape(self.shape)
