"""Which core holds which tile: rectangles of layers, the vocabulary head, the SRAM of every core.

A shape (how many columns and rows a block has, how wide the head is) becomes regions on the
wafer, or an error that names the core, the bytes and what to change.  Counts no cycle and knows
no instruction; which shape is best is the planner's question.
"""

from collections import Counter
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from engine.errors import PlacementError
from engine.model.roles import Role
from engine.model.tensors.floats import FP32
from engine.wafer.ops.attention import HeadSplit, kv_bytes, split_heads
from engine.wafer.ops.site import ALONG_COLUMNS, ALONG_ROWS
from engine.wafer.place.lanes import lane_path
from engine.wafer.place.model_shape import ModelShape
from engine.wafer.place.serpentine import lay_out
from engine.wafer.program.geometry import Split, even_split, split
from engine.wafer.program.machine import MachineSpec
from engine.wafer.program.program import Region

__all__ = [
    "Placement",
    "Shape",
    "block_outputs",
    "block_sram",
    "head_sram",
    "heads_of",
    "place",
]


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
        return heads_of(self.model, self.shape, runs=self.runs)

    @property
    def attended(self) -> Split:
        """The attention's output along columns."""
        return _attended(self.model, self.shape.columns, self.heads)

    @property
    def gated(self) -> Split:
        """The gated activations along columns."""
        return _lies(self.model, self.model.ffn, self.shape.columns)

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

    @property
    def weight_bytes(self) -> tuple[dict[str, int], dict[str, int]]:
        """Bytes of weights by the name of their format in a core of a block and of the head.

        The fullest core's, of a block with the most layers; norms and biases are fp32.
        """
        model, shape, layers = self.model, self.shape, len(self.regions[0].layers)
        return (
            _block_weights(model, shape, self.heads, layers),
            _head_weights(model, shape, self.hidden),
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


def _lies(model: ModelShape, width: int, cores: int) -> Split:
    """Return how a vector lies on a line: in groups if some weights need them, else evenly."""
    return split(width, cores) if model.formats.in_groups else even_split(width, cores)


def _attended(model: ModelShape, columns: int, heads: HeadSplit) -> Split:
    """Return how the attention's output lies on the columns that hold heads, all alike."""
    width = model.attention.heads * model.attention.head_dim
    if heads.columns == columns:
        return _lies(model, width, columns)
    used = _lies(model, width, heads.columns)
    none = (0,) * (columns - heads.columns)
    return replace(used, cores=columns, elements=used.elements + none, groups=used.groups + none)


def heads_of(model: ModelShape, shape: Shape, *, runs: bool) -> HeadSplit:
    """Return how the heads lie on the columns of a shape.

    Raises:
        PlacementError: They do not, and it is to run.
    """
    return split_heads(model.attention, shape.columns, fill=runs, grouped=shape.grouped)


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
    if shape.grouped:
        raise PlacementError("heads grouped by their KV head are only priced")
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
) -> dict[Role, tuple[NDArray[np.int64], ...]]:
    """Return the outputs by core of a layer's four products, for each tensor that they stack."""
    heads = heads or split_heads(model.attention, shape.columns)
    holds = np.arange(shape.columns) < heads.columns
    queries, kv = (np.where(holds, n * heads.dims, 0) for n in (heads.queries, heads.kv))
    gated = np.asarray(_lies(model, model.ffn, shape.columns).elements, np.int64)
    hidden = np.asarray(_lies(model, model.hidden, shape.rows).elements, np.int64)
    return {
        Role.QKV: (queries, kv, kv),
        Role.OUT: (hidden,),
        Role.GATE_UP: (gated,) * model.formats.stacks(Role.GATE_UP),
        Role.DOWN: (hidden,),
    }


def _result_bytes(
    model: ModelShape, role: Role, outputs: tuple[NDArray[np.int64], ...], inputs: Split
) -> int:
    """Return the bytes of a product's results in the fullest core.

    A core adds what it takes in to its own, so nothing received is kept apart; where a group spans
    cores, its int32 partial sums are.
    """
    most = int(np.sum(outputs, axis=0).max())
    return 4 * (most + (model.formats.partials(role, outputs) if inputs.span > 1 else 0))


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
    inputs = _block_inputs(model, shape, heads)
    outputs = block_outputs(model, shape, heads)
    positions = ceil(context_length / shape.rows)
    widest_input = max(
        model.formats.input_bytes(role) * lies.most_elements for role, lies in inputs.items()
    )
    results = max(_result_bytes(model, role, outputs[role], lies) for role, lies in inputs.items())
    scores = heads.queries * positions * 4
    unpacked = max(
        model.formats.unpacked(role, outputs[role], lies) for role, lies in inputs.items()
    )
    used = _sram(
        machine,
        weights=sum(_block_weights(model, shape, heads, layers).values()),
        kv=layers * kv_bytes(heads, positions),
        buffers=widest_input
        + results
        + scores
        + 4 * model.angles
        + min(machine.unpack_bytes, unpacked),
    )
    if used["max_total"] > machine.sram_bytes:
        where = f"a block of {shape.columns} × {shape.rows} cores with {layers} layers, core (0, 0)"
        advice = _nearest_block(model, machine, shape, heads, context_length, layers, used)
        raise _too_small(where, used, machine, advice)
    return used


def _block_inputs(model: ModelShape, shape: Shape, heads: HeadSplit) -> dict[Role, Split]:
    """Return how the inputs of a layer's four products lie."""
    hidden = _lies(model, model.hidden, shape.rows)
    attended = _attended(model, shape.columns, heads)
    gated = _lies(model, model.ffn, shape.columns)
    return {Role.QKV: hidden, Role.OUT: attended, Role.GATE_UP: hidden, Role.DOWN: gated}


def _block_weights(
    model: ModelShape, shape: Shape, heads: HeadSplit, layers: int
) -> dict[str, int]:
    """Return the bytes of ``layers`` layers' weights by format in the fullest core of a block."""
    inputs, outputs = _block_inputs(model, shape, heads), block_outputs(model, shape, heads)
    stream = inputs[Role.QKV].most_elements
    vectors = model.vectors * stream * 4 + ceil(model.biases / shape.columns) * 4
    used = Counter({FP32.name: vectors})
    for role, lies in inputs.items():
        used.update(model.formats.bytes_by_format(role, outputs[role], lies))
    return {name: layers * size for name, size in used.items()}


def _head_weights(model: ModelShape, shape: Shape, hidden: Split) -> dict[str, int]:
    """Return the bytes of the head's weights by format in its fullest core."""
    outputs = np.array([ceil(model.vocabulary / shape.head_columns)])
    used = Counter({FP32.name: 4 * model.last_vectors * hidden.most_elements})
    for role in (Role.HEAD,) if model.tied else (Role.HEAD, Role.EMBED):
        used.update(model.formats.bytes_by_format(role, (outputs,), hidden))
    return dict(used)


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
    inputs = model.formats.input_bytes(Role.HEAD) * hidden.most_elements
    outputs = (np.array([ceil(model.vocabulary / shape.head_columns)]),)
    unpacked = model.formats.unpacked(Role.HEAD, outputs, hidden)
    return _sram(
        machine,
        weights=sum(_head_weights(model, shape, hidden).values()),
        kv=0,
        buffers=inputs
        + _result_bytes(model, Role.HEAD, outputs, hidden)
        + 4 * model.angles
        + min(machine.unpack_bytes, unpacked),
    )


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
