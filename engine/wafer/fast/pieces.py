"""The pieces that instructions fall into, and who computes them where.

The caller computes a piece in the arena, a helper in memory of its own and settles it afterwards.
Knows the instruction table and the kernels; nothing of how pieces are handed out.  A piece reads
what earlier instructions wrote and writes what no other piece does.
"""

from engine.wafer.fast.kernels import attend
from engine.wafer.fast.kernels.dot.entries import call_product
from engine.wafer.fast.kernels.dot.panel_layout import PANEL
from engine.wafer.fast.kernels.operands import Block, Floats, RowSpan
from engine.wafer.fast.memory import Memory, block_of, heads_of, order_of, pieces_of, rows_of
from engine.wafer.fast.threads import claims
from engine.wafer.jit.decorators import helper, kernel
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.program import MAX_ROWS, Program

__all__ = ["WORTH_SHARING", "help_steps", "private_size", "share"]

_OP = int(Field.OP)
_LAYER = int(Field.LAYER)
_SOURCE = int(Field.SOURCE)
_TARGET = int(Field.TARGET)
_WEIGHT = int(Field.WEIGHT)
_ORDER = int(Field.ORDER)
_VARIANT = int(Field.VARIANT)
_MATMUL = int(Op.MATMUL)

WORTH_SHARING = 1 << 17
"""Multiply–accumulates below which handing pieces out costs more than it saves: some µs."""


def private_size(program: Program) -> int:
    """Return the float32 numbers that a helper computes a piece in."""
    heads = max(kind.heads * kind.head_dim for kind in program.attentions)
    return MAX_ROWS * max(PANEL, heads)


# ── how much there is to do ─────────────────────────────────────────────────────────────────


@helper
def _work(memory: Memory, number: int, rows: RowSpan, position: int) -> int:
    """Return the multiply–accumulates of a product, or of an attention's scores, at most."""
    row, count = memory.table[number], rows.last - rows.first
    if row[_OP] == _MATMUL:
        shape = memory.matrices[row[_WEIGHT]]
        return int(count * shape[1] * shape[2])
    heads, seen = _heads(memory, number), position + rows.last
    if heads.window > 0:
        seen = min(seen, heads.window)
    return int(count * heads.queries * seen * heads.dims)


@helper
def _number_of_pieces(memory: Memory, number: int, rows: RowSpan) -> int:
    row = memory.table[number]
    if row[_OP] == _MATMUL:
        return int(pieces_of(memory.matrices, row[_WEIGHT]).number)
    heads = _heads(memory, number)
    return int(attend.items(heads, rows))


@helper
def _heads(memory, number):
    """Return the kind of an attention, with its instruction's order."""
    row = memory.table[number]
    positions = order_of(memory.orders, row[_ORDER])
    return heads_of(memory.attentions, memory.scores, row[_VARIANT], positions)


# ── one piece ───────────────────────────────────────────────────────────────────────────────


@helper
def _compute(memory, number, rows, position, piece, out, mine):
    """Compute a piece of an instruction.

    Args:
        memory: What it reads.
        number: Of the instruction.
        rows: Its rows.
        position: Of the step's first row.
        piece: Which.
        out: Where its results go: the arena, or a helper's own memory.
        mine: Whether ``out`` is a helper's own.
    """
    row = memory.table[number]
    target = block_of(memory.buffers, row[_TARGET])
    if row[_OP] == _MATMUL:
        panel = pieces_of(memory.matrices, row[_WEIGHT]).first + piece
        order = order_of(memory.orders, row[_ORDER])
        if mine:
            target = Block(-rows.first * PANEL - memory.panels.pieces[panel, 3], PANEL)
        address = memory.panels.entries[memory.panels.pieces[panel, 4], 0]
        call_product(address, memory.panels, panel, memory.inputs, order, out, target, rows)
    else:
        if mine:
            target = Block(0, target.width)
        source, heads = block_of(memory.buffers, row[_SOURCE]), _heads(memory, number)
        attend.item(
            memory.values, source, heads, memory.cache, row[_LAYER], position, out, target, rows,
            piece,
        )  # fmt: skip


@helper
def _settle(memory, number, rows, piece, private):
    """Copy a piece that a helper computed to its place in the arena."""
    row = memory.table[number]
    target = block_of(memory.buffers, row[_TARGET])
    if row[_OP] == _MATMUL:
        panel = pieces_of(memory.matrices, row[_WEIGHT]).first + piece
        width, left = memory.panels.pieces[panel, 2], memory.panels.pieces[panel, 3]
        for m in range(rows.first, rows.last):
            at, own = target.at + m * target.width + left, (m - rows.first) * PANEL
            for j in range(width):
                memory.values[at + j] = private[own + j]
    else:
        heads = _heads(memory, number)
        attend.copy_item(private, Block(0, target.width), heads, rows, memory.values, target, piece)


# ── all of them ─────────────────────────────────────────────────────────────────────────────


@helper
def share(memory: Memory, number: int, rows: RowSpan, position: int) -> bool:
    """Compute an instruction together with the helpers, if that is worth it.

    Args:
        memory: Written where the instruction writes.
        number: Of the instruction.
        rows: Its rows; the last is the step's last.
        position: Of the step's first row.

    Returns:
        False if nothing was done: the pieces are too few or too small.
    """
    pieces, work = _number_of_pieces(memory, number, rows), _work(memory, number, rows, position)
    if not claims.is_worth(memory.shares, pieces, work):
        return False
    patience = (claims.spins(memory.shares) * (work // pieces)) >> 20  # a piece at 10 a ns
    claims.open_job(memory.shares, pieces, number, rows.last, position, patience)
    piece = claims.take(memory.shares)
    while piece >= 0:
        _compute(memory, number, rows, position, piece, memory.values, False)
        piece = claims.take(memory.shares)
    return True


@kernel
def help_steps(memory: Memory, private: Floats, number: int) -> None:
    """Compute pieces of whatever step the caller runs, until the pool ends.

    Args:
        memory: The caller's; only the place of a piece is written, and only by `_settle`.
        private: `private_size` numbers of this helper alone.
        number: Which helper.
    """
    shares = memory.shares
    claim = claims.await_claim(shares, number)
    while claim.last > claim.first:
        rows = rows_of(memory.table, claim.instruction, claim.rows)
        for piece in range(claim.first, claim.last):
            if not claims.start(shares, piece, claim.epoch):
                break  # the caller has come from behind: it has the rest, too
            _compute(memory, claim.instruction, rows, claim.position, piece, private, True)
            if not claims.may_settle(shares, number, piece, claim.epoch):
                break
            _settle(memory, claim.instruction, rows, piece, private)
            claims.settled(shares, piece, claim.epoch)
        claim = claims.await_claim(shares, number)
