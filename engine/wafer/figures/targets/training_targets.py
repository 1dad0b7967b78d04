"""Targets of training: steps that were measured on CS-2 and CS-3, weights streamed."""

from collections.abc import Iterator

from engine.wafer.figures.measured_training import MEASURED_TRAINING, MeasuredTraining
from engine.wafer.figures.targets.target import Target
from engine.wafer.figures.training_question import TrainingQuestion, cycles_of, fastest_streamed
from engine.wafer.program import machine as machines

__all__ = ["steps"]


def steps() -> Iterator[Target]:
    """Row 33: samples a second, priced in the fastest streamed placement, beside the published.

    The vendor's kernels are not published, so nothing holds ours to them; nothing was fitted.
    """
    for row in MEASURED_TRAINING:
        for tokens in row.tokens:
            yield _target(row, tokens)


def _target(row: MeasuredTraining, tokens: int) -> Target:
    spec = machines.get(row.machine)
    question = TrainingQuestion(row.batch // row.systems, tokens, layout="streamed")
    placed = fastest_streamed(row.model, spec, question)
    seconds = cycles_of(placed, spec) / spec.clock_hz
    systems = f"{row.systems} systems" if row.systems > 1 else "one system"
    return Target(
        id=f"33/{row.name}, {row.machine}, {tokens}",
        evidence="B" if len(row.tokens) > 1 else "A",
        source=row.source,
        conditions=f"{row.machine}, {row.name}, {systems}, batch {row.batch}, {tokens:,} tokens a "
        f"sample ({row.about_tokens}), AdamW, cbfloat16",
        unit="samples/s",
        published=row.samples_per_second,
        analytic=row.batch / seconds,
        reason="weights stream from outside: priced only",
        role="reference",
    )
