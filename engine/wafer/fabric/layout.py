"""Layout: which elements of a value lie in which core of its home line.

A layout is an int64 table (cores of the line, most elements), −1 where a core holds fewer.  The
west line holds the stream by rows, the north line heads, feed-forward and logits by columns.
"""

from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from engine.wafer.ops.attention import AttentionShape, HeadSplit
from engine.wafer.program.geometry import Split

__all__ = ["Layout", "beside", "even", "first_head", "head_pairs", "heads_layout"]

Layout = NDArray[np.int64]


def even(widths: NDArray[np.int64] | Split) -> Layout:
    """Return contiguous slices of these widths, one a core."""
    sizes = widths.elements if isinstance(widths, Split) else tuple(int(n) for n in widths)
    table = np.full((len(sizes), max(sizes)), -1, np.int64)
    for core, (end, size) in enumerate(zip(accumulate(sizes), sizes, strict=True)):
        table[core, :size] = np.arange(end - size, end)
    return table


def beside(left: Layout, right: Layout) -> Layout:
    """Return every core's elements of ``left``, then those of ``right``, without gaps."""
    joined = [np.concatenate([a[a >= 0], b[b >= 0]]) for a, b in zip(left, right, strict=True)]
    table = np.full((len(joined), max(row.size for row in joined)), -1, np.int64)
    for core, row in enumerate(joined):
        table[core, : row.size] = row
    return table


def heads_layout(shape: AttentionShape, split: HeadSplit, columns: int) -> Layout:
    """Return where queries, keys and values (side by side in one value) lie on a north line.

    A column's queries and keys take the dimensions of a head in pairs (0, D/2, 1, D/2 + 1, …), so
    that a rotation's pair is in one core; its values take them in order.  A column with fewer KV
    heads than the fullest holds its last one again.
    """
    width, pairs = shape.head_dim, head_pairs(shape.head_dim)
    sharing = shape.heads // shape.kv_heads
    keys_at, values_at = shape.heads * width, (shape.heads + shape.kv_heads) * width
    rows = []
    for column in range(columns):
        first, part = first_head(split, column)
        mine = slice(part * split.dims, (part + 1) * split.dims)
        last_kv = (first + split.queries - 1) // sharing
        kv = [min(first // sharing + i, last_kv) for i in range(split.kv)]
        rows.append(
            np.concatenate(
                [head * width + pairs[mine] for head in range(first, first + split.queries)]
                + [keys_at + head * width + pairs[mine] for head in kv]
                + [values_at + head * width + np.arange(width)[mine] for head in kv]
            )
        )
    return np.stack(rows)


def head_pairs(width: int) -> NDArray[np.int64]:
    """Return the dimensions of a head as its columns take them: i and i + D/2 in turn."""
    return np.arange(width).reshape(2, width // 2).T.ravel()


def first_head(split: HeadSplit, column: int) -> tuple[int, int]:
    """Return a column's first query head, and which share of its dimensions the column holds."""
    if split.parts > 1:
        return column // split.parts * split.queries, column % split.parts
    return column * split.queries, 0
