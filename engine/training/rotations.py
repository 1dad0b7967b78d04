"""Rotary embedding, forward and backward: a rotation's transpose is the rotation back.

Angles start at position 0 in every row of a batch.
"""

import numpy as np
from numpy.typing import DTypeLike

from engine.model.graph import Node
from engine.scalars import inverse_frequencies, sincos64
from engine.training.pullback import FloatArray, GradientSums, Pullback

__all__ = ["RotationTables", "rotary"]

_Kind = tuple[float, int, tuple[float, ...]]


class RotationTables:
    """Cosines and sines of every kind of rotation, made once for the longest row so far.

    Args:
        dtype: Type of the tables; they are computed in float64 and rounded to it.
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self._dtype = dtype
        self._tables: dict[_Kind, tuple[FloatArray, FloatArray]] = {}

    def of(self, node: Node, tokens: int) -> tuple[FloatArray, FloatArray]:
        """Return the (cosine, sine) tables of a node, each (T, 1, D/2)."""
        kind = node.number("base"), node.integer("head_dim"), node.numbers("factors")
        tables = self._tables.get(kind)
        if tables is None or len(tables[0]) < tokens:
            tables = self._tables[kind] = self._made(kind, tokens)
        return tables[0][:tokens], tables[1][:tokens]

    def _made(self, kind: _Kind, tokens: int) -> tuple[FloatArray, FloatArray]:
        base, width, factors = kind
        frequencies = inverse_frequencies(base, width)
        if factors:
            frequencies = frequencies / np.array(factors)
        sine, cosine = sincos64(np.arange(tokens)[:, None] * frequencies)
        return cosine[:, None].astype(self._dtype), sine[:, None].astype(self._dtype)


def rotary(node: Node, x: FloatArray, tables: RotationTables) -> tuple[FloatArray, Pullback]:
    """Return the turned pairs (i, i + D/2) of every head of x (B, T, H·D), and the pullback."""
    cosine, sine = tables.of(node, x.shape[1])
    heads = node.integer("heads")

    def pull(gradient: FloatArray, _: GradientSums) -> tuple[FloatArray, ...]:
        return (_turned(gradient, heads, cosine, -sine),)

    return _turned(x, heads, cosine, sine), pull


def _turned(x: FloatArray, heads: int, cosine: FloatArray, sine: FloatArray) -> FloatArray:
    pairs = x.reshape(*x.shape[:2], heads, 2, -1)
    first, second = pairs[..., 0, :], pairs[..., 1, :]
    turned = np.empty_like(pairs)
    np.subtract(first * cosine, second * sine, out=turned[..., 0, :])
    np.add(second * cosine, first * sine, out=turned[..., 1, :])
    return turned.reshape(x.shape)
