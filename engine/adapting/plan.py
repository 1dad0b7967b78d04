"""How a model is adapted: how long, how fast it learns, how much is asked.  Numbers only."""

import msgspec

from engine.training.trainer import Rates

__all__ = ["AdaptPlan"]


class AdaptPlan(msgspec.Struct, frozen=True):
    """The numbers of one run."""

    minutes: float = 10.0
    """Of learning on free cores.  Processor time is counted, so that a busy computer learns as much
    in a longer time; what waits or measures does not count."""
    rate: float = 0.3
    """Of the rates with which the bundled models were trained (`engine.training.trainer.Rates`)."""
    warmup_steps: int = 10
    """Over which the rate grows; from then on it falls to 0 at the end."""
    most_epochs: int = 20
    """Times that every file is read at most."""
    workers: int = 2
    """Threads with a gradient each."""
    mid_questions: int = 400
    """Of each model, at most."""
    line_questions: int = 100
    seed: int = 0
    """Of the questions and the intervals."""

    @property
    def rates(self) -> Rates:
        """The rates at their highest."""
        full = Rates()
        return Rates(muon=full.muon * self.rate, adam=full.adam * self.rate)
