"""The same questions asked with and without the repository, kept item by item.

Records are plain dictionaries, so that a run of hours can be stopped and gone on with.  Questions
come in random order: those answered first are a fair sample of all.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from engine.quality.bench import MeasuredModel, QualityBench
from engine.quality.scores import edit_similarity, interval, mean, ratio_interval

__all__ = ["ask_pairs", "paired_summary"]


def ask_pairs(
    bench: QualityBench,
    kind: str,
    count: int,
    model: MeasuredModel,
    alone: MeasuredModel,
    skip: frozenset[str] = frozenset(),
) -> Iterator[dict[str, Any]]:
    """Yield a record of both answers to each question.

    Args:
        bench: Draws the questions.
        kind: One of `engine.quality.question_sampler.KINDS`.
        count: Most questions.
        model: Knows the repository.
        alone: The same model without it.
        skip: Keys of questions that were asked before.
    """
    questions = bench.questions(kind, count)
    Random(f"{bench.seed}/{kind}/pairs").shuffle(questions)
    for item, question in questions:
        key = f"{item.file.root.name}/{item.file.path}:{item.hole.start}"
        if key in skip:
            continue
        model.prepare(item.file.root)
        record: dict[str, Any] = {"kind": kind, "key": key, "bytes": len(item.target.encode())}
        for name, answerer in (("with", model), ("without", alone)):
            text = answerer.answer(question).text
            record[name] = {
                "exact": text.rstrip() == item.target.rstrip(),
                "similar": edit_similarity(text.strip(), item.target.strip()),
                "bits": answerer.bits(question, item.target),
            }
        yield record


def paired_summary(records: Sequence[dict[str, Any]], seed: int) -> dict[str, Any]:
    """Return the figures of both sides, and with ÷ without with paired bootstrap intervals.

    ``bits_ratio`` is without ÷ with, so that above 1 is better, as in the other ratios.
    """
    sides = {
        name: {
            score: [float(record[name][score]) for record in records]
            for score in ("exact", "similar", "bits")
        }
        for name in ("with", "without")
    }
    size = sum(record["bytes"] for record in records)
    figures: dict[str, Any] = {"n": len(records)}
    for name, scores in sides.items():
        figures[name] = {
            "exact_match": mean(scores["exact"]),
            "exact_match_ci": interval(scores["exact"], seed),
            "edit_similarity": mean(scores["similar"]),
            "bits_per_byte": sum(scores["bits"]) / size if size else None,
        }
    better, plain = sides["with"], sides["without"]
    for score, above, below in (
        ("exact", better, plain), ("similar", better, plain), ("bits", plain, better),
    ):  # fmt: skip
        total = sum(below[score])
        figures[f"{score}_ratio"] = sum(above[score]) / total if total else None
        figures[f"{score}_ratio_ci"] = (
            ratio_interval(above[score], below[score], seed) if total else None
        )
    return figures
