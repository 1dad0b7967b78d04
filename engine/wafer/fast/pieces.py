"""The pieces that instructions fall into, and who computes them where.

The caller computes a piece in its place.  A helper computes it in memory of its own, and settles
it afterwards, if it still may.  A piece is some panels of a product, an item of an attention, or a
few rows of an instruction on vectors; it reads what earlier instructions wrote and writes what no
other piece does.
Knows the instruction table and the kernels; nothing of how pieces are handed out.
"""

import numpy as np

from engine.wafer.fast.kernels import attend, vectors
from engine.wafer.fast.kernels.dot.entries import call_product
from engine.wafer.fast.kernels.dot.panel_layout import GROUP, PANEL
from engine.wafer.fast.kernels.operands import Block, KvCache, RowSpan
from engine.wafer.fast.memory import (
    Memory,
    block_of,
    heads_of,
    order_of,
    pieces_of,
    span_of,
)
from engine.wafer.fast.threads import claims
from engine.wafer.fast.threads.atomics import array_at
from engine.wafer.jit.decorators import helper, kernel
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.program import MAX_ROWS, Program

__all__ = ["PIECE_WORK", "WORTH_SHARING", "help_steps", "own_size", "share"]

_OP = int(Field.OP)
_LAYER = int(Field.LAYER)
_SOURCE = int(Field.SOURCE)
_TARGET = int(Field.TARGET)
_WEIGHT = int(Field.WEIGHT)
_ORDER = int(Field.ORDER)
_VARIANT = int(Field.VARIANT)
_MATMUL, _ATTENTION, _NORM = int(Op.MATMUL), int(Op.ATTENTION), int(Op.NORM)
_QUANTISE, _GATE = int(Op.QUANTISE), int(Op.GATE)

WORTH_SHARING = 1 << 17
"""Multiply–accumulates below which handing pieces out costs more than it saves: a µs or two."""

PIECE_WORK = 1 << 16
"""Multiply–accumulates of a piece of a product, at most, if it has several panels: a µs."""

_ATTENTION_COST = 4
"""Multiply–accumulates that take as long as one of an attention, which is by number and position
of float32 numbers, not of bytes."""

_VECTOR_COST = 8
"""Multiply–accumulates that take as long as a norm, a gate or a quantisation of one number."""

_ROWS = 4
"""Rows of a piece of an instruction on vectors."""

_MANY_ROWS = 8
"""Rows from which arithmetic bounds a product, and not the memory."""

_CALLER = 0
"""Who computes: the caller, or a helper by its number and one more."""


def own_size(program: Program) -> int:
    """Return the numbers of the arena that a helper computes a piece in."""
    table = program.instructions
    kept = np.isin(table[:, _OP], (_ATTENTION, _NORM, _GATE))
    targets = {int(number) for number in table[kept, _TARGET]}
    return MAX_ROWS * max(PANEL, *(program.buffers[number].width for number in targets))


# ── how much there is to do ─────────────────────────────────────────────────────────────────


@helper
def _work(memory: Memory, number: int, rows: RowSpan, position: int) -> int:
    """Return the multiply–accumulates of an instruction, or what takes as long, at most."""
    row, count = memory.table[number], rows.last - rows.first
    if row[_OP] == _MATMUL:
        shape = memory.matrices[row[_WEIGHT]]
        return int(count * shape[1] * shape[2])
    if row[_OP] == _ATTENTION:
        heads, seen = _heads(memory, number), position + rows.last
        if heads.window > 0:
            seen = min(seen, heads.window)
        return int(count * heads.queries * seen * heads.dims * _ATTENTION_COST)
    return int(count * block_of(memory.buffers, row[_SOURCE]).width * _VECTOR_COST)


@helper
def _number_of_pieces(memory: Memory, number: int, rows: RowSpan) -> int:
    """Return how many pieces an instruction falls into."""
    row = memory.table[number]
    if row[_OP] == _MATMUL:
        panels, together = pieces_of(memory.matrices, row[_WEIGHT]), _together(memory, number, rows)
        return int((panels.number + together - 1) // together)
    if row[_OP] == _ATTENTION:
        return int(attend.items(_heads(memory, number), rows))
    return int((rows.last - rows.first + _ROWS - 1) // _ROWS)


@helper
def _together(memory, number, rows):
    """Return how many panels of a product make a piece, at most: as many as a helper has room for.

    Panels of few inputs are computed in less time than it takes to hand them out.
    """
    inputs, count = memory.matrices[memory.table[number, _WEIGHT], 1], rows.last - rows.first
    room = memory.own.size // (count * PANEL)
    return max(1, min(room, PIECE_WORK // (count * inputs * PANEL)))


@helper
def _panels(memory, number, rows, piece):
    """Return the panels of a piece of a product."""
    all_of_them = pieces_of(memory.matrices, memory.table[number, _WEIGHT])
    together = _together(memory, number, rows)
    first, end = all_of_them.first + piece * together, all_of_them.first + all_of_them.number
    return range(first, min(first + together, end))


@helper
def _heads(memory, number):
    """Return the kind of an attention, with its instruction's order."""
    row = memory.table[number]
    positions = order_of(memory.orders, row[_ORDER])
    return heads_of(memory.attentions, memory.scores, row[_VARIANT], positions)


@helper
def _few(rows, piece):
    """Return the rows of a piece of an instruction on vectors."""
    first = rows.first + piece * _ROWS
    return RowSpan(first, min(rows.last, first + _ROWS))


# ── one piece ───────────────────────────────────────────────────────────────────────────────


@helper
def _own(memory, who, first, left, width):
    """Return the block in a helper's own memory whose row ``first`` begins there at ``left``."""
    at = memory.own.at + (who - 1) * memory.own.size
    return Block(at - first * width - left, width)


@helper
def _own_panel(memory, who, rows, panel, place):
    """Return the block in a helper's own memory for a panel of its piece, in which it is so far."""
    ahead = place * (rows.last - rows.first) * PANEL
    return _own(memory, who, rows.first, memory.panels.pieces[panel, 3] - ahead, PANEL)


@helper
def _compute(memory, cache, number, rows, position, piece, who):
    """Compute a piece of an instruction.

    Args:
        memory: What it reads and writes.
        cache: The KV cache of the step.
        number: Of the instruction.
        rows: Its rows.
        position: Of the step's first row.
        piece: Which.
        who: Computes it.
    """
    row = memory.table[number]
    op, source = row[_OP], block_of(memory.buffers, row[_SOURCE])
    target = block_of(memory.buffers, row[_TARGET])
    if op == _MATMUL:
        order = order_of(memory.orders, row[_ORDER])
        panels = _panels(memory, number, rows, piece)
        for panel in panels:
            if who != _CALLER:
                target = _own_panel(memory, who, rows, panel, panel - panels.start)
            address = memory.panels.entries[memory.panels.pieces[panel, 4], 0]
            call_product(
                address, memory.panels, panel, memory.inputs, order, memory.values, target, rows
            )
    elif op == _ATTENTION:
        if who != _CALLER:
            target = _own(memory, who, rows.first, 0, target.width)
        attend.item(
            memory.values, source, _heads(memory, number), cache, row[_LAYER], position,
            memory.values, target, rows, memory.scratch[who], piece,
        )  # fmt: skip
    else:
        _compute_rows(memory, number, source, target, _few(rows, piece), who)


@helper
def _compute_rows(memory, number, source, target, rows, who):
    """Compute some rows of an instruction on vectors."""
    row = memory.table[number]
    op, variant = row[_OP], row[_VARIANT]
    if op == _QUANTISE:
        ahead = who * MAX_ROWS
        moved = Block(source.at - ahead * source.width, source.width)
        vectors.quantise(
            memory.values, moved, memory.inputs, RowSpan(ahead + rows.first, ahead + rows.last)
        )
        return
    if who != _CALLER:
        target = _own(memory, who, rows.first, 0, target.width)
    if op == _GATE:
        vectors.gate(memory.values, source, memory.activations[variant], target, rows)
    else:
        gain = memory.vectors[span_of(memory.matrices, row[_WEIGHT])]
        eps = memory.norms[variant]
        order = order_of(memory.orders, row[_ORDER])
        partial = memory.partial[who * memory.own.parts : (who + 1) * memory.own.parts]
        if memory.norm_shapes[variant, 0] == 1:
            vectors.layer_norm(memory.values, source, gain, eps, order, partial, target, rows)
        else:
            vectors.norm(memory.values, source, gain, eps, order, partial, target, rows)


# ── its result ──────────────────────────────────────────────────────────────────────────────


@helper
def _settle(memory, number, rows, piece, who):
    """Copy a piece from a helper's own memory to its place."""
    row = memory.table[number]
    target = block_of(memory.buffers, row[_TARGET])
    if row[_OP] == _MATMUL:
        panels = _panels(memory, number, rows, piece)
        for panel in panels:
            width, left = memory.panels.pieces[panel, 2], memory.panels.pieces[panel, 3]
            own = _own_panel(memory, who, rows, panel, panel - panels.start)
            _copy_rows(memory.values, own, target, left, width, rows)
    elif row[_OP] == _ATTENTION:
        own = _own(memory, who, rows.first, 0, target.width)
        attend.copy_item(
            memory.values, own, _heads(memory, number), rows, memory.values, target, piece
        )
    elif row[_OP] == _QUANTISE:
        groups = block_of(memory.buffers, row[_SOURCE]).width // GROUP
        _copy_image(memory.inputs, groups, _few(rows, piece), who * MAX_ROWS)
    else:
        few = _few(rows, piece)
        own = _own(memory, who, few.first, 0, target.width)
        _copy_rows(memory.values, own, target, 0, target.width, few)


@helper
def _copy_rows(values, source, target, left, width, rows):
    """Copy ``width`` numbers of some rows from ``left`` on."""
    for m in range(rows.first, rows.last):
        at, own = target.at + m * target.width + left, source.at + m * source.width + left
        result, some = values[at : at + width], values[own : own + width]
        for i in range(width):
            result[i] = some[i]


@helper
def _copy_image(inputs, groups, rows, ahead):
    """Copy the image of some rows from as many rows ``ahead`` further on."""
    for number in range(rows.first * groups, rows.last * groups):
        own = number + ahead * groups
        inputs.scales[number] = inputs.scales[own]
        for i in range(2):
            inputs.sums[2 * number + i] = inputs.sums[2 * own + i]
        for i in range(GROUP):
            inputs.levels[number * GROUP + i] = inputs.levels[own * GROUP + i]


# ── all of them ─────────────────────────────────────────────────────────────────────────────


@helper
def share(memory: Memory, number: int, rows: RowSpan, position: int) -> bool:
    """Compute an instruction together with the helpers, if that is worth it.

    Args:
        memory: Written where the instruction writes.
        number: Of the instruction.
        rows: Its rows.
        position: Of the step's first row.

    Returns:
        False if nothing was done: the pieces are too few or too small.
    """
    pieces, work = _number_of_pieces(memory, number, rows), _work(memory, number, rows, position)
    if not claims.is_worth(memory.shares, pieces, work):
        return False
    cache = memory.cache
    facts = (
        number, rows.first, rows.last, position,
        np.int64(cache.keys.ctypes.data), cache.keys.size,
        np.int64(cache.values.ctypes.data), cache.values.size, cache.context,
    )  # fmt: skip
    # About what a piece takes: 10 multiply–accumulates a ns from memory, 80 with many rows.
    slow = 20 if rows.last - rows.first < _MANY_ROWS else 23
    patience = (claims.spins(memory.shares) * (work // pieces)) >> slow
    claims.open_job(memory.shares, pieces, facts, patience)
    piece = claims.take(memory.shares)
    while piece >= 0:
        _compute(memory, cache, number, rows, position, piece, _CALLER)
        piece = claims.take(memory.shares)
    return True


@helper
def _cache_of(memory, facts):
    """Return the KV cache that a job is about: steps use several in turn."""
    return KvCache(
        array_at(memory.cache.keys, facts[4], facts[5]),
        array_at(memory.cache.values, facts[6], facts[7]),
        facts[8],
        memory.cache.code,
    )


@kernel
def help_steps(memory: Memory, number: int) -> None:
    """Compute pieces of whatever step the caller runs, until the pool ends.

    Args:
        memory: The caller's, with whatever KV cache.  Only what is this helper's own is written,
            and the places of pieces by `_settle`.
        number: Which helper.
    """
    shares, who = memory.shares, number + 1
    claim = claims.await_claim(shares, number)
    while claim.last > claim.first:
        instruction, position = claim.facts[0], claim.facts[3]
        rows, cache = RowSpan(claim.facts[1], claim.facts[2]), _cache_of(memory, claim.facts)
        for piece in range(claim.first, claim.last):
            if not claims.start(shares, piece, claim.epoch):
                break  # the caller has come from behind: it has the rest, too
            _compute(memory, cache, instruction, rows, position, piece, who)
            if not claims.may_settle(shares, number, piece, claim.epoch):
                break
            _settle(memory, instruction, rows, piece, who)
            claims.settled(shares, piece, claim.epoch)
        claim = claims.await_claim(shares, number)
