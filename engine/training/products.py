"""Lookup of embeddings and products with weight matrices, forward and backward.

Matrix products are NumPy's.  Their order of sums is the library's, the same on one computer for
the same shapes and number of threads; nothing here promises more.
"""

import numpy as np
from numpy.typing import NDArray

from engine.model.graph import Node
from engine.training.pullback import FloatArray, GradientSums, Pullback, Weights

__all__ = ["embed", "matmul"]


def embed(node: Node, tokens: NDArray[np.int64], weights: Weights) -> tuple[FloatArray, Pullback]:
    """Return the embedding rows of tokens (B, T), perhaps scaled, (B, T, K), and the pullback."""
    scale = node.number("scale") if "scale" in node.attributes else 1.0
    rows = weights[str(node.weight)][tokens]
    rows *= scale

    def pull(gradient: FloatArray, sums: GradientSums) -> tuple[FloatArray, ...]:
        if node.weight in sums:
            gradient = gradient.reshape(tokens.size, -1)
            _add_by_token(sums[str(node.weight)], tokens.ravel(), gradient * scale)
        return ()

    return rows, pull


def _add_by_token(total: FloatArray, tokens: NDArray[np.int64], rows: FloatArray) -> None:
    """Add row i to that of token i; rows of one token meet in the order of the batch."""
    order = np.argsort(tokens, kind="stable")
    found, starts = np.unique(tokens[order], return_index=True)
    total[found] += np.add.reduceat(rows[order], starts, axis=0)


def matmul(node: Node, x: FloatArray, weights: Weights) -> tuple[FloatArray, Pullback]:
    """Return x (B, T, K) times the transposed weight (N, K), plus the bias, and the pullback.

    With g = dy: dx = g·W, dW = gᵀ·x, and the bias takes the sum of g over the rows.
    """
    weight = weights[str(node.weight)]
    rows = x.reshape(-1, x.shape[-1])
    output = rows @ weight.T
    if "bias" in node.attributes:
        output += weights[node.text("bias")]

    def pull(gradient: FloatArray, sums: GradientSums) -> tuple[FloatArray, ...]:
        gradient = gradient.reshape(len(rows), -1)
        if node.weight in sums:
            sums[str(node.weight)][...] += gradient.T @ rows
        if "bias" in node.attributes and node.text("bias") in sums:
            sums[node.text("bias")][...] += gradient.sum(axis=0)
        return ((gradient @ weight).reshape(x.shape),)

    return output.reshape(*x.shape[:-1], -1), pull
