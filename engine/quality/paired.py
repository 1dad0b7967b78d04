"""The same questions put to two models, or to one with and without the repository, item by item.

Records are plain dictionaries, so that a run of hours can be stopped and gone on with.  Questions
come in random order: those answered first are a fair sample of all.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import Any

from engine.quality.answers import Question
from engine.quality.bench import MeasuredModel, QualityBench
from engine.quality.question_sampler import QuestionItem
from engine.quality.scores import edit_similarity, interval, mean, ratio_interval

__all__ = ["Answerers", "ask_both", "ask_pairs", "paired_summary"]

Answerers = Mapping[str, MeasuredModel]
"""Who is asked, by the name that its answers get in a record."""


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
    left = [(item, question) for item, question in questions if _key(item) not in skip]
    yield from ask_both(kind, left, {"with": model, "without": alone})


def ask_both(
    kind: str,
    questions: Iterable[tuple[QuestionItem, Question]],
    answerers: Answerers,
    *,
    scored: bool = True,
) -> Iterator[dict[str, Any]]:
    """Yield a record of each question with the answers of all who are asked.

    Args:
        kind: Of the questions.
        questions: In the order in which they are asked.
        answerers: Who is asked.
        scored: Whether each also says how likely the right answer was, which takes as long again.
    """
    for item, question in questions:
        record: dict[str, Any] = {
            "kind": kind, "key": _key(item), "bytes": len(item.target.encode())
        }  # fmt: skip
        for name, answerer in answerers.items():
            answerer.prepare(item.file.root)
            text = answerer.answer(question).text
            record[name] = {
                "exact": text.rstrip() == item.target.rstrip(),
                "similar": edit_similarity(text.strip(), item.target.strip()),
                **({"bits": answerer.bits(question, item.target)} if scored else {}),
            }
        yield record


def _key(item: QuestionItem) -> str:
    return f"{item.file.root.name}/{item.file.path}:{item.hole.start}"


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
