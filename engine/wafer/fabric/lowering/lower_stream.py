"""Lowering of the stream: bring rows in, move them between regions, pick a token."""

import numpy as np

from engine.model.tensors.tensor import Format
from engine.wafer.fabric.layout import even
from engine.wafer.fabric.lowering.context import Lowering, float_bits
from engine.wafer.fabric.lowering.lower_products import hold_tiles
from engine.wafer.fabric.micro import Kind, Micro, Reduce
from engine.wafer.fabric.region import NodeLines
from engine.wafer.ops.embed import dequantising
from engine.wafer.ops.site import ALONG_COLUMNS, ALONG_ROWS
from engine.wafer.place.lanes import LANE_BACK
from engine.wafer.program.geometry import GROUP, Split
from engine.wafer.program.isa import Field

__all__ = ["embed", "receive", "select", "send"]


def embed(low: Lowering) -> None:
    """Send the token east, look it up in every core, bring its row to column 0 and the layers.

    Column 0 sends a row of the step on before it asks for the next one: rows found in
    different columns would overtake each other otherwise.
    """
    site, hidden = low.site, low.split(low.width(Field.TARGET), ALONG_ROWS)
    lines = low.line(ALONG_ROWS)
    host = site.memory("host", low.rows * (1 + low.angles))
    message = site.memory("message", 1 + low.angles)  # token, then angles on row 0
    counts = np.where(lines == 0, 1 + low.angles, 1)
    west = site.cores(lines, 0)
    low.unpriced((lines, 0), Kind.HOST, (host, message, counts))
    low.host = (west, host, counts)
    site.multicast(ALONG_COLUMNS, lines, np.ones(site.rows, np.int64), message)
    found = site.memory("found", 2)
    mine = low.value(Field.TARGET, hidden.most_elements)
    _look_up(low, hidden, message, found, mine)
    if site.columns > 1:
        color = site.gather()
        rows, columns = np.meshgrid(lines, low.line(ALONG_COLUMNS)[1:], indexing="ij")
        site.transfer(
            Micro.SEND, site.cores(rows, columns).ravel(), colors=(-1, color), address=mine,
            count_at=found,
        )  # fmt: skip
        site.transfer(Micro.RECEIVE, west, colors=(color, -1), address=mine, count_at=found + 1)
    low.lanes(low.head, 0)
    k = np.array(hidden.elements)
    site.transfer(
        Micro.SEND, west, colors=(-1, LANE_BACK), address=mine,
        count=k + np.where(lines == 0, low.angles, 0), split=k, address_2=message + 1,
    )  # fmt: skip


def _look_up(low: Lowering, hidden: Split, message: int, found: int, mine: int) -> None:
    """Let every core of the head compare the token with its share of the vocabulary."""
    site = low.site
    (tile,) = hold_tiles(low, hidden, even(low.placement.head_outputs))
    share = site.memory("vocabulary", 6)
    _say_shares(low, hidden, tile.format, share)
    rows, columns = np.meshgrid(low.line(ALONG_ROWS), low.line(ALONG_COLUMNS), indexing="ij")
    k = np.array(hidden.elements)[rows]
    # The owner's work beyond the comparison, which the operation tells separately.
    scaled = bool(low.row[Field.VARIANT] >= 0)
    cycles, overhead = dequantising(low.machine, hidden, scaled, tile.format)
    low.told[0]["vector"] += cycles[:, None]
    low.told[0]["pipe"] += overhead[:, None]
    low.work(
        (rows.ravel(), columns.ravel()), Kind.LOOKUP,
        (
            message, found, k.ravel(), mine, tile.weights, tile.scales,
            float_bits(low.scaling().scale), share,
        ),
    )  # fmt: skip


def _say_shares(low: Lowering, hidden: Split, format: Format, address: int) -> None:
    """Write down in every core which rows of the embedding it holds, and how: `Kind.LOOKUP`."""
    site, logits, rows = low.site, low.placement.head_outputs, low.line(ALONG_ROWS)
    before = rows % hidden.span * (GROUP // hidden.span) if hidden.span > 1 else 0 * rows
    scales = max(1, max(hidden.groups)) * format.blocks_per_group
    for column, end in enumerate(np.cumsum(logits)):
        share = np.zeros((rows.size, 6), np.int32)
        share[:] = end - logits[column], logits[column], scales, format.block, 0, format.has_minima
        share[:, 4] = before // format.block
        low.fills.append((site.cores(rows, column), address, share))


def send(low: Lowering) -> None:
    """Let the stream leave for the next region; the angles follow on row 0."""
    site, hidden = low.site, low.split(low.width(Field.SOURCE), ALONG_ROWS)
    index = int(low.row[Field.REGION])
    low.lanes(index, index + 1)
    colors = low.lane_colors(index, index + 1)
    k = np.array(hidden.elements)
    carries = index + 1 < low.head
    more = np.where((low.line(ALONG_ROWS) == 0) & carries, low.angles, 0)
    site.transfer(
        Micro.SEND, site.cores(low.line(ALONG_ROWS), 0), colors=(-1, colors),
        address=low.value(Field.SOURCE, hidden.most_elements), count=k + more, split=k,
        address_2=site.memory("angles", low.angles),
    )  # fmt: skip


def receive(low: Lowering) -> None:
    """Take the stream in on the west line; lane 0 reaches the whole north line of layers."""
    site, hidden = low.site, low.split(low.width(Field.SOURCE), ALONG_ROWS)
    index = int(low.row[Field.REGION])
    colors = low.lane_colors(index - 1 if index else low.head, index)
    layers = index < low.head
    k = np.array(hidden.elements)
    rows = low.line(ALONG_ROWS)
    angles = site.memory("angles", low.angles)
    common = {"split": k, "address_2": angles}
    site.transfer(
        Micro.RECEIVE, site.cores(rows, 0), colors=(colors, -1),
        address=low.value(Field.SOURCE, hidden.most_elements),
        count=k + np.where((rows == 0) & layers, low.angles, 0), **common,
    )  # fmt: skip
    if layers and site.columns > 1:
        site.transfer(
            Micro.RECEIVE, site.cores(0, low.line(ALONG_COLUMNS)[1:]), colors=(int(colors[0]), -1),
            address=site.memory("passed over", hidden.most_elements),
            count=int(k[0]) + low.angles, split=int(k[0]), address_2=angles,
        )  # fmt: skip
    low.tap(ALONG_ROWS, even(hidden), Field.SOURCE)


def select(low: Lowering) -> None:
    """Find the largest logit of every column, then of all."""
    site, logits = low.site, low.placement.head_outputs
    columns = low.line(ALONG_COLUMNS)
    source = low.value(Field.SOURCE, int(logits.max()))
    best = site.memory("best", 2)
    low.work(
        low.cores(ALONG_COLUMNS, columns), Kind.BEST,
        (source, best, logits, np.cumsum(logits) - logits),
    )  # fmt: skip
    order = low.program.orders[int(low.row[Field.ORDER])]
    line = NodeLines(ALONG_COLUMNS, site.columns, np.zeros(1, np.int64), np.full(1, 2, np.int64))
    site.reduce(line, order, best, Reduce.ARGMAX)
