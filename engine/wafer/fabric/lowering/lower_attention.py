"""Lowering of attention: keep, score, largest, weigh, reduce, divide."""

import numpy as np

from engine.model.sum_orders import ReduceOrder
from engine.wafer.fabric.layout import even, first_head
from engine.wafer.fabric.lowering.context import Lowering, float_bits
from engine.wafer.fabric.micro import Kind, Reduce
from engine.wafer.fabric.region import NodeLines
from engine.wafer.ops.site import ALONG_COLUMNS, ALONG_ROWS
from engine.wafer.program.isa import Field

__all__ = ["attention"]


def attention(low: Lowering) -> None:
    """Keep key and value, score, find the largest, weigh, reduce, divide.

    Scores of a head that columns share are summed along the row and returned, one wavelet for
    every KV row of the core row.
    """
    site = low.site
    kind = low.program.attentions[int(low.row[Field.VARIANT])]
    site.window = kind.window
    heads = low.placement.heads
    q, dims = heads.queries, heads.dims
    kv = heads.kv * dims
    layer = int(low.row[Field.LAYER])
    positions = -(-low.context // site.rows)
    message = site.memory("query, key, value", q * dims + kv)
    cache = site.memory(f"cache {layer}", positions * kv)
    scores = site.memory("scores", positions * q)
    largest = site.memory("largest", q)
    sums = site.memory("sums", q * (dims + 1))
    target = low.value(Field.TARGET, q * dims)
    grid = np.meshgrid(low.line(ALONG_ROWS), low.line(ALONG_COLUMNS), indexing="ij")
    every = (grid[0].ravel(), grid[1].ravel())
    sharing = kind.heads // kind.kv_heads
    before = np.array([first_head(heads, c)[0] % sharing for c in range(site.columns)])
    before = before[every[1]]
    low.work(every, Kind.KEEP, (message + q * dims, cache, kv, kv))
    low.work(every, Kind.SCORES, (message, cache, scores, q, kv, dims, sharing, before))
    if heads.parts > 1:
        bases = tuple(range(0, site.columns, heads.parts))
        band = NodeLines(
            ALONG_COLUMNS, heads.parts, low.line(ALONG_ROWS),
            np.zeros(site.rows, np.int64), bases=bases,
        )  # fmt: skip
        order = ReduceOrder.chain(kind.dim_parts)
        site.reduce(band, order, scores, Reduce.ADD_F32, kv=q)
        site.multicast(
            ALONG_COLUMNS, low.line(ALONG_ROWS), np.zeros(site.rows, np.int64), scores,
            length=heads.parts, kv=q,
        )  # fmt: skip
    constants = float_bits(kind.scale), float_bits(kind.softcap)
    low.work(every, Kind.LARGEST, (scores, 0, largest, q, *constants))
    north = low.line(ALONG_COLUMNS)
    line = NodeLines(ALONG_ROWS, site.rows, north, np.full(north.size, q))
    site.reduce(line, low.order(), largest, Reduce.MAX_F32)
    site.multicast(ALONG_ROWS, north, np.full(north.size, q), largest)
    packed = (heads.kv << 20) | (sharing << 10) | before
    low.work(every, Kind.WEIGH, (scores, cache, largest, q, kv, sums, dims, packed))
    line = NodeLines(ALONG_ROWS, site.rows, north, np.full(north.size, q * (dims + 1)))
    site.reduce(line, low.order(), sums, Reduce.ADD_F32)
    low.work(low.cores(ALONG_COLUMNS, north), Kind.DIVIDE, (sums, target, q, dims))
    low.tap(ALONG_COLUMNS, even(np.full(site.columns, q * dims)))
