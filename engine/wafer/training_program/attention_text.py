"""Attention of one token in a training program, forward and backward.

Position j lies in core row j mod R, at slot j // R.  Forward, a token sees what lies there so far.
Backward, tokens come last first: when a token's turn is there, all later ones have added to the
gradients of its key and value.  Its weights are computed again from the largest score and the sum,
which were kept (Dao et al., "FlashAttention", 2022, does the same).
"""

from collections.abc import Iterator
from math import inf

import numpy as np

from engine.scalars import rotary_tables
from engine.wafer.ops.site import ALL, ALONG_ROWS, NORTH, Cells
from engine.wafer.training_program.core_share import CoreShare, rows_of
from engine.wafer.training_program.instructions import (
    Elementwise,
    Matvec,
    Peak,
    RankOne,
    Total,
    VectorPart,
)
from engine.wafer.training_program.program_text import (
    ProgramText,
    add,
    exp,
    minus,
    move,
    multiply,
    number,
    scalar,
)

__all__ = ["AttentionText", "angles"]


def angles(share: CoreShare) -> np.ndarray:
    """Return what the host writes as ``angles``, by part of a head: (parts, T, dim of a column).

    Of every token the cosines of a part's pairs, then their sines.
    """
    model = share.model
    cosine, sine = rotary_tables(model.rotary_base, model.head_dim, share.tokens, ())
    both = np.concatenate([cosine, sine], axis=1)
    return np.stack([both[:, share.part_dims(part)] for part in range(share.parts)])


class AttentionText:
    """The attention of one layer as a program's text."""

    def __init__(self, text: ProgramText, layer: int) -> None:
        share = text.share
        self.text, self.layer, self.share = text, layer, share
        self.dim, self.slots = share.dim, share.slots
        self.pair = 2 * share.keys
        """Words of a position's keys and values."""
        self.qkv_words = share.queries + self.pair
        self.cache = text.memory.take(f"kv {layer}", self.slots * self.pair, "activations")
        self.cache_gradient = text.memory.take(
            f"kv gradient {layer}", self.slots * self.pair, "activations"
        )
        self.angles = text.memory.take("angles", share.tokens * self.dim, "host")
        self.qkv = text.buffer("qkv", self.qkv_words)
        self.scores = text.buffer("scores, slopes", 2 * share.heads * self.slots)
        self.slopes = self.scores + share.heads * self.slots

    # ── forward ─────────────────────────────────────────────────────────────────────────────

    def forward(self, token: int) -> int:
        """Write the way of ``qkv`` on the north line to the attended values there; their place."""
        share, text = self.share, self.text
        scaled = number("multiply", self.qkv, self.qkv, share.model.score_scale, share.queries)
        text.work(NORTH, *self._turned(token, self.qkv, back=False), scaled)
        text.spread(ALONG_ROWS, self.qkv, self.qkv_words)
        text.work(ALL, move(self._queries(token), self.qkv, share.queries))
        slot = self.cache + token // share.rows * self.pair
        text.work(self._keeper(token), move(slot, self.qkv + share.queries, self.pair))
        peaks = text.kept(f"largest {self.layer}", token, share.heads)
        self._peaks(token, peaks)
        sums = text.buffer("sums", share.heads * (1 + self.dim))
        self._weigh(token, peaks, sums)
        return self._divided(token, sums)

    def _peaks(self, token: int, peaks: int) -> None:
        text, heads = self.text, range(self.share.heads)
        for cells, seen in self._seen(token):
            if seen:
                text.work(cells, *(self._scored(token, head, seen) for head in heads))
        text.sum_parts(self.scores, self.share.heads * self.slots)
        for cells, seen in self._seen(token):
            parts: list[VectorPart] = [number("move", peaks, peaks, -inf, self.share.heads)]
            if seen:
                parts += [Peak(peaks + head, self._score(head), seen) for head in heads]
            text.work(cells, *parts)
        text.largest(ALONG_ROWS, peaks, self.share.heads)
        text.spread(ALONG_ROWS, peaks, self.share.heads)

    def _weigh(self, token: int, peaks: int, sums: int) -> None:
        """Sums by head: of the exponentials, then of the exponentials times values."""
        share = self.share
        for cells, seen in self._seen(token):
            if not seen:
                nothing = number("move", sums, sums, 0.0, share.heads * (1 + self.dim))
                self.text.work(cells, nothing)
                continue
            parts: list[VectorPart] = []
            for head in range(share.heads):
                score, value = self._score(head), self._value(self.cache, head)
                weighed = sums + share.heads + head * self.dim
                parts += self._exponentials(head, peaks, seen)
                parts.append(Total(sums + head, score, seen))
                parts.append(Matvec(weighed, value, score, self.dim, seen, 1, self.pair))
            self.text.work(cells, *parts)
        self.text.sum(ALONG_ROWS, sums, share.heads * (1 + self.dim))

    def _divided(self, token: int, sums: int) -> int:
        share, text = self.share, self.text
        totals = text.kept(f"totals {self.layer}", token, share.heads)
        attended = text.kept(f"attended {self.layer}", token, share.queries)
        parts = [move(totals, sums, share.heads)]
        for head in range(share.heads):
            place = head * self.dim
            weighed = sums + share.heads + place
            parts.append(scalar("divide", attended + place, weighed, totals + head, self.dim))
        text.work(NORTH, *parts)
        return attended

    # ── backward ────────────────────────────────────────────────────────────────────────────

    def backward(self, token: int, gradient: int) -> None:
        """Write the way of the attended values' gradient to that of ``qkv``; both on north.

        Args:
            token: Which one; all later ones have been.
            gradient: The values' gradient; behind it lies room for 2 numbers a head.
        """
        share, text = self.share, self.text
        attended = text.kept(f"attended {self.layer}", token, share.queries)
        totals = text.kept(f"totals {self.layer}", token, share.heads)
        dots, divisors = gradient + share.queries, gradient + share.queries + share.heads
        text.work(
            NORTH,
            *(
                Matvec(
                    dots + h, gradient + h * self.dim, attended + h * self.dim, 1, self.dim, 0, 1
                )
                for h in range(share.heads)
            ),
            move(divisors, totals, share.heads),
        )
        text.sum_parts(dots, share.heads, NORTH)
        text.spread(ALONG_ROWS, gradient, share.queries + 2 * share.heads)
        for cells, seen in self._seen(token):
            if seen:
                text.work(cells, *self._both(token, seen, gradient))
        text.sum_parts(self.scores, 2 * share.heads * self.slots)
        for cells, seen in self._seen(token):
            self._through_scores(cells, token, seen, gradient)
        self._own_keys(token)
        text.sum(ALONG_ROWS, self.qkv, self.qkv_words)
        scaled = number("multiply", self.qkv, self.qkv, share.model.score_scale, share.queries)
        text.work(NORTH, *self._turned(token, self.qkv, back=True), scaled)

    def _through_scores(self, cells: Cells, token: int, seen: int, gradient: int) -> None:
        if not seen:
            self.text.work(cells, number("move", self.qkv, self.qkv, 0.0, self.share.queries))
            return
        parts = [
            part
            for head in range(self.share.heads)
            for part in self._through_head(token, head, seen, gradient)
        ]
        self.text.work(cells, *parts)

    def _both(self, token: int, seen: int, gradient: int) -> Iterator[VectorPart]:
        """Scores, and products of values with the gradient."""
        for head in range(self.share.heads):
            value, over = self._value(self.cache, head), gradient + head * self.dim
            yield self._scored(token, head, seen)
            yield Matvec(self._slope(head), value, over, seen, self.dim, self.pair, 1)

    def _through_head(
        self, token: int, head: int, seen: int, gradient: int
    ) -> Iterator[VectorPart]:
        """With P the weights and g the gradient: dV = Pᵀg, dZ = P·(gVᵀ − g·o), dK = dZᵀq, dq."""
        share, pair = self.share, self.pair
        peaks = self.text.kept(f"largest {self.layer}", token, share.heads)
        dots, divisors = gradient + share.queries, gradient + share.queries + share.heads
        over, weights, slopes = gradient + head * self.dim, self._score(head), self._slope(head)
        query = self._queries(token) + head * self.dim
        yield from self._exponentials(head, peaks, seen)
        yield scalar("divide", weights, weights, divisors + head, seen)
        yield RankOne(self._value(self.cache_gradient, head), weights, over, seen, self.dim, pair)
        yield scalar("subtract", slopes, slopes, dots + head, seen)
        yield multiply(slopes, slopes, weights, seen)
        yield RankOne(self._key(self.cache_gradient, head), slopes, query, seen, self.dim, pair)
        key, target = self._key(self.cache, head), self.qkv + head * self.dim
        yield Matvec(target, key, slopes, self.dim, seen, 1, pair)

    def _own_keys(self, token: int) -> None:
        """Bring the gradients of the token's own key and value beside that of its queries."""
        share, text = self.share, self.text
        keys, row = self.qkv + share.queries, token % share.rows
        nothing = number("move", keys, keys, 0.0, self.pair)
        text.work(rows_of(0, row), nothing)
        text.work(rows_of(row + 1, share.rows), nothing)
        slot = self.cache_gradient + token // share.rows * self.pair
        text.work(self._keeper(token), move(keys, slot, self.pair))

    # ── parts ───────────────────────────────────────────────────────────────────────────────

    def _scored(self, token: int, head: int, seen: int) -> Matvec:
        query = self._queries(token) + head * self.dim
        key = self._key(self.cache, head)
        return Matvec(self._score(head), key, query, seen, self.dim, self.pair, 1)

    def _exponentials(self, head: int, peaks: int, seen: int) -> Iterator[VectorPart]:
        score = self._score(head)
        yield scalar("subtract", score, score, peaks + head, seen)
        yield exp(score, score, seen)

    def _seen(self, token: int) -> Iterator[tuple[Cells, int]]:
        """Yield rows of cores with as many positions each, up to the token's own."""
        row, slot = token % self.share.rows, token // self.share.rows
        yield rows_of(0, row + 1), slot + 1
        if row + 1 < self.share.rows:
            yield rows_of(row + 1, self.share.rows), slot

    def _keeper(self, token: int) -> Cells:
        row = token % self.share.rows
        return rows_of(row, row + 1)

    def _queries(self, token: int) -> int:
        return self.text.kept(f"queries {self.layer}", token, self.share.queries)

    def _score(self, head: int) -> int:
        return self.scores + head * self.slots

    def _slope(self, head: int) -> int:
        return self.slopes + head * self.slots

    def _key(self, cache: int, head: int) -> int:
        return cache + head // self.share.sharing * self.dim

    def _value(self, cache: int, head: int) -> int:
        return self._key(cache, head) + self.share.keys

    def _turned(self, token: int, vectors: int, *, back: bool) -> Iterator[Elementwise]:
        """Turn the pairs (i, i + D/2) of queries and keys by a token's angles, or back."""
        half, share = self.dim // 2, self.share
        cosine = self.angles + token * self.dim
        sine, room = cosine + half, self.text.buffer("turned", 2 * half)
        one, other = (minus, add) if not back else (add, minus)
        for head in range(share.heads + share.kv_heads):
            x = vectors + head * self.dim
            y = x + half
            yield multiply(room, x, sine, half)
            yield multiply(room + half, y, sine, half)
            yield multiply(x, x, cosine, half)
            yield multiply(y, y, cosine, half)
            yield one(x, x, room + half, half)
            yield other(y, y, room, half)
