"""How far to go: weights between those of a model and those it learnt, chosen by questions.

A little training moves weights further than is good for what the model could do before; on the
straight line between the two lie models that keep that and have most of what was learnt.

Source:
    Wortsman et al., "Robust fine-tuning of zero-shot models" (2022): weights interpolated, the
    share chosen on held-out data.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.quality.bench import MeasuredModel, question_of
from engine.quality.question_sampler import QuestionItem
from engine.training.pullback import FloatArray, Weights

__all__ = ["ShareChoice", "interpolated", "question_bits"]


@dataclass(frozen=True, slots=True)
class ShareChoice:
    """How likely the right answers are at each share."""

    questions: int
    size_bytes: int
    """Of the right answers."""
    bits: dict[float, float]
    """−log₂ of the probability of all right answers by share, that of 0 among them."""

    @property
    def share(self) -> float:
        """The one whose answers are likeliest, of equal ones the smallest."""
        return min(sorted(self.bits), key=self.bits.__getitem__)

    @property
    def figures(self) -> dict[str, object]:
        """The share, and bits a byte of the answers at each."""
        each = {f"{share:g}": bits / self.size_bytes for share, bits in self.bits.items()}
        return {"n": self.questions, "share": self.share, "bits_per_byte": each}


def interpolated(before: Weights, learnt: Weights, share: float) -> dict[str, FloatArray]:
    """Return before + share · (learnt − before), float32; a share of 1 gives the bits of learnt."""
    if share == 1.0:
        return dict(learnt)
    part = np.float32(share)
    return {name: weight + part * (learnt[name] - weight) for name, weight in before.items()}


def question_bits(
    model: MeasuredModel,
    kind: str,
    items: Sequence[QuestionItem],
    on_item: Callable[[], None],
) -> float:
    """Return −log₂ of the probability of all right answers, as the app would draw them.

    Args:
        model: Who is asked.
        kind: Of the questions.
        items: What is asked.
        on_item: Called after each question; may wait, and raise.
    """
    total = 0.0
    for item in items:
        model.prepare(item.file.root)
        total += model.bits(question_of(kind, item), item.target)
        on_item()
    return total
