"""The fp32 reference: float32 weights, activations and KV cache, sums in NumPy's own order.

It says what a model means before the wafer's arithmetic: results are close to the quantised ones,
never bit-identical.  Only tests run it, to measure the quantised arithmetic against it.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from engine.model.graph import ModelGraph, Node
from engine.model.reference.interpreter import Array, Interpreter, visible
from engine.model.tensors.tensor import Tensor

__all__ = ["Fp32Reference"]

_GELU_SLOPE = np.float32(math.sqrt(2.0 / math.pi))
_GELU_CUBIC = np.float32(0.044715)


class Fp32Reference(Interpreter):
    """A model in float32.

    Args:
        graph: What to compute.
        tensors: By name; quantised ones are dequantised, and those of a file as it is come from
            `engine.model.formats.checked_tensors.load_float_tensors`.
    """

    kv_type = np.float32

    def __init__(self, graph: ModelGraph, tensors: Mapping[str, Tensor]) -> None:
        super().__init__(graph)
        self._weights = {name: tensor.dequantise() for name, tensor in tensors.items()}

    def embed(self, node: Node, tokens: NDArray[np.int32]) -> Array:
        """Return the embedding rows of tokens (T,)."""
        return self._weight(node)[tokens]

    def norm(self, node: Node, x: Array) -> Array:
        """Return x / √(mean of squares + eps) × weight, over the last axis."""
        mean = np.mean(x * x, axis=-1, keepdims=True)
        scaled: Array = x / np.sqrt(mean + np.float32(node.number("eps"))) * self._weight(node)
        return scaled

    def layer_norm(self, node: Node, x: Array) -> Array:
        """Return (x − mean) / √(variance + eps) × weight + bias."""
        normed = self.norm(node, x - np.mean(x, axis=-1, keepdims=True))
        return self._biased(node, normed)

    def head_norm(self, node: Node, x: Array) -> Array:
        """Return the norm of every head."""
        return self.norm(node, x)

    def matmul(self, node: Node, x: Array) -> Array:
        """Return x (T, K) times the transposed weight (N, K), plus the bias if there is one."""
        return self._biased(node, x @ self._weight(node).T)

    def activate(self, kind: str, x: Array) -> Array:
        """Return silu(x) or gelu(x)."""
        if kind == "gelu":
            inner = _GELU_SLOPE * (x + _GELU_CUBIC * x * x * x)
            gelu: Array = np.float32(0.5) * x * (1 + np.tanh(inner))
            return gelu
        with np.errstate(over="ignore"):  # exp(−x) = ∞ is right: the quotient is 0
            silu: Array = x / (1 + np.exp(-x))
        return silu

    def softcap(self, x: Array, cap: np.float32) -> Array:
        """Return cap · tanh(x / cap)."""
        capped: Array = cap * np.tanh(x / cap)
        return capped

    def attend(self, node: Node, q: Array, keys: Array, values: Array) -> Array:
        """Return softmax(q·k × scale) · v, head by head, (T, H, D)."""
        heads = q.shape[1]
        shared = heads // keys.shape[1]  # query heads of one key/value head
        seen = visible(len(q), len(keys), node.integer("window"))  # (T, J)
        out = np.empty_like(q)
        for head in range(heads):
            k, v = keys[:, head // shared], values[:, head // shared]  # (J, D)
            scores = q[:, head] @ k.T * np.float32(node.number("scale"))  # (T, J)
            if node.number("softcap"):
                scores = self.softcap(scores, np.float32(node.number("softcap")))
            scores = np.where(seen, scores, np.float32(-np.inf))
            weights = np.exp(scores - scores.max(axis=1, keepdims=True))
            out[:, head] = weights @ v / weights.sum(axis=1, keepdims=True)
        return out

    def _biased(self, node: Node, x: Array) -> Array:
        return x + self._weights[node.text("bias")] if "bias" in node.attributes else x

    def _weight(self, node: Node) -> Array:
        return self._weights[str(node.weight)]
