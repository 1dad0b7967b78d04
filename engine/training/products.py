"""Lookup of embeddings and products with weight matrices, forward and backward.

Matrix products are NumPy's.  Their order of sums is the library's, the same on one computer for
the same shapes and number of threads; nothing here promises more.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.model.graph import Node
from engine.training.pullback import DOWN, UP, FloatArray, GradientSums, Pullback, Weights

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

    With g = dy: dx = g·W, dW = gᵀ·x, and the bias takes the sum of g over the rows.  Where the
    weight has factors, B·A·x is added (`_beside`).
    """
    name = str(node.weight)
    rows = x.reshape(-1, x.shape[-1])
    output = rows @ weights[name].T
    back = _beside(name, rows, weights, output) if DOWN + name in weights else None
    if "bias" in node.attributes:
        output += weights[node.text("bias")]

    def pull(gradient: FloatArray, sums: GradientSums) -> tuple[FloatArray, ...]:
        gradient = gradient.reshape(len(rows), -1)
        if node.weight in sums:
            sums[str(node.weight)][...] += gradient.T @ rows
        if "bias" in node.attributes and node.text("bias") in sums:
            sums[node.text("bias")][...] += gradient.sum(axis=0)
        to_rows = gradient @ weights[name]  # asked for again: it may be decoded for each use
        if back is not None:
            back(gradient, sums, to_rows)
        return (to_rows.reshape(x.shape),)

    return output.reshape(*x.shape[:-1], -1), pull


def _beside(
    name: str, rows: FloatArray, weights: Weights, output: FloatArray
) -> Callable[[FloatArray, GradientSums, FloatArray], None]:
    """Add B·A·x to the outputs of rows; return what goes back.

    With h = A·x: dB = gᵀ·h, dA = (g·B)ᵀ·x, and (g·B)·A is added to the gradient of the inputs.
    """
    down, up = weights[DOWN + name], weights[UP + name]
    inner = rows @ down.T
    output += inner @ up.T

    def back(gradient: FloatArray, sums: GradientSums, to_rows: FloatArray) -> None:
        to_inner = gradient @ up
        if UP + name in sums:
            sums[UP + name][...] += gradient.T @ inner
            sums[DOWN + name][...] += to_inner.T @ rows
        np.add(to_rows, to_inner @ down, out=to_rows)

    return back
