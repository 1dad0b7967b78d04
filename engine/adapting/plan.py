"""How a model is adapted: how long, how fast it learns, how much is asked.  Numbers only."""

import msgspec

from engine.training.movers import Rates

__all__ = ["AdaptPlan", "with_adapters"]


class AdaptPlan(msgspec.Struct, frozen=True):
    """The numbers of one run."""

    minutes: float = 10.0
    """Of learning on free cores.  Processor time is counted, so that a busy computer learns as much
    in a longer time; what waits or measures does not count."""
    rate: float = 0.3
    """Of the rates with which the bundled models were trained (`engine.training.trainer.Rates`)."""
    rank: int = 0
    """Of low-rank adapters of the matrices of layers; 0: all weights learn, if the model allows
    it (`engine.adapting.task`)."""
    lengths: dict[int, float] = msgspec.field(default_factory=lambda: {1024: 1.0})
    """Row lengths and the share of the files cut for them.  A row is as long as the longest prompt
    of a small model (`engine.completion.prompts.prompt`)."""
    as_asked: bool = True
    """Whether rows have the form in which the app asks, and what other files tell counts less; else
    they are cut as for the bundled models' training, in rows of 512 and 2,048 tokens."""
    part_tokens: int = 2048
    """Of one walk forward and back."""
    parts_a_step: int = 2
    measures: int = 10
    """Times that the loss of the watched files is measured over a run."""
    watched_windows: int = 16
    judged_windows: int = 64
    """Windows of 512 tokens on which losses are measured, at most."""
    shares: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0)
    """Of what was learnt, each tried; 0 is the model as it was."""
    adapter_rate: float = 0.05
    """The same for adapters of a large model."""
    warmup_steps: int = 10
    """Over which the rate grows; from then on it falls to 0 at the end."""
    most_epochs: int = 3
    """Times that every file is read at most; from the third on, held-out files gained no more."""
    workers: int = 2
    """Threads with a gradient each."""
    choice_questions: int = 200
    """``mid`` questions about watched files by which a share is chosen, at most."""
    mid_questions: int = 2000
    """Of each model, at most: with so many, a gain of one or two points can be told from chance."""
    mid_look: int = 400
    """After every so many, asking may end (`engine.adapting.verdict.is_settled`)."""
    line_questions: int = 100
    seed: int = 0
    """Of the questions and the intervals."""

    @property
    def step_tokens(self) -> int:
        """Of a whole step."""
        return self.part_tokens * self.parts_a_step

    @property
    def rates(self) -> Rates:
        """The rates at their highest."""
        full, part = Rates(), self.rate
        return Rates(full.muon * part, full.adam * part, full.low_rank * part)


def with_adapters(plan: AdaptPlan) -> AdaptPlan:
    """Return a plan for a model that is too large for all of its weights to learn.

    Adapters of rank 16 learn unless another is asked for.  A row of 512 tokens is
    a part, because what a walk keeps for its way back grows with a part; and less is measured and
    asked, because a forward pass takes as long as a third of a step.
    """
    return msgspec.structs.replace(
        plan,
        rank=plan.rank or 16,
        rate=plan.adapter_rate,
        lengths={512: 1.0},
        as_asked=False,  # not measured for these
        part_tokens=512,
        parts_a_step=4,
        measures=4,
        watched_windows=min(plan.watched_windows, 8),
        judged_windows=min(plan.judged_windows, 24),
        shares=(0.5, 1.0),
        choice_questions=min(plan.choice_questions, 40),
        mid_questions=min(plan.mid_questions, 600),
        mid_look=min(plan.mid_look, 200),
        line_questions=min(plan.line_questions, 40),
    )
