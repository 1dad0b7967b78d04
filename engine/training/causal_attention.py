"""Causal attention with shared keys, windows and soft caps, forward and backward.

A block of queries meets only the keys that it can see, in plain matrix products; the weights of
every block are kept for the way back.  Rows of a batch never see each other.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.model.graph import Node
from engine.model.reference.interpreter import visible
from engine.training.activations import softcap, softcap_slope
from engine.training.pullback import FloatArray, GradientSums, Pullback

__all__ = ["QUERIES_AT_ONCE", "attention"]

QUERIES_AT_ONCE = 128
"""Positions of a block of queries."""


@dataclass(frozen=True, slots=True)
class _QueryBlock:
    """Some positions' queries, what they see, and how they share their attention.

    Scores have shape (B, G, block · S, seen): the S queries of a key lie side by side.
    """

    queries: slice
    """Rows of `_by_keys` arrays, S to a position."""
    keys: slice
    """Positions seen by any of them."""
    weights: FloatArray
    """Softmax of the scores; 0 where nothing is seen."""
    capped: FloatArray | None
    """The scores after their soft cap, if there is one."""


def attention(
    node: Node, q: FloatArray, k: FloatArray, v: FloatArray
) -> tuple[FloatArray, Pullback]:
    """Return the attended values (B, T, H·D) and the pullback.

    With P = softmax(Z), Z = scale·QKᵀ and g the gradient of PV: dV = Pᵀg, dP = gVᵀ,
    dZ = P·(dP − Σ P·dP) row by row, dQ = scale·dZ·K, dK = scale·dZᵀ·Q.  A soft cap multiplies dZ
    by its slope.

    Args:
        node: Its constants.
        q: (B, T, H·D).
        k: (B, T, G·D).
        v: (B, T, G·D).
    """
    groups = node.integer("kv_heads")
    queries = _by_keys(q, groups, node.integer("head_dim"))
    queries *= node.number("scale")
    keys, values = (_by_keys(x, groups, node.integer("head_dim")) for x in (k, v))
    attended = np.empty_like(queries)
    blocks = list(_blocks(node, queries, keys))
    for block in blocks:
        attended[:, :, block.queries] = block.weights @ values[:, :, block.keys]

    def pull(gradient: FloatArray, _: GradientSums) -> tuple[FloatArray, ...]:
        over = _by_keys(gradient, groups, node.integer("head_dim"))
        to_q, to_k, to_v = (np.zeros_like(x) for x in (queries, keys, values))
        for block in blocks:
            mine, seen = (..., block.queries, slice(None)), (..., block.keys, slice(None))
            to_v[seen] += block.weights.mT @ over[mine]
            to_scores = _through_softmax(node, block, over[mine] @ values[seen].mT)
            to_q[mine] = to_scores @ keys[seen]
            to_k[seen] += to_scores.mT @ queries[mine]
        to_q *= node.number("scale")
        return tuple(_by_position(x, q.shape[1]) for x in (to_q, to_k, to_v))

    return _by_position(attended, q.shape[1]), pull


def _blocks(node: Node, queries: FloatArray, keys: FloatArray) -> Iterator[_QueryBlock]:
    tokens, window, cap = keys.shape[2], node.integer("window"), node.number("softcap")
    shared = queries.shape[2] // tokens
    for first in range(0, tokens, QUERIES_AT_ONCE):
        last = min(tokens, first + QUERIES_AT_ONCE)
        oldest = max(0, first - window + 1) if window else 0
        rows, seen = slice(first * shared, last * shared), slice(oldest, last)
        scores: FloatArray = queries[:, :, rows] @ keys[:, :, seen].mT
        if cap:
            scores = softcap(scores, cap)
        capped = scores.copy() if cap else None
        hidden = ~visible(last - first, last - oldest, window)
        scores[..., np.repeat(hidden, shared, axis=0)] = -np.inf
        yield _QueryBlock(rows, seen, _softmax(scores), capped)


def _softmax(scores: FloatArray) -> FloatArray:
    """Return the softmax over the last axis, in place."""
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return scores


def _through_softmax(node: Node, block: _QueryBlock, gradient: FloatArray) -> FloatArray:
    """Return the gradient of scores from that of their softmax, in place."""
    gradient -= np.einsum("...qk,...qk->...q", gradient, block.weights)[..., None]
    gradient *= block.weights
    if block.capped is not None:
        gradient *= softcap_slope(block.capped, node.number("softcap"))
    return gradient


def _by_keys(x: FloatArray, groups: int, width: int) -> FloatArray:
    """Return x (B, T, groups·S·D) as (B, groups, T·S, D): heads of one key lie side by side."""
    batch, tokens, _ = x.shape
    split = x.reshape(batch, tokens, groups, -1, width).transpose(0, 2, 1, 3, 4)
    return split.copy().reshape(batch, groups, -1, width)


def _by_position(x: FloatArray, tokens: int) -> FloatArray:
    """Return x (B, groups, T·S, D) as (B, T, groups·S·D)."""
    batch, groups, _, width = x.shape
    split = x.reshape(batch, groups, tokens, -1, width).transpose(0, 2, 1, 3, 4)
    return split.copy().reshape(batch, tokens, -1)
