"""Lowering of products: quantised inputs, their multicast, tiles of weights, reductions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.model.sum_orders import ReduceOrder
from engine.model.tensors.tensor import float_vector, quantised_matrix
from engine.wafer.fabric.layout import Layout, beside, even
from engine.wafer.fabric.lowering.context import Ints, Lowering, float_bits
from engine.wafer.fabric.micro import Kind, Reduce
from engine.wafer.fabric.region import NodeLines
from engine.wafer.ops.site import ALONG_COLUMNS, ALONG_ROWS
from engine.wafer.program.geometry import GROUP, Split
from engine.wafer.program.isa import Field

__all__ = ["matmul", "multicast", "quantise", "tile", "vector"]


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
    weight = low.program.matrices[int(low.row[Field.WEIGHT])]
    lies, address, scales, _ = _activations(low, weight.inputs)
    layout = _outputs(low, axis)
    other = ALONG_COLUMNS if axis == ALONG_ROWS else ALONG_ROWS
    n = (layout >= 0).sum(axis=1)
    e, g = np.array(lies.elements), np.array(lies.groups)
    weights, factors = tile(low, n, lies, layout)
    most = int(n.max())
    pieces = g if lies.span == 1 else (e > 0).astype(np.int64)
    length = GROUP if lies.span == 1 else GROUP // lies.span
    dots = site.memory(f"dots {int(pieces.max()) * most}", int(pieces.max()) * most)
    target = low.value(Field.TARGET, most)
    grid = np.meshgrid(np.flatnonzero(e), np.flatnonzero(n), indexing="ij")
    inputs, outputs = grid[0].ravel(), grid[1].ravel()
    cells = (inputs, outputs) if axis == ALONG_ROWS else (outputs, inputs)
    low.work(cells, Kind.DOT, (address, weights, dots, pieces[inputs], length, n[outputs]))
    lines = np.flatnonzero(n)
    if lies.span > 1:
        bases = tuple(int(b) for b in np.flatnonzero(g))
        line = NodeLines(axis, lies.span, lines, n[lines], bases=bases)
        site.reduce(line, ReduceOrder.chain(lies.span), dots, Reduce.ADD_I32)
    owns = g[inputs] > 0
    low.work(
        (cells[0][owns], cells[1][owns]), Kind.TERMS,
        (dots, factors, scales, g[inputs[owns]], target, n[outputs[owns]]),
    )  # fmt: skip
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
    if not low.placement.model.gated:
        return even(low.split(width, ALONG_COLUMNS))
    gated = even(low.split(width // 2, ALONG_COLUMNS))
    return beside(gated, np.where(gated >= 0, gated + width // 2, -1))


def tile(
    low: Lowering, n: Ints, lies: Split, layout: Layout, *, tied: bool = False
) -> tuple[int, int]:
    """Return the addresses of a product's weights and their scales, filled at first mention.

    A core's tile is n outputs × k inputs of int8 levels, output by output, then the fp32 scales of
    its groups; where a group spans cores each of them keeps the scale.
    """
    number = int(low.row[Field.WEIGHT])
    tensors = low.program.matrices[number].tensors
    most, k = int(n.max()), lies.most_elements
    groups = max(1, max(lies.groups))
    key = " ".join(tensors)
    known = low.site.has(f"tile {key}")
    tile = low.site.memory(f"tile {key}", -(-most * k // 4))
    scales = low.site.memory(f"scales {key}", most * groups)
    if not known:
        if tied:
            layout = even(n)
        axis = ALONG_ROWS if tied else low.along
        _fill_tile(low, tensors, lies, layout, axis, tile, scales)
    return tile, scales


def _fill_tile(
    low: Lowering, tensors: tuple[str, ...], lies: Split, layout: Layout, axis: int, tile: int,
    scales: int,
) -> None:  # fmt: skip
    parts = [quantised_matrix(low.tensors, name) for name in tensors]
    blocks = [part.blocks() for part in parts]
    values = np.concatenate([block.levels for block in blocks])
    factors = np.concatenate([block.scales for block in blocks])
    sizes = np.array(lies.elements)
    starts = np.cumsum(sizes) - sizes
    for size in np.unique(sizes[sizes > 0]):
        places = np.flatnonzero(sizes == size)
        inputs = starts[places][:, None] + np.arange(size)
        groups = starts[places][:, None] // GROUP + np.arange(-(-size // GROUP))
        for output in np.flatnonzero((layout >= 0).any(axis=1)):
            rows = layout[output][layout[output] >= 0][None, :, None]
            cores = low.site.along(axis, places, output)
            low.fills.append((cores, tile, _as_words(values[rows, inputs[:, None, :]])))
            low.fills.append((cores, scales, _as_words(factors[rows, groups[:, None, :]])))


def _as_words(content: NDArray[Any]) -> NDArray[np.int32]:
    """Return int8 or fp32 content of cores, first axis, as int32 words padded with zeros."""
    octets = np.ascontiguousarray(content).view(np.uint8).reshape(len(content), -1)
    padded = np.zeros((len(octets), -(-octets.shape[1] // 4) * 4), np.uint8)
    padded[:, : octets.shape[1]] = octets
    return padded.view(np.int32)
