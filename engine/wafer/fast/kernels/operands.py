"""The arguments of kernels, grouped by meaning, and the types of those that stand alone.

A kernel's annotations are its signature: the warm-up compiles it for exactly these types.  Groups
of arrays are made once for a Program, groups of numbers for every instruction.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Angles",
    "Block",
    "Bytes",
    "Doubles",
    "Float",
    "Floats",
    "Halves",
    "Heads",
    "KvCache",
    "Panels",
    "Pieces",
    "Places",
    "Quantised",
    "Rotation",
    "RowSpan",
    "SumOrder",
    "TileSizes",
    "Tokens",
]

Float: TypeAlias = np.float32
Floats: TypeAlias = NDArray[np.float32]
Doubles: TypeAlias = NDArray[np.float64]
Bytes: TypeAlias = NDArray[np.uint8]
Halves: TypeAlias = NDArray[np.uint16]
"""The bits of fp16 numbers."""
Tokens: TypeAlias = NDArray[np.int32]
"""int32 (M,): the rows of a step."""
Places: TypeAlias = NDArray[np.int64]
"""int64: numbers of elements in another array."""


# ── arrays ──────────────────────────────────────────────────────────────────────────────────


class Panels(NamedTuple):
    """All matrices of a Program, panel after panel (see `dot.panel_layout`)."""

    weights: Bytes
    """The panels, each in the storage of its tensor."""
    pieces: Places
    """A row for every panel (·, 5): where it begins in ``weights``, its groups, its outputs, the
    first of them in the matrix, and its storage, a row of ``entries``."""
    entries: Places
    """For each storage (·, 4) the addresses of its compiled code, `multiply.product`, `lookup.row`
    and `wide.wide_product`, and the rows from which the last one is used, `DotPath.wide_rows`."""


class Quantised(NamedTuple):
    """The integer image of a step's rows: rows of groups of 32, no gap between them."""

    levels: NDArray[np.int8]
    """Groups × 32."""
    scales: Floats
    """One for each group."""
    sums: NDArray[np.int32]
    """Two for each group: Σ of its first and its last 16 levels."""


class KvCache(NamedTuple):
    """Keys and values of all layers: the bits of fp16 numbers."""

    keys: Halves
    """Flat (layers, KV heads, T / 16, D, 16): blocks of 16 positions; the dimensions interleaved
    (0, D/2, 1, D/2 + 1, …)."""
    values: Halves
    """Flat (layers, KV heads, T, D), D padded to whole chunks (see `attention_code`)."""
    context: int
    """Positions T that there is room for, a multiple of 16."""
    code: Places
    """The address of the compiled `attend.piece`, (1,)."""


class Angles(NamedTuple):
    """Cosines and sines of every position, for one `Rotation` after the other."""

    cosine: Floats
    """Flat (T, D/2) for each kind."""
    sine: Floats
    """The same."""


# ── numbers ─────────────────────────────────────────────────────────────────────────────────


class Block(NamedTuple):
    """Where a buffer lies in the arena of float32 values: row m at ``at + m · width``."""

    at: int
    width: int


class Pieces(NamedTuple):
    """The panels of a matrix: rows ``first`` … ``first + number − 1`` of `Panels.pieces`."""

    first: int
    number: int


class TileSizes(NamedTuple):
    """What a packer must know of a storage, in bytes but for the last two."""

    row: int
    """Of a row before it is packed."""
    header: int
    tile: int
    scales: int
    """Of a tile's scales, which its levels follow."""
    strip: int
    """Of a strip of levels."""
    bits: int
    """Of a level."""
    minima: bool


class SumOrder(NamedTuple):
    """The order of a sum in two phases (see `engine.model.sum_orders`)."""

    parts: int
    group: int
    """Parts of a first-phase group."""


class Rotation(NamedTuple):
    """A kind of rotation: position t's angles lie at ``at + t · D/2`` in `Angles`."""

    at: int
    dims: int
    """Dimensions D of a head."""


class RowSpan(NamedTuple):
    """The rows of a step that an instruction computes: ``first`` … ``last − 1``."""

    first: int
    last: int


class Heads(NamedTuple):
    """The shape of an attention and the orders of its sums."""

    queries: int
    """Query heads."""
    keys: int
    """KV heads."""
    dims: int
    """Dimensions D of a head."""
    scale: Float
    """Factor of the scores."""
    position_parts: int
    """Parts of the sums over positions; position j belongs to part j mod parts."""
    position_group: int
    """Parts of a first-phase group.  The two are no `SumOrder`, because numba's threaded kernels
    take no tuple inside a tuple."""
    dim_parts: int
    """Parts of a score's sum over dimensions, added as a chain."""
    window: int = 0
    """Last positions that a row sees, its own included; 0: all."""
    cap: Float = np.float32(0.0)
    """Bound that scaled scores approach; 0: none."""
