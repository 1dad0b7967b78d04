"""Lowering of products: quantised inputs, their multicast, tiles of weights, reductions."""

from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.model.sum_orders import ReduceOrder
from engine.model.tensors import FORMATS
from engine.model.tensors.tensor import Blocks, Format, float_vector, quantised_matrix
from engine.wafer.fabric.layout import Layout, beside, even
from engine.wafer.fabric.lowering.context import Ints, Lowering, float_bits
from engine.wafer.fabric.micro import Kind, Reduce
from engine.wafer.fabric.region import NodeLines
from engine.wafer.ops.site import ALONG_COLUMNS, ALONG_ROWS
from engine.wafer.program.geometry import GROUP, Split
from engine.wafer.program.isa import Field

__all__ = ["hold_tiles", "matmul", "multicast", "quantise", "vector"]


def quantise(low: Lowering) -> None:
    """Round the source to int8 on its line; a group that spans cores agrees on its scale first."""
    site = low.site
    lies, address, scales, _ = _activations(low, low.width(Field.SOURCE))
    source = low.value(Field.SOURCE, lies.most_elements)
    e, g = np.array(lies.elements), np.array(lies.groups)
    busy = np.flatnonzero(e)
    cells = low.cores(low.along, busy)
    pieces = g[busy] if lies.span == 1 else np.ones(busy.size, np.int64)
    length = GROUP if lies.span == 1 else GROUP // lies.span
    low.work(cells, Kind.MAGNITUDE, (source, scales, pieces, length))
    one = np.ones(1, np.int64)
    zero = np.zeros(1, np.int64)
    if lies.span > 1:
        bases = tuple(int(b) for b in np.flatnonzero(g))
        line = NodeLines(low.along, lies.span, zero, one, bases=bases)
        site.reduce(line, ReduceOrder.chain(lies.span), scales, Reduce.MAX_F32)
    owners = np.flatnonzero(g)
    low.work(low.cores(low.along, owners), Kind.SCALE, (scales, g[owners]))
    if lies.span > 1:
        site.multicast(low.along, zero, one, scales, length=lies.span, segments=lies.parts)
    low.work(cells, Kind.ROUND, (source, address, pieces, length, scales))


def multicast(low: Lowering) -> None:
    """Bring activations, or queries, keys and values, from their line to all cores."""
    across = ALONG_COLUMNS if low.along == ALONG_ROWS else ALONG_ROWS
    site = low.site
    if low.name(Field.SOURCE) in low.attended:
        heads = low.placement.heads
        queries, kv = heads.queries * heads.dims, heads.kv * heads.dims
        message = site.memory("query, key, value", queries + kv)
        source = low.value(Field.SOURCE, queries + 2 * kv)
        columns = low.line(ALONG_COLUMNS)
        _pack(low, columns, source, message, queries, kv)
        site.multicast(across, columns, np.full(columns.size, queries + kv), message)
        return
    _, address, _, words = _activations(low, low.width(Field.SOURCE))
    site.multicast(across, low.line(low.along), words, address)


def _pack(low: Lowering, columns: Ints, source: int, message: int, queries: int, kv: int) -> None:
    """Write the message: queries as they are, keys and values as packed fp16."""
    north = low.cores(ALONG_COLUMNS, columns)
    low.unpriced(north, Kind.COPY, (source, message, queries))
    low.work(north, Kind.HALVES, (source + queries, message + queries, 2 * kv))


def matmul(low: Lowering) -> None:
    """Dot products of every tile, scaled terms, and their sum on the other axis' home line."""
    site, axis = low.site, low.along
    lies, _, _, _ = _activations(low, low.program.matrices[int(low.row[Field.WEIGHT])].inputs)
    layout = _outputs(low, axis)
    other = ALONG_COLUMNS if axis == ALONG_ROWS else ALONG_ROWS
    n = (layout >= 0).sum(axis=1)
    tiles = hold_tiles(low, lies, layout)
    target = low.value(Field.TARGET, int(n.max()))
    grid = np.meshgrid(np.flatnonzero(lies.elements), np.flatnonzero(n), indexing="ij")
    cells = _Cells(axis, grid[0].ravel(), grid[1].ravel())
    words = sum((tile.partials for tile in tiles), start=np.zeros(n.size, np.int64))
    words += (words > 0) & any(tile.format.has_minima for tile in tiles)
    most = max(1, max(lies.groups)) * int(words.max())
    dots = site.memory(f"dots {most}", most)
    _dots(low, lies, tiles, cells, dots, words)
    lines = np.flatnonzero(n)
    if lies.span > 1:
        bases = tuple(int(b) for b in np.flatnonzero(lies.groups))
        line = NodeLines(axis, lies.span, lines, words[lines], bases=bases)
        site.reduce(line, ReduceOrder.chain(lies.span), dots, Reduce.ADD_I32)
    _terms(low, lies, tiles, cells.where(np.array(lies.groups)[cells.inputs] > 0), dots, words)
    line = NodeLines(axis, lies.parts, lines, n[lines], pitch=lies.span)
    site.reduce(line, low.order(), target, Reduce.ADD_F32)
    if low.told:
        _finish(low, other, layout, target, lines)
    low.tap(other, layout)


def _finish(low: Lowering, axis: int, layout: Layout, target: int, lines: Ints) -> None:
    """Add a bias to sums on their home line, scale and cap them."""
    number, scaling = int(low.row[Field.BIAS]), low.scaling()
    bias = vector(low, number, axis, layout) if number >= 0 else target
    constants = float_bits(scaling.scale), float_bits(scaling.softcap)
    n = (layout >= 0).sum(axis=1)[lines]
    low.work(low.cores(axis, lines), Kind.FINISH, (target, bias, n, int(number >= 0), *constants))


def vector(low: Lowering, number: int, axis: int, layout: Layout) -> int:
    """Return the address of a vector that lies on a home line, filled at first mention."""
    address = low.site.memory(f"vector {number}", layout.shape[1])
    parts = [float_vector(low.tensors, name) for name in low.program.matrices[number].tensors]
    whole = np.concatenate(parts).view(np.int32)
    for place in np.flatnonzero((layout >= 0).any(axis=1)):
        piece = whole[layout[place][layout[place] >= 0]]
        low.fills.append((low.site.along(axis, np.array([place]), 0), address, piece[None, :]))
    return address


@dataclass(frozen=True, slots=True)
class _Cells:
    """Cores of a product, by their places along its inputs and its outputs."""

    axis: int
    """The axis that inputs lie along."""
    inputs: Ints
    outputs: Ints

    @property
    def places(self) -> tuple[Ints, Ints]:
        """(rows, columns)."""
        by_axis = (self.inputs, self.outputs)
        return by_axis if self.axis == ALONG_ROWS else (by_axis[1], by_axis[0])

    def where(self, flags: NDArray[np.bool_]) -> "_Cells":
        """Return some of them."""
        return _Cells(self.axis, self.inputs[flags], self.outputs[flags])


def _dots(
    low: Lowering, lies: Split, tiles: list["HeldTile"], cells: _Cells, dots: int, words: Ints
) -> None:
    """Let every core multiply its tiles: ``words`` int32 numbers a group, sums of inputs last.

    One COMPUTE has the cycles of them all; the others follow in the same cycle.
    """
    _, address, _, _ = _activations(low, lies.width)
    width = GROUP // lies.span
    pieces = np.array(lies.elements) // width
    before = cells.inputs % lies.span * width
    for number, tile in enumerate(tiles):
        here = cells if number == 0 else cells.where(tile.outputs[cells.outputs] > 0)
        skipped = before if number == 0 else here.inputs % lies.span * width
        do = low.work if number == 0 else low.unpriced
        do(
            here.places, Kind.DOT,
            (
                address, tile.weights, dots + tile.offset[here.outputs], pieces[here.inputs], width,
                tile.outputs[here.outputs], words[here.outputs],
                (tile.format.block << 8) | skipped,
            ),
        )  # fmt: skip
    if any(tile.format.has_minima for tile in tiles):
        last = dots + words[cells.outputs] - 1
        low.unpriced(
            cells.places, Kind.SUM,
            (address, last, pieces[cells.inputs], width, words[cells.outputs]),
        )  # fmt: skip


def _terms(
    low: Lowering, lies: Split, tiles: list["HeldTile"], cells: _Cells, dots: int, words: Ints
) -> None:
    """Let the owners of groups scale them and add up their terms."""
    _, _, scales, _ = _activations(low, lies.width)
    target = low.value(Field.TARGET, 0)
    groups = np.array(lies.groups)
    for number, tile in enumerate(tiles):
        here = cells if number == 0 else cells.where(tile.outputs[cells.outputs] > 0)
        own, outputs = tile.offset[here.outputs], here.outputs
        to_sum = words[outputs] - 1 - own
        kind = tile.format.has_minima << 4 | tile.format.blocks_per_group
        do = low.work if number == 0 else low.unpriced
        do(
            here.places, Kind.TERMS,
            (
                dots + own, tile.scales, scales, groups[here.inputs], target + tile.first[outputs],
                tile.outputs[outputs], words[outputs], (to_sum << 8) | kind,
            ),
        )  # fmt: skip


def _activations(low: Lowering, width: int) -> tuple[Split, int, int, Ints]:
    """Return how a product's input lies, its bytes' and scales' addresses, words by core."""
    lies = low.split(width, low.along)
    octets = -(-lies.most_elements // 4)
    scales = max(1, max(lies.groups))
    address = low.site.memory(f"activations {lies.width} {low.along}", octets + scales)
    words = np.where(np.array(lies.elements) > 0, octets + scales, 0)
    return lies, address, address + octets, words


def _outputs(low: Lowering, axis: int) -> Layout:
    """Return where the current product's outputs lie on their home line."""
    width = low.width(Field.TARGET)
    if axis == ALONG_COLUMNS:
        return even(low.split(width, ALONG_ROWS))
    if low.name(Field.TARGET) in low.attended:
        return low.heads_layout()
    if low.row[Field.LAYER] < 0:
        return even(low.placement.head_outputs)
    if width == low.placement.model.ffn:  # nothing is gated
        return even(low.split(width, ALONG_COLUMNS))
    gated = even(low.split(width // 2, ALONG_COLUMNS))
    return beside(gated, np.where(gated >= 0, gated + width // 2, -1))


@dataclass(frozen=True, slots=True)
class HeldTile:
    """Outputs of one format as cores hold them.

    Int8 levels of n outputs × k inputs, output by output, then fp32 scales, and minima, of the
    blocks of a core's groups.  A simulated core holds what a real one would unpack;
    `Format.sram_bytes` counts the packed bytes.  Where a group spans cores each of them keeps its
    scales.
    """

    format: Format
    outputs: Ints
    """Of the tile, by core of the line that outputs lie along, as all that follows."""
    first: Ints
    """Outputs of the product in the core that lie before the tile's."""
    offset: Ints
    """int32 numbers of a group that lie before the tile's."""
    weights: int
    scales: int

    @property
    def partials(self) -> Ints:
        """int32 numbers of a group."""
        return self.outputs * self.format.blocks_per_group


def hold_tiles(low: Lowering, lies: Split, layout: Layout) -> list[HeldTile]:
    """Return a product's tiles, filled at first mention; tensors of one format share a tile.

    Args:
        low: The instruction at hand, which names the matrix.
        lies: How the inputs lie along the instruction's axis.
        layout: Which outputs a core of the other axis' line holds, those of a tensor together.
    """
    matrix = low.program.matrices[int(low.row[Field.WEIGHT])]
    tiles: list[HeldTile] = []
    end = 0
    offset = np.zeros(len(layout), np.int64)
    rows = zip(matrix.tensors, matrix.formats, matrix.widths, strict=True)
    for name, members in groupby(rows, key=lambda row: row[1]):
        tensors, _, widths = zip(*members, strict=True)
        start, end = end, end + sum(widths)
        mine = (layout >= start) & (layout < end)
        part = np.full_like(layout, -1)
        for core, flags in enumerate(mine):
            part[core, : flags.sum()] = layout[core, flags] - start
        tile = _hold(low, tensors, FORMATS[name], lies, part)
        tiles.append(replace(tile, first=mine.argmax(axis=1), offset=offset))
        offset = offset + tile.partials
    return tiles


def _hold(
    low: Lowering, tensors: tuple[str, ...], format: Format, lies: Split, layout: Layout
) -> HeldTile:
    """Return a tile of stacked tensors of one format, ``layout`` counting their own outputs."""
    outputs = (layout >= 0).sum(axis=1)
    most = int(outputs.max())
    blocks = max(1, max(lies.groups)) * format.blocks_per_group * (1 + format.has_minima)
    key = " ".join(tensors)
    known = low.site.has(f"tile {key}")
    weights = low.site.memory(f"tile {key}", -(-most * lies.most_elements // 4))
    scales = low.site.memory(f"scales {key}", most * blocks)
    if not known:
        stacked = _stacked([quantised_matrix(low.tensors, name).blocks() for name in tensors])
        _fill(low, stacked, lies, layout, (weights, scales))
    none = np.zeros(0, np.int64)
    return HeldTile(format, outputs, none, none, weights, scales)


def _stacked(parts: list[Blocks]) -> Blocks:
    levels, scales = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    minima = [part.minima for part in parts if part.minima is not None]
    return Blocks(levels, scales, np.concatenate(minima) if minima else None)


def _fill(low: Lowering, weight: Blocks, lies: Split, layout: Layout, at: tuple[int, int]) -> None:
    """Note what each core's levels, scales and minima are."""
    per_group = weight.scales.shape[1] * GROUP // weight.levels.shape[1]
    sizes = np.array(lies.elements)
    starts = np.cumsum(sizes) - sizes
    for size in np.unique(sizes[sizes > 0]):
        places = np.flatnonzero(sizes == size)
        inputs = starts[places][:, None] + np.arange(size)
        first = starts[places][:, None] // GROUP * per_group
        blocks = first + np.arange(-(-size // GROUP) * per_group)
        for output in np.flatnonzero((layout >= 0).any(axis=1)):
            rows = layout[output][layout[output] >= 0][None, :, None]
            cores = low.site.along(low.along, places, output)
            numbers = [weight.scales[rows, blocks[:, None, :]]]
            if weight.minima is not None:
                numbers.append(weight.minima[rows, blocks[:, None, :]])
            low.fills.append((cores, at[0], _as_words(weight.levels[rows, inputs[:, None, :]])))
            low.fills.append((cores, at[1], _as_words(np.concatenate(numbers, axis=1))))


def _as_words(content: NDArray[Any]) -> NDArray[np.int32]:
    """Return int8 or fp32 content of cores, first axis, as int32 words padded with zeros."""
    octets = np.ascontiguousarray(content).view(np.uint8).reshape(len(content), -1)
    padded = np.zeros((len(octets), -(-octets.shape[1] // 4) * 4), np.uint8)
    padded[:, : octets.shape[1]] = octets
    return padded.view(np.int32)
