"""Trainer: weights that learn from batches: gradients summed, clipped, and stepped.

Knows no text, file or clock; whoever calls it chooses the rows and the learning rate.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from engine.model.graph import ModelGraph
from engine.model.tensors.tensor import Tensor
from engine.training.backpropagation import Backpropagation, TokenBatch
from engine.training.low_rank import AdaptedWeights, new_factors
from engine.training.movers import FactorMover, Mover, Rates, WeightMover
from engine.training.pullback import FloatArray, Weights, zero_gradients

__all__ = ["StepReport", "Trainer", "float_weights", "matrices_of_layers"]


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
    """A model in training: all weights, or low-rank adapters beside its matrices; float32.

    `add` takes in batches' gradients; `step` moves the weights by all that came in since the last
    step.  A matrix of a layer is Muon's, all else AdamW's; with adapters, AdamW moves the factors
    of the matrices of layers, and all else stays.

    Args:
        graph: The model.
        weights: By name, float32; `step` writes to them, or with a rank only reads them.
        rates: At the plateau.
        workers: Batches of one `add` that are worked out at the same time, each in a thread with
            sums of its own; for the same number of them the bits are the same.  NumPy's own threads
            should then be one (``OPENBLAS_NUM_THREADS=1``, before it is imported).
        rank: Of the adapters; 0: all weights learn.
    """

    def __init__(
        self,
        graph: ModelGraph,
        weights: Weights,
        rates: Rates | None = None,
        *,
        workers: int = 1,
        rank: int = 0,
    ) -> None:
        self.graph = graph
        matrices, rates = matrices_of_layers(graph), rates or Rates()
        self._mover: Mover
        if rank:
            shapes = {name: shape for name, shape in graph.weights.items() if name in matrices}
            self._mover = FactorMover(new_factors(shapes, rank), rates)
            self.weights: Weights = AdaptedWeights(weights, self._mover.learnt)
        else:
            self._mover = WeightMover(dict(weights), matrices, rates)
            self.weights = self._mover.learnt
        self._workers = [_Worker(graph, self._mover.learnt) for _ in range(workers)]
        self._tokens = 0
        self._loss = 0.0

    @property
    def learnt(self) -> dict[str, FloatArray]:
        """What `step` moves by name, live: all weights, or the factors."""
        return self._mover.learnt

    @property
    def tokens(self) -> int:
        """Positions taken in since the last step."""
        return self._tokens

    def add(self, *batches: TokenBatch) -> float:
        """Take in batches; return their loss in nats a counted token, a mean by their tokens.

        Raises:
            ModelError: As `Backpropagation.add_gradients`; `step` would then move by a part.
        """
        count = len(self._workers)
        shares = [(worker, batches[i::count]) for i, worker in enumerate(self._workers)]
        if count == 1:
            losses = [shares[0][0].add(self.weights, batches)]
        else:
            with ThreadPoolExecutor(count, "gradients") as threads:
                losses = list(threads.map(lambda one: one[0].add(self.weights, one[1]), shares))
        tokens = sum(batch.tokens.size for batch in batches)
        self._tokens += tokens
        self._loss += sum(losses)
        return sum(losses) / tokens

    def step(self, factor: float = 1.0) -> StepReport:
        """Move the weights by the mean of the gradients taken in, and forget those.

        Args:
            factor: Of the rates: `engine.training.learning_rate.rate_factor`.

        Raises:
            ValueError: Nothing was taken in.
        """
        if not self._tokens:
            raise ValueError("a step needs a batch")
        sums = self._gathered()
        for total in sums.values():
            total /= self._tokens
        norm = self._mover.step(sums, factor)
        report = StepReport(self._loss / self._tokens, self._tokens, norm)
        self._forget()
        return report

    def state(self) -> dict[str, FloatArray]:
        """Return what is learnt and the optimisers' state by name: what a checkpoint holds.

        The arrays are the live ones: copy or write them before the next step.  Gradients taken in
        since the last step are not part of it.
        """
        return {
            **{f"weight.{name}": weight for name, weight in self.learnt.items()},
            **self._mover.state(),
        }

    def restore(self, state: Mapping[str, FloatArray]) -> None:
        """Go on from a `state`, bit for bit as if nothing had happened between.

        Raises:
            KeyError: A part of it is missing.
            ValueError: A part has another shape.
        """
        for name, weight in self.learnt.items():
            weight[...] = state[f"weight.{name}"]
        self._mover.restore(state)
        self._forget()

    def _gathered(self) -> dict[str, FloatArray]:
        """Return the sums of all workers in those of the first."""
        first, *others = (worker.sums for worker in self._workers)
        for sums in others:
            for name, total in first.items():
                total += sums[name]
        return first

    def _forget(self) -> None:
        self._tokens, self._loss = 0, 0.0
        for worker in self._workers:
            for total in worker.sums.values():
                total.fill(0.0)


class _Worker:
    """A walk over the graph and the gradients that it summed."""

    def __init__(self, graph: ModelGraph, learnt: Weights) -> None:
        self._walk = Backpropagation(graph)
        self.sums = zero_gradients(learnt)

    def add(self, weights: Weights, batches: Sequence[TokenBatch]) -> float:
        """Add the gradients of batches; return the sum of their losses by tokens."""
        total = 0.0
        for batch in batches:
            size = batch.tokens.size
            total += size * self._walk.add_gradients(weights, batch, self.sums, factor=float(size))
        return total


def matrices_of_layers(graph: ModelGraph) -> set[str]:
    """Return the names of the matrices that Muon moves, or that get adapters."""
    return {
        str(node.weight) for node in graph.nodes if node.op == "matmul" and node.layer is not None
    }
