"""Walks a ModelGraph node by node and keeps the KV cache; what a node computes is a subclass's.

Letters: T rows of this step, J rows in the KV cache with them, H heads, G key/value heads,
D width of a head, N outputs, K inputs.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine import scalars
from engine.errors import ModelError, PromptError
from engine.model.graph import ModelGraph, Node
from engine.model.roles import Role

__all__ = ["Array", "Interpreter", "visible"]

Array = NDArray[np.float32]


@dataclass(slots=True)
class _KvCache:
    """Keys and values of every attention node: (rows, G, D) by the node's name."""

    keys: dict[str, NDArray[Any]] = field(default_factory=dict)
    values: dict[str, NDArray[Any]] = field(default_factory=dict)


class Interpreter(ABC):
    """Base of the references; is a Runner (prefill, decode, rewind) with a KV cache of its own.

    What is one operation on independent numbers (rotations, products with a constant, sums of two
    values) is computed here; what has an order, or a function of a number, is a subclass's.
    """

    kv_type: type[np.floating[Any]]
    """Type in which keys and values are kept."""

    def __init__(self, graph: ModelGraph) -> None:
        self.graph = graph
        self.context_length = graph.context_length
        self.position = 0
        """Rows in the KV cache."""
        self._cache = self._empty_cache(graph.context_length)
        self._rotary_tables = _rotary_tables(graph)

    # ── what everybody calls ────────────────────────────────────────────────────────────────

    def forward(self, tokens: ArrayLike) -> Array:
        """Return the logits of a whole sequence, float32, shape (T, V); the KV cache stays as is.

        Raises:
            PromptError: No token, one outside the vocabulary, or more than the context holds.
        """
        return self.trace(tokens)[self.graph.logits]

    def trace(self, tokens: ArrayLike) -> dict[str, Array]:
        """Return every value of a whole sequence by name, float32, shape (T, width).

        Raises:
            PromptError: As `forward`.
        """
        row = self._checked(tokens, position=0)
        return self._run(row, 0, self._empty_cache(len(row)))

    def prefill(self, tokens: ArrayLike) -> Array:
        """Append tokens to the KV cache and return the logits of the last one, shape (V,).

        Raises:
            PromptError: As `forward`.
        """
        last_row: Array = self.verify(tokens)[-1]
        return last_row

    def verify(self, tokens: ArrayLike) -> Array:
        """Append tokens (T,) to the KV cache and return the logits of all of them, shape (T, V).

        Raises:
            PromptError: As `forward`.
        """
        row = self._checked(tokens, self.position)
        values = self._run(row, self.position, self._cache)
        self.position += len(row)
        return values[self.graph.logits]

    def decode(self, token: int) -> Array:
        """Append one token to the KV cache and return its logits, shape (V,).

        Raises:
            PromptError: As `forward`.
        """
        return self.prefill([token])

    def rewind(self, position: int) -> None:
        """Keep the first ``position`` rows of the KV cache.

        Raises:
            ValueError: The cache has fewer rows.
        """
        if not 0 <= position <= self.position:
            raise ValueError(f"rewind to {position}: the KV cache has {self.position} rows")
        self.position = position

    # ── what a subclass computes ────────────────────────────────────────────────────────────

    @abstractmethod
    def embed(self, node: Node, tokens: NDArray[np.int32]) -> Array:
        """Return the embedding rows of tokens (T,), not scaled."""

    @abstractmethod
    def norm(self, node: Node, x: Array) -> Array:
        """Return the RMS-normed rows of x (T, K)."""

    @abstractmethod
    def layer_norm(self, node: Node, x: Array) -> Array:
        """Return the layer-normed rows of x (T, K), plus the bias if there is one."""

    @abstractmethod
    def head_norm(self, node: Node, x: Array) -> Array:
        """Return the RMS-normed heads of x (T, H, D)."""

    @abstractmethod
    def matmul(self, node: Node, x: Array) -> Array:
        """Return x (T, K) times the transposed weight (N, K), plus the bias if there is one."""

    @abstractmethod
    def activate(self, kind: str, x: Array) -> Array:
        """Return silu(x) or gelu(x), element by element."""

    @abstractmethod
    def softcap(self, x: Array, cap: np.float32) -> Array:
        """Return cap · tanh(x / cap), element by element."""

    @abstractmethod
    def attend(self, node: Node, q: Array, keys: Array, values: Array) -> Array:
        """Return the attended values, (T, H, D), of queries q (T, H, D).

        The queries are the last T of the J positions of keys and values (J, G, D); each sees the
        positions up to its own, the last ``window`` of them where there is one: `visible`.
        """

    # ── the walk ────────────────────────────────────────────────────────────────────────────

    def _run(self, tokens: NDArray[np.int32], position: int, cache: _KvCache) -> dict[str, Array]:
        values: dict[str, Array] = {}
        for node in self.graph.nodes:
            inputs = [values[name] for name in node.inputs]
            values[node.output] = self._compute(node, inputs, tokens, position, cache)
        return values

    def _compute(
        self,
        node: Node,
        inputs: list[Array],
        tokens: NDArray[np.int32],
        position: int,
        cache: _KvCache,
    ) -> Array:
        match node.op:
            case "embed":
                return _scaled(node, self.embed(node, tokens))
            case "norm":
                return self._norm(node, inputs[0])
            case "matmul":
                return self._matmul(node, inputs[0])
            case "rotary":
                return self._rotary(node, inputs[0], position)
            case "attention":
                return self._attention(node, inputs, position, cache)
            case "gate":
                activated = self.activate(node.text("kind"), inputs[0])
                return activated if len(inputs) == 1 else activated * inputs[1]
            case "add":
                return inputs[0] + _scaled(node, inputs[1])
        raise ModelError(f"node {node.name!r}: the reference has no operation {node.op!r}")

    def _norm(self, node: Node, x: Array) -> Array:
        if node.role is Role.HEAD_NORM:
            return self.head_norm(node, x.reshape(len(x), node.integer("heads"), -1)).reshape(
                x.shape
            )
        return self.layer_norm(node, x) if node.text("kind") == "layer" else self.norm(node, x)

    def _matmul(self, node: Node, x: Array) -> Array:
        """Multiply; the head's logits are then scaled, then capped."""
        product = _scaled(node, self.matmul(node, x))
        if "softcap" in node.attributes:
            product = self.softcap(product, np.float32(node.number("softcap")))
        return product

    def _rotary(self, node: Node, x: Array, position: int) -> Array:
        """Turn the pairs (i, i + D/2) of every head by the angles of its position."""
        rows, half = len(x), node.integer("head_dim") // 2
        heads = x.reshape(rows, node.integer("heads"), 2 * half)
        cosine, sine = self._rotary_tables[_rotary_kind(node)]
        cosine = cosine[position : position + rows, None, :]  # (T, 1, D/2)
        sine = sine[position : position + rows, None, :]
        a, b = heads[:, :, :half], heads[:, :, half:]
        turned = np.concatenate([a * cosine - b * sine, b * cosine + a * sine], axis=2)
        return turned.reshape(rows, -1)

    def _attention(self, node: Node, inputs: list[Array], position: int, cache: _KvCache) -> Array:
        """Append keys and values to the cache, then attend to all of it."""
        rows, head_dim = len(inputs[0]), node.integer("head_dim")
        q, k, v = (x.reshape(rows, -1, head_dim) for x in inputs)
        keys, values = cache.keys[node.name], cache.values[node.name]
        end = position + rows
        keys[position:end] = k  # rounds to the cache's type
        values[position:end] = v
        attended = self.attend(
            node, q, keys[:end].astype(np.float32), values[:end].astype(np.float32)
        )
        return attended.reshape(rows, -1)

    def _empty_cache(self, rows: int) -> _KvCache:
        cache = _KvCache()
        for node in self.graph.nodes:
            if node.op == "attention":
                shape = (rows, node.integer("kv_heads"), node.integer("head_dim"))
                cache.keys[node.name] = np.zeros(shape, self.kv_type)
                cache.values[node.name] = np.zeros(shape, self.kv_type)
        return cache

    def _checked(self, tokens: ArrayLike, position: int) -> NDArray[np.int32]:
        row = np.atleast_1d(np.asarray(tokens, np.int64))
        if row.ndim != 1 or len(row) == 0:
            raise PromptError("a step needs at least one token")
        end = position + len(row)
        if end > self.context_length:
            raise PromptError(
                f"{len(row)} tokens at position {position} end at {end}; "
                f"{self.graph.name} holds {self.context_length}: shorten the prompt"
            )
        outside = row[(row < 0) | (row >= self.graph.vocabulary)]
        if len(outside):
            raise PromptError(
                f"token {outside[0]} is outside the vocabulary of {self.graph.vocabulary}; "
                f"tokenizer and model do not belong together"
            )
        return row.astype(np.int32)


def visible(rows: int, total: int, window: int) -> NDArray[np.bool_]:
    """Return which of ``total`` positions the last ``rows`` of them see, (rows, total).

    Args:
        rows: Queries, T.
        total: Keys, J.
        window: 0, or how many positions up to its own a query sees.
    """
    behind = np.arange(total - rows, total)[:, None] - np.arange(total)  # i − j
    seen: NDArray[np.bool_] = behind >= 0
    return seen & (behind < window) if window else seen


def _scaled(node: Node, x: Array) -> Array:
    return x * np.float32(node.number("scale")) if "scale" in node.attributes else x


_RotaryKind = tuple[float, int, tuple[float, ...]]


def _rotary_kind(node: Node) -> _RotaryKind:
    """Return what decides a rotation's tables: base, head width, factors."""
    return node.number("base"), node.integer("head_dim"), node.numbers("factors")


def _rotary_tables(graph: ModelGraph) -> Mapping[_RotaryKind, tuple[Array, Array]]:
    """Return the (cosine, sine) tables that the graph needs."""
    kinds = {_rotary_kind(node) for node in graph.nodes if node.op == "rotary"}
    return {
        (base, width, factors): scalars.rotary_tables(base, width, graph.context_length, factors)
        for base, width, factors in kinds
    }
