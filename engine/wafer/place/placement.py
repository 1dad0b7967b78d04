"""Which core holds which tile: rectangles of layers and of the vocabulary head.

A shape (how many columns and rows a block has, how wide the head is) becomes regions on the
wafer, or an error that names the core, the bytes and what to change.  Counts no cycle and knows
no instruction; which shape is best is the planner's question.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import PlacementError
from engine.model.roles import Role
from engine.wafer.ops.attention import HeadSplit, split_heads
from engine.wafer.ops.site import ALONG_COLUMNS, ALONG_ROWS
from engine.wafer.place.core_bytes import (
    block_sram,
    block_weights,
    head_sram,
    head_weights,
)
from engine.wafer.place.lanes import lane_path
from engine.wafer.place.model_shape import ModelShape
from engine.wafer.place.serpentine import lay_out
from engine.wafer.place.shape import (
    Shape,
    attended_on,
    block_outputs,
    gated_on,
    heads_of,
    hidden_on,
)
from engine.wafer.program.geometry import Split, split
from engine.wafer.program.machine import MachineSpec
from engine.wafer.program.program import Region

__all__ = ["Placement", "place"]


@dataclass(frozen=True, slots=True)
class Product:
    """How the product of a role lies on its region."""

    inputs: Split
    """The source on its home line."""
    along: int
    """The axis of that line: `ALONG_ROWS` or `ALONG_COLUMNS`."""
    outputs: tuple[NDArray[np.int64], ...]
    """Outputs of each stacked tensor by core of the other axis' line, int64."""


@dataclass(frozen=True, slots=True)
class Placement:
    """A shape on the wafer: regions in the order the residual stream visits them, head last."""

    model: ModelShape
    shape: Shape
    context_length: int
    regions: tuple[Region, ...]
    runs: bool = True
    """True: split so that the tiers can run it; False: priced only, some cores may hold nothing."""

    def lane_path(self, source: int, target: int, row: int) -> NDArray[np.int64]:
        """Return the routers of a lane between two regions: see `lanes.lane_path`."""
        return lane_path(self.regions, source, target, row)

    @property
    def hidden(self) -> Split:
        """The residual stream along rows."""
        return hidden_on(self.model, self.shape)

    @property
    def heads(self) -> HeadSplit:
        """The heads along columns."""
        return heads_of(self.model, self.shape, runs=self.runs)

    @property
    def attended(self) -> Split:
        """The attention's output along columns."""
        return attended_on(self.model, self.shape.columns, self.heads)

    @property
    def gated(self) -> Split:
        """The gated activations along columns."""
        return gated_on(self.model, self.shape, self.heads)

    def product(self, role: Role) -> Product:
        """Return how the product of a role lies.

        Raises:
            KeyError: Nodes of this role multiply nothing.
        """
        if role is Role.HEAD:
            return Product(self.hidden, ALONG_ROWS, (self.head_outputs,))
        inputs, along = {
            Role.QKV: (self.hidden, ALONG_ROWS),
            Role.OUT: (self.attended, ALONG_COLUMNS),
            Role.GATE_UP: (self.hidden, ALONG_ROWS),
            Role.DOWN: (self.gated, ALONG_COLUMNS),
        }[role]
        return Product(inputs, along, block_outputs(self.model, self.shape, self.heads)[role])

    def weight_bytes(self, machine: MachineSpec) -> tuple[dict[str, int], dict[str, int]]:
        """Return the bytes of weights by format in a core of a block and in one of the head.

        The fullest core's, of a block with the most layers; norms and biases are fp32.
        """
        model, shape, layers = self.model, self.shape, len(self.regions[0].layers)
        return (
            block_weights(model, machine, shape, self.heads, self.context_length, layers),
            head_weights(model, shape, self.hidden),
        )

    @property
    def wafers(self) -> int:
        """How many wafers the regions lie on."""
        return self.regions[-1].wafer + 1

    @property
    def head_outputs(self) -> NDArray[np.int64]:
        """Logits by column of the head's region."""
        edges = np.arange(self.shape.head_columns + 1) * self.model.vocabulary
        return np.diff(edges // self.shape.head_columns)


def place(
    model: ModelShape,
    machine: MachineSpec,
    shape: Shape,
    context_length: int,
    *,
    runs: bool = True,
) -> Placement:
    """Lay a model of this shape on the wafer, or on several where one is too small.

    Args:
        model: The sizes.
        machine: The chip.
        shape: Sizes of the rectangles.
        context_length: KV rows to hold.
        runs: False: a placement to price only, whose vectors need not fill their lines.

    Raises:
        PlacementError: The vectors do not split over the shape, a core's SRAM or the wafer's
            area is too small.
    """
    if runs:
        _check_split(model, shape)
    counts = shape.layers_by_block(model.layers)
    heads = heads_of(model, shape, runs=runs)
    block = block_sram(model, machine, shape, heads, context_length, counts[0])
    head = head_sram(model, machine, shape)
    widths = [shape.columns] * len(counts) + [shape.head_columns]
    regions: list[Region] = []
    first = 0
    for wafer, corners in enumerate(lay_out(widths, shape.rows, machine, shape.wafers)):
        for x, y, flipped, folds in corners:
            size = (shape.columns, shape.rows)
            if len(regions) == len(counts):
                at = (x, y, shape.head_columns, shape.rows)
                regions.append(Region("head", *at, (), head, flipped, wafer, folds))
                continue
            count = counts[len(regions)]
            layers = tuple(range(first, first + count))
            label = f"layer {first}" if count == 1 else f"layers {first}–{layers[-1]}"
            regions.append(Region(label, x, y, *size, layers, block, flipped, wafer, folds))
            first += count
    return Placement(model, shape, context_length, tuple(regions), runs)


def _check_split(model: ModelShape, shape: Shape) -> None:
    if shape.grouped or shape.lighter:
        raise PlacementError(
            "heads grouped by their KV head, and columns that are lighter for them, are only priced"
        )
    groups = split(model.hidden, shape.rows)
    if len(set(groups.elements)) != 1:
        raise PlacementError(
            f"a residual stream of {model.hidden} does not split evenly over {shape.rows} rows: "
            f"use a divisor of {model.hidden // 32}, or that times 2, 4, 8, 16 or 32"
        )
    heads = split_heads(model.attention, shape.columns)
    width = model.attention.heads * model.attention.head_dim
    attended = split(width, shape.columns)
    if set(attended.elements) != {heads.queries * heads.dims}:
        raise PlacementError(
            f"{shape.columns} columns hold {heads.queries * heads.dims} of the attention's {width} "
            "outputs each, which are neither whole groups of 32 nor an even share of one: use "
            "other columns"
        )
