"""The instruction table: what each instruction of a Program means and which operands it has.

An instruction is one row of 64-bit integers (`FIELDS`).  It works on the cores of one region and
reads and writes whole values (buffers); *where on those cores* a value lies is part of its
meaning, given here.  "Along rows" means that row r of the region holds slice r, "along columns"
that column c holds slice c.  The **west line** is column 0 of a region, the **north line** row 0.
"""

from enum import IntEnum, unique

__all__ = ["FIELDS", "Field", "Op"]


@unique
class Op(IntEnum):
    """The operations; the value is the number in the instruction table."""

    EMBED = 0
    """target ← row `token` of the embedding, dequantised, perhaps times a constant; it leaves the
    head region."""
    NORM = 1
    """target ← RMS or layer norm of source × weight, on the west line, along rows."""
    QUANTISE = 2
    """The integer image of source, groups of 32, on the line where source lies."""
    MULTICAST = 3
    """Copy what lies on a line (`count` wavelets a core) to all cores across it; keys and values
    are first rounded to fp16."""
    MATMUL = 4
    """target ← quantised source × weight: every core its tile, then a reduction to a line, where a
    bias may be added, then the sums multiplied and capped."""
    ROTARY = 5
    """Rotate the pairs of source in place by the angle of their position, on the north line."""
    ATTENTION = 6
    """target ← attention of source (q, k, v side by side) over the KV cache, to which k and v
    are appended first; positions over rows, heads over columns; result on the north line."""
    GATE = 7
    """target ← activation of source's first half × its second half, or of all of source, on the
    north line."""
    ADD = 8
    """target ← source + other, which may be multiplied by a constant, on the west line."""
    SEND = 9
    """Source leaves the west line of `region` for the next region in the program."""
    RECEIVE = 10
    """Source arrives on the west line of `region`, at most `count` hops on; no arithmetic."""
    SELECT = 11
    """The largest logit of source: a scan on the north line, then a chain to its west end."""
    HEAD_NORM = 12
    """RMS norm of every query and key head of source, in place, on the north line."""


@unique
class Field(IntEnum):
    """Columns of the instruction table."""

    OP = 0
    REGION = 1
    """Index into the Program's regions."""
    LAYER = 2
    """Layer number, −1 outside the layers."""
    SOURCE = 3
    """Index into the Program's buffers."""
    OTHER = 4
    """Second source: a buffer, −1 if none."""
    TARGET = 5
    """Buffer written, −1 if none."""
    WEIGHT = 6
    """Index into the Program's weights, −1 if none."""
    ORDER = 7
    """Index into the Program's reduction orders, −1 if none."""
    COUNT = 8
    """MULTICAST: wavelets a core sends.  RECEIVE: hops of the longest lane.  ROTARY: heads."""
    ALONG = 9
    """The axis the source lies along: 0 rows, 1 columns."""
    LAST_ROW = 10
    """1: only rows whose logits are asked for are computed: the last of a prefill, all rows of a
    draft that is verified."""
    VARIANT = 11
    """Which kind of its operation: index into the Program's norms (NORM, HEAD_NORM), rotaries
    (ROTARY), attentions (ATTENTION), activations (GATE) or scalings (EMBED, MATMUL, ADD; −1 where
    nothing is multiplied); −1 for other operations."""
    CYCLES = 12
    """Cycles of the instruction alone, from an aligned start, for one row without KV rows."""
    CYCLES_KV = 13
    """Cycles for each KV row, the same number in every core, per row of the step."""
    BIAS = 14
    """MATMUL, NORM: index into the Program's weights of the vector that is added, −1 if none."""


FIELDS = len(Field)
"""Width of the instruction table."""
