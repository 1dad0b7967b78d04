"""A training step, slow and obvious: whole vectors, no cores, the Program's orders of sums.

It knows a training program by its orders only: how many parts a sum has and how they meet.  So it
is a witness for the layout, the memory map and the instructions, bit by bit.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.model.sum_orders import ReduceOrder
from engine.scalars import exp32, rotary_tables, rsqrt32
from engine.wafer.training_program.core_share import CoreShare
from engine.wafer.training_program.layer_text import GELU_CUBE, GELU_SLOPE
from engine.wafer.training_program.muon_text import MuonRates
from engine.wafer.training_program.optimiser_text import AdamWRates
from engine.wafer.training_program.ordered_sums import in_order, meet
from engine.wafer.training_program.reference_muon import muon_moved

__all__ = ["ReferenceStep"]

Floats = NDArray[np.float32]
Kept = dict[tuple[str, int], Any]

_ONE = np.float32(1.0)


@dataclass
class _Token:
    """What a token leaves for its way back, by name and layer."""

    kept: Kept = field(default_factory=dict)


class ReferenceStep:
    """A row's forward and backward.

    Args:
        share: Whose columns decide how heads are cut.
        tensors: By name, float32; read only.
        orders: Of sums along rows of cores, along columns, and over the columns of a head.
    """

    def __init__(
        self,
        share: CoreShare,
        tensors: Mapping[str, Floats],
        orders: tuple[ReduceOrder, ReduceOrder, ReduceOrder],
    ) -> None:
        self.model, self.tensors = share.model, tensors
        self.along_rows, self.along_columns, self.over_parts = orders
        self.gradients = {name: np.zeros_like(tensor) for name, tensor in tensors.items()}
        self._dims = [share.part_dims(part) for part in range(share.parts)]
        self._queries = share.column_order(share.model.heads)
        self._keys = share.column_order(share.model.kv_heads)

    def add_row(
        self, tokens: NDArray[np.int64], targets: NDArray[np.int64], counts: Floats
    ) -> None:
        """Add the gradients of Σ count · cross entropy over a row's tokens, (T,) each."""
        self.cosines, self.sines = rotary_tables(
            self.model.rotary_base, self.model.head_dim, len(tokens), ()
        )
        layers = len(self.model.layers)
        self.keys: list[list[Floats]] = [[] for _ in range(layers)]
        self.values: list[list[Floats]] = [[] for _ in range(layers)]
        self.key_gradients: list[list[Floats]] = [[] for _ in range(layers)]
        self.value_gradients: list[list[Floats]] = [[] for _ in range(layers)]
        notes, streams = [], []
        for token, target, count in zip(tokens, targets, counts, strict=True):
            notes.append(_Token())
            stream = self.tensors[self.model.embedding][token] + np.float32(0.0)
            for number in range(layers):
                stream = self._layer(number, stream, notes)
            streams.append(self._head(stream, int(target), count))
        for at in reversed(range(len(tokens))):
            gradient = streams[at]
            for number in reversed(range(layers)):
                gradient = self._layer_back(number, gradient, notes, at)
            self.gradients[self.model.embedding][tokens[at]] += gradient

    def stepped(self, rates: AdamWRates, muon_rates: MuonRates | None = None) -> dict[str, Floats]:
        """Return the tensors after a first step along the gradients.

        Args:
            rates: Of AdamW.
            muon_rates: Of Muon, for the matrices of layers; None: AdamW moves all.
        """
        moved = {name: self._moved(name, rates) for name in self.tensors}
        for layer in self.model.layers if muon_rates else ():
            assert muon_rates is not None
            by_side = {True: (*layer.qkv, *layer.gate_up), False: (layer.out, layer.down)}
            for inputs_along_rows, names in by_side.items():
                for name in names:
                    moved[name] = muon_moved(
                        self.tensors[name], self.gradients[name], muon_rates,
                        (self.along_rows, self.along_columns),
                        inputs_along_rows=inputs_along_rows,
                    )  # fmt: skip
        return moved

    def _moved(self, name: str, rates: AdamWRates) -> Any:
        gradient, weight = self.gradients[name], self.tensors[name]
        keep_mean, keep_square = rates.betas
        mean = gradient * np.float32(1.0 - keep_mean)
        square = gradient * gradient * np.float32(1.0 - keep_square)
        root = rsqrt32(square) * square
        root = root / np.float32(math.sqrt(1.0 - keep_square)) + np.float32(rates.epsilon)
        step = mean / root * np.float32(rates.rate / (1.0 - keep_mean))
        return weight * np.float32(1.0 - rates.rate * rates.decay) - step

    # ── products and norms ──────────────────────────────────────────────────────────────────

    def _product(self, weights: Sequence[str], x: Floats, order: ReduceOrder) -> Any:
        matrix = np.concatenate([self.tensors[name] for name in weights])
        return self._ordered(matrix, x, order)

    def _ordered(self, matrix: Floats, x: Floats, order: ReduceOrder) -> Any:
        """Return matrix · x: inputs in equal parts, each in order, then the parts."""
        width = len(x) // order.parts
        like = np.zeros(len(matrix), np.float32)
        return meet(
            [
                in_order([matrix[:, k] * x[k] for k in range(at, at + width)], like)
                for at in range(0, len(x), width)
            ],
            order,
        )

    def _product_back(
        self,
        weights: Sequence[str],
        x: Floats,
        gradient: Floats,
        order: ReduceOrder,
        outputs: Sequence[NDArray[np.int64]] = (),
    ) -> Any:
        """Add to the weights' gradients; return the inputs', ``order`` that of the outputs.

        Every part holds an equal share of each stacked matrix: of ``outputs``, if they are given,
        else as they come.
        """
        begin, pieces = 0, []
        for number, name in enumerate(weights):
            rows = len(self.tensors[name])
            mine = gradient[begin : begin + rows]
            self.gradients[name] += mine[:, None] * x[None, :]
            lie = outputs[number] if outputs else np.arange(rows)
            pieces.append((self.tensors[name][lie], mine[lie], rows // order.parts))
            begin += rows
        parts = [
            in_order(
                [
                    matrix[n] * mine[n]
                    for matrix, mine, width in pieces
                    for n in range(part * width, (part + 1) * width)
                ],
                x,
            )
            for part in range(order.parts)
        ]
        return meet(parts, order)

    def _head_dot(self, left: Floats, right: Floats) -> Any:
        """Return the product of two vectors of a head, part by part; shape (1,)."""
        like = np.zeros(1, np.float32)
        return meet(
            [in_order([left[d] * right[d] for d in dims], like) for dims in self._dims],
            self.over_parts,
        )

    def _dot(self, left: Floats, right: Floats, order: ReduceOrder) -> np.float32:
        return np.float32(self._ordered(left[None, :], right, order)[0])

    def _norm(self, weight: str, x: Floats) -> tuple[Floats, np.float32]:
        mean = self._dot(x, x, self.along_rows) / np.float32(self.model.hidden)
        scale = np.float32(rsqrt32(np.float32(mean + np.float32(self.model.eps))))
        return (x * scale) * self.tensors[weight], scale

    def _norm_back(self, weight: str, x: Floats, scale: np.float32, gradient: Floats) -> Any:
        normed = x * scale
        self.gradients[weight] += gradient * normed
        through = gradient * self.tensors[weight]
        along = self._dot(through, normed, self.along_rows) / np.float32(self.model.hidden)
        return (through - normed * along) * scale

    # ── a layer ─────────────────────────────────────────────────────────────────────────────

    def _layer(self, number: int, stream: Floats, notes: list[_Token]) -> Any:
        layer, kept, at = self.model.layers[number], notes[-1].kept, len(notes) - 1
        kept["attention", number] = stream
        normed, kept["attention scale", number] = self._norm(layer.attention_norm, stream)
        kept["attention input", number] = normed
        qkv = self._product(layer.qkv, normed, self.along_rows)
        attended = self._attention(number, qkv, kept, at)
        out = self.tensors[layer.out][:, self._queries]
        stream = stream + self._ordered(out, attended[self._queries], self.along_columns)
        kept["ffn", number] = stream
        normed, kept["ffn scale", number] = self._norm(layer.ffn_norm, stream)
        kept["ffn input", number] = normed
        both = self._product(layer.gate_up, normed, self.along_rows)
        kept["gate, up", number] = both
        gate, up = self._halves(both)
        active = gate / self._denominator(gate)
        kept["active", number] = active if up is None else active * up
        added = self._product([layer.down], kept["active", number], self.along_columns)
        return stream + added

    def _layer_back(self, number: int, gradient: Floats, notes: list[_Token], at: int) -> Any:
        layer, kept = self.model.layers[number], notes[at].kept
        over = self._product_back([layer.down], kept["active", number], gradient, self.along_rows)
        both = self._activation_back(kept["gate, up", number], over)
        over = self._product_back(
            layer.gate_up, kept["ffn input", number], both, self.along_columns
        )
        gradient = gradient + self._norm_back(
            layer.ffn_norm, kept["ffn", number], kept["ffn scale", number], over
        )
        over = self._product_back([layer.out], kept["attended", number], gradient, self.along_rows)
        qkv = self._attention_back(number, over, notes, at)
        over = self._product_back(
            layer.qkv,
            kept["attention input", number],
            qkv,
            self.along_columns,
            (self._queries, self._keys, self._keys),
        )
        return gradient + self._norm_back(
            layer.attention_norm, kept["attention", number], kept["attention scale", number], over
        )

    def _halves(self, both: Floats) -> tuple[Floats, Floats | None]:
        ffn = self.model.ffn
        return both[:ffn], both[ffn:] if self.model.gated else None

    def _denominator(self, x: Floats) -> Any:
        if self.model.activation == "silu":
            return exp32(x * np.float32(-1.0)) + _ONE
        inner = x * x * np.float32(GELU_CUBE) + _ONE
        return exp32(inner * x * np.float32(-GELU_SLOPE)) + _ONE

    def _activation_back(self, both: Floats, over: Floats) -> Any:
        gate, up = self._halves(both)
        sigma = _ONE / self._denominator(gate)
        slope = (_ONE - sigma) * sigma * gate
        if self.model.activation == "gelu":
            inner = gate * gate * np.float32(3.0 * GELU_CUBE) + _ONE
            slope = slope * (inner * np.float32(GELU_SLOPE))
        slope = slope + sigma
        if up is None:
            return over * slope
        return np.concatenate([over * up * slope, over * (sigma * gate)])

    # ── attention ───────────────────────────────────────────────────────────────────────────

    def _split(self, qkv: Floats) -> tuple[Floats, Floats, Floats]:
        model = self.model
        heads = qkv.reshape(-1, model.head_dim)
        ends = model.heads, model.heads + model.kv_heads
        return heads[: ends[0]], heads[ends[0] : ends[1]], heads[ends[1] :]

    def _turn(self, heads: Floats, at: int, *, back: bool) -> Any:
        half = self.model.head_dim // 2
        x, y = heads[:, :half], heads[:, half:]
        cosine, sine = self.cosines[at], self.sines[at]
        if back:
            return np.concatenate([x * cosine + y * sine, y * cosine - x * sine], axis=1)
        return np.concatenate([x * cosine - y * sine, y * cosine + x * sine], axis=1)

    def _attention(self, number: int, qkv: Floats, kept: Kept, at: int) -> Any:
        queries, keys, values = self._split(qkv)
        queries = self._turn(queries, at, back=False) * np.float32(self.model.score_scale)
        self.keys[number].append(self._turn(keys, at, back=False))
        self.values[number].append(values)
        self.key_gradients[number].append(np.zeros_like(keys))
        self.value_gradients[number].append(np.zeros_like(values))
        kept["queries", number] = queries
        attended = [self._attend(number, head, queries[head], at) for head in range(len(queries))]
        kept["totals", number] = np.array([total for total, _ in attended])
        kept["attended", number] = np.concatenate([values for _, values in attended])
        return kept["attended", number]

    def _parts(self, at: int) -> list[range]:
        """Positions that a token sees, by the core row that keeps them."""
        rows = self.along_rows.parts
        return [range(row, at + 1, rows) for row in range(rows)]

    def _exponentials(self, number: int, head: int, query: Floats, at: int) -> list[Floats]:
        """Return e^(score − largest) by position."""
        group = head // (self.model.heads // self.model.kv_heads)
        scores = [self._head_dot(key[group], query) for key in self.keys[number][: at + 1]]
        largest = np.max(scores)
        return [exp32(score - largest)[0] for score in scores]

    def _attend(self, number: int, head: int, query: Floats, at: int) -> tuple[Any, Any]:
        group = head // (self.model.heads // self.model.kv_heads)
        shares = self._exponentials(number, head, query, at)
        values, order = self.values[number], self.along_rows
        one = np.float32(0.0)
        total = meet([in_order([shares[j] for j in part], one) for part in self._parts(at)], order)
        weighed = meet(
            [
                in_order([values[j][group] * shares[j] for j in part], query)
                for part in self._parts(at)
            ],
            order,
        )
        return total, weighed / total

    def _attention_back(self, number: int, over: Floats, notes: list[_Token], at: int) -> Any:
        model, kept = self.model, notes[at].kept
        heads = over.reshape(model.heads, -1)
        queries = np.stack(
            [self._head_back(number, head, heads[head], kept, at) for head in range(model.heads)]
        )
        rows = self.along_rows
        nothing = np.zeros((model.kv_heads, model.head_dim), np.float32)
        parts = [
            [
                gradients[number][at] if row == at % rows.parts else nothing
                for row in range(rows.parts)
            ]
            for gradients in (self.key_gradients, self.value_gradients)
        ]
        keys, values = (meet(each, rows) for each in parts)
        queries = self._turn(queries, at, back=True) * np.float32(model.score_scale)
        keys = self._turn(keys, at, back=True)
        return np.concatenate([queries.ravel(), keys.ravel(), values.ravel()])

    def _head_back(
        self,
        number: int,
        head: int,
        over: Floats,
        kept: Kept,
        at: int,
    ) -> Any:
        """Add to the gradients of keys and values that a head saw; return the query's."""
        group, dim = head // (self.model.heads // self.model.kv_heads), self.model.head_dim
        query = kept["queries", number][head]
        attended = kept["attended", number].reshape(-1, dim)[head]
        dot = self._head_dot(over, attended)
        shares = self._exponentials(number, head, query, at)
        slopes = []
        for j, share in enumerate(shares):
            weight = share / kept["totals", number][head]
            value = self.values[number][j][group]
            slope = self._head_dot(value, over)
            slopes.append((slope - dot)[0] * weight)
            self.value_gradients[number][j][group] += weight * over
            self.key_gradients[number][j][group] += slopes[j] * query
        return meet(
            [
                in_order([self.keys[number][j][group] * slopes[j] for j in part], query)
                for part in self._parts(at)
            ],
            self.along_rows,
        )

    # ── the head ────────────────────────────────────────────────────────────────────────────

    def _head(self, stream: Floats, target: int, count: np.float32) -> Any:
        """Return the stream's gradient behind the last layer; add the head's."""
        model, columns = self.model, self.along_columns
        normed, scale = self._norm(model.final_norm, stream)
        logits = self._product([model.head], normed, self.along_rows)
        shares = exp32(logits - logits.max())
        width, one = len(shares) // columns.parts, np.float32(0.0)
        total = meet(
            [in_order(list(shares[at : at + width]), one) for at in range(0, len(shares), width)],
            columns,
        )
        gradient = shares / total * count
        counted = np.zeros_like(gradient)
        counted[target] = count
        over = self._product_back([model.head], normed, gradient - counted, columns)
        return np.float32(0.0) + self._norm_back(model.final_norm, stream, scale, over)
