"""A layer and the head of one token in a training program, forward and backward."""

from collections.abc import Iterator

from engine.errors import PlacementError
from engine.wafer.ops.site import ALL, ALONG_COLUMNS, ALONG_ROWS, NORTH, WEST
from engine.wafer.training_program.attention_text import AttentionText
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
    WeightTile,
    add,
    divide,
    exp,
    minus,
    move,
    multiply,
    number,
    scalar,
)

__all__ = ["HeadText", "LayerText"]

GELU_SLOPE, GELU_CUBE = 1.5957691216057308, 0.044715
"""2·√(2/π), and the factor of x³: GELU is x · σ(2√(2/π) · (x + 0.044715 · x³))."""


class LayerText:
    """A layer as a program's text; the stream lies at ``stream`` on the west line."""

    def __init__(self, text: ProgramText, layer: int) -> None:
        share = text.share
        self.text, self.layer, self.share = text, layer, share
        self.attention = AttentionText(text, layer)
        stream, name = share.stream, f"layer {layer}"
        qkv_words = share.queries + 2 * share.keys
        self.qkv = WeightTile(f"{name} qkv", stream, qkv_words, ALONG_ROWS)
        self.out = WeightTile(f"{name} o", share.queries, stream, ALONG_COLUMNS)
        self.gate_up = WeightTile(f"{name} gate, up", stream, share.gate_up, ALONG_ROWS)
        self.down = WeightTile(f"{name} down", share.ffn, stream, ALONG_COLUMNS)
        self.stream = text.buffer("stream", stream)
        self.added = text.buffer("added", stream)

    def forward(self, token: int) -> None:
        """Write what a token goes through."""
        text, share = self.text, self.share
        self._normed("attention", token)
        text.product(self.qkv, self._input("attention", token), self.attention.qkv)
        attended = self.attention.forward(token)
        text.product(self.out, attended, self.added)
        text.work(WEST, add(self.stream, self.stream, self.added, share.stream))
        self._normed("ffn", token)
        both = text.kept(f"gate, up {self.layer}", token, share.gate_up)
        text.product(self.gate_up, self._input("ffn", token), both)
        active = text.kept(f"active {self.layer}", token, share.ffn)
        text.work(NORTH, *self._activated(both, active))
        text.product(self.down, active, self.added)
        text.work(WEST, add(self.stream, self.stream, self.added, share.stream))

    def backward(self, token: int, gradient: int) -> None:
        """Write what the stream's gradient goes through, from behind the layer to before it."""
        text, share = self.text, self.share
        room, over = text.buffer("normed gradient", share.stream), text.buffer("over", share.stream)
        both = text.kept(f"gate, up {self.layer}", token, share.gate_up)
        active = text.kept(f"active {self.layer}", token, share.ffn)
        over_active = text.buffer("over active", share.ffn)
        over_both = text.buffer("over gate, up", share.gate_up)
        text.work(WEST, move(over, gradient, share.stream))
        text.product_back(self.down, active, over, over_active)
        text.work(NORTH, *self._deactivated(both, over_active, over_both))
        text.product_back(self.gate_up, self._input("ffn", token), over_both, room)
        self._norm_back("ffn", token, room, gradient)
        attended = text.kept(f"attended {self.layer}", token, share.queries)
        values = text.buffer("over attended", share.queries + 2 * share.heads)
        text.work(WEST, move(over, gradient, share.stream))
        text.product_back(self.out, attended, over, values)
        self.attention.backward(token, values)
        text.product_back(self.qkv, self._input("attention", token), self.attention.qkv, room)
        self._norm_back("attention", token, room, gradient)

    def matrices(self) -> Iterator[tuple[WeightTile, list[int]]]:
        """Yield the stacks of matrices, each with the outputs of a core of every matrix."""
        share = self.share
        yield self.qkv, [share.queries, share.keys, share.keys]
        yield self.out, [share.stream]
        yield self.gate_up, [share.ffn] * (share.gate_up // share.ffn)
        yield self.down, [share.stream]

    # ── norms ───────────────────────────────────────────────────────────────────────────────

    def _norm_places(self, which: str, token: int) -> tuple[str, int, int]:
        text, name = self.text, f"layer {self.layer} {which} norm"
        before = text.kept(f"before {which} {self.layer}", token, self.share.stream)
        return name, before, text.kept(f"{which} scale {self.layer}", token, 1)

    def _input(self, which: str, token: int) -> int:
        return self.text.kept(f"{which} input {self.layer}", token, self.share.stream)

    def _normed(self, which: str, token: int) -> None:
        name, before, scale = self._norm_places(which, token)
        self.text.work(WEST, move(before, self.stream, self.share.stream))
        self.text.norm(name, before, scale, self._input(which, token))

    def _norm_back(self, which: str, token: int, gradient: int, stream: int) -> None:
        name, before, scale = self._norm_places(which, token)
        self.text.norm_back(name, before, scale, gradient, stream)

    # ── activation ──────────────────────────────────────────────────────────────────────────

    def _logistic(self, x: int, target: int) -> Iterator[VectorPart]:
        """Target ← 1 + e^−u, u = x, or GELU's 1.596·x·(1 + 0.0447·x²)."""
        count = self.share.ffn
        if self.share.model.activation == "silu":
            yield number("multiply", target, x, -1.0, count)
        elif self.share.model.activation == "gelu":
            yield multiply(target, x, x, count)
            yield number("multiply", target, target, GELU_CUBE, count)
            yield number("add", target, target, 1.0, count)
            yield multiply(target, target, x, count)
            yield number("multiply", target, target, -GELU_SLOPE, count)
        else:
            raise PlacementError(f"no slope is known of {self.share.model.activation!r}")
        yield exp(target, target, count)
        yield number("add", target, target, 1.0, count)

    def _activated(self, both: int, active: int) -> Iterator[VectorPart]:
        count = self.share.ffn
        yield from self._logistic(both, active)
        yield divide(active, both, active, count)
        if self.share.model.gated:
            yield multiply(active, active, both + count, count)

    def _deactivated(self, both: int, over: int, target: int) -> Iterator[VectorPart]:
        """With σ the logistic function of u(x): the slope is σ + x·σ·(1 − σ)·u'(x)."""
        count, text = self.share.ffn, self.text
        sigma, slope = text.buffer("logistic", count), text.buffer("slope", count)
        yield from self._logistic(both, sigma)
        yield number("move", slope, slope, 1.0, count)
        yield divide(sigma, slope, sigma, count)
        yield minus(slope, slope, sigma, count)
        yield multiply(slope, slope, sigma, count)
        yield multiply(slope, slope, both, count)
        if self.share.model.activation == "gelu":
            yield from self._gelu_inner(both, slope)
        yield add(slope, slope, sigma, count)
        if not self.share.model.gated:
            yield multiply(target, over, slope, count)
            return
        up = both + count
        yield multiply(sigma, sigma, both, count)  # the activated gate
        yield multiply(target + count, over, sigma, count)
        yield multiply(target, over, up, count)
        yield multiply(target, target, slope, count)

    def _gelu_inner(self, x: int, slope: int) -> Iterator[Elementwise]:
        count, inner = self.share.ffn, self.text.buffer("inner", self.share.ffn)
        yield multiply(inner, x, x, count)
        yield number("multiply", inner, inner, 3.0 * GELU_CUBE, count)
        yield number("add", inner, inner, 1.0, count)
        yield number("multiply", inner, inner, GELU_SLOPE, count)
        yield multiply(slope, slope, inner, count)


class HeadText:
    """Embedding, last norm, head and loss as a program's text.

    The host writes each token as a row of the vocabulary with a single 1, so that a lookup is a
    product and its gradient what a product's is.
    """

    def __init__(self, text: ProgramText) -> None:
        share = text.share
        self.text, self.share = text, share
        self.head = WeightTile("head", share.stream, share.words, ALONG_ROWS)
        self.embedding = "head" if share.model.tied else "embedding"
        self.stream = text.buffer("stream", share.stream)
        self.logits = text.buffer("logits", share.words)

    def token(self, token: int) -> int:
        """Return where the host writes a token."""
        return self._host("tokens", token, self.share.words)

    def target(self, token: int) -> int:
        """Return where it writes what follows, times how much that counts."""
        return self._host("targets", token, self.share.words)

    def counts(self, token: int) -> int:
        """Return where it writes how much a token counts."""
        return self._host("counts", token, 1)

    def outcome(self, token: int) -> int:
        """Return where the sum of exponentials lies in the end, and the target's logit · count.

        The logit is less the largest one; the host takes the logarithm of the sum.
        """
        return self._host("outcomes", token, 2)

    def _host(self, name: str, token: int, words: int) -> int:
        return self.text.memory.take(name, words * self.share.tokens, "host") + token * words

    def embed(self, token: int) -> None:
        """Write the lookup of a token's row into the stream."""
        text, share = self.text, self.share
        text.spread(ALONG_ROWS, self.token(token), share.words)
        weight = text.weight(self.embedding, share.stream * share.words)
        text.work(
            ALL,
            Matvec(self.stream, weight, self.token(token), share.stream, share.words,
                   share.words, 1),
        )  # fmt: skip
        text.sum(ALONG_COLUMNS, self.stream, share.stream)

    def embed_back(self, token: int, gradient: int) -> None:
        """Write what the stream's gradient adds to that of the token's row."""
        text, share = self.text, self.share
        text.spread(ALONG_COLUMNS, gradient, share.stream)
        sums = text.gradient(self.embedding, share.stream * share.words)
        text.work(
            ALL,
            RankOne(sums, gradient, self.token(token), share.stream, share.words, share.words),
        )

    def learn(self, token: int) -> None:
        """Write the stream's way to the loss, and its gradient's way back, kept for the layers."""
        text, share = self.text, self.share
        normed, scale = text.buffer("last input", share.stream), text.buffer("last scale", 1)
        text.norm("final norm", self.stream, scale, normed)
        text.product(self.head, normed, self.logits)
        self._loss(token)
        room = text.buffer("normed gradient", share.stream)
        text.product_back(self.head, normed, self.logits, room)
        kept = self.gradient(token)
        text.work(WEST, number("move", kept, kept, 0.0, share.stream))
        text.norm_back("final norm", self.stream, scale, room, kept)

    def gradient(self, token: int) -> int:
        """Return where the stream's gradient of a token is kept."""
        return self.text.kept("stream gradient", token, self.share.stream)

    def _loss(self, token: int) -> None:
        """Turn logits into their gradient: (softmax − target) · count."""
        text, words, logits = self.text, self.share.words, self.logits
        peak, outcome = text.buffer("peak", 1), self.outcome(token)
        text.work(NORTH, number("move", peak, peak, float("-inf"), 1), Peak(peak, logits, words))
        text.largest(ALONG_COLUMNS, peak, 1, NORTH)
        text.spread(ALONG_COLUMNS, peak, 1, NORTH)
        text.work(
            NORTH,
            scalar("subtract", logits, logits, peak, words),
            Matvec(outcome + 1, logits, self.target(token), 1, words, 0, 1),
            exp(logits, logits, words),
            Total(outcome, logits, words),
        )
        text.sum(ALONG_COLUMNS, outcome, 2, NORTH)
        text.spread(ALONG_COLUMNS, outcome, 2, NORTH)
        text.work(
            NORTH,
            scalar("divide", logits, logits, outcome, words),
            scalar("multiply", logits, logits, self.counts(token), words),
            minus(logits, logits, self.target(token), words),
        )
