"""How far to go: weights between those of a model and those it learnt, chosen by questions.

A little training moves weights further than is good for what the model could do before; on the
straight line between the two lie models that keep that and have most of what was learnt.

Source:
    Wortsman et al., "Robust fine-tuning of zero-shot models" (2022): weights interpolated, the
    share chosen on held-out data.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.adapting.mixture_trial import MixtureTrial
from engine.knowledge.fitting import Rows
from engine.training.pullback import FloatArray, Weights

__all__ = ["ShareChoice", "interpolated"]


@dataclass(frozen=True, slots=True)
class ShareChoice:
    """How likely the right answers are at each share."""

    questions: int
    size_bytes: int
    """Of the right answers."""
    trials: Mapping[float, MixtureTrial]
    """By share, that of 0 among them."""

    @property
    def share(self) -> float:
        """The one whose answers are likeliest, of equal ones the smallest; 0: none is better.

        The model as it was keeps the mixture that it has.
        """
        bits = {share: self._least_bits(share) for share in self.trials}
        bits[0.0] = self.trials[0.0].plain_bits
        return min(sorted(bits), key=bits.__getitem__)

    def _least_bits(self, share: float) -> float:
        return min(self.trials[share].plain_bits, self.trials[share].fitted_bits)

    @property
    def coefficients(self) -> Rows | None:
        """Those of the mixture at the share; None: the mixture stays as it was."""
        if not self.share:
            return None
        chosen = self.trials[self.share]
        return chosen.coefficients if chosen.fitted_bits < chosen.plain_bits else None

    @property
    def figures(self) -> dict[str, object]:
        """The share, and bits a byte of the answers at each, with the mixture as it was and fitted.

        Each share's fitted mixture was fitted to other questions than it is judged by.
        """
        size = self.size_bytes
        plain = {f"{share:g}": trial.plain_bits / size for share, trial in self.trials.items()}
        fitted = {f"{share:g}": trial.fitted_bits / size for share, trial in self.trials.items()}
        return {
            "n": self.questions,
            "share": self.share,
            "fitted": self.coefficients is not None,
            "bits_per_byte": plain,
            "fitted_bits_per_byte": fitted,
        }


def interpolated(before: Weights, learnt: Weights, share: float) -> dict[str, FloatArray]:
    """Return before + share · (learnt − before), float32; a share of 1 gives the bits of learnt."""
    if share == 1.0:
        return dict(learnt)
    part = np.float32(share)
    return {name: weight + part * (learnt[name] - weight) for name, weight in before.items()}
