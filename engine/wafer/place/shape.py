"""Shape: the choice a planner makes, and how a model's vectors and products lie in a block of it.

Knows no byte and no core of the wafer: only lines of cores and what each holds of a vector.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.model.roles import Role
from engine.wafer.ops.attention import HeadSplit, split_heads
from engine.wafer.place.model_shape import ModelShape
from engine.wafer.program.geometry import Split, even_split, lighter_split, split

__all__ = [
    "Shape",
    "attended_on",
    "block_inputs",
    "block_outputs",
    "gated_on",
    "heads_of",
    "hidden_on",
    "lies_on",
]


@dataclass(frozen=True, slots=True)
class Shape:
    """The choice a planner makes."""

    columns: int
    """Columns of a block of layers; heads and feed-forward lie along them."""
    rows: int
    """Rows of every region; the residual stream and the KV positions lie along them."""
    head_columns: int
    """Columns of the head's region; the vocabulary lies along them."""
    blocks: int | None = None
    """Blocks the layers are split over, as evenly as possible, the longer ones first; None: one
    for every layer."""
    wafers: int = 1
    """Wafers the blocks are split over, as evenly as possible; the head lies on the last."""
    grouped: bool = False
    """Whether a column holds shares of all query heads that read a KV head; only priced."""
    parts: int = 0
    """Most columns that share those heads, where they are grouped; 0: as many as there are."""
    lighter: int = 0
    """Units of the feed-forward (groups of 32, or elements where weights have no groups) that a
    column with heads holds less than one without, to hold as many bytes; only priced."""
    group: int = 0
    """Cores of a group in every sum across cores; as many as its line has: a plain chain.  0: for
    each sum the group with the fewest cycles."""

    def layers_by_block(self, layers: int) -> list[int]:
        """Return how many of ``layers`` each block holds.

        Example:
            >>> Shape(1, 1, 1, blocks=3).layers_by_block(7)
            [3, 2, 2]
        """
        blocks = layers if self.blocks is None else min(self.blocks, layers)
        return [layers // blocks + (block < layers % blocks) for block in range(blocks)]


def lies_on(model: ModelShape, width: int, cores: int) -> Split:
    """Return how a vector lies on a line: in groups if some weights need them, else evenly."""
    return split(width, cores) if model.formats.in_groups else even_split(width, cores)


def hidden_on(model: ModelShape, shape: Shape) -> Split:
    """Return how the residual stream lies on rows.

    Of grouped heads' blocks the smaller shares lie in the north, as those of groups do everywhere:
    the north line keeps the angles besides.
    """
    lies = lies_on(model, model.hidden, shape.rows)
    if not shape.grouped or model.formats.in_groups or model.hidden < shape.rows:
        return lies
    return replace(lies, elements=lies.elements[::-1])


def attended_on(model: ModelShape, columns: int, heads: HeadSplit) -> Split:
    """Return how the attention's output lies on the columns that hold heads, all alike."""
    width = model.attention.heads * model.attention.head_dim
    if heads.columns == columns:
        return lies_on(model, width, columns)
    used = lies_on(model, width, heads.columns)
    none = (0,) * (columns - heads.columns)
    return replace(used, cores=columns, elements=used.elements + none, groups=used.groups + none)


def heads_of(model: ModelShape, shape: Shape, *, runs: bool) -> HeadSplit:
    """Return how the heads lie on the columns of a shape.

    Raises:
        PlacementError: They do not, and it is to run.
    """
    return split_heads(
        model.attention, shape.columns, fill=runs, grouped=shape.grouped, most_parts=shape.parts
    )


def gated_on(model: ModelShape, shape: Shape, heads: HeadSplit) -> Split:
    """Return how the gated activations lie on the columns of a block.

    Raises:
        PlacementError: Columns with heads are to be lighter and would hold nothing.
    """
    lies = lies_on(model, model.ffn, shape.columns)
    if not shape.lighter or heads.columns == shape.columns:
        return lies
    return lighter_split(lies, heads.columns, shape.lighter)


def block_outputs(
    model: ModelShape, shape: Shape, heads: HeadSplit | None = None
) -> dict[Role, tuple[NDArray[np.int64], ...]]:
    """Return the outputs by core of a layer's four products, for each tensor that they stack."""
    heads = heads or split_heads(model.attention, shape.columns)
    holds = np.arange(shape.columns) < heads.columns
    queries, kv = (np.where(holds, n * heads.dims, 0) for n in (heads.queries, heads.kv))
    gated = np.asarray(gated_on(model, shape, heads).elements, np.int64)
    hidden = np.asarray(hidden_on(model, shape).elements, np.int64)
    return {
        Role.QKV: (queries, kv, kv),
        Role.OUT: (hidden,),
        Role.GATE_UP: (gated,) * model.formats.stacks(Role.GATE_UP),
        Role.DOWN: (hidden,),
    }


def block_inputs(model: ModelShape, shape: Shape, heads: HeadSplit) -> dict[Role, Split]:
    """Return how the inputs of a layer's four products lie."""
    hidden = hidden_on(model, shape)
    attended = attended_on(model, shape.columns, heads)
    gated = gated_on(model, shape, heads)
    return {Role.QKV: hidden, Role.OUT: attended, Role.GATE_UP: hidden, Role.DOWN: gated}
