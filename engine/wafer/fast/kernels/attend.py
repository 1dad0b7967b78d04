"""Attention over the KV cache, sums over positions in the Program's order.

The cache holds the bits of fp16 numbers.  Keys lie in blocks of 16 positions, (D, 16), with the
dimensions interleaved (0, D/2, 1, D/2 + 1, …), so that a score's products add in order while
neighbouring positions share a vector register; values as (T, D), D padded to whole chunks.

The work of a step comes in pieces: a few pairs of (row, query head) that read the same KV head.
Pieces are independent of each other, whoever computes them in whatever order.
"""

import numpy as np

from engine.wafer.fast.kernels.attention_code import CHUNK, KEY_BLOCK
from engine.wafer.fast.kernels.attention_terms import (
    AttentionCode,
    block_size,
    chain_into,
    chunk_size,
    part_into,
    score_block,
    shift_scores,
)
from engine.wafer.fast.kernels.dot.entries import call_attention
from engine.wafer.fast.kernels.operands import (
    Block,
    Floats,
    Heads,
    KvCache,
    RowSpan,
)
from engine.wafer.fast.kernels.prefetching import ask_for
from engine.wafer.fast.kernels.vectors import exp32, softcap
from engine.wafer.jit.decorators import helper, kernel

__all__ = [
    "append",
    "attend",
    "copy_item",
    "half_bits",
    "item",
    "items",
    "key_numbers",
    "padded",
    "piece",
    "scratch_numbers",
    "value_numbers",
]

_PAIRS = 8
"""Pairs of a piece, at most.  With a context of 32,768 a piece takes about 1 ms."""

_BLOCKS_AHEAD = 2
"""Blocks of keys from the one that is multiplied to the one that is asked for."""

_LINE_NUMBERS = 32
"""fp16 numbers of a line of the processor's cache."""

_SUMS = _PAIRS * CHUNK + 16
"""Room for a block's sums of a chunk, then those of its weights: whole cache lines."""


# ── sizes ───────────────────────────────────────────────────────────────────────────────────


def padded(context: int) -> int:
    """Return the positions that a cache needs room for, so that it has so many."""
    return (context + KEY_BLOCK - 1) // KEY_BLOCK * KEY_BLOCK


def key_numbers(context: int, dims: int) -> int:
    """Return the numbers of one head's keys in a cache of so many positions."""
    return padded(context) * dims


def value_numbers(context: int, dims: int) -> int:
    """Return the numbers of one head's values in a cache of so many positions."""
    return padded(context) * -(-dims // CHUNK) * CHUNK


def scratch_numbers(context: int, dims: int) -> int:
    """Return the size of the scratch that a piece needs, float32, at these numbers or fewer.

    It should begin at a multiple of 64 bytes: vectors that span two cache lines take long.
    """
    return _PAIRS * (padded(context) + dims) + 2 * _SUMS


# ── appending ───────────────────────────────────────────────────────────────────────────────


@helper
def half_bits(x):
    """Return the bits of the fp16 number nearest to x, ties to even; NaN stays NaN."""
    bits = np.float32(x).view(np.uint32)
    sign = np.uint32((bits >> np.uint32(16)) & np.uint32(0x8000))
    magnitude = np.uint32(bits & np.uint32(0x7FFFFFFF))
    if magnitude > np.uint32(0x7F800000):
        return np.uint16(sign | np.uint32(0x7E00))
    if magnitude < np.uint32(0x38800000):  # subnormal halves are multiples of 2**-24
        shifted = np.float32(magnitude.view(np.float32) + np.float32(0.5))
        return np.uint16(sign | np.uint32(shifted.view(np.uint32) - np.uint32(0x3F000000)))
    odd = np.uint32((magnitude >> np.uint32(13)) & np.uint32(1))
    rounded = np.uint32(np.uint32(magnitude + np.uint32(0xFFF)) + odd)
    half = np.uint32(np.uint32(rounded - np.uint32(0x38000000)) >> np.uint32(13))
    return np.uint16(sign | min(half, np.uint32(0x7C00)))


@helper
def _append_key(values, at, dims, cache, kv, position):
    """Keep one head's key, its dimensions interleaved."""
    half = dims // 2
    base = (kv * cache.context + position // KEY_BLOCK * KEY_BLOCK) * dims + position % KEY_BLOCK
    for i in range(half):
        place = base + 2 * i * KEY_BLOCK
        cache.keys[place] = half_bits(values[at + i])
        cache.keys[place + KEY_BLOCK] = half_bits(values[at + half + i])


@helper
def _stride(heads):
    """Return the numbers from one position's values to the next one's."""
    return (heads.dims + CHUNK - 1) // CHUNK * CHUNK


@kernel
def append(
    values: Floats,
    source: Block,
    heads: Heads,
    cache: KvCache,
    layer: int,
    position: int,
    rows: RowSpan,
) -> None:
    """Round the rows' keys and values to fp16 and keep them in a layer of the cache.

    Args:
        values: The arena.
        source: Queries, keys and values side by side.
        heads: Their shape.
        cache: Written at ``position`` + m for row m.
        layer: Which layer.
        position: Position of the step's first row.
        rows: Which rows.
    """
    stride = _stride(heads)
    for m in range(rows.first, rows.last):
        keys_at = source.at + m * source.width + heads.queries * heads.dims
        values_at = keys_at + heads.keys * heads.dims
        for h in range(heads.keys):
            kv = layer * heads.keys + h
            _append_key(values, keys_at + h * heads.dims, heads.dims, cache, kv, position + m)
            base, at = (kv * cache.context + position + m) * stride, values_at + h * heads.dims
            kept, some = cache.values[base : base + heads.dims], values[at : at + heads.dims]
            for i in range(heads.dims):
                kept[i] = half_bits(some[i])


# ── one block of pairs ──────────────────────────────────────────────────────────────────────


@helper
def _row(heads, rows, pair):
    """Return the row of a pair among those that read a KV head."""
    return rows.first + pair // (heads.queries // heads.keys)


@helper
def _pairs_of(heads, rows, number):
    """Return the KV head of a piece, its first pair and the one behind its last."""
    pairs = (rows.last - rows.first) * (heads.queries // heads.keys)
    pieces = (pairs + _PAIRS - 1) // _PAIRS
    pair = number % pieces * _PAIRS
    return number // pieces, pair, min(pairs, pair + _PAIRS)


@helper
def _first_seen(heads, position):
    """Return the first position that a row at a position sees."""
    return max(0, position + 1 - heads.window) if heads.window > 0 else 0


@helper
def _gather(values, source, heads, rows, kv_head, pair, size, last, scratch, at):
    """Scratch[at:] ← the queries of a block, (D, size), dimensions in the order of the sum.

    Pairs beyond ``last`` repeat it.
    """
    shared, half = heads.queries // heads.keys, heads.dims // 2
    for p in range(size):
        which = min(pair + p, last)
        head = kv_head * shared + which % shared
        row = source.at + _row(heads, rows, which) * source.width + head * heads.dims
        for i in range(half):
            scratch[at + 2 * i * size + p] = values[row + i]
            scratch[at + (2 * i + 1) * size + p] = values[row + half + i]


@helper
def _ask_ahead(heads, cache, kv, position):
    """Ask for keys that are multiplied soon, and for values that are weighed after all scores.

    The sums over positions take values in leaps, which no processor foresees: a row's attention to
    1,024 positions took a third longer.
    """
    soon = (kv * cache.context + position + _BLOCKS_AHEAD * KEY_BLOCK) * heads.dims
    ask_for(cache.keys, soon, heads.dims * KEY_BLOCK // _LINE_NUMBERS)
    stride = _stride(heads)
    values = (kv * cache.context + position) * stride
    ask_for(cache.values, values, stride * KEY_BLOCK // _LINE_NUMBERS)


@helper
def _hide(heads, rows, position, pair, size, last, first, end, scratch, at, number):
    """Write a number for each pair where it does not see a position of first … end − 1.

    Scratch[at:] belongs to position 0: (positions, size).
    """
    for p in range(size):
        own = position + _row(heads, rows, min(pair + p, last))
        for j in range(first, _first_seen(heads, own)):
            scratch[at + j * size + p] = number
        for j in range(own + 1, end):
            scratch[at + j * size + p] = number


@helper
def _exponentials(scores):
    """Scores ← e to their power, in place."""
    for i in range(scores.size):
        scores[i] = exp32(scores[i])


@helper
def _cap(scores, cap):
    """Scores ← themselves, capped, in place."""
    for i in range(scores.size):
        scores[i] = softcap(scores[i], cap)


@helper
def _weigh(path, size, heads, cache, seen, kept, kv, chunk_at, scratch, weights, chain, total):
    """Scratch[chain:] ← sums of one chunk of the values, (size, chunk), and of the weights.

    Args:
        path: Chooses the code.
        size: Pairs of the block.
        heads: Shape and orders.
        cache: The values.
        seen: Positions that some pair sees, as (first, end).
        kept: Positions that all pairs see, as (first, end).
        kv: Which KV head of the cache.
        chunk_at: The first dimension.
        scratch: Of this piece.
        weights: Where those of position 0 would lie: (positions, size).
        chain: Room for a block's sums, in which they are made.
        total: The same, where they end.
    """
    parts, group, stride = heads.position_parts, heads.position_group, _stride(heads)
    count = size * (chunk_size(path, size) + 1)
    base = kv * cache.context * stride + chunk_at
    first, end = seen
    ahead = (parts - 1 - first % parts) % parts  # from the first position to the last part's
    for i in range(count):
        scratch[chain + i] = scratch[total + i] = np.float32(-0.0)
    for number in range((parts - 1) // group, -1, -1):
        low = number * group
        some = False
        for _ in range(low, min(low + group, parts)):
            if first + ahead < end:
                some = True
                part_into(
                    path, size, scratch, weights, first + ahead, end, parts, kept[0], kept[1],
                    cache.values, base, stride, chain,
                )  # fmt: skip
            ahead = ahead - 1 if ahead > 0 else parts - 1
        if some:
            chain_into(path, size, scratch, chain, total)
    for i in range(count):
        scratch[total + i] += np.float32(0.0)


@helper
def _write(path, size, heads, rows, kv_head, pair, last, chunk_at, scratch, sums, out, target):
    """Out ← the quotients of a chunk's sums and those of the weights, for pairs up to ``last``."""
    shared, chunk = heads.queries // heads.keys, chunk_size(path, size)
    width = min(chunk, heads.dims - chunk_at)
    for p in range(min(size, last + 1 - pair)):
        which = pair + p
        head = kv_head * shared + which % shared
        row = target.at + _row(heads, rows, which) * target.width + head * heads.dims
        norm = scratch[sums + size * chunk + p]
        some = scratch[sums + p * chunk : sums + p * chunk + width]
        result = out[row + chunk_at : row + chunk_at + width]
        for d in range(width):
            result[d] = some[d] / norm


@kernel
def piece(
    path: AttentionCode,
    values: Floats,
    source: Block,
    heads: Heads,
    cache: KvCache,
    layer: int,
    position: int,
    out: Floats,
    target: Block,
    rows: RowSpan,
    scratch: Floats,
    number: int,
) -> None:
    """Compute one piece; the arguments are those of `item`, the path is one the processor has."""
    kv_head, pair, stop = _pairs_of(heads, rows, number)
    kv = layer * heads.keys + kv_head
    while pair < stop:
        size = block_size(path, stop - pair)
        last = min(stop, pair + size) - 1
        oldest, newest = position + _row(heads, rows, pair), position + _row(heads, rows, last)
        seen = (_first_seen(heads, oldest), newest + 1)
        kept = (_first_seen(heads, newest), oldest + 1)
        begin = seen[0] // KEY_BLOCK * KEY_BLOCK
        end = (seen[1] + KEY_BLOCK - 1) // KEY_BLOCK * KEY_BLOCK
        queries, chain = 0, size * heads.dims
        total = chain + _SUMS
        weights = total + _SUMS
        _gather(values, source, heads, rows, kv_head, pair, size, last, scratch, queries)
        for j in range(begin, end, KEY_BLOCK):
            _ask_ahead(heads, cache, kv, j)
            score_block(
                path, size, scratch, queries, cache.keys, (kv * cache.context + j) * heads.dims,
                heads.dim_parts, heads.dims // 2 // heads.dim_parts, heads.scale,
                weights + (j - begin) * size,
            )  # fmt: skip
        scores = scratch[weights : weights + (end - begin) * size]
        if heads.cap > np.float32(0.0):
            _cap(scores, heads.cap)
        origin = weights - begin * size
        hide = np.float32(-np.inf)
        _hide(heads, rows, position, pair, size, last, begin, end, scratch, origin, hide)
        shift_scores(path, size, scratch, weights, scores.size // KEY_BLOCK)
        _exponentials(scores)
        _hide(heads, rows, position, pair, size, last, begin, end, scratch, origin, np.float32(0.0))
        for chunk_at in range(0, heads.dims, chunk_size(path, size)):
            _weigh(
                path, size, heads, cache, seen, kept, kv, chunk_at, scratch, origin, chain, total
            )
            _write(
                path, size, heads, rows, kv_head, pair, last, chunk_at, scratch, total, out, target
            )
        pair += size


# ── all of them ─────────────────────────────────────────────────────────────────────────────


@helper
def items(heads, rows):
    """Return the number of pieces of some rows' attention."""
    pairs = (rows.last - rows.first) * (heads.queries // heads.keys)
    return heads.keys * ((pairs + _PAIRS - 1) // _PAIRS)


@helper
def item(values, source, heads, cache, layer, position, out, target, rows, scratch, number):
    """Compute one piece of the rows' attention; their keys and values are in the cache.

    Args:
        values: The arena, which ``source`` lies in.
        source: Rows that begin with the queries.
        heads: Shape, and orders of the sums.
        cache: Keys and values of all positions up to the rows' own, and the code.
        layer: Which layer.
        position: Position of the step's first row.
        out: Written, at the places of the piece in ``target`` alone.
        target: Where results go.
        rows: Which rows.
        scratch: `scratch_numbers` that no other piece uses meanwhile.
        number: Which piece, below `items`.
    """
    call_attention(
        cache.code[0], values, source, heads, cache, layer, position, out, target, rows, scratch,
        number,
    )  # fmt: skip


@helper
def copy_item(source, source_block, heads, rows, values, target, number):
    """Copy the result of a piece that was computed elsewhere to its place in ``target``."""
    shared = heads.queries // heads.keys
    kv_head, pair, stop = _pairs_of(heads, rows, number)
    for which in range(pair, stop):
        row, left = _row(heads, rows, which), (kv_head * shared + which % shared) * heads.dims
        at = source_block.at + row * source_block.width + left
        to = target.at + row * target.width + left
        result, some = values[to : to + heads.dims], source[at : at + heads.dims]
        for d in range(heads.dims):
            result[d] = some[d]


@kernel
def attend(
    values: Floats,
    source: Block,
    heads: Heads,
    cache: KvCache,
    layer: int,
    position: int,
    target: Block,
    rows: RowSpan,
    scratch: Floats,
) -> None:
    """Target ← attention of the rows: every `item` in turn.

    Exactness:
        Bit-exact with ``engine.model.reference``'s attention of the same order.
    """
    for number in range(items(heads, rows)):
        item(values, source, heads, cache, layer, position, values, target, rows, scratch, number)
