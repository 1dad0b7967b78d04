"""The head and the cross entropy in one, a slice of positions at a time, loss and gradient.

All logits of a batch would be hundreds of megabytes; a slice of them stays small, and its
gradient is worked out on the spot.
"""

import numpy as np
from numpy.typing import NDArray

from engine.model.graph import Node
from engine.training.activations import softcap, softcap_slope
from engine.training.pullback import FloatArray, GradientSums, Weights

__all__ = ["POSITIONS_AT_ONCE", "head_loss", "position_losses"]

POSITIONS_AT_ONCE = 256
"""Positions whose logits exist at one time."""


def head_loss(
    node: Node,
    hidden: FloatArray,
    targets: NDArray[np.int64],
    counts: FloatArray,
    weights: Weights,
    sums: GradientSums,
) -> tuple[float, FloatArray]:
    """Return Σ count · cross entropy in nats, and its gradient for ``hidden``.

    With p the softmax of the logits z of a position: −log p[target] has the gradient
    p − [target] for z; a soft cap multiplies it by its slope, a scale by itself.

    Args:
        node: The head; its scale and soft cap count.
        hidden: (positions, K).
        targets: Next tokens, (positions,).
        counts: How much each target counts, (positions,); 0 leaves it out.
        weights: By name.
        sums: The gradient of the head is added to its sum.
    """
    total = 0.0
    to_hidden = np.zeros_like(hidden)
    weight = weights[str(node.weight)]
    for first in range(0, len(targets), POSITIONS_AT_ONCE):
        part = slice(first, first + POSITIONS_AT_ONCE)
        product = _product(node, hidden[part], weight, weights)
        loss, to_product = _slice_loss(node, product, targets[part], counts[part])
        total += loss
        np.matmul(to_product, weight, out=to_hidden[part])
        if node.weight in sums:
            sums[str(node.weight)][...] += to_product.T @ hidden[part]
        if "bias" in node.attributes and node.text("bias") in sums:
            sums[node.text("bias")][...] += to_product.sum(axis=0)
    return total, to_hidden


def position_losses(
    node: Node, hidden: FloatArray, targets: NDArray[np.int64], weights: Weights
) -> NDArray[np.float64]:
    """Return the cross entropy of every position in nats, (positions,), without a gradient.

    Args:
        node: The head; its scale and soft cap count.
        hidden: (positions, K).
        targets: Next tokens, (positions,).
        weights: By name.
    """
    losses = np.empty(len(targets))
    weight = weights[str(node.weight)]
    for first in range(0, len(targets), POSITIONS_AT_ONCE):
        part = slice(first, first + POSITIONS_AT_ONCE)
        logits, _ = _logits(node, _product(node, hidden[part], weight, weights))
        rows = np.arange(len(logits))
        logits -= logits.max(axis=1, keepdims=True)
        chosen = logits[rows, targets[part]].astype(np.float64)
        losses[part] = np.log(np.exp(logits, out=logits).sum(axis=1)) - chosen
    return losses


def _product(node: Node, hidden: FloatArray, weight: FloatArray, weights: Weights) -> FloatArray:
    product: FloatArray = hidden @ weight.T
    if "bias" in node.attributes:
        product += weights[node.text("bias")]
    return product


def _logits(node: Node, product: FloatArray) -> tuple[FloatArray, FloatArray | float | None]:
    """Return a product with the head's scale and soft cap, overwritten, and its slope; None: 1."""
    scale = node.number("scale") if "scale" in node.attributes else 1.0
    cap = node.number("softcap") if "softcap" in node.attributes else 0.0
    if scale != 1.0:
        product *= scale
    if cap:
        product = softcap(product, cap)
        return product, softcap_slope(product, cap) * scale
    return product, None if scale == 1.0 else scale


def _slice_loss(
    node: Node, logits: FloatArray, targets: NDArray[np.int64], counts: FloatArray
) -> tuple[float, FloatArray]:
    """Return the loss of some positions and the gradient of their product; overwrites logits."""
    logits, slope = _logits(node, logits)
    rows = np.arange(len(targets))
    logits -= logits.max(axis=1, keepdims=True)
    chosen = logits[rows, targets].astype(np.float64)
    np.exp(logits, out=logits)
    partition = logits.sum(axis=1)
    loss = float(np.sum(counts * (np.log(partition) - chosen)))
    logits *= (counts / partition)[:, None]
    logits[rows, targets] -= counts
    if slope is not None:
        logits *= slope
    return loss, logits
