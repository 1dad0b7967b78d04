"""The code of an attention's inner loops for any path: scores, their largest, weighted sums.

Writes LLVM IR.  A block is P pairs of (row, query head) that read the same KV head; everything
that a vector register loads of keys or values serves all P of them.  Scores and exponentials lie
as (positions, P), so that one position's are side by side.

No product is contracted with a sum, and every sum adds in the contract's order.  Two additions are
left out that change nothing but the sign of a zero: the 0 where a part begins, and parts that have
no position.  Of a score that sign is lost in the exponential; the kernel adds 0 to weighted sums.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.vector_code import (
    F32,
    I16,
    I32,
    broadcast,
    constant,
    load,
    masked,
    store,
    widen_half,
)

__all__ = [
    "CHUNK",
    "KEY_BLOCK",
    "FloatCode",
    "Positions",
    "add_chain",
    "add_part",
    "float_code",
    "scores",
    "shift",
]

KEY_BLOCK = 16
"""Positions whose keys lie together: (D, 16)."""

CHUNK = 64
"""Dimensions of a value that are summed at once, at most; values are padded to a multiple."""

_FEW_PAIRS = 2
"""Pairs of a block that leave registers for more of a value."""


@dataclass(frozen=True, slots=True)
class FloatCode:
    """How a path computes with float32 vectors."""

    lanes: int
    """Numbers of a vector; divides 16."""
    pairs: tuple[int, ...]
    """Sizes of blocks, the largest first: what fits the registers."""
    widen: Callable[[Any, Any], Any]
    """Writes the code that makes float32 of any fp16 numbers, given as vectors of i16."""

    def vectors(self, pairs: int) -> int:
        """Return how many vectors of a value a block of so many pairs sums at once.

        More need more registers than there are.
        """
        return 4 if pairs <= _FEW_PAIRS else 2

    def chunk(self, pairs: int) -> int:
        """Return the dimensions of a value that they hold."""
        return self.vectors(pairs) * self.lanes


def float_code(path: DotPath) -> FloatCode:
    """Return how a path computes with float32 vectors.

    A path without an instruction that widens halves knows nothing of the processor's vectors: it
    gets those of 128 bits, which all have.
    """
    if path.widen is widen_half:
        return FloatCode(4, (4, 2, 1), _widen_any_half)
    return FloatCode(path.lanes, (8, 4, 2, 1) if path.lanes == 16 else (4, 2, 1), path.widen)


def _widen_any_half(builder: Any, bits: Any) -> Any:
    """Return fp16 numbers as float32, infinities and NaN too: for every processor."""
    finite = widen_half(builder, bits)
    wide = ir.VectorType(I32, bits.type.count)
    magnitude = masked(builder, builder.zext(bits, wide), 0x7FFF)
    beyond = builder.icmp_unsigned(">=", magnitude, constant(wide, 0x7C00))
    number = builder.bitcast(finite, wide)
    number = builder.select(beyond, builder.or_(number, constant(wide, 0x7F800000)), number)
    return builder.bitcast(number, finite.type)


# ── scores ──────────────────────────────────────────────────────────────────────────────────


def scores(
    builder: Any, code: FloatCode, pairs: int, queries: Any, keys: Any, parts: Any, share: Any,
    scale: Any, result: Any,
) -> None:  # fmt: skip
    """Write the code of the scores of a block with 16 positions: result (16, P) ← scale · q·k.

    Args:
        builder: Where code is written.
        code: Whose vectors.
        pairs: P.
        queries: float pointer, (D, P), dimensions in the order of the sum.
        keys: i16 pointer, (D, 16), dimensions in the same order.
        parts: Parts of the sum, added from the last to the first.
        share: Pairs of dimensions of a part.
        scale: float.
        result: float pointer.
    """
    kind = ir.VectorType(F32, code.lanes)
    scales = broadcast(builder, scale, kind)
    with cgutils.for_range(builder, _like(parts, KEY_BLOCK // code.lanes)) as vectors:
        within = _times(builder, vectors.index, code.lanes)
        column = builder.gep(keys, [within])
        terms = _Terms(builder, code, pairs, queries, column)
        chains = [_variable(builder, constant(kind, -0.0)) for _ in range(pairs)]
        simple = builder.icmp_signed("==", share, _like(share, 1))
        with builder.if_else(simple) as (one, several):
            with one, cgutils.for_range(builder, parts) as part:
                number = builder.sub(builder.sub(parts, part.index), _like(parts, 1))
                for chain, (low, high) in zip(chains, terms.of(number), strict=True):
                    total = builder.fadd(low, high)
                    builder.store(builder.fadd(total, builder.load(chain)), chain)
            with several, cgutils.for_range(builder, parts) as part:
                number = builder.sub(builder.sub(parts, part.index), _like(parts, 1))
                terms.add_part(chains, builder.mul(number, share), share)
        scaled = [builder.fmul(builder.load(chain), scales) for chain in chains]
        place = builder.gep(result, [_times(builder, within, pairs)])
        for number, vector in enumerate(_side_by_side(builder, scaled)):
            store(builder, place, number, vector)


class _Terms:
    """The products of two neighbouring dimensions, for every pair of a block."""

    def __init__(self, builder: Any, code: FloatCode, pairs: int, queries: Any, keys: Any) -> None:
        self._builder, self._code, self._pairs = builder, code, pairs
        self._queries, self._keys = queries, keys

    def of(self, number: Any) -> list[tuple[Any, Any]]:
        """Return the products of dimensions 2·number and 2·number + 1."""
        low = _times(self._builder, number, 2)
        both = self._products(low), self._products(_next(self._builder, low))
        return list(zip(*both, strict=True))

    def add_part(self, chains: list[Any], first: Any, share: Any) -> None:
        """Put the part of ``share`` pairs of dimensions, from the first on, into every chain."""
        builder = self._builder
        sums = [_variable(builder, builder.fadd(low, high)) for low, high in self.of(first)]
        last = builder.add(first, share)
        with cgutils.for_range(builder, last, start=_next(builder, first)) as pair:
            for total, (low, high) in zip(sums, self.of(pair.index), strict=True):
                longer = builder.fadd(builder.load(total), low)
                builder.store(builder.fadd(longer, high), total)
        for chain, total in zip(chains, sums, strict=True):
            builder.store(builder.fadd(builder.load(total), builder.load(chain)), chain)

    def _products(self, dimension: Any) -> list[Any]:
        builder = self._builder
        place = builder.gep(self._keys, [_times(builder, dimension, KEY_BLOCK)])
        row = self._code.widen(builder, _vector_at(builder, place, 0, self._code.lanes))
        queries = builder.gep(self._queries, [_times(builder, dimension, self._pairs)])
        return [
            builder.fmul(broadcast(builder, load(builder, queries, pair, 4), row.type), row)
            for pair in range(self._pairs)
        ]


def _side_by_side(builder: Any, vectors: Sequence[Any]) -> list[Any]:
    """Return the numbers of P vectors, (P, lanes), as vectors of (lanes, P)."""
    if len(vectors) == 1:
        return list(vectors)
    even, odd = (_side_by_side(builder, vectors[start::2]) for start in (0, 1))
    return [
        vector
        for left, right in zip(even, odd, strict=True)
        for vector in _interleaved(builder, left, right)
    ]


def _interleaved(builder: Any, left: Any, right: Any) -> list[Any]:
    """Return the numbers of two vectors in turn, as two vectors."""
    lanes = left.type.count
    picks = [number for lane in range(lanes) for number in (lane, lane + lanes)]
    kind = ir.VectorType(I32, lanes)
    return [
        builder.shuffle_vector(left, right, ir.Constant(kind, picks[at : at + lanes]))
        for at in (0, lanes)
    ]


# ── softmax ─────────────────────────────────────────────────────────────────────────────────


def shift(builder: Any, pairs: int, numbers: Any, vectors: Any) -> None:
    """Write the code that subtracts from a block's scores the largest of each pair.

    Args:
        builder: Where code is written.
        pairs: P, which divides 16.
        numbers: float pointer, (positions, P), in place.
        vectors: How many vectors of 16 numbers they are.
    """
    kind = ir.VectorType(F32, KEY_BLOCK)
    largest = _variable(builder, constant(kind, float("-inf")))
    with cgutils.for_range(builder, vectors) as loop:
        place = builder.gep(numbers, [_times(builder, loop.index, KEY_BLOCK)])
        some = _vector_at(builder, place, 0, KEY_BLOCK)
        builder.store(_larger(builder, some, builder.load(largest)), largest)
    most, step = builder.load(largest), KEY_BLOCK // 2
    while step >= pairs:  # every lane meets those of its pair
        turned = [lane ^ step for lane in range(KEY_BLOCK)]
        picks = ir.Constant(ir.VectorType(I32, KEY_BLOCK), turned)
        most = _larger(builder, most, builder.shuffle_vector(most, most, picks))
        step //= 2
    with cgutils.for_range(builder, vectors) as loop:
        place = builder.gep(numbers, [_times(builder, loop.index, KEY_BLOCK)])
        some = _vector_at(builder, place, 0, KEY_BLOCK)
        store(builder, place, 0, builder.fsub(some, most))


def _larger(builder: Any, left: Any, right: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", left, right), left, right)


# ── weighted sums ───────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Positions:
    """The positions of a part: ``first``, ``first + step`` … below ``end``.

    All pairs of the block see those from ``low`` to ``high`` − 1.
    """

    first: Any
    end: Any
    step: Any
    low: Any
    high: Any


def add_part(
    builder: Any, code: FloatCode, pairs: int, weights: Any, positions: Positions, values: Any,
    stride: Any, chain: Any,
) -> None:  # fmt: skip
    """Write the code that puts a part into a chain: chain ← Σ of its e · v + chain.

    Where some pair does not see a position, a weight of 0 says so: what lies there is not read.

    Args:
        builder: Where code is written.
        code: Whose vectors.
        pairs: P.
        weights: float pointer, (positions, P).
        positions: Those of the part, at least one.
        values: i16 pointer, (positions, stride): a chunk of dimensions.
        stride: Numbers from one position to the next.
        chain: float pointer, (P, chunk), then (P,): the sums of the weights.
    """
    part = _Part(builder, code, pairs, weights, values, stride)
    start = builder.add(positions.first, positions.step)
    ahead = partial(
        cgutils.for_range_slice, builder, start, positions.end, positions.step, inc=True
    )
    behind = builder.icmp_signed(">=", positions.first, positions.low)
    all_seen = builder.and_(behind, builder.icmp_signed("<=", positions.end, positions.high))
    with builder.if_else(all_seen) as (simple, mixed):
        with simple:
            part.begin(positions.first)
            with ahead() as (position, _):
                part.add(position)
        with mixed:
            part.begin_seen(positions, positions.first)
            with ahead() as (position, _):
                part.add_seen(positions, position)
    part.into(chain)


class _Part:
    """The sums of one part, in registers."""

    def __init__(
        self, builder: Any, code: FloatCode, pairs: int, weights: Any, values: Any, stride: Any
    ) -> None:
        self._builder, self._code, self._pairs = builder, code, pairs
        self._weights, self._values, self._stride = weights, values, stride
        kind = constant(ir.VectorType(F32, code.lanes), 0.0)
        self._vectors = range(code.vectors(pairs))
        self._sums = [[_variable(builder, kind) for _ in self._vectors] for _ in range(pairs)]
        self._totals = _variable(builder, constant(ir.VectorType(F32, pairs), 0.0))

    def begin(self, position: Any) -> None:
        """Let the sums be the terms of a position that all see."""
        for total, term in self._terms(position):
            self._builder.store(term, total)

    def add(self, position: Any) -> None:
        """Add the terms of a position that all see."""
        self._add(self._terms(position))

    def begin_seen(self, positions: Positions, position: Any) -> None:
        """Let the sums be the terms of a position for those pairs that see it, 0 for the others."""
        with self._builder.if_else(self._all_see(positions, position)) as (yes, no):
            with yes:
                self.begin(position)
            with no:
                for total in [*(each for row in self._sums for each in row), self._totals]:
                    self._builder.store(constant(total.type.pointee, 0.0), total)
                self._add(self._terms(position, seen=True))

    def add_seen(self, positions: Positions, position: Any) -> None:
        """Add the terms of a position for those pairs that see it."""
        with self._builder.if_else(self._all_see(positions, position)) as (yes, no):
            with yes:
                self.add(position)
            with no:
                self._add(self._terms(position, seen=True))

    def _all_see(self, positions: Positions, position: Any) -> Any:
        """Return whether all pairs see a position."""
        builder = self._builder
        behind = builder.icmp_signed(">=", position, positions.low)
        return builder.and_(behind, builder.icmp_signed("<", position, positions.high))

    def _add(self, terms: list[tuple[Any, Any]]) -> None:
        for total, term in terms:
            self._builder.store(self._builder.fadd(self._builder.load(total), term), total)

    def _terms(self, position: Any, *, seen: bool = False) -> list[tuple[Any, Any]]:
        """Return each sum with its term; where a weight is 0, values count as 0, too."""
        builder, lanes = self._builder, self._code.lanes
        weights = builder.gep(self._weights, [_times(builder, position, self._pairs)])
        values = builder.gep(self._values, [builder.mul(position, self._stride)])
        vectors = [
            self._code.widen(builder, _vector_at(builder, values, number, lanes))
            for number in self._vectors
        ]
        terms = []
        for pair, sums in enumerate(self._sums):
            weight = broadcast(builder, load(builder, weights, pair, 4), vectors[0].type)
            some = self._hidden(weight, vectors) if seen else vectors
            terms += [
                (total, builder.fmul(weight, value))
                for total, value in zip(sums, some, strict=True)
            ]
        return [*terms, (self._totals, _vector_at(builder, weights, 0, self._pairs))]

    def _hidden(self, weight: Any, vectors: list[Any]) -> list[Any]:
        """Return vectors, 0 where the weight is 0."""
        nothing = constant(weight.type, 0.0)
        seen = self._builder.fcmp_unordered("!=", weight, nothing)
        return [self._builder.select(seen, vector, nothing) for vector in vectors]

    def into(self, chain: Any) -> None:
        """Write sums + chain into the chain."""
        builder = self._builder
        for number, total in enumerate(each for row in self._sums for each in row):
            self._add_to(chain, number, builder.load(total))
        place = builder.gep(chain, [ir.Constant(I32, self._pairs * self._code.chunk(self._pairs))])
        self._add_to(place, 0, builder.load(self._totals))

    def _add_to(self, chain: Any, number: int, sums: Any) -> None:
        before = _vector_at(self._builder, chain, number, sums.type.count)
        store(self._builder, chain, number, self._builder.fadd(sums, before))


def add_chain(builder: Any, code: FloatCode, pairs: int, chain: Any, total: Any) -> None:
    """Write the code of total ← chain + total; chain ← −0, to which whatever is added stays.

    Args:
        builder: Where code is written.
        code: Whose vectors.
        pairs: P.
        chain: float pointer, (P, chunk), then (P,).
        total: The same.
    """
    kind = ir.VectorType(F32, code.lanes)
    for number in range(pairs * code.vectors(pairs)):
        _move(builder, kind, number, chain, total)
    at = ir.Constant(I32, pairs * code.chunk(pairs))
    _move(builder, ir.VectorType(F32, pairs), 0, builder.gep(chain, [at]), builder.gep(total, [at]))


def _move(builder: Any, kind: Any, number: int, chain: Any, total: Any) -> None:
    sums = _vector_at(builder, chain, number, kind.count)
    before = _vector_at(builder, total, number, kind.count)
    store(builder, total, number, builder.fadd(sums, before))
    store(builder, chain, number, constant(kind, -0.0))


# ── numbers and pointers ────────────────────────────────────────────────────────────────────


def _variable(builder: Any, value: Any) -> Any:
    """Return a pointer to a value that registers will hold."""
    pointer = cgutils.alloca_once(builder, value.type)
    builder.store(value, pointer)
    return pointer


def _like(value: Any, number: int) -> Any:
    return ir.Constant(value.type, number)


def _next(builder: Any, value: Any) -> Any:
    return builder.add(value, _like(value, 1))


def _times(builder: Any, value: Any, factor: int) -> Any:
    return builder.mul(value, _like(value, factor))


def _vector_at(builder: Any, start: Any, number: int, lanes: int) -> Any:
    """Return vector ``number`` of those from a pointer to its elements on."""
    element = I16 if start.type.pointee == I16 else F32
    vectors = builder.bitcast(start, ir.PointerType(ir.VectorType(element, lanes)))
    return load(builder, vectors, number, 2 if element == I16 else 4)
