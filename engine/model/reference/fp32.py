"""The fp32 reference: float32 weights, activations and KV cache, sums in NumPy's own order.

It says what a model means before the wafer's arithmetic: results are close to the quantised ones,
never bit-identical.  Only tests run it, to measure the quantised arithmetic against it.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from engine.model.graph import ModelGraph, Node
from engine.model.reference.interpreter import Array, Interpreter
from engine.model.tensors.tensor import Tensor

__all__ = ["Fp32Reference"]


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
        """Return x / √(mean of squares + eps) × weight."""
        mean = np.mean(x * x, axis=1, keepdims=True)  # (T, 1)
        scaled: Array = x / np.sqrt(mean + np.float32(node.number("eps"))) * self._weight(node)
        return scaled

    def matmul(self, node: Node, x: Array) -> Array:
        """Return x (T, K) times the transposed weight (N, K), plus the bias if there is one."""
        product: Array = x @ self._weight(node).T
        if "bias" in node.attributes:
            product = product + self._weights[node.text("bias")]
        return product

    def gate(self, gate: Array, up: Array) -> Array:
        """Return silu(gate) × up."""
        product: Array = gate / (1 + np.exp(-gate)) * up
        return product

    def attend(self, node: Node, q: Array, keys: Array, values: Array) -> Array:
        """Return softmax(q·k × scale) · v, head by head, (T, H, D)."""
        rows, total, heads = len(q), len(keys), q.shape[1]
        shared = heads // keys.shape[1]  # query heads of one key/value head
        visible = np.arange(total) <= np.arange(total - rows, total)[:, None]  # (T, J)
        out = np.empty_like(q)
        for head in range(heads):
            k, v = keys[:, head // shared], values[:, head // shared]  # (J, D)
            scores = q[:, head] @ k.T * np.float32(node.number("scale"))  # (T, J)
            scores = np.where(visible, scores, np.float32(-np.inf))
            weights = np.exp(scores - scores.max(axis=1, keepdims=True))
            out[:, head] = weights @ v / weights.sum(axis=1, keepdims=True)
        return out

    def _weight(self, node: Node) -> Array:
        return self._weights[str(node.weight)]
