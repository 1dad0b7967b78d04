"""The order of rows that undoes llama.cpp's: heads that turn neighbouring pairs, not halves."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["paired_rows"]


def paired_rows(heads: int, head_dim: int) -> NDArray[np.int64]:
    """Return where the rows of queries or keys lie in a file that turns neighbouring pairs.

    Row i + j · D/2 of a head, of pair i and half j, lies there as row 2i + j; D = ``head_dim``.

    Returns:
        int64, shape (heads · D,): the row of the file for every row of the matrix.
    """
    order = np.arange(heads * head_dim, dtype=np.int64)
    return order.reshape(heads, head_dim // 2, 2).swapaxes(1, 2).reshape(-1)
