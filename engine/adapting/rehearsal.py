"""What learning with adapters will take, tried out before it begins: tokens a second and memory.

A short walk forward and back is run as the learning runs it, its time and its peak of memory are
measured, and a longer one follows from them.  Refuses what the memory or the minutes do not allow.
"""

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np

from engine.adapting.plan import AdaptPlan
from engine.errors import AdaptError
from engine.model.graph import ModelGraph
from engine.training.backpropagation import Backpropagation, TokenBatch
from engine.training.low_rank import AdaptedWeights, new_factors
from engine.training.pullback import Weights, zero_gradients
from engine.training.trainer import matrices_of_layers
from engine.units import size_text

__all__ = ["LEAST_STEPS", "Rehearsal", "rehearse"]

LEAST_STEPS = 20
"""Twice the steps over which the rate grows: with fewer, most are taken at a part of it."""
_TRIED = (64, 192)
"""Tokens of the walks that are measured; a walk's memory grows evenly with its tokens, and the
logits' stops growing at 256, so a row of 512 takes less than what follows from these."""
_ARRAYS = 4
"""Beside the sums of each worker: factors, both moments, and the best so far."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What was measured."""

    weights_bytes: int
    """Of the weights that are kept as float32."""
    walk_bytes: int
    """Of the walks of all workers at their peak."""
    factor_bytes: int
    """Of factors, their gradients and the optimiser."""
    tokens_per_second: float
    """Of all workers on free cores."""

    @property
    def memory_bytes(self) -> int:
        """All of them."""
        return self.weights_bytes + self.walk_bytes + self.factor_bytes

    def steps(self, plan: AdaptPlan) -> int:
        """Return the steps that the minutes of a plan allow."""
        return int(60.0 * plan.minutes * self.tokens_per_second / plan.step_tokens)

    def told(self, plan: AdaptPlan, reading_tokens: int) -> str:
        """Return what is to be expected, in a line."""
        return (
            f"learns about {self.tokens_per_second:.0f} tokens a second on free cores, with "
            f"{size_text(self.memory_bytes)} of memory: {plan.minutes:g} min are "
            f"{self.steps(plan)} steps of {plan.step_tokens:,} tokens, "
            f"a reading of the files is {reading_tokens:,}"
        )

    def check(self, name: str, plan: AdaptPlan, free_bytes: int, reading_tokens: int) -> None:
        """Refuse what cannot be learnt here.

        Args:
            name: The model's.
            plan: What is to be learnt.
            free_bytes: Memory beside the weights, which are there already.
            reading_tokens: Of all files once.

        Raises:
            AdaptError: The memory is too small, or the minutes are too few.
        """
        needed = self.walk_bytes + self.factor_bytes
        if needed > free_bytes:
            raise AdaptError(
                f"{name} cannot be adapted now: beside its weights learning takes "
                f"{size_text(needed)} of memory, {size_text(free_bytes)} are free; end other "
                "programs, or adapt a smaller model"
            )
        least = min(LEAST_STEPS, ceil(reading_tokens / plan.step_tokens))
        if self.steps(plan) < least:
            minutes = ceil(least * plan.step_tokens / self.tokens_per_second / 60.0)
            raise AdaptError(
                f"{name} learns about {self.tokens_per_second:.0f} tokens a second here: "
                f"{plan.minutes:g} min are {self.steps(plan)} steps of {plan.step_tokens:,} "
                f"tokens, and {least} are needed; give it --minutes {minutes}"
            )


def rehearse(
    graph: ModelGraph,
    weights: Weights,
    weights_bytes: int,
    plan: AdaptPlan,
    clock: Callable[[], float] = time.process_time,
) -> Rehearsal:
    """Walk forward and back over a few tokens and return what that says of learning.

    Args:
        graph: The model.
        weights: Its weights, read only.
        weights_bytes: What of them is kept.
        plan: With the rank of the adapters.
        clock: Processor time in seconds.
    """
    shapes = {name: graph.weights[name] for name in matrices_of_layers(graph)}
    factors = new_factors(shapes, plan.rank)
    sums, adapted = zero_gradients(factors), AdaptedWeights(weights, factors)
    walk, peaks, seconds = Backpropagation(graph), [], 0.0
    for tokens in (_TRIED[0], *_TRIED):  # the first one warms caches
        ids = np.arange(tokens, dtype=np.int64)[None] % graph.vocabulary
        batch = TokenBatch(ids, ids, np.ones(ids.shape, np.float32))
        tracemalloc.start()
        began = clock()
        walk.add_gradients(adapted, batch, sums)
        seconds = clock() - began
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    short, long = _TRIED
    each = max(0.0, (peaks[-1] - peaks[-2]) / (long - short))
    of_a_walk = peaks[-1] + each * max(0, plan.part_tokens - long)
    size = sum(factor.nbytes for factor in factors.values())
    return Rehearsal(
        weights_bytes,
        round(plan.workers * of_a_walk),
        (_ARRAYS + plan.workers) * size,
        plan.workers * long / max(seconds, 1e-9),
    )
