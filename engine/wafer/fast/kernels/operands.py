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
    "Float",
    "Floats",
    "Heads",
    "KvCache",
    "Panels",
    "Quantised",
    "Rotation",
    "RowSpan",
    "SumOrder",
    "Tiles",
    "Tokens",
]

Float: TypeAlias = np.float32
Floats: TypeAlias = NDArray[np.float32]
Bytes: TypeAlias = NDArray[np.uint8]
Tokens: TypeAlias = NDArray[np.int32]
"""int32 (M,): the rows of a step."""


# ── arrays ──────────────────────────────────────────────────────────────────────────────────


class Panels(NamedTuple):
    """All int8 matrices of a Program, tile after tile (see `dot.panel_layout`)."""

    weights: Bytes
    """Tiles × 2,048 bytes."""
    scales: Floats
    """Tiles × 64."""


class Quantised(NamedTuple):
    """The integer image of a step's rows: rows of groups of 32, no gap between them."""

    levels: NDArray[np.int8]
    """Groups × 32."""
    scales: Floats
    """One for each group."""
    corrections: NDArray[np.int32]
    """One for each group: −bias · Σ of its levels, which takes back what the bias of a layout adds
    to a dot product."""


class KvCache(NamedTuple):
    """Keys and values of all layers: fp16 numbers in float32."""

    keys: Floats
    """Flat (layers, KV heads, D, T); the dimensions interleaved (0, D/2, 1, D/2 + 1, …)."""
    values: Floats
    """Flat (layers, KV heads, T, D)."""
    context: int
    """Positions T."""


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


class Tiles(NamedTuple):
    """Where an int8 matrix lies in `Panels`: tile first + p · groups + g is panel p, group g."""

    first: int
    groups: int
    """Groups of 32 inputs."""
    outputs: int
    """Outputs N; the last panel may be wider."""


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
