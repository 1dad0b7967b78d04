"""RMS norm, layer norm and the norm of heads, forward and backward.

Sums over a vector are NumPy's (pairwise), the same for the same shapes and type.
"""

import numpy as np

from engine.model.graph import Node
from engine.model.roles import Role
from engine.training.pullback import FloatArray, GradientSums, Pullback, Weights

__all__ = ["norm"]


def norm(node: Node, x: FloatArray, weights: Weights) -> tuple[FloatArray, Pullback]:
    """Return the normed rows or heads of x (B, T, K) and its pullback.

    With r = 1 / √(mean x² + eps) and n = x·r: y = n·w, and for g = dy·w the gradient of x is
    r·(g − n·mean(g·n)).  A layer norm is the same of x less its mean, which takes the mean from
    the gradient too.
    """
    shape = x.shape
    parts = node.integer("heads") if node.role is Role.HEAD_NORM else 1
    vectors = x.reshape(-1, shape[-1] // parts)
    centred = node.text("kind") == "layer"
    if centred:
        vectors = vectors - vectors.mean(axis=1, keepdims=True)
    scales = _inverse_rms(vectors, node.number("eps"))  # (rows, 1)
    normed = vectors * scales
    weight = weights[str(node.weight)]
    output = normed * weight
    if "bias" in node.attributes:
        output += weights[node.text("bias")]

    def pull(gradient: FloatArray, sums: GradientSums) -> tuple[FloatArray, ...]:
        rows = gradient.reshape(normed.shape)
        _add_to_sums(node, rows, normed, sums)
        through = rows * weight
        along = np.einsum("rk,rk->r", through, normed)[:, None] / normed.shape[1]
        through -= normed * along
        through *= scales
        if centred:
            through -= through.mean(axis=1, keepdims=True)
        return (through.reshape(shape),)

    return output.reshape(shape), pull


def _inverse_rms(vectors: FloatArray, eps: float) -> FloatArray:
    squares = np.einsum("rk,rk->r", vectors, vectors)[:, None]
    squares /= vectors.shape[1]
    squares += eps
    scales: FloatArray = 1.0 / np.sqrt(squares)
    return scales


def _add_to_sums(node: Node, rows: FloatArray, normed: FloatArray, sums: GradientSums) -> None:
    if node.weight in sums:
        sums[str(node.weight)][...] += np.einsum("rk,rk->k", rows, normed)
    if "bias" in node.attributes and node.text("bias") in sums:
        sums[node.text("bias")][...] += rows.sum(axis=0)
