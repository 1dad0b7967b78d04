"""Micro-instructions: what one core does, one after the other, for each row of a step.

A core's *row program* is a list of rows of 32-bit integers (`MicroField`).  This module says what
they mean and collects them for all cores.  The simulator decides how long they take, `compute`
what they compute.
"""

from dataclasses import dataclass, field
from enum import IntEnum, unique
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ADDRESSES",
    "ADVANCE",
    "CTRL",
    "ELEMENTWISE",
    "FIELDS",
    "FIRST_ROW",
    "LAST_ROW",
    "RATE_ONE",
    "Kind",
    "Micro",
    "MicroField",
    "Programs",
    "Reduce",
    "rate",
]

RATE_ONE = 1 << 16
"""One cycle, in the fixed point of `MicroField.RATE`."""

LAST_ROW = 1
"""Flag: only for the last row of a step."""
CTRL = 2
"""Flag: the last wavelet carries the control bit that advances switches."""
ADVANCE = 4
"""Flag: the last wavelet advances the switch of its own core's router and goes on without."""
FIRST_ROW = 8
"""Flag: only for the first row of a step."""


@unique
class Micro(IntEnum):
    """The micro-instructions."""

    SEND = 0
    """Memory → fabric, one word a wavelet."""
    RECEIVE = 1
    """Fabric → memory."""
    REDUCE = 2
    """Memory ← memory ⊕ wavelet."""
    REDUCE_SEND = 3
    """Fabric ← memory ⊕ wavelet; the memory stays."""
    COMPUTE = 4
    """Work on the core's own memory, see `Kind`."""
    EXCHANGE = 5
    """Send COUNT words from ADDRESS and, independently of it, memory at ADDRESS_2 ⊕= wavelet: two
    microthreads, each at most a wavelet every RATE.  Ends when both have."""
    ROUTE = 6
    """Set switch A0 of the core's router to position A1, if the stream that will pass, of COUNT
    wavelets, is not empty.  While it is lowered, OUT is a color and A1 a pattern.  Takes no cycle,
    which is assumed: on the chip two registers are written."""
    JOIN = 7
    """Memory ← wavelet ⊕ wavelet, both of the same cycle: the left one from INTO, the right one
    from channel A0."""


@unique
class Reduce(IntEnum):
    """The ⊕ of a reduction; the core's own operand stands on the left."""

    ADD_F32 = 0
    ADD_I32 = 1
    MAX_F32 = 2
    ARGMAX = 3
    """Pairs (value, index): the larger value, the core's own where equal."""
    ADD_F16X2 = 4
    """Two packed fp16 a wavelet, each sum rounded to fp16."""
    TAKE = 5
    """The wavelet itself; for an EXCHANGE only."""


@unique
class Kind(IntEnum):
    """The kinds of COMPUTE.  Arguments A0 … A7 are word addresses, sizes or float bits."""

    NOTHING = 0
    LOOKUP = 1
    """Row `mem[A0]` of the embedding to A3, A2 elements, if this core's column holds it; else
    nothing to send: mem[A1], mem[A1 + 1] say which.  Levels at A4, scales at A5, then minima, A6
    the bits of a factor; at A7 the first row, rows, scales of a row, elements of a scale, the row's
    first scale that is this core's, whether there are minima."""
    SQUARES = 2
    """mem[A1] ← Σ x², x = mem[A0 : A0 + A2]."""
    ROOT = 3
    """mem[A0] ← rsqrt(mem[A0] / A1 + eps), A1 a width and A2 eps' bits."""
    NORMALISE = 4
    """mem[A1 + i] ← (x·r)·w, x at A0, r at A2, w at A3, A4 elements."""
    MAGNITUDE = 5
    """mem[A1 + g] ← max |x| over each of A2 groups of A3 elements at A0."""
    SCALE = 6
    """mem[A0 + g] ← mem[A0 + g] / 127, A1 groups."""
    ROUND = 7
    """Bytes at word A1 ← rint(x / s) of A2 groups of A3 elements at A0, scales at A4."""
    DOT = 8
    """mem[A2 + g·A6 + b·n + j] ← Σ w·q over block b of group g, int32: bytes q at A0, tile at A1,
    A3 groups of A4 elements, n = A5 outputs, A7 = elements of a block << 8 | elements of the group
    that lie in cores before."""
    TERMS = 9
    """mem[A4 + j] ← Σ over groups and their blocks of f32(dot) × (weight scale × input scale), with
    minima less f32(sum) × (minimum × input scale): dots at A0, as DOT wrote them A6 words a group,
    weight scales at A1 (output by output), then minima, input scales at A2, A3 groups, A5 outputs,
    A7 = words from a group's dots to its sum << 8 | minima << 4 | blocks of a group."""
    ROTATE = 10
    """Pairs (2i, 2i + 1) of A1 vectors of A2 elements at A0; cosines at A3, sines at A4, both
    from pair A5 of the head on."""
    HALVES = 11
    """Pack A2 fp32 at A0 as fp16, two a word, at A1."""
    KEEP = 12
    """If this core row keeps the row's position: copy A2 packed words at A0 into its KV rows at
    A1, A3 words each."""
    SCORES = 13
    """mem[A2 + i·A3 + h] ← q_h · k_j for the i-th of the core's KV rows that the row sees: q at A0,
    KV rows at A1 of A4 words, A3 heads of A5 dimensions, A6 query heads that share a KV head, A7 of
    them in columns before."""
    LARGEST = 14
    """Scores × scale (bits A4), capped (bits A5, 0: not), in place, mem[A2 + h] ← their maximum by
    head: scores at A0, A3 heads."""
    WEIGH = 15
    """Sums at A5: per head Σ e, then per head Σ e·v: scores at A0, KV rows at A1 of A4 words,
    maxima at A2, A3 heads of A6 dimensions, A7 = KV heads << 20 | sharing << 10 | those before."""
    DIVIDE = 16
    """mem[A1 + h·D + d] ← sums / Σ e: sums at A0, A2 heads of A3 dimensions."""
    GATE = 17
    """mem[A1 + i] ← activation(mem[A0 + i]), A2 elements, activation number A3 of `ACTIVATIONS`;
    where A4 is 1 × mem[A0 + A2 + i]."""
    ADD = 18
    """mem[A2 + i] ← mem[A0 + i] + mem[A1 + i] × scale, A3 elements; A4 the bits of the scale, 0
    for none."""
    BEST = 19
    """mem[A1], mem[A1 + 1] ← the largest of A2 values at A0 and its index, counted from A3."""
    FINISH = 22
    """mem[A0 + j] ← ((mem[A0 + j] + bias) × scale), then capped; A2 outputs of a product.  The
    biases lie at A1 where A3 is 1; A4 and A5 are the bits of scale and cap, a cap of 0 is none."""
    HEAD_SQUARES = 23
    """mem[A1 + h] ← Σ x² over each of A2 vectors of A3 elements at A0."""
    HEAD_NORMALISE = 24
    """Vectors at A0 in place: (x·r)·w, r = rsqrt(mem[A1 + h] / A6 + eps), A6 the width of a whole
    head, A7 eps' bits; A3 queries with w at A2, then A4 keys with w behind it, A5 elements each."""
    TOTAL = 25
    """mem[A1] ← Σ x, x = mem[A0 : A0 + A2]."""
    MEAN = 26
    """mem[A0] ← mem[A0] / A1."""
    CENTRE = 27
    """mem[A1 + i] ← x − mem[A2], x = mem[A0 + i], A3 elements; then mem[A2] ← Σ of the squares."""
    SHIFT = 28
    """mem[A1 + i] ← (x·r)·w + b, x at A0, r at A2, w at A3, b at A5, A4 elements."""
    COPY = 21
    """mem[A1 : A1 + A2] ← mem[A0 : A0 + A2]."""
    SUM = 29
    """mem[A1 + g·A4] ← Σ q over group g, int32: bytes q at A0, A2 groups of A3 elements."""
    ELEMENTWISE = 30
    """mem[A0 + i] ← mem[A1 + i] ∘ right, A3 elements; ∘ is number A4 of `ELEMENTWISE`.  Right is
    mem[A2 + i], where A5 is 1 the float whose bits are A6, where it is 2 mem[A2]."""
    CONTRACT = 31
    """mem[A0 + i] ← Σ mem[A1 + i·A5 + j·A6] · mem[A2 + j] over A4 places j in their order, A3
    results i; A7 is 1 where the sum goes on from what is there, else it begins with 0."""
    OUTER = 32
    """mem[A0 + i·A5 + j] ← itself + mem[A1 + i] · mem[A2 + j], A3 places i of A4 places j."""
    PEAK = 33
    """mem[A0] ← the largest of itself and A2 values at A1."""
    HOST = 20
    """mem[A1 : A1 + A2] ← the host's words for this row of the step, from A0 + row·A2 on.  The
    host's link is not simulated."""


@unique
class MicroField(IntEnum):
    """Columns of a micro-instruction."""

    OP = 0
    KIND = 1
    """`Kind` of a COMPUTE, `Reduce` of a reduction."""
    FLAGS = 2
    SETUP = 3
    """Cycles before the first wavelet: dispatch."""
    INTO = 4
    """Channel the core empties (RECEIVE, REDUCE, REDUCE_SEND)."""
    OUT = 5
    """Channel the core fills (SEND, REDUCE_SEND)."""
    ADDRESS = 6
    """First word in memory."""
    COUNT = 7
    """Wavelets."""
    COUNT_KV = 8
    """Wavelets for every KV row of the core that the row sees."""
    RATE = 9
    """Cycles between two wavelets, times 2¹⁶."""
    SPLIT = 10
    """Wavelets from this one on (if ≥ 0) lie at ADDRESS_2: a vector in two pieces."""
    ADDRESS_2 = 11
    COUNT_AT = 12
    """Word that holds the count instead, −1 if none."""
    MAC = 13
    """Cycles of a COMPUTE by state, and those for every KV row."""
    MAC_KV = 14
    VECTOR = 15
    VECTOR_KV = 16
    PIPE = 17
    A0 = 18
    A1 = 19
    A2 = 20
    A3 = 21
    A4 = 22
    A5 = 23
    A6 = 24
    A7 = 25
    INSTRUCTION = 26
    """Number in the Program, for accounts and diagnoses."""
    TAP = 27
    """Where an observer's copy of the result goes, −1 for nowhere; nothing reads it back."""
    TAP_FROM = 28
    TAP_COUNT = 29
    MISS_PIPE = 30
    """Overhead of a LOOKUP or KEEP that finds nothing to do, instead of PIPE."""
    WINDOW = 31
    """Last positions that a row sees, its own included; 0 for all."""


FIELDS = len(MicroField)

ELEMENTWISE = (
    "add", "subtract", "multiply", "multiply_add", "max", "move", "divide", "exp", "rsqrt",
)  # fmt: skip
"""What a `Kind.ELEMENTWISE` does to each element: + − · of left and right, result + left · right,
the larger one, right alone, the quotient, `exp32` and `rsqrt32` of left; fp32, every operation
rounded."""


ADDRESSES: dict[Kind, tuple[int, ...]] = {
    Kind.NOTHING: (),
    Kind.LOOKUP: (1, 0, 3, 4, 5, 7),
    Kind.SQUARES: (1, 0),
    Kind.ROOT: (0,),
    Kind.NORMALISE: (1, 0, 2, 3),
    Kind.MAGNITUDE: (1, 0),
    Kind.SCALE: (0,),
    Kind.ROUND: (1, 0, 4),
    Kind.DOT: (2, 0, 1),
    Kind.TERMS: (4, 0, 1, 2),
    Kind.ROTATE: (0, 3, 4),
    Kind.HALVES: (1, 0),
    Kind.KEEP: (1, 0),
    Kind.SCORES: (2, 0, 1),
    Kind.LARGEST: (2, 0),
    Kind.WEIGH: (5, 0, 1, 2),
    Kind.DIVIDE: (1, 0),
    Kind.GATE: (1, 0),
    Kind.ADD: (2, 0, 1),
    Kind.BEST: (1, 0),
    Kind.FINISH: (0, 1),
    Kind.HEAD_SQUARES: (1, 0),
    Kind.HEAD_NORMALISE: (0, 1, 2),
    Kind.TOTAL: (1, 0),
    Kind.MEAN: (0,),
    Kind.CENTRE: (1, 0, 2),
    Kind.SHIFT: (1, 0, 2, 3, 5),
    Kind.SUM: (1, 0),
    Kind.ELEMENTWISE: (0, 1, 2),
    Kind.CONTRACT: (0, 1, 2),
    Kind.OUTER: (0, 1, 2),
    Kind.PEAK: (0, 1),
    Kind.HOST: (1, 0),
    Kind.COPY: (1, 0),
}
"""Which arguments of each kind are addresses, that of the result first: they are moved to where a
core's memory begins."""


def rate(cycles_per_wavelet: float) -> int:
    """Return a rate in the fixed point of `MicroField.RATE`."""
    return round(cycles_per_wavelet * RATE_ONE)


_DEFAULTS = {
    MicroField.INTO: -1, MicroField.OUT: -1, MicroField.SPLIT: -1, MicroField.COUNT_AT: -1,
    MicroField.TAP: -1, MicroField.RATE: RATE_ONE,
}  # fmt: skip


@dataclass(slots=True)
class Programs:
    """The row programs of all cores as they grow.

    ``add`` appends one instruction to the program of every core it is given.
    """

    cores: int
    _cores: list[NDArray[np.int64]] = field(default_factory=list)
    _rows: list[NDArray[np.int32]] = field(default_factory=list)

    def add(self, cores: Any, op: Micro, **fields: Any) -> None:
        """Append an instruction.

        Args:
            cores: int64 (n,), which cores.
            op: What they do.
            **fields: Names of `MicroField` in lower case; ints, or arrays (n,).
        """
        where = np.atleast_1d(np.asarray(cores, np.int64)).reshape(-1)
        if not where.size:
            return
        rows = np.zeros((where.size, FIELDS), np.int32)
        for name, value in _DEFAULTS.items():
            rows[:, name] = value
        rows[:, MicroField.OP] = op
        for text, given in fields.items():
            rows[:, MicroField[text.upper()]] = given
        self._cores.append(where)
        self._rows.append(rows)

    def tables(
        self, base: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return all instructions core by core, int32 (n, FIELDS), and each core's first, (C + 1,).

        Instructions keep the order in which they were added.

        Args:
            base: Word at which each core's memory begins, added to every address; None means
                that addresses are absolute already.
        """
        if not self._cores:
            return np.zeros((0, FIELDS), np.int32), np.zeros(self.cores + 1, np.int64)
        cores = np.concatenate(self._cores)
        order = np.argsort(cores, kind="stable")
        first = np.zeros(self.cores + 1, np.int64)
        first[1:] = np.cumsum(np.bincount(cores, minlength=self.cores))
        rows = np.ascontiguousarray(np.concatenate(self._rows)[order])
        if base is not None:
            _move(rows, base[cores[order]].astype(np.int32))
        return rows, first


def _move(rows: NDArray[np.int32], base: NDArray[np.int32]) -> None:
    """Add ``base`` to every address of the instructions, in place."""
    work = rows[:, MicroField.OP] == Micro.COMPUTE
    exchange = rows[:, MicroField.OP] == Micro.EXCHANGE
    rows[:, MicroField.ADDRESS] += np.where(work, 0, base)
    for place, given in (
        (MicroField.ADDRESS_2, (rows[:, MicroField.SPLIT] >= 0) | exchange),
        (MicroField.COUNT_AT, rows[:, MicroField.COUNT_AT] >= 0),
        (MicroField.TAP_FROM, rows[:, MicroField.TAP] >= 0),
    ):
        rows[:, place] += np.where(given, base, 0)
    for kind, arguments in ADDRESSES.items():
        here = work & (rows[:, MicroField.KIND] == kind)
        for argument in arguments:
            rows[here, MicroField.A0 + argument] += base[here]
