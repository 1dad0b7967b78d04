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
from engine.wafer.ops import matmul
from engine.wafer.ops.attention import HeadSplit, kv_bytes, split_heads
from engine.wafer.place.lanes import lane_path, turn_between, turns_inside
from engine.wafer.program.geometry import Split, even_split, split
from engine.wafer.program.machine import MachineSpec
from engine.wafer.program.program import Attention, Region

__all__ = [
    "ModelShape",
    "Placement",
    "Shape",
    "block_outputs",
    "block_sram",
    "head_sram",
    "model_shape",
    "place",
]

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
    weights: str = "int8"
    """Type of the weights: ``"int8"`` in groups of 32, or ``"fp16"``, which is priced only."""
    vectors: int = 2
    """fp32 vectors of the stream's width that a layer keeps: its norms."""
    biases: int = 0
    """fp32 numbers that a layer's biases and head norms keep."""


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
    runs: bool = True
    """True: split so that the tiers can run it; False: priced only, some cores may hold nothing."""

    def lane_path(self, source: int, target: int, row: int) -> NDArray[np.int64]:
        """Return the routers of a lane between two regions: see `lanes.lane_path`."""
        return lane_path(self.regions, source, target, row)

    @property
    def hidden(self) -> Split:
        """The residual stream along rows."""
        return _lies(self.model, self.model.hidden, self.shape.rows)

    @property
    def heads(self) -> HeadSplit:
        """The heads along columns."""
        return split_heads(self.model.attention, self.shape.columns, fill=self.runs)

    @property
    def attended(self) -> Split:
        """The attention's output along columns."""
        return _attended(self.model, self.shape.columns, self.heads)

    @property
    def gated(self) -> Split:
        """The gated activations along columns."""
        return _lies(self.model, self.model.ffn, self.shape.columns)

    @property
    def wafers(self) -> int:
        """How many wafers the regions lie on."""
        return self.regions[-1].wafer + 1

    @property
    def head_outputs(self) -> NDArray[np.int64]:
        """Logits by column of the head's region."""
        edges = np.arange(self.shape.head_columns + 1) * self.model.vocabulary
        return np.diff(edges // self.shape.head_columns)


class _Corner(NamedTuple):
    """Where a rectangle lies, and whether its band runs west."""

    x: int
    y: int
    flipped: bool


def _lies(model: ModelShape, width: int, cores: int) -> Split:
    """Return how a vector lies on a line: in groups for int8 weights, evenly for fp16."""
    return split(width, cores) if model.weights == "int8" else even_split(width, cores)


def _attended(model: ModelShape, columns: int, heads: HeadSplit) -> Split:
    """Return how the attention's output lies on the columns that hold heads, all alike."""
    width = model.attention.heads * model.attention.head_dim
    if heads.columns == columns:
        return _lies(model, width, columns)
    used = _lies(model, width, heads.columns)
    none = (0,) * (columns - heads.columns)
    return replace(used, cores=columns, elements=used.elements + none, groups=used.groups + none)


def model_shape(graph: ModelGraph, *, runs: bool = True) -> ModelShape:
    """Return the sizes of a graph whose layers all have the same.

    Args:
        graph: The model.
        runs: False: only for pricing; biases, head norms and soft caps are no reason to refuse.

    Raises:
        PlacementError: A layer lacks an attention or a gate, or its sizes differ.
    """
    attention = _same(graph, "attention", lambda node: _attention(node, runs))
    gate = _same(graph, "gate", lambda node: graph.values[node.output])
    rotary = {node.number("base") for node in graph.nodes if node.op == "rotary"}
    if len(rotary) != 1:
        raise PlacementError(f"{graph.name}: rotary bases {sorted(rotary)}; one is supported")
    embed = next(node for node in graph.nodes if node.op == "embed")
    head = graph.nodes[-1]
    heads, kv_heads, head_dim, scale = attention
    nodes = graph.nodes
    return ModelShape(
        hidden=graph.width,
        ffn=gate,
        layers=graph.layers,
        vocabulary=graph.vocabulary,
        tied=embed.weight == head.weight,
        attention=Attention(heads, kv_heads, head_dim, scale, rotary.pop()),
        vectors=sum(n.op == "norm" and n.layer == 0 and "heads" not in n.attributes for n in nodes),
        biases=sum(_kept_numbers(graph, node) for node in nodes if node.layer == 0),
    )


def _kept_numbers(graph: ModelGraph, node: Node) -> int:
    """fp32 numbers of a node's bias, or of a norm of single heads."""
    if "bias" in node.attributes:
        return graph.values[node.output]
    return graph.values[node.output] if node.op == "norm" and "heads" in node.attributes else 0


def _attention(node: Node, runs: bool) -> tuple[int, int, int, float]:
    if runs and (node.number("window") or node.number("softcap")):
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
    heads = split_heads(model.attention, shape.columns, fill=runs)
    block = block_sram(model, machine, shape, heads, context_length, counts[0])
    head = head_sram(model, machine, shape)
    widths = [shape.columns] * len(counts) + [shape.head_columns]
    regions: list[Region] = []
    first = 0
    for wafer, corners in enumerate(_wafers(widths, shape.rows, machine, shape.wafers)):
        for x, y, flipped in corners:
            size = (shape.columns, shape.rows)
            if len(regions) == len(counts):
                at = (x, y, shape.head_columns, shape.rows)
                regions.append(Region("head", *at, (), head, flipped, wafer))
                continue
            count = counts[len(regions)]
            layers = tuple(range(first, first + count))
            label = f"layer {first}" if count == 1 else f"layers {first}–{layers[-1]}"
            regions.append(Region(label, x, y, *size, layers, block, flipped, wafer))
            first += count
    return Placement(model, shape, context_length, tuple(regions), runs)


def _wafers(
    widths: list[int], height: int, machine: MachineSpec, wafers: int
) -> list[list[_Corner]]:
    """Cut the rectangles into wafers, as evenly as possible, the head on the last one."""
    if wafers == 1:
        return [_serpentine(widths, height, machine)]
    blocks = len(widths) - 1
    laid = []
    start = 0
    for wafer in range(wafers):
        count = blocks // wafers + (wafer < blocks % wafers)
        end = start + count if wafer + 1 < wafers else len(widths)
        laid.append(_serpentine(widths[start:end], height, machine, wafer, wafer + 1 == wafers))
        start = end
    return laid


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


def block_outputs(
    model: ModelShape, shape: Shape, heads: HeadSplit | None = None
) -> dict[str, NDArray[np.int64]]:
    """Return the outputs by core of a layer's four products, by the name of their input."""
    heads = heads or split_heads(model.attention, shape.columns)
    qkv = np.zeros(shape.columns, np.int64)
    qkv[: heads.columns] = (heads.queries + 2 * heads.kv) * heads.dims
    gated = np.asarray(_lies(model, model.ffn, shape.columns).elements, np.int64)
    hidden = np.asarray(_lies(model, model.hidden, shape.rows).elements, np.int64)
    return {"qkv": qkv, "o": hidden, "gate_up": 2 * gated, "down": hidden}


def block_sram(
    model: ModelShape,
    machine: MachineSpec,
    shape: Shape,
    heads: HeadSplit,
    context_length: int,
    layers: int,
) -> dict[str, int]:
    """Return the bytes by use of the fullest core of a block of ``layers`` layers.

    Raises:
        PlacementError: They are more than a core has; says by how much and what would fit.
    """
    hidden = _lies(model, model.hidden, shape.rows)
    attended = _attended(model, shape.columns, heads)
    gated = _lies(model, model.ffn, shape.columns)
    inputs = {"qkv": hidden, "o": attended, "gate_up": hidden, "down": gated}
    outputs = block_outputs(model, shape, heads)
    tiles = sum(matmul.tile_bytes(inputs[name], outputs[name], model.weights) for name in inputs)
    vectors = model.vectors * hidden.most_elements * 4 + ceil(model.biases / shape.columns) * 4
    positions = ceil(context_length / shape.rows)
    most_inputs = max(lies.most_elements for lies in inputs.values())
    most_outputs = max(int(n.max()) for n in outputs.values())
    scores = heads.queries * positions * 4
    used = _sram(
        machine,
        weights=layers * (tiles + vectors),
        kv=layers * kv_bytes(heads, positions),
        buffers=_INPUT_BYTES[model.weights] * most_inputs
        + 8 * most_outputs
        + scores
        + 4 * model.attention.head_dim,
    )
    if used["max_total"] > machine.sram_bytes:
        where = f"a block of {shape.columns} × {shape.rows} cores with {layers} layers, core (0, 0)"
        advice = _nearest_block(model, machine, shape, heads, context_length, layers, used)
        raise _too_small(where, used, machine, advice)
    return used


def _nearest_block(
    model: ModelShape,
    machine: MachineSpec,
    shape: Shape,
    heads: HeadSplit,
    context_length: int,
    layers: int,
    used: dict[str, int],
) -> str:
    """Say which change of a block that is too small is the nearest one that fits."""
    spare = machine.sram_bytes - used["code"] - used["buffers"]
    per_layer = (used["weights"] + used["kv"]) // layers
    changes = []
    if fewer := max(0, min(layers - 1, spare // per_layer)):
        changes.append(f"{fewer} layers in a block ({ceil(model.layers / fewer)} blocks) would fit")
    without_kv = (
        used["max_total"] - used["kv"] - heads.queries * 4 * ceil(context_length / shape.rows)
    )
    a_row = layers * kv_bytes(heads, 1) + heads.queries * 4
    if positions := max(0, machine.sram_bytes - without_kv) // a_row:
        changes.append(f"a context of {positions * shape.rows:,} would fit")
    return ", ".join(changes) or "use more rows or columns"


def head_sram(model: ModelShape, machine: MachineSpec, shape: Shape) -> dict[str, int]:
    """Return the bytes by use of the fullest core of the head.

    Raises:
        PlacementError: They are more than a core has.
    """
    used = _head_bytes(model, machine, shape)
    if used["max_total"] <= machine.sram_bytes:
        return used
    low, high = shape.head_columns, model.vocabulary
    while low < high:
        middle = (low + high) // 2
        wider = _head_bytes(model, machine, replace(shape, head_columns=middle))
        low, high = (middle + 1, high) if wider["max_total"] > machine.sram_bytes else (low, middle)
    where = f"the head of {shape.head_columns} × {shape.rows} cores, core (0, 0)"
    raise _too_small(where, used, machine, f"{low:,} head columns would fit, or use more rows")


def _head_bytes(model: ModelShape, machine: MachineSpec, shape: Shape) -> dict[str, int]:
    hidden = _lies(model, model.hidden, shape.rows)
    outputs = np.array([ceil(model.vocabulary / shape.head_columns)])
    tile = matmul.tile_bytes(hidden, outputs, model.weights)
    return _sram(
        machine,
        weights=tile * (1 if model.tied else 2) + 4 * hidden.most_elements,
        kv=0,
        buffers=_INPUT_BYTES[model.weights] * hidden.most_elements
        + 8 * int(outputs[0])
        + 4 * model.attention.head_dim,
    )


_INPUT_BYTES = {"int8": 5, "fp16": 6}
"""Of an input: fp32 and its image in the type of the weights."""


def _sram(machine: MachineSpec, *, weights: int, kv: int, buffers: int) -> dict[str, int]:
    used = {
        "code": machine.code_bytes,
        "weights": weights,
        "kv": kv,
        "buffers": buffers + machine.system_bytes,
    }
    return used | {"max_total": sum(used.values())}


def _too_small(
    where: str, used: dict[str, int], machine: MachineSpec, advice: str
) -> PlacementError:
    shares = ", ".join(f"{name} {size:,}" for name, size in used.items() if name != "max_total")
    return PlacementError(
        f"{where} needs {used['max_total']:,} bytes ({shares}), a core of {machine.name} has "
        f"{machine.sram_bytes:,}: {advice}"
    )


def _serpentine(
    widths: Sequence[int],
    height: int,
    machine: MachineSpec,
    wafer: int = 0,
    with_head: bool = True,
) -> list[_Corner]:
    """Lay rectangles east, then west, then east again, in the squarest box with room for lanes.

    Lanes turn west of their bands where the wafer has room for that, else inside their regions.
    """
    sums = {sum(widths[: n + 1]) for n in range(len(widths))}
    limits = sorted(sums | {max(widths), machine.columns})
    choices = [_bands(widths, limit) for limit in limits if max(widths) <= limit <= machine.columns]
    for inside in (False, True):
        first = Region("", 0, 0, 0, height, (0,), {}, False, wafer)
        laid = [_with_turns(bands, first, inside, with_head) for bands in choices]
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
    bands: Sequence[Sequence[int]], first: Region, inside: bool, with_head: bool
) -> tuple[list[_Corner], int, int]:
    """Return corners, and the columns and rows that rectangles and turning lanes take.

    A band begins where the band before ended.  No corners: lanes cannot turn as asked for.

    Args:
        bands: Widths of the rectangles.
        first: A rectangle of their height on their wafer.
        inside: Whether lanes may turn inside their regions.
        with_head: Whether the last rectangle is the head.
    """
    height = first.height
    laid: list[Region] = []
    for number, band in enumerate(bands):
        for width in band:
            y, flipped = number * height, number % 2 == 1
            x = _next_x(laid[-1], width, y, flipped) if laid else 0
            laid.append(replace(first, x=x, y=y, width=width, flipped=flipped))
    if with_head:
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
