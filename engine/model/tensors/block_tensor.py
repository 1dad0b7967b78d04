"""BlockTensor: a matrix in GGML's own block bytes, decoded when its rows are asked for.

Holds no weight itself: whoever makes it says how to read the bytes of rows, from a file or from
memory.  Knows the bytes of no format; `Format.packing` does.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import WeightsError
from engine.model.tensors.tensor import ALL_ROWS, Blocks, Format, Packing, Rows

__all__ = ["BlockTensor"]

_VALUES_AT_ONCE = 1 << 18  # 1 MiB of float32: temporaries of a decoder stay small

ReadRows = Callable[[Rows], NDArray[np.uint8]]


@dataclass(frozen=True, slots=True, eq=False)
class BlockTensor:
    """A quantised matrix whose bytes are read row range by row range.

    Raises:
        WeightsError: GGML does not pack the format, or K is no whole number of its packs.
    """

    format: Format
    shape: tuple[int, int]
    """(N, K)."""
    read_rows: ReadRows
    """Returns the bytes of some rows, uint8 (R, `row_bytes`); called from any thread."""
    where: str = "a quantised matrix"
    """File and tensor, as the beginning of an error message."""

    def __post_init__(self) -> None:
        packing = self._packing
        if len(self.shape) != 2 or self.shape[1] == 0 or self.shape[1] % packing.inputs:
            raise WeightsError(
                f"{self.where} has shape {self.shape}; {packing.type_name} needs a matrix whose "
                f"inputs are a multiple of {packing.inputs}"
            )

    @property
    def _packing(self) -> Packing:
        if self.format.packing is None:
            raise WeightsError(f"{self.where}: {self.format.name} has no packed form")
        return self.format.packing

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return self._packing.row_bytes(self.shape[1])

    @property
    def size_bytes(self) -> int:
        """Bytes of all rows as packed."""
        return self.shape[0] * self.row_bytes

    def raw_rows(self, rows: Rows = ALL_ROWS) -> NDArray[np.uint8]:
        """Return the packed bytes of some rows, uint8, shape (R, `row_bytes`).

        Raises:
            WeightsError: The reader returned another number of bytes for a row.
        """
        raw = self.read_rows(rows)
        if raw.ndim != 2 or raw.shape[1] != self.row_bytes:
            raise WeightsError(
                f"{self.where}: rows of {raw.shape}, expected {self.row_bytes} bytes"
            )
        return raw

    def blocks(self, rows: Rows = ALL_ROWS) -> Blocks:
        """Return the levels, scales and minima of some rows.

        Raises:
            WeightsError: A level is −128, or a scale or minimum is not finite.
        """
        raw = self.raw_rows(rows)
        decoded = self._packing.decode(raw.reshape(-1, self._packing.bytes))
        self._check(decoded)
        minima = decoded.minima
        return Blocks(
            decoded.levels.reshape(len(raw), -1),
            decoded.scales.reshape(len(raw), -1),
            None if minima is None else minima.reshape(len(raw), -1),
        )

    def _check(self, decoded: Blocks) -> None:
        if not np.isfinite(decoded.scales).all():
            raise WeightsError(f"{self.where}: a scale is not finite (NaN or infinite)")
        if decoded.minima is not None and not np.isfinite(decoded.minima).all():
            raise WeightsError(f"{self.where}: a minimum is not finite (NaN or infinite)")
        if self.format.weight_bits == 8 and (decoded.levels == -128).any():
            raise WeightsError(f"{self.where}: a level is -128; lowest allowed: -127")

    def dequantise(self, rows: Rows = ALL_ROWS) -> NDArray[np.float32]:
        """Return the weights of some rows, float32, shape (R, K), a few rows at a time."""
        wanted = np.arange(self.shape[0])[rows]
        weights = np.empty((len(wanted), self.shape[1]), np.float32)
        step = max(1, _VALUES_AT_ONCE // self.shape[1])
        for first in range(0, len(wanted), step):
            some = slice(first, first + step)
            weights[some] = self.blocks(wanted[some]).dequantise()
        return weights
