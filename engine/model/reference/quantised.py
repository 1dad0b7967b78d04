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
from engine.model.reference.interpreter import Array, Interpreter, visible
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
    "gelu",
    "head_norm",
    "layer_norm",
    "multiply",
    "quantise_rows",
    "reduce_parts",
    "rms_norm",
    "silu",
    "softcap",
]

_GROUP = 32
_LIMIT = np.float32(127.0)
_ONE = np.float32(1.0)
_UNCAPPED = np.float32(0.0)


class QuantisedReference(Interpreter):
    """A model in the wafer's arithmetic.

    Args:
        graph: What to compute.
        tensors: By name; matrices are quantised.
        orders: The orders of summation that a placement chose.

    Raises:
        ModelError: ``orders.head_dim.parts`` does not divide a head's width.

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
        """Return (x − mean) × rsqrt(mean of squares + eps) × weight, plus the bias."""
        normed = layer_norm(
            x, float_vector(self._tensors, str(node.weight)), node.number("eps"), self.orders.norm
        )
        if "bias" in node.attributes:
            normed = normed + float_vector(self._tensors, node.text("bias"))
        return normed

    def head_norm(self, node: Node, x: Array) -> Array:
        """Return the normed heads of x (T, H, D)."""
        weight = float_vector(self._tensors, str(node.weight))
        return head_norm(x, weight, node.number("eps"), self.orders.head_dim)

    def activate(self, kind: str, x: Array) -> Array:
        """Return silu(x) or gelu(x)."""
        return gelu(x) if kind == "gelu" else silu(x)

    def softcap(self, x: Array, cap: np.float32) -> Array:
        """Return cap · tanh(x / cap)."""
        return softcap(x, cap)

    def attend(self, node: Node, q: Array, keys: Array, values: Array) -> Array:
        """Return the attended values, (T, H, D)."""
        window, cap = node.integer("window"), np.float32(node.number("softcap"))
        scale = np.float32(node.number("scale"))
        return attend(q, keys, values, scale, self.orders, window=window, cap=cap)


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
    """Return the normed rows of x (T, K), their squares added as in `_mean`."""
    r = scalars.rsqrt32(_mean(x * x, order) + np.float32(eps))  # (T,)
    normed: Array = (x * r[:, None]) * weight
    return normed


def layer_norm(x: Array, weight: Array, eps: float, order: ReduceOrder) -> Array:
    """Return the rows of x (T, K) less their mean, normed as by `rms_norm`."""
    return rms_norm(x - _mean(x, order)[:, None], weight, eps, order)


def head_norm(x: Array, weight: Array, eps: float, order: ReduceOrder) -> Array:
    """Return the normed heads of x (T, H, D); squares are added in the order of a score."""
    rows, heads, width = x.shape
    in_order = (x * x)[:, :, _pairs(width)].reshape(rows * heads, width)
    r = scalars.rsqrt32(_mean(in_order, order) + np.float32(eps)).reshape(rows, heads, 1)
    normed: Array = (x * r) * weight
    return normed


def _mean(x: Array, order: ReduceOrder) -> Array:
    """Return the means of rows (T, K), (T,); part i adds elements iK/P … (i+1)K/P in turn."""
    width, parts = x.shape[1], order.parts
    partials = []
    for part in range(parts):
        partial = np.zeros(len(x), np.float32)
        for k in range(part * width // parts, (part + 1) * width // parts):
            partial = partial + x[:, k]
        partials.append(partial)
    mean: Array = reduce_parts(partials, order) / np.float32(width)
    return mean


def _pairs(width: int) -> list[int]:
    """Return the dimensions of a head as they are added: i and i + D/2 in turn."""
    return [d for i in range(width // 2) for d in (i, i + width // 2)]


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
    activated: Array = scalars.logistic32(x, scalars.exp32(-x))
    return activated


def gelu(x: Array) -> Array:
    """Return 0.5 · x · (1 + tanh(√(2/π) · (x + 0.044715 · x³)))."""
    power = scalars.exp32(scalars.gelu_exponent32(x))
    activated: Array = scalars.logistic32(x, power)
    return activated


def softcap(x: Array, cap: np.float32) -> Array:
    """Return cap · tanh(x / cap)."""
    capped: Array = scalars.softcap32(scalars.exp32(scalars.softcap_exponent32(x, cap)), cap)
    return capped


def attend(
    q: Array,
    keys: Array,
    values: Array,
    scale: np.float32,
    orders: SumOrders,
    *,
    window: int = 0,
    cap: np.float32 = _UNCAPPED,
) -> Array:
    """Return the attended values, (T, H, D), of queries q (T, H, D) at the last T positions.

    Args:
        q: Queries, after the rotary embedding.
        keys: (J, G, D), after the rotary embedding, holding fp16 values.
        values: (J, G, D), holding fp16 values.
        scale: Factor of the scores.
        orders: ``head_dim`` orders the products of a score, ``positions`` the softmax.
        window: Last positions that a query sees, its own included; 0: all.
        cap: Bound that the scaled scores approach; 0: none.
    """
    rows, heads, width = q.shape
    total, shared = len(keys), heads // keys.shape[1]
    keys, values = np.repeat(keys, shared, axis=1), np.repeat(values, shared, axis=1)  # (J, H, D)
    scores = _scores(q, keys, orders.head_dim) * scale  # (T, H, J)
    if cap > 0:
        scores = softcap(scores, cap)
    seen = visible(rows, total, window)  # (T, J)
    largest = np.where(seen[:, None, :], scores, np.float32(-np.inf)).max(axis=2)  # (T, H)
    exponentials = scalars.exp32(scores - largest[:, :, None])  # read where visible only
    parts = orders.positions.parts
    sums = np.zeros((parts, rows, heads), np.float32)
    weighted = np.zeros((parts, rows, heads, width), np.float32)
    for j in range(total):
        looking = np.flatnonzero(seen[:, j])  # the rows that see position j
        e = exponentials[looking, :, j]
        sums[j % parts, looking] += e
        weighted[j % parts, looking] += e[:, :, None] * values[j]
    total_weight = reduce_parts(sums, orders.positions)  # (T, H)
    attended: Array = reduce_parts(weighted, orders.positions) / total_weight[:, :, None]
    return attended


def _scores(q: Array, keys: Array, order: ReduceOrder) -> Array:
    """Return q·k for all pairs, (T, H, J); the dimensions of a head are added pair by pair."""
    rows, heads, width = q.shape
    pairs = _pairs(width)
    share = width // order.parts
    partials = []
    for part in range(order.parts):
        partial = np.zeros((rows, heads, len(keys)), np.float32)
        for d in pairs[part * share : (part + 1) * share]:
            partial = partial + q[:, :, d, None] * keys[:, :, d].T[None]
        partials.append(partial)
    return reduce_parts(partials, order)
