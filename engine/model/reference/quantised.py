"""The quantised reference: the arithmetic of the wafer, bit for bit, in the order that it names.

NumPy is used over independent results only.  Where the order of a sum is part of the result there
is a loop: np.sum, np.dot and np.einsum choose orders of their own.  int32 products are exact in
any order.  Every operation below is one float32 operation, rounded to nearest even.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engine import scalars
from engine.errors import ModelError
from engine.model.graph import ModelGraph, Node
from engine.model.reference.interpreter import Array, Interpreter
from engine.model.roles import Role
from engine.model.sum_orders import ReduceOrder, SumOrders
from engine.model.tensors.tensor import (
    Blocks,
    QuantisedTensor,
    Tensor,
    float_vector,
    quantised_matrix,
)

__all__ = [
    "QuantisedReference",
    "attend",
    "multiply",
    "quantise_rows",
    "reduce_parts",
    "rms_norm",
    "silu",
]

_GROUP = 32
_LIMIT = np.float32(127.0)
_ONE = np.float32(1.0)


class QuantisedReference(Interpreter):
    """A model in the wafer's arithmetic.

    Args:
        graph: What to compute.
        tensors: By name; matrices are quantised.
        orders: The orders of summation that a placement chose.

    Raises:
        ModelError: ``orders.head_dim.parts`` does not divide a head's width, or a node has no
            arithmetic here, such as a window or a GELU.

    Exactness:
        Bit-exact with the fast tier and the cycle tier for the same orders; the same logits for
        every split of a sequence into prefill and decode.
    """

    kv_type = np.float16

    def __init__(self, graph: ModelGraph, tensors: Mapping[str, Tensor], orders: SumOrders) -> None:
        super().__init__(graph)
        self.orders = orders
        self._tensors = tensors
        for node in self.graph.nodes:
            _refuse_unsupported(node)
            if node.op == "attention" and node.integer("head_dim") % orders.head_dim.parts:
                raise ModelError(
                    f"node {node.name!r}: head_dim {node.integer('head_dim')} does not split "
                    f"over {orders.head_dim.parts} parts"
                )

    def embed(self, node: Node, tokens: NDArray[np.int32]) -> Array:
        """Return the dequantised embedding rows of tokens (T,)."""
        return self._tensors[str(node.weight)].dequantise(tokens)

    def norm(self, node: Node, x: Array) -> Array:
        """Return x × rsqrt(mean of squares + eps) × weight."""
        return rms_norm(
            x, float_vector(self._tensors, str(node.weight)), node.number("eps"), self.orders.norm
        )

    def matmul(self, node: Node, x: Array) -> Array:
        """Return the quantised x times the transposed weight, plus the bias if there is one."""
        weight = quantised_matrix(self._tensors, str(node.weight))
        product = multiply(x, weight, self.orders.of(node.role))
        if "bias" in node.attributes:
            product = product + float_vector(self._tensors, node.text("bias"))
        return product

    def layer_norm(self, node: Node, x: Array) -> Array:
        """Refuse: the wafer's arithmetic has no layer norm."""
        raise _refusal(node, "layer norm")

    def head_norm(self, node: Node, x: Array) -> Array:
        """Refuse: the wafer's arithmetic has no norm of single heads."""
        raise _refusal(node, "norm of single heads")

    def activate(self, kind: str, x: Array) -> Array:
        """Return silu(x)."""
        return silu(x)

    def softcap(self, x: Array, cap: np.float32) -> Array:
        """Refuse: the wafer's arithmetic has no soft-cap."""
        raise ModelError("the quantised reference has no soft-cap")

    def attend(self, node: Node, q: Array, keys: Array, values: Array) -> Array:
        """Return the attended values, (T, H, D)."""
        return attend(q, keys, values, np.float32(node.number("scale")), self.orders)


def reduce_parts(parts: Sequence[Array] | Array, order: ReduceOrder) -> Array:
    """Return the sum of ``order.parts`` partial sums of equal shape, in the order it names."""
    groups = []
    for first in range(0, order.parts, order.group):
        last = min(first + order.group, order.parts) - 1
        chain: Array = parts[last]
        for i in range(last - 1, first - 1, -1):
            chain = parts[i] + chain
        groups.append(chain)
    total = groups[-1]
    for group in reversed(groups[:-1]):
        total = group + total
    return total


def rms_norm(x: Array, weight: Array, eps: float, order: ReduceOrder) -> Array:
    """Return the normed rows of x (T, K); part i sums the squares of elements iK/P … (i+1)K/P."""
    width, parts = x.shape[1], order.parts
    partials = []
    for part in range(parts):
        partial = np.zeros(len(x), np.float32)
        for k in range(part * width // parts, (part + 1) * width // parts):
            partial = partial + x[:, k] * x[:, k]
        partials.append(partial)
    squares = reduce_parts(partials, order)
    r = scalars.rsqrt32(squares / np.float32(width) + np.float32(eps))  # (T,)
    normed: Array = (x * r[:, None]) * weight
    return normed


def quantise_rows(x: Array) -> tuple[NDArray[np.int32], Array]:
    """Return the levels, −127 … 127, (T, K/32, 32), and scales, (T, K/32), of rows (T, K)."""
    groups = x.reshape(len(x), -1, _GROUP)
    scales = np.abs(groups).max(axis=2) / _LIMIT
    divisors = np.where(scales == 0, _ONE, scales)
    levels = np.clip(np.rint(groups / divisors[:, :, None]), -_LIMIT, _LIMIT)
    levels = np.where(scales[:, :, None] == 0, np.float32(0), levels)
    return levels.astype(np.int32), scales


def multiply(x: Array, weight: QuantisedTensor, order: ReduceOrder) -> Array:
    """Return x (T, K) times the transposed weight (N, K); part i owns groups iG/P … (i+1)G/P.

    A group's term is f32(Σ level·q) · (s_w·s_a), with minima less f32(Σ q) · (m·s_a).  Where a
    scale belongs to 16 inputs, a group has two terms, the lower inputs first.
    """
    rows, outputs = len(x), weight.shape[0]
    levels, scales = quantise_rows(x)
    groups, parts = levels.shape[1], order.parts
    blocks = weight.blocks()
    partials = []
    for part in range(parts):
        partial = np.zeros((rows, outputs), np.float32)
        for g in range(part * groups // parts, (part + 1) * groups // parts):
            for term in _terms(blocks, g, levels[:, g], scales[:, g, None]):
                partial = partial + term
        partials.append(partial)
    return reduce_parts(partials, order)


def _terms(blocks: Blocks, g: int, levels: NDArray[np.int32], scales: Array) -> Iterator[Array]:
    """Yield the terms (T, N) of group g from its levels (T, 32) and their scales (T, 1)."""
    block = blocks.levels.shape[1] // blocks.scales.shape[1]
    for b in range(g * _GROUP // block, (g + 1) * _GROUP // block):
        inputs = levels[:, b * block - g * _GROUP : (b + 1) * block - g * _GROUP]
        weights = blocks.levels[:, b * block : (b + 1) * block].astype(np.int32)
        dots = (inputs @ weights.T).astype(np.float32)  # (T, N), the sums exact
        term = dots * (blocks.scales[None, :, b] * scales)
        if blocks.minima is not None:
            sums = inputs.sum(axis=1, keepdims=True).astype(np.float32)
            term = term - sums * (blocks.minima[None, :, b] * scales)
        yield term


def silu(x: Array) -> Array:
    """Return x / (1 + exp(−x))."""
    activated: Array = x / (_ONE + scalars.exp32(-x))
    return activated


def attend(q: Array, keys: Array, values: Array, scale: np.float32, orders: SumOrders) -> Array:
    """Return the attended values, (T, H, D), of queries q (T, H, D) at the last T positions.

    Args:
        q: Queries, after the rotary embedding.
        keys: (J, G, D), after the rotary embedding, holding fp16 values.
        values: (J, G, D), holding fp16 values.
        scale: Factor of the scores.
        orders: ``head_dim`` orders the products of a score, ``positions`` the softmax.
    """
    rows, heads, width = q.shape
    total, shared = len(keys), heads // keys.shape[1]
    keys, values = np.repeat(keys, shared, axis=1), np.repeat(values, shared, axis=1)  # (J, H, D)
    scores = _scores(q, keys, orders.head_dim) * scale  # (T, H, J)
    start = total - rows
    visible = np.arange(total) <= np.arange(start, total)[:, None, None]  # (T, 1, J)
    largest = np.where(visible, scores, np.float32(-np.inf)).max(axis=2)  # (T, H)
    exponentials = scalars.exp32(scores - largest[:, :, None])  # read where visible only
    parts = orders.positions.parts
    sums = np.zeros((parts, rows, heads), np.float32)
    weighted = np.zeros((parts, rows, heads, width), np.float32)
    for j in range(total):
        first = max(0, j - start)  # the first row that sees position j
        e = exponentials[first:, :, j]
        sums[j % parts, first:] += e
        weighted[j % parts, first:] += e[:, :, None] * values[j]
    total_weight = reduce_parts(sums, orders.positions)  # (T, H)
    attended: Array = reduce_parts(weighted, orders.positions) / total_weight[:, :, None]
    return attended


def _scores(q: Array, keys: Array, order: ReduceOrder) -> Array:
    """Return q·k for all pairs, (T, H, J); the dimensions of a head are added pair by pair."""
    rows, heads, width = q.shape
    pairs = [d for i in range(width // 2) for d in (i, i + width // 2)]
    share = width // order.parts
    partials = []
    for part in range(order.parts):
        partial = np.zeros((rows, heads, len(keys)), np.float32)
        for d in pairs[part * share : (part + 1) * share]:
            partial = partial + q[:, :, d, None] * keys[:, :, d].T[None]
        partials.append(partial)
    return reduce_parts(partials, order)


def _refuse_unsupported(node: Node) -> None:
    """Refuse what `QuantisedReference` has no arithmetic for."""
    if node.role is Role.HEAD_NORM:
        raise _refusal(node, "norm of single heads")
    if node.op == "norm" and node.text("kind") != "rms":
        raise _refusal(node, f"norm of kind {node.text('kind')}; only rms")
    if node.op == "gate" and node.text("kind") != "silu":
        raise _refusal(node, f"activation of kind {node.text('kind')}; only silu")
    if "softcap" in node.attributes and node.number("softcap"):
        raise _refusal(node, f"softcap={node.number('softcap'):g}")
    if node.op == "attention" and node.integer("window"):
        raise _refusal(node, f"attention with window={node.integer('window')}; only 0")


def _refusal(node: Node, what: str) -> ModelError:
    return ModelError(f"node {node.name!r}: the quantised reference has no {what}")
