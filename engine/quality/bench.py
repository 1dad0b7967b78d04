"""Puts suites of questions to a model and to the baselines, and computes the figures."""

import ast
import re
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any, Protocol

from engine.protocol.completion import TextChunk
from engine.quality.answers import Answerer, CursorAnswer, NothingBaseline, Question
from engine.quality.corpus import Corpus, read_corpus
from engine.quality.endings import judge_ending
from engine.quality.nearest_line_baseline import NearestLineBaseline
from engine.quality.ngram_baseline import NGramBaseline
from engine.quality.question_sampler import QuestionItem, QuestionSampler
from engine.quality.scores import edit_similarity, interval, mean
from engine.quality.typing_replay import Stretch, Typed, Typist, draw_stretches, summary
from engine.quality.visited_places import visited_places

__all__ = ["MeasuredModel", "QualityBench", "question_of", "replay_stretches"]

_MAX_TOKENS = {"block": 160}
_LINE_TOKENS = 64

OnItem = Callable[[int, int], None]
"""Called after each item with the number done and the number of all."""


class MeasuredModel(Answerer, Protocol):
    """The model that is measured."""

    def prepare(self, root: Path) -> None:
        """Prepare for questions about a repository."""
        ...

    def bits(self, question: Question, target: str) -> float:
        """Return −log₂ of the probability of ``target`` at the question's cursor."""
        ...


@dataclass(slots=True)
class _Scores:
    """Scores of answers, one for each item."""

    exact: list[float] = field(default_factory=list)
    similar: list[float] = field(default_factory=list)

    def add(self, text: str, target: str) -> None:
        """Score one answer without its trailing white space; for similarity, also the leading."""
        self.exact.append(float(text.rstrip() == target.rstrip()))
        self.similar.append(edit_similarity(text.strip(), target.strip()))

    def figures(self, seed: int) -> dict[str, Any]:
        """Return the means, and a confidence interval for exact match."""
        return {
            "exact_match": mean(self.exact),
            "exact_match_ci": interval(self.exact, seed),
            "edit_similarity": mean(self.similar),
        }


@dataclass(slots=True)
class _ModelScores(_Scores):
    """Scores that only a model's answers get."""

    bits: float = 0.0
    size: int = 0
    """UTF-8 bytes of the targets."""
    changed: list[float] = field(default_factory=list)
    weight: list[float] = field(default_factory=list)
    """The repository's part, as in `engine.quality.answers.CursorAnswer`."""
    endings: Counter[str] = field(default_factory=Counter)
    extra: dict[str, list[float]] = field(default_factory=dict)
    """Scores of some kinds of questions, by name."""

    def judge(self, kind: str, item: QuestionItem, answer: CursorAnswer) -> None:
        """Score one answer in every way that applies to its kind of question."""
        self.add(answer.text, item.target)
        self.changed.append(answer.changed)
        self.weight.append(answer.weight)
        self.endings.update(judge_ending(answer.text, item.prefix, item.suffix, item.target))
        for name, worth in _extra(kind, item, answer.text):
            self.extra.setdefault(name, []).append(worth)

    def figures(self, seed: int) -> dict[str, Any]:
        """Return all means."""
        return {
            **_Scores.figures(self, seed),
            "bits_per_byte": self.bits / self.size if self.size else None,
            **{name: mean(worths) for name, worths in self.extra.items()},
            "repository": {"changed": mean(self.changed), "mean_weight": mean(self.weight)},
            "endings": dict(sorted(self.endings.items())),
        }


class QualityBench:
    """All suites of one directory of Python code.

    Args:
        data: The directory.
        seed: The same seed, directory and model give the same figures.
        secret_patterns: More patterns of private files.
        visited: Places in other files that were looked at before each question.
    """

    def __init__(
        self,
        data: Path,
        seed: int = 0,
        secret_patterns: Sequence[str] = (),
        *,
        visited: int = 0,
    ) -> None:
        self.seed = seed
        self._visited = visited
        self.corpus: Corpus = read_corpus(data, seed, secret_patterns)
        self._items = QuestionSampler(self.corpus, seed)

    @cached_property
    def baselines(self) -> dict[str, Answerer]:
        """The other answerers of the same questions, by name."""
        return {
            "nothing": NothingBaseline(),
            "ngram": NGramBaseline(self.corpus),
            "nearest_line": NearestLineBaseline(self.corpus),
        }

    def questions(self, kind: str, count: int) -> list[tuple[QuestionItem, Question]]:
        """Return at most ``count`` questions of a kind, with their answers, by file."""
        drawn = self._items.draw(kind, count)
        return [(item, question_of(kind, item, self._places(item))) for item in drawn]

    def _places(self, item: QuestionItem) -> tuple[TextChunk, ...]:
        """Return the places that were looked at before a question."""
        if not self._visited:
            return ()
        random = Random(f"{self.seed}/{item.file.name}/{item.hole.start}")
        others = [file for file in self.corpus.files if file.root == item.file.root]
        return visited_places(item.file, others, self._visited, random)

    def measure(
        self,
        kind: str,
        count: int,
        model: MeasuredModel,
        on_item: OnItem,
        *,
        without_repository: MeasuredModel | None = None,
    ) -> dict[str, Any]:
        """Return the figures of one kind of question, with the fields of the command's JSON.

        Args:
            kind: One of `engine.quality.question_sampler.KINDS`.
            count: Most questions; a small directory has fewer.
            model: The model to measure.
            on_item: Called after every question.
            without_repository: The same model without the repository; ``cross`` measures both.
        """
        questions = self.questions(kind, count)
        scores, alone = _ModelScores(), _ModelScores()
        others = {name: _Scores() for name in self.baselines}
        for done, (item, question) in enumerate(questions, 1):
            model.prepare(item.file.root)
            _measure_one(kind, item, question, model, scores)
            if without_repository is not None:
                _measure_one(kind, item, question, without_repository, alone)
            for name, other in self.baselines.items():
                others[name].add(other.answer(question).text, item.target)
            on_item(done, len(questions))
        figures = {"n": len(questions), **scores.figures(self.seed)}
        if without_repository is not None:
            figures["without_repository"] = alone.figures(self.seed)
        figures["baselines"] = {name: each.figures(self.seed) for name, each in others.items()}
        return figures

    def replay(
        self, count: int, model: MeasuredModel, typist: Typist, on_item: OnItem
    ) -> dict[str, Any]:
        """Return the figures of the suite ``replay``, with the fields of the command's JSON.

        Args:
            count: Lines to type, rounded up to whole stretches.
            model: The model to measure.
            typist: Types a stretch with an answerer's suggestions.
            on_item: Called after every stretch.
        """
        stretches = draw_stretches(self.corpus, count, self.seed)
        return replay_stretches(
            stretches, model, typist, on_item, baselines=self.baselines, seed=self.seed
        )


def replay_stretches(
    stretches: Sequence[Stretch],
    model: MeasuredModel,
    typist: Typist,
    on_item: OnItem,
    *,
    baselines: Mapping[str, Answerer] = MappingProxyType({"nothing": NothingBaseline()}),
    seed: int = 0,
) -> dict[str, Any]:
    """Return the figures of typing stretches, with the fields of the command's JSON.

    Args:
        stretches: What to type.
        model: The model to measure.
        typist: Types a stretch with an answerer's suggestions.
        on_item: Called after every stretch.
        baselines: Other answerers, by name, with whose suggestions the same is typed.
        seed: Of the intervals.
    """
    typed: list[Typed] = []
    others: dict[str, list[Typed]] = {name: [] for name in baselines}
    bits, size = 0.0, 0
    for done, stretch in enumerate(stretches, 1):
        model.prepare(stretch.file.root)
        typed.append(typist(stretch, model))
        bits += _bits_of_lines(stretch, model)
        size += len(stretch.target.encode())
        for name, other in baselines.items():
            others[name].append(typist(stretch, other))
        on_item(done, len(stretches))
    return {
        **summary(typed, seed),
        "bits_per_byte": bits / size if size else None,
        "baselines": {name: summary(each, seed) for name, each in others.items()},
    }


def question_of(kind: str, item: QuestionItem, visited: tuple[TextChunk, ...] = ()) -> Question:
    """Return an item as it is asked."""
    return Question(
        item.file.root,
        item.file.path,
        item.prefix,
        item.suffix,
        multi_line=kind == "block",
        max_tokens=_MAX_TOKENS.get(kind, _LINE_TOKENS),
        chunks=visited,
    )


def _bits_of_lines(stretch: Stretch, model: MeasuredModel) -> float:
    """Return −log₂ of the probability of a stretch, line by line, each after the ones before."""
    bits, above = 0.0, stretch.above
    for line in stretch.target.splitlines(keepends=True):
        question = Question(
            stretch.file.root, stretch.file.path, above, stretch.below, multi_line=True
        )
        bits += model.bits(question, line)
        above += line
    return bits


def _measure_one(
    kind: str, item: QuestionItem, question: Question, model: MeasuredModel, scores: _ModelScores
) -> None:
    """Ask a model one question and score the answer."""
    scores.judge(kind, item, model.answer(question))
    scores.bits += model.bits(question, item.target)
    scores.size += len(item.target.encode())


def _extra(kind: str, item: QuestionItem, text: str) -> list[tuple[str, float]]:
    """Return the scores, by name, that only some kinds of questions have."""
    if kind == "cross":
        name = re.search(rf"\b{re.escape(item.hole.name)}\b", text)
        return [("name_found", float(name is not None))]
    if kind not in ("block", "api"):
        return []
    tree = _tree(item.prefix + text + item.suffix)
    same = tree is not None and tree == _tree(item.file.text)
    return [("parses", float(tree is not None)), ("same_tree", float(same))]


def _tree(text: str) -> str | None:
    """Return a text's syntax tree without positions; None if it does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.dump(ast.parse(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
