"""Backpropagation: a ModelGraph walked forward to its loss, and back to the gradients of weights.

Reads roles and attributes of nodes, never a family or a tensor's name.  Every operation brings its
own pullback; this module passes gradients on.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import ModelError
from engine.model.graph import ModelGraph, Node
from engine.model.roles import Role
from engine.training.activations import add, gate
from engine.training.causal_attention import attention
from engine.training.head_loss import head_loss, position_losses
from engine.training.norms import norm
from engine.training.products import embed, matmul
from engine.training.pullback import FloatArray, GradientSums, Pullback, Weights
from engine.training.rotations import RotationTables, rotary

__all__ = ["Backpropagation", "TokenBatch"]


@dataclass(frozen=True, slots=True, eq=False)
class TokenBatch:
    """Rows of tokens with the token that follows each, and how much it counts.

    Raises:
        ModelError: The shapes differ, or nothing is there.
    """

    tokens: NDArray[np.int64]
    """(B, T)."""
    targets: NDArray[np.int64]
    """(B, T)."""
    counts: FloatArray
    """(B, T); 0 leaves a target out."""

    def __post_init__(self) -> None:
        shape = self.tokens.shape
        if len(shape) != 2 or not self.tokens.size:
            raise ModelError(f"a batch is rows of tokens, not of shape {shape}")
        if self.targets.shape != shape or self.counts.shape != shape:
            raise ModelError(
                f"a batch of tokens {shape} has targets {self.targets.shape} and counts "
                f"{self.counts.shape}"
            )


class Backpropagation:
    """The loss of a graph and its gradients.

    Args:
        graph: Any family's.
        dtype: float32, or float64 where a test wants more digits; that of the weights.

    Exactness:
        The same bits on one computer for the same batch, weights and number of threads: sums of
        elements are NumPy's, products those of the library under it.  Not bit-identical with a
        wafer, PyTorch or another computer; with PyTorch's autograd every gradient agrees within
        1e-5 of the tensor's largest.
    """

    def __init__(self, graph: ModelGraph, dtype: type[np.floating] = np.float32) -> None:
        if graph.nodes[-1].role is not Role.HEAD:
            raise ModelError(f"graph {graph.name!r} does not end in a head; it has no loss")
        self.graph = graph
        self._body, self._head = graph.nodes[:-1], graph.nodes[-1]
        self._tables = RotationTables(dtype)
        self._dtype = dtype

    def add_gradients(
        self, weights: Weights, batch: TokenBatch, sums: GradientSums, *, factor: float = 1.0
    ) -> float:
        """Add the gradients of a batch to their sums; return the loss in nats a counted token.

        The loss is Σ count · cross entropy / Σ count; Σ count below 1 counts as 1.

        Args:
            weights: By name; read only.
            batch: What to learn.
            sums: Zeros, or what other batches added; a weight without a sum is frozen.
            factor: Of the gradients, not of the loss: how much this batch counts beside others.

        Raises:
            ModelError: A token is outside the vocabulary, or a row longer than the context.
        """
        self._check(batch)
        hidden, pullbacks = self._forward(weights, batch.tokens)
        counts = batch.counts.astype(self._dtype).ravel()
        counts *= factor / max(float(counts.sum()), 1.0)
        loss, gradient = head_loss(
            self._head,
            hidden.reshape(counts.size, -1),
            batch.targets.ravel(),
            counts,
            weights,
            sums,
        )
        self._backward(gradient.reshape(hidden.shape), pullbacks, sums)
        return loss / factor

    def losses(self, weights: Weights, batch: TokenBatch) -> NDArray[np.float64]:
        """Return Σ count · cross entropy of each row in nats, (B,), without gradients.

        Raises:
            ModelError: As `add_gradients`.
        """
        self._check(batch)
        hidden, _ = self._forward(weights, batch.tokens)
        flat = hidden.reshape(batch.tokens.size, -1)
        found = position_losses(self._head, flat, batch.targets.ravel(), weights)
        rows: NDArray[np.float64] = (found.reshape(batch.counts.shape) * batch.counts).sum(axis=1)
        return rows

    def _check(self, batch: TokenBatch) -> None:
        for tokens in (batch.tokens, batch.targets):
            if tokens.min() < 0 or tokens.max() >= self.graph.vocabulary:
                raise ModelError(
                    f"tokens {tokens.min()} to {tokens.max()} do not fit the vocabulary of "
                    f"{self.graph.vocabulary}"
                )
        if batch.tokens.shape[1] > self.graph.context_length:
            raise ModelError(
                f"a row of {batch.tokens.shape[1]} tokens is longer than the context of "
                f"{self.graph.context_length}"
            )

    def _forward(
        self, weights: Weights, tokens: NDArray[np.int64]
    ) -> tuple[FloatArray, list[Pullback]]:
        """Return what the head reads, and the pullbacks of the nodes before it, in order."""
        readers = Counter(name for node in self._body for name in node.inputs)
        values: dict[str, FloatArray] = {}
        pullbacks = []
        for node in self._body:
            inputs = tuple(values[name] for name in node.inputs)
            values[node.output], pullback = self._run(node, inputs, weights, tokens)
            pullbacks.append(pullback)
            readers.subtract(node.inputs)
            for name in node.inputs:
                if not readers[name] and name not in self._head.inputs:
                    values.pop(name, None)  # what a pullback needs it holds itself
        return values[self._head.inputs[0]], pullbacks

    def _run(
        self,
        node: Node,
        inputs: Sequence[FloatArray],
        weights: Weights,
        tokens: NDArray[np.int64],
    ) -> tuple[FloatArray, Pullback]:
        match node.op:
            case "embed":
                return embed(node, tokens, weights)
            case "norm":
                return norm(node, inputs[0], weights)
            case "matmul":
                return matmul(node, inputs[0], weights)
            case "rotary":
                return rotary(node, inputs[0], self._tables)
            case "attention":
                return attention(node, *inputs)
            case "gate":
                return gate(node, tuple(inputs))
            case "add":
                return add(node, *inputs)
        raise ModelError(f"node {node.name!r}: no gradient is known of {node.op!r}")

    def _backward(
        self, gradient: FloatArray, pullbacks: list[Pullback], sums: GradientSums
    ) -> None:
        """Take the gradient of what the head reads back to the embedding; empties ``pullbacks``."""
        gradients = {self._head.inputs[0]: gradient}
        for node in reversed(self._body):
            pulled = pullbacks.pop()(gradients.pop(node.output), sums)
            for name, part in zip(node.inputs, pulled, strict=True):
                # Not in place: two inputs may share an array.
                gradients[name] = gradients[name] + part if name in gradients else part
