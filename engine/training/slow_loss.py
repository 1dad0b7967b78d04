"""The loss of one row in float64, slow and obvious, and its derivative without a derivative rule.

The derivative in a direction d is Im L(w + i·h·d) / h with a tiny h: the loss is computed once in
complex numbers, nothing cancels, and no formula of a gradient is used.  Tests hold the gradients
of `engine.training.backpropagation` against it; it shares no code with them.

Source:
    Squire and Trapp, "Using Complex Variables to Estimate Derivatives of Real Functions", SIAM
    Review 40 (1998).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.model.graph import ModelGraph, Node
from engine.model.roles import Role

__all__ = ["slow_derivative", "slow_loss"]

_Numbers = NDArray[Any]
"""float64 or complex128."""

_STEP = 1e-30


def slow_derivative(
    graph: ModelGraph,
    weights: Mapping[str, NDArray[np.float64]],
    directions: Mapping[str, NDArray[np.float64]],
    tokens: Sequence[int],
    targets: Sequence[int],
    counts: Sequence[float],
) -> float:
    """Return the derivative of `slow_loss` as weights move in some directions, by tensor name.

    Exactness:
        That of float64 itself: the error of the step, of order 1e-60, is lost in rounding.
    """
    moved = {
        name: weight + 1j * _STEP * directions[name] if name in directions else weight
        for name, weight in weights.items()
    }
    return complex(slow_loss(graph, moved, tokens, targets, counts)).imag / _STEP


def slow_loss(
    graph: ModelGraph,
    weights: Mapping[str, _Numbers],
    tokens: Sequence[int],
    targets: Sequence[int],
    counts: Sequence[float],
) -> Any:
    """Return Σ count · cross entropy / Σ count, in nats, of the tokens that follow each other.

    Args:
        graph: Any family's.
        weights: By name, float64, or complex128 for a derivative.
        tokens: One row, T.
        targets: What follows each token, T.
        counts: How much each target counts, T.

    Returns:
        A real number, or a complex one for complex weights.
    """
    values: dict[str, _Numbers] = {}
    for node in graph.nodes:
        inputs = [values[name] for name in node.inputs]
        values[node.output] = _value(node, inputs, weights, tokens)
    total: Any = 0.0
    for logits, target, count in zip(values[graph.logits], targets, counts, strict=True):
        top = logits.real.max()
        total = total + count * (np.log(np.sum(np.exp(logits - top))) + top - logits[target])
    return total / max(sum(counts), 1.0)


def _value(
    node: Node, inputs: list[_Numbers], weights: Mapping[str, _Numbers], tokens: Sequence[int]
) -> _Numbers:
    match node.op:
        case "embed":
            rows: _Numbers = weights[str(node.weight)][np.array(tokens)]
            return rows * node.attributes.get("scale", 1.0)
        case "norm":
            return _normed(node, inputs[0], weights)
        case "matmul":
            return _product(node, inputs[0], weights)
        case "rotary":
            return _rotated(node, inputs[0])
        case "attention":
            return _attended(node, *inputs)
        case "gate":
            activated = _activated(node.text("kind"), inputs[0])
            return activated if len(inputs) == 1 else activated * inputs[1]
        case _:
            return inputs[0] + inputs[1] * node.attributes.get("scale", 1.0)


def _normed(node: Node, x: _Numbers, weights: Mapping[str, _Numbers]) -> _Numbers:
    parts = node.integer("heads") if node.role is Role.HEAD_NORM else 1
    vectors = x.reshape(len(x), parts, -1)
    if node.text("kind") == "layer":
        vectors = vectors - vectors.mean(axis=2, keepdims=True)
    mean = (vectors * vectors).mean(axis=2, keepdims=True)
    scaled = vectors / np.sqrt(mean + node.number("eps")) * weights[str(node.weight)]
    normed: _Numbers = scaled.reshape(x.shape)
    return normed + weights[node.text("bias")] if "bias" in node.attributes else normed


def _product(node: Node, x: _Numbers, weights: Mapping[str, _Numbers]) -> _Numbers:
    product: _Numbers = np.einsum("tk,nk->tn", x, weights[str(node.weight)])
    if "bias" in node.attributes:
        product = product + weights[node.text("bias")]
    product = product * node.attributes.get("scale", 1.0)
    if "softcap" in node.attributes:
        product = node.number("softcap") * np.tanh(product / node.number("softcap"))
    return product


def _rotated(node: Node, x: _Numbers) -> _Numbers:
    """Turn pair i of position t by t · base^(−2i/D) / factors[i], a pair at a time."""
    half = node.integer("head_dim") // 2
    turned = np.empty_like(x)
    for position in range(len(x)):
        for first in range(x.shape[1]):
            pair = first % (2 * half)
            if pair >= half:
                continue
            factor = (node.numbers("factors") or (1.0,) * half)[pair]
            angle = position * node.number("base") ** (-pair / half) / factor
            a, b = x[position, first], x[position, first + half]
            turned[position, first] = a * math.cos(angle) - b * math.sin(angle)
            turned[position, first + half] = b * math.cos(angle) + a * math.sin(angle)
    return turned


def _attended(node: Node, q: _Numbers, k: _Numbers, v: _Numbers) -> _Numbers:
    """Attend a head and a position at a time."""
    width, heads = node.integer("head_dim"), node.integer("heads")
    shared, window = heads // node.integer("kv_heads"), node.integer("window")
    attended = np.empty(q.shape, np.result_type(q, k, v))
    for head in range(heads):
        mine = slice(head * width, (head + 1) * width)
        theirs = slice(head // shared * width, (head // shared + 1) * width)
        for position in range(len(q)):
            seen = slice(max(0, position - window + 1) if window else 0, position + 1)
            scores = k[seen, theirs] @ q[position, mine] * node.number("scale")
            if cap := node.number("softcap"):
                scores = cap * np.tanh(scores / cap)
            powers = np.exp(scores - scores.real.max())
            attended[position, mine] = powers @ v[seen, theirs] / powers.sum()
    return attended


def _activated(kind: str, x: _Numbers) -> _Numbers:
    if kind == "silu":
        return x / (1.0 + np.exp(-x))
    return 0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x)))
