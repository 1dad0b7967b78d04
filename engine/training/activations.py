"""Gate, sum and soft cap, forward and backward: element by element, no order to keep.

Everything that has a weight or looks beyond one element stands elsewhere.
"""

import math

import numpy as np

from engine.model.graph import Node
from engine.training.pullback import FloatArray, GradientSums, Pullback

__all__ = ["add", "gate", "softcap", "softcap_slope"]

_GELU_SLOPE = math.sqrt(2.0 / math.pi)
_GELU_CUBE = 0.044715


def gate(node: Node, inputs: tuple[FloatArray, ...]) -> tuple[FloatArray, Pullback]:
    """Return kind(gate) × up of two inputs, kind(x) of one, and its pullback."""
    activated, slope = _ACTIVATIONS[node.text("kind")](inputs[0])
    if len(inputs) == 1:
        return activated, lambda gradient, _: (gradient * slope,)
    up = inputs[1]

    def pull(gradient: FloatArray, _: GradientSums) -> tuple[FloatArray, ...]:
        through_gate = gradient * up
        through_gate *= slope
        return through_gate, gradient * activated

    return activated * up, pull


def add(node: Node, left: FloatArray, right: FloatArray) -> tuple[FloatArray, Pullback]:
    """Return left + right · scale and its pullback."""
    if "scale" not in node.attributes:
        return left + right, lambda gradient, _: (gradient, gradient)
    scale = node.number("scale")
    return left + right * scale, lambda gradient, _: (gradient, gradient * scale)


def softcap(x: FloatArray, cap: float) -> FloatArray:
    """Return cap · tanh(x / cap)."""
    capped: FloatArray = np.tanh(x / cap) * cap
    return capped


def softcap_slope(capped: FloatArray, cap: float) -> FloatArray:
    """Return the derivative of `softcap` where it gave ``capped``: 1 − tanh²."""
    slope: FloatArray = 1.0 - np.square(capped / cap)
    return slope


def _silu(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return σ(x)·x and its derivative σ + σ·x·(1 − σ)."""
    with np.errstate(over="ignore"):  # exp(−x) = ∞ is right: the quotient is 0
        logistic = np.exp(-x)
        logistic += 1.0
        np.reciprocal(logistic, out=logistic)
    activated = logistic * x
    slope = 1.0 - logistic
    slope *= activated
    slope += logistic
    return activated, slope


def _gelu(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return 0.5·x·(1 + tanh z), z = √(2/π)·(x + 0.044715·x³), and its derivative."""
    square = np.square(x)
    tanh = np.tanh(_GELU_SLOPE * x * (1.0 + _GELU_CUBE * square))
    inner = _GELU_SLOPE * (1.0 + 3.0 * _GELU_CUBE * square)  # dz/dx
    slope = 0.5 * (1.0 + tanh) + 0.5 * x * (1.0 - np.square(tanh)) * inner
    return 0.5 * x * (1.0 + tanh), slope


_ACTIVATIONS = {"silu": _silu, "gelu": _gelu}
