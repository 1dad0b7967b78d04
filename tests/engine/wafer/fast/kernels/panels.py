"""Panels for tests: of tensors, or of random bytes, ready to multiply; and decoded as they lie.

The decoding follows the text of `panel_layout` and `level_code`, number by number.
"""

import numpy as np

from engine.model.tensors.tensor import Blocks
from engine.wafer.fast import warm_up
from engine.wafer.fast.kernels import multiply, vectors
from engine.wafer.fast.kernels.operands import (
    Block,
    Panels,
    Pieces,
    Quantised,
    RowSpan,
    SumOrder,
)
from engine.wafer.fast.packing import pack
from engine.wafer.program.program import Matrix

F32 = np.float32


def packed(weights, path, threads=1):
    """A stack of matrices, packed and with the code of a path: (panels, pieces)."""
    names = tuple(f"w{i}" for i in range(len(weights)))
    formats = tuple(weight.format.name for weight in weights)
    widths = tuple(weight.shape[0] for weight in weights)
    table = (Matrix(names, formats, widths, weights[0].shape[1]),)
    found = pack(table, dict(zip(names, weights, strict=True)), threads)
    warm_up.link(path, found.storages, found.panels)
    return found.panels, Pieces(0, int(found.table[0, 3]))


def image_of(x):
    """Rows (M, K) quantised by the kernel."""
    rows, inputs = x.shape
    groups = rows * inputs // 32
    image = Quantised(
        np.zeros(rows * inputs, np.int8), np.zeros(groups, F32), np.zeros(2 * groups, np.int32)
    )
    vectors.quantise(x.ravel(), Block(0, inputs), image, RowSpan(0, rows))
    return image


def product(x, panels, pieces, order, outputs, *, first=0):
    """Rows ``first`` … of x (M, K) times a matrix; what the kernel leaves alone stays −1."""
    out = np.full((len(x), outputs + 3), F32(-1))
    multiply.matmul(
        panels,
        pieces,
        image_of(x),
        SumOrder(order.parts, order.group),
        out.ravel(),
        Block(0, outputs + 3),
        RowSpan(first, len(x)),
    )
    return out


def random_panel(random, storage, groups, path):
    """A panel of random bytes, but for fp16 and float32 numbers, which are finite: (panels)."""
    runs = groups // storage.scales.groups
    content = random.integers(0, 256, (runs, storage.run_bytes)).astype(np.uint8)
    header, own = storage.scales.header_bytes, storage.scales.tile_bytes
    numbers = F32 if storage.name.startswith("plain") else np.float16
    places = [(0, header)] if header else [(0, own)]
    for start, end in places:
        size = (runs, (end - start) // np.dtype(numbers).itemsize)
        content[:, start:end] = random.normal(size=size).astype(numbers).view(np.uint8)
    pieces = np.array([[0, groups, 64, 0, 0]], np.int64)
    panels = Panels(content.reshape(-1), pieces, np.zeros((1, 4), np.int64))
    warm_up.link(path, [storage], panels)
    return panels


def decoded(storage, weights, start, groups):
    """The `Blocks` of the 64 outputs of a panel that begins at a byte."""
    tiles = [_tile(storage, weights, start, groups - 1 - g) for g in range(groups)]
    levels = np.concatenate([tile[0] for tile in tiles], axis=1)
    scales = np.concatenate([tile[1] for tile in tiles], axis=1)
    if storage.scales.minima is None:
        return Blocks(levels, scales, None)
    return Blocks(levels, scales, np.concatenate([tile[2] for tile in tiles], axis=1))


def _tile(storage, weights, start, number):
    """(levels (64, 32), scales (64, 1 or 2), minima (64, 1)) of the tile that lies there."""
    run, within = divmod(number, storage.scales.groups)
    header = start + run * storage.run_bytes
    tile = header + storage.scales.header_bytes + within * storage.tile_bytes
    own = weights[tile : tile + storage.scales.tile_bytes]
    shared = weights[header : header + storage.scales.header_bytes]
    lines = weights[tile + own.size : tile + storage.tile_bytes]
    lines = lines.reshape(4, storage.levels.lines, 64).astype(int)
    levels = [[_level(storage.levels.bits, lines, n, k) for k in range(32)] for n in range(64)]
    return np.array(levels) - storage.zero, *_factors(storage, own, shared)


def _level(bits, lines, n, k):
    strip, quad, i = lines[n // 16], k // 4, n % 16 * 4 + k % 4
    if bits == 8:
        return strip[quad][i]
    pair, odd = divmod(quad, 2)
    four = strip[pair][i] >> 4 * odd & 15
    if bits == 4:
        return four
    plane = strip[4][i] >> 2 * pair if bits == 5 else strip[4 + pair // 2][i] >> 4 * (pair % 2)
    above = bits - 4
    if odd:
        return four << above | plane & 2**above - 1
    return four | (plane >> above & 2**above - 1) << 4


def _factors(storage, own, shared):
    if shared.size:
        kind = np.int8 if storage.name == "q6_k" else np.uint8
        small = own.view(kind).reshape(2, 64).T.astype(F32)
        factors = shared.view(np.float16).reshape(-1, 64).T.astype(F32)
        if storage.name == "q6_k":
            return small * factors, None
        return small[:, :1] * factors[:, :1], small[:, 1:] * factors[:, 1:]
    kind = F32 if storage.name.startswith("plain") else np.float16
    numbers = own.view(kind).reshape(-1, 64).T.astype(F32)
    if storage.scales.minima is None:
        return numbers, None
    return numbers[:, :1], numbers[:, 1:]
