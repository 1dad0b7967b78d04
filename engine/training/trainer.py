"""Trainer: weights that learn from batches: gradients summed, clipped, and stepped.

Knows no text, file or clock; whoever calls it chooses the rows and the learning rate.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.model.graph import ModelGraph
from engine.model.tensors.tensor import Tensor
from engine.training.adamw import AdamW
from engine.training.backpropagation import Backpropagation, TokenBatch
from engine.training.muon import Muon
from engine.training.pullback import FloatArray, zero_gradients

__all__ = ["Rates", "StepReport", "Trainer", "float_weights"]

LARGEST_NORM = 1.0
"""Gradients together longer than this are shortened to it."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Learning rates at the plateau, as the bundled models were trained."""

    muon: float = 0.02
    """Of the matrices of layers."""
    adam: float = 0.003
    """Of embedding, head, norms and biases."""


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one step of the optimisers saw."""

    loss: float
    """Mean of the batches' losses by their tokens, nats a counted token."""
    tokens: int
    """Positions of the batches."""
    gradient_norm: float
    """Before it was clipped."""


def float_weights(graph: ModelGraph, tensors: Mapping[str, Tensor]) -> dict[str, FloatArray]:
    """Return a copy of a model's tensors as float32, to be trained.

    A quantised matrix becomes what its levels and scales stand for.
    """
    return {name: np.array(tensors[name].dequantise(), np.float32) for name in graph.weights}


class Trainer:
    """A model in training: all weights, float32.

    `add` takes in a batch's gradients; `step` moves the weights by all that came in since the last
    step.  A matrix of a layer is Muon's, all else AdamW's.

    Args:
        graph: The model.
        weights: By name, float32; written to by `step`, read by whoever wants to save them.
        rates: At the plateau.
    """

    def __init__(
        self, graph: ModelGraph, weights: dict[str, FloatArray], rates: Rates | None = None
    ) -> None:
        self.graph, self.weights = graph, weights
        self._rates = rates or Rates()
        self._walk = Backpropagation(graph)
        self._sums = zero_gradients(weights)
        matrices = _matrices_of_layers(graph)
        self._muon = Muon({name: weights[name] for name in weights if name in matrices})
        self._adam = AdamW({name: weights[name] for name in weights if name not in matrices})
        self._tokens = 0
        self._loss = 0.0

    @property
    def tokens(self) -> int:
        """Positions taken in since the last step."""
        return self._tokens

    def add(self, batch: TokenBatch) -> float:
        """Take in a batch; return its loss in nats a counted token.

        Raises:
            ModelError: As `Backpropagation.add_gradients`.
        """
        size = batch.tokens.size
        loss = self._walk.add_gradients(self.weights, batch, self._sums, factor=float(size))
        self._tokens += size
        self._loss += loss * size
        return loss

    def step(self, factor: float = 1.0) -> StepReport:
        """Move the weights by the mean of the gradients taken in, and forget those.

        Args:
            factor: Of the rates: `engine.training.learning_rate.rate_factor`.

        Raises:
            ValueError: Nothing was taken in.
        """
        if not self._tokens:
            raise ValueError("a step needs a batch")
        for total in self._sums.values():
            total /= self._tokens
        norm = clip(self._sums, LARGEST_NORM)
        self._muon.step(self._sums, self._rates.muon * factor)
        self._adam.step(self._sums, self._rates.adam * factor)
        report = StepReport(self._loss / self._tokens, self._tokens, norm)
        self._forget()
        return report

    def state(self) -> dict[str, FloatArray]:
        """Return the weights and the optimisers' state by name: what a checkpoint holds.

        The arrays are the live ones: copy or write them before the next step.  Gradients taken in
        since the last step are not part of it.
        """
        return {
            **{f"weight.{name}": weight for name, weight in self.weights.items()},
            **{f"muon.{name}": part for name, part in self._muon.state().items()},
            **{f"adam.{name}": part for name, part in self._adam.state().items()},
        }

    def restore(self, state: Mapping[str, FloatArray]) -> None:
        """Go on from a `state`, bit for bit as if nothing had happened between.

        Raises:
            KeyError: A part of it is missing.
            ValueError: A part has another shape.
        """
        for name, weight in self.weights.items():
            weight[...] = state[f"weight.{name}"]
        self._muon.restore(_under("muon.", state))
        self._adam.restore(_under("adam.", state))
        self._forget()

    def _forget(self) -> None:
        self._tokens, self._loss = 0, 0.0
        for total in self._sums.values():
            total.fill(0.0)


def clip(gradients: Mapping[str, FloatArray], largest: float) -> float:
    """Shorten gradients, together one vector, to a length; return the length that they had."""
    norm = math.sqrt(sum(float(np.vdot(part, part)) for part in gradients.values()))
    factor = min(1.0, largest / (norm + 1e-6))
    if factor < 1.0:
        for part in gradients.values():
            part *= factor
    return norm


def _matrices_of_layers(graph: ModelGraph) -> set[str]:
    return {
        str(node.weight) for node in graph.nodes if node.op == "matmul" and node.layer is not None
    }


def _under(prefix: str, state: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    return {n.removeprefix(prefix): part for n, part in state.items() if n.startswith(prefix)}
