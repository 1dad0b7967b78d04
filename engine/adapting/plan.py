"""How a model is adapted: how long, how fast it learns, how much is asked.  Numbers only."""

import msgspec

from engine.training.movers import Rates

__all__ = ["AdaptPlan"]


class AdaptPlan(msgspec.Struct, frozen=True):
    """The numbers of one run."""

    minutes: float = 10.0
    """Of learning on free cores.  Processor time is counted, so that a busy computer learns as much
    in a longer time; what waits or measures does not count."""
    rate: float = 0.3
    """Of the rates with which the bundled models were trained (`engine.training.trainer.Rates`)."""
    rank: int = 0
    """Of low-rank adapters of the matrices of layers; 0: all weights learn."""
    warmup_steps: int = 10
    """Over which the rate grows; from then on it falls to 0 at the end."""
    most_epochs: int = 3
    """Times that every file is read at most; from the third on, held-out files gained no more."""
    workers: int = 2
    """Threads with a gradient each."""
    choice_questions: int = 200
    """``mid`` questions about watched files by which a share is chosen, at most."""
    mid_questions: int = 400
    """Of each model, at most."""
    line_questions: int = 100
    seed: int = 0
    """Of the questions and the intervals."""

    @property
    def rates(self) -> Rates:
        """The rates at their highest."""
        full, part = Rates(), self.rate
        return Rates(full.muon * part, full.adam * part, full.low_rank * part)
