"""Which core holds which tile: rectangles of layers, the vocabulary head, the SRAM of every core.

A shape (how many columns and rows a block has, how wide the head is) becomes regions on the
wafer, or an error that names the core, the bytes and what to change.  Counts no cycle and knows
no instruction; which shape is best is the planner's question.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.errors import PlacementError
from engine.model.graph import ModelGraph, Node
from engine.wafer.geometry import Split, split
from engine.wafer.lanes import lane_path, turn_between, turns_inside
from engine.wafer.machine import MachineSpec
from engine.wafer.ops import matmul
from engine.wafer.ops.attention import HeadSplit, kv_bytes, split_heads
from engine.wafer.program import Attention, Region

__all__ = ["ModelShape", "Placement", "Shape", "block_outputs", "model_shape", "place"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The sizes of a model that decide where it can lie."""

    hidden: int
    ffn: int
    layers: int
    vocabulary: int
    tied: bool
    attention: Attention


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

    def layers_by_block(self, layers: int) -> list[int]:
        """Return how many of ``layers`` each block holds.

        Example:
            >>> Shape(1, 1, 1, blocks=3).layers_by_block(7)
            [3, 2, 2]
        """
        blocks = layers if self.blocks is None else min(self.blocks, layers)
        return [layers // blocks + (block < layers % blocks) for block in range(blocks)]


@dataclass(frozen=True, slots=True)
class Placement:
    """A shape on the wafer: regions in the order the residual stream visits them, head last."""

    model: ModelShape
    shape: Shape
    context_length: int
    regions: tuple[Region, ...]

    def lane_path(self, source: int, target: int, row: int) -> NDArray[np.int64]:
        """Return the routers of a lane between two regions: see `engine.wafer.lanes.lane_path`."""
        return lane_path(self.regions, source, target, row)

    @property
    def hidden(self) -> Split:
        """The residual stream along rows."""
        return split(self.model.hidden, self.shape.rows)

    @property
    def heads(self) -> HeadSplit:
        """The heads along columns."""
        return split_heads(self.model.attention, self.shape.columns)

    @property
    def attended(self) -> Split:
        """The attention's output along columns."""
        return split(self.model.attention.heads * self.model.attention.head_dim, self.shape.columns)

    @property
    def gated(self) -> Split:
        """The gated activations along columns."""
        return split(self.model.ffn, self.shape.columns)

    @property
    def head_outputs(self) -> NDArray[np.int64]:
        """Logits by column of the head's region."""
        edges = np.arange(self.shape.head_columns + 1) * self.model.vocabulary
        return np.diff(edges // self.shape.head_columns)


def model_shape(graph: ModelGraph) -> ModelShape:
    """Return the sizes of a graph whose layers all have the same.

    Raises:
        PlacementError: A layer lacks an attention or a gate, or its sizes differ.
    """
    attention = _same(graph, "attention", _attention)
    gate = _same(graph, "gate", lambda node: graph.values[node.output])
    rotary = {node.number("base") for node in graph.nodes if node.op == "rotary"}
    if len(rotary) != 1:
        raise PlacementError(f"{graph.name}: rotary bases {sorted(rotary)}; one is supported")
    embed = next(node for node in graph.nodes if node.op == "embed")
    head = graph.nodes[-1]
    heads, kv_heads, head_dim, scale = attention
    return ModelShape(
        hidden=graph.width,
        ffn=gate,
        layers=graph.layers,
        vocabulary=graph.vocabulary,
        tied=embed.weight == head.weight,
        attention=Attention(heads, kv_heads, head_dim, scale, rotary.pop()),
    )


def _attention(node: Node) -> tuple[int, int, int, float]:
    if node.number("window") or node.number("softcap"):
        raise PlacementError(f"{node.name}: sliding windows and soft caps are not supported yet")
    return (
        node.integer("heads"),
        node.integer("kv_heads"),
        node.integer("head_dim"),
        node.number("scale"),
    )


def _same(graph: ModelGraph, op: str, read: Callable[[Node], _T]) -> _T:
    values = {read(node) for node in graph.nodes if node.op == op}
    if len(values) != 1:
        raise PlacementError(
            f"{graph.name}: layers differ in their {op}: {sorted(map(str, values))}"
        )
    return values.pop()


def place(model: ModelShape, machine: MachineSpec, shape: Shape, context_length: int) -> Placement:
    """Lay a model of this shape on the wafer.

    Raises:
        PlacementError: The vectors do not split over the shape, a core's SRAM or the wafer's
            area is too small.
    """
    _check_split(model, shape)
    counts = shape.layers_by_block(model.layers)
    block = _block_sram(model, machine, shape, context_length, counts[0])
    head = _head_sram(model, machine, shape)
    widths = [shape.columns] * len(counts) + [shape.head_columns]
    corners = _serpentine(widths, shape.rows, machine)
    regions = []
    first = 0
    for count, (x, y, flipped) in zip(counts, corners, strict=False):
        layers = tuple(range(first, first + count))
        label = f"layer {first}" if count == 1 else f"layers {first}–{layers[-1]}"
        regions.append(Region(label, x, y, shape.columns, shape.rows, layers, block, flipped))
        first += count
    x, y, flipped = corners[-1]
    regions.append(Region("head", x, y, shape.head_columns, shape.rows, (), head, flipped))
    return Placement(model, shape, context_length, tuple(regions))


def _check_split(model: ModelShape, shape: Shape) -> None:
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


def block_outputs(model: ModelShape, shape: Shape) -> dict[str, NDArray[np.int64]]:
    """Return the outputs by core of a layer's four products, by the name of their input."""
    heads = split_heads(model.attention, shape.columns)
    qkv = (heads.queries + 2 * heads.kv) * heads.dims
    gated = np.asarray(split(model.ffn, shape.columns).elements, np.int64)
    hidden = np.asarray(split(model.hidden, shape.rows).elements, np.int64)
    return {
        "qkv": np.full(shape.columns, qkv, np.int64),
        "o": hidden,
        "gate_up": 2 * gated,
        "down": hidden,
    }


def _block_sram(
    model: ModelShape, machine: MachineSpec, shape: Shape, context_length: int, layers: int
) -> dict[str, int]:
    hidden = split(model.hidden, shape.rows)
    heads = split_heads(model.attention, shape.columns)
    attended = split(model.attention.heads * model.attention.head_dim, shape.columns)
    gated = split(model.ffn, shape.columns)
    inputs = {"qkv": hidden, "o": attended, "gate_up": hidden, "down": gated}
    outputs = block_outputs(model, shape)
    tiles = sum(matmul.tile_bytes(inputs[name], outputs[name]) for name in inputs)
    norms = 2 * hidden.most_elements * 4
    positions = ceil(context_length / shape.rows)
    most_inputs = max(lies.most_elements for lies in inputs.values())
    most_outputs = max(int(n.max()) for n in outputs.values())
    scores = heads.queries * positions * 4
    return _sram(
        machine,
        f"a block of {shape.columns} × {shape.rows} cores, core (0, 0)",
        weights=layers * (tiles + norms),
        kv=layers * kv_bytes(heads, positions),
        buffers=5 * most_inputs + 8 * most_outputs + scores + 4 * model.attention.head_dim,
        advice="more rows or columns, or a shorter context",
    )


def _head_sram(model: ModelShape, machine: MachineSpec, shape: Shape) -> dict[str, int]:
    hidden = split(model.hidden, shape.rows)
    outputs = np.array([ceil(model.vocabulary / shape.head_columns)])
    tile = matmul.tile_bytes(hidden, outputs)
    return _sram(
        machine,
        f"the head of {shape.head_columns} × {shape.rows} cores, core (0, 0)",
        weights=tile * (1 if model.tied else 2) + 4 * hidden.most_elements,
        kv=0,
        buffers=5 * hidden.most_elements + 8 * int(outputs[0]) + 4 * model.attention.head_dim,
        advice="more head columns or rows",
    )


def _sram(
    machine: MachineSpec, where: str, *, weights: int, kv: int, buffers: int, advice: str
) -> dict[str, int]:
    used = {
        "code": machine.code_bytes,
        "weights": weights,
        "kv": kv,
        "buffers": buffers + machine.system_bytes,
    }
    total = sum(used.values())
    if total > machine.sram_bytes:
        shares = ", ".join(f"{name} {size:,}" for name, size in used.items())
        raise PlacementError(
            f"{where} needs {total:,} bytes ({shares}), a core of {machine.name} has "
            f"{machine.sram_bytes:,}: use {advice}"
        )
    return used | {"max_total": total}


class _Corner(NamedTuple):
    """Where a rectangle lies, and whether its band runs west."""

    x: int
    y: int
    flipped: bool


def _serpentine(widths: Sequence[int], height: int, machine: MachineSpec) -> list[_Corner]:
    """Lay rectangles east, then west, then east again, in the squarest box with room for lanes.

    Lanes turn west of their bands where the wafer has room for that, else inside their regions.
    """
    sums = {sum(widths[: n + 1]) for n in range(len(widths))}
    limits = sorted(sums | {max(widths), machine.columns})
    choices = [_bands(widths, limit) for limit in limits if max(widths) <= limit <= machine.columns]
    for inside in (False, True):
        laid = [_with_turns(bands, height, inside) for bands in choices]
        fitting = [
            (max(across, down), corners)
            for corners, across, down in laid
            if corners and across <= machine.columns and down <= machine.rows
        ]
        if fitting:
            return min(fitting, key=lambda choice: choice[0])[1]
    raise PlacementError(
        f"{len(widths)} rectangles of {height} rows (widest {max(widths)}) and the turns of "
        f"{height} lanes between their bands do not fit the {machine.columns} × "
        f"{machine.rows} cores of {machine.name}: use fewer rows, more layers per block, or "
        "a larger machine"
    )


def _with_turns(
    bands: Sequence[Sequence[int]], height: int, inside: bool
) -> tuple[list[_Corner], int, int]:
    """Return corners, and the columns and rows that rectangles and turning lanes take.

    A band begins where the band before ended.  No corners: lanes cannot turn as asked for.
    """
    laid: list[Region] = []
    for number, band in enumerate(bands):
        for width in band:
            y, flipped = number * height, number % 2 == 1
            x = _next_x(laid[-1], width, y, flipped) if laid else 0
            laid.append(Region("", x, y, width, height, (len(laid),), {}, flipped))
    laid[-1] = replace(laid[-1], layers=())
    west = min(region.x for region in laid)
    if not inside:
        outer = [min(a.x, b.x) for a, b in pairwise(laid) if a.flipped and a.y != b.y]
        west = min([west, *(x - height + 1 for x in outer)])
    laid = [replace(region, x=region.x - west) for region in laid]
    pairs = list(pairwise(laid))
    turns = [turn for a, b in pairs if (turn := turn_between(a, b)) is not None]
    turning = [turn.column(row) for turn in turns for row in (0, height - 1)]
    if min(turning, default=0) < 0 or (not inside and any(turns_inside(a, b) for a, b in pairs)):
        return [], 0, 0
    across = max([region.x + region.width for region in laid] + [c + 1 for c in turning])
    corners = [_Corner(region.x, region.y, region.flipped) for region in laid]
    return corners, across, len(bands) * height


def _next_x(before: Region, width: int, y: int, flipped: bool) -> int:
    """The west edge of the rectangle that follows another in its band or begins the next."""
    if before.y == y:
        return before.x - width if flipped else before.x + before.width
    return before.x + min(0, before.width - width) if flipped else before.x


def _bands(widths: Sequence[int], limit: int) -> list[list[int]]:
    """Cut a row of rectangles into bands of at most ``limit`` columns."""
    bands: list[list[int]] = [[]]
    for width in widths:
        if bands[-1] and sum(bands[-1]) + width > limit:
            bands.append([])
        bands[-1].append(width)
    return bands
