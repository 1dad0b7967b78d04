"""Rows of a matrix in a file, read when they are asked for: nothing is held, nothing is mapped.

Knows bytes and offsets only.  Pages that were read stay in the system's cache and count as
nobody's memory; mapped pages would count as the process's own.

Sizes: N rows of a matrix, R rows asked for.
"""

import os
import weakref
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import WeightsError
from engine.model.tensors.tensor import Rows

__all__ = ["FileRows", "TensorFile"]


class TensorFile:
    """An open file; it is closed when the last tensor that reads from it is gone.

    Replacing the file on disk changes nothing for those who have it open.  Any thread may read.
    """

    def __init__(self, path: Path, size_bytes: int) -> None:
        """Open a file that must still have the size with which its head was read.

        Raises:
            WeightsError: It cannot be opened, or has another size.
        """
        self._path = path
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error
        weakref.finalize(self, os.close, self._descriptor)
        if os.fstat(self._descriptor).st_size != size_bytes:
            raise WeightsError(f"{path}: changed while it was read; open it again")

    def read(self, offset: int, out: NDArray[np.uint8]) -> None:
        """Fill ``out``, C-contiguous, with the bytes from ``offset`` on.

        Raises:
            WeightsError: The file ends before, or cannot be read.
        """
        rest = out.reshape(-1).data
        while rest:
            try:
                count = os.preadv(self._descriptor, [rest], offset)
            except OSError as error:
                raise WeightsError(f"{self._path}: cannot be read ({error.strerror})") from error
            if count == 0:
                raise WeightsError(f"{self._path}: became shorter than byte {offset}; restore it")
            rest, offset = rest[count:], offset + count


@dataclass(frozen=True, slots=True, eq=False)
class FileRows:
    """The rows of one matrix; call it to read some."""

    file: TensorFile
    offset: int
    """Where row 0 begins, in bytes."""
    count: int
    """N."""
    row_bytes: int
    order: NDArray[np.int64] | None = None
    """Which row of the file is which of the matrix, shape (N,); None: they lie in order."""

    def __call__(self, rows: Rows) -> NDArray[np.uint8]:
        """Return some rows as they are in the file, uint8, shape (R, row_bytes).

        Raises:
            IndexError: There is no such row.
            WeightsError: The file cannot be read.
        """
        if isinstance(rows, slice):
            start, stop, step = rows.indices(self.count)
            if step == 1 and self.order is None:
                return self._run(start, max(start, stop))
            rows = np.arange(start, stop, step)
        numbers = np.asarray(rows, np.int64)
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < self.count:
            raise IndexError(f"rows {numbers.min()} to {numbers.max()} of {self.count}")
        return self._some(numbers if self.order is None else self.order[numbers])

    def _some(self, numbers: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return rows of the file by number: all between them at once where few lie between."""
        if numbers.size == 0:
            return self._run(0, 0)
        first, end = int(numbers.min()), int(numbers.max()) + 1
        if end - first <= 2 * numbers.size:
            return self._run(first, end)[numbers - first]
        found = np.empty((numbers.size, self.row_bytes), np.uint8)
        for row, number in zip(found, numbers.tolist(), strict=True):
            self.file.read(self.offset + number * self.row_bytes, row)
        return found

    def _run(self, start: int, stop: int) -> NDArray[np.uint8]:
        found = np.empty((stop - start, self.row_bytes), np.uint8)
        self.file.read(self.offset + start * self.row_bytes, found)
        return found
