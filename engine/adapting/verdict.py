"""Compares a model before and after on files that neither has learnt: is the new one better?

Two measures decide, each by its paired 95 % interval (`engine.quality.scores`): bits a byte of the
files read from left to right, and exact answers to ``mid`` questions, asked as the app asks, with
the repository's knowledge.  ``line`` questions are asked too, and only told.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.adapting.batches import LossWindow
from engine.adapting.repository_texts import LearnableFile
from engine.knowledge.fitting import Observed
from engine.protocol.completion import CompletionRequest
from engine.quality.answers import ModelAnswers
from engine.quality.bench import question_of
from engine.quality.corpus import Corpus, SourceFile
from engine.quality.fit_questions import FitQuestion, observed
from engine.quality.paired import Answerers, ask_both
from engine.quality.question_sampler import QuestionItem, QuestionSampler
from engine.quality.scores import interval, mean, ratio_interval
from engine.session import Session
from engine.training.backpropagation import Backpropagation
from engine.training.pullback import Weights

__all__ = [
    "AFTER",
    "BEFORE",
    "Verdict",
    "compare_answers",
    "compare_bits",
    "is_settled",
    "observe_answers",
    "questions_of",
]

BEFORE, AFTER = "before", "after"

SETTLED_ERRORS = 3.0
"""Standard errors of a gain that settle it before all is asked."""


class Verdict:
    """The figures of both models, and whether the new one is kept."""

    def __init__(self, bits: dict[str, Any], mid: dict[str, Any], line: dict[str, Any]) -> None:
        self._bits, self._mid, self._line = bits, mid, line

    @property
    def figures(self) -> dict[str, object]:
        """All figures by what was measured."""
        return {"bits_per_byte": self._bits, "mid": self._mid, "line": self._line}

    @property
    def kept(self) -> bool:
        """Whether both measures are better beyond chance."""
        return self._bits_better and self._mid_better

    @property
    def _bits_better(self) -> bool:
        bound = self._bits["ratio_ci"]
        return bound is not None and bound[0] > 1.0

    @property
    def _mid_better(self) -> bool:
        bound = self._mid["difference_ci"]
        return bound is not None and bound[0] > 0.0

    @property
    def why(self) -> str:
        """One line for a person."""
        return f"{self._judgement()}: {self._told_bits()}, {self._told_mid()}"

    def _judgement(self) -> str:
        if self.kept:
            return "better on files it has not learnt"
        worse = [
            name
            for name, better in (("bits a byte", self._bits_better), ("mid", self._mid_better))
            if not better
        ]
        return f"not kept, because {' and '.join(worse)} did not improve beyond chance"

    def _told_bits(self) -> str:
        return f"{self._bits[BEFORE]:.3f} → {self._bits[AFTER]:.3f} bits a byte"

    def _told_mid(self) -> str:
        told = f"mid {_percent(self._mid[BEFORE])} → {_percent(self._mid[AFTER])}"
        if self._mid["difference_ci"] is None:
            return told
        low, high = (100 * bound for bound in self._mid["difference_ci"])
        return f"{told} of {self._mid['n']} ({low:+.1f} to {high:+.1f} points)"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def compare_bits(
    walk: Backpropagation,
    before: Weights,
    after: Weights,
    windows: Sequence[LossWindow],
    rest: Callable[[], None],
    seed: int,
) -> dict[str, Any]:
    """Return bits a byte of both, and before ÷ after with its interval over the windows."""
    bits = {BEFORE: list[float](), AFTER: list[float]()}
    for window in windows:
        for name, weights in ((BEFORE, before), (AFTER, after)):
            rest()
            nats = float(walk.losses(weights, window.batch).sum())
            bits[name].append(nats / math.log(2))
    size = sum(window.size_bytes for window in windows)
    return {
        "n": len(windows),
        **{name: sum(each) / size for name, each in bits.items()},
        "ratio_ci": ratio_interval(bits[BEFORE], bits[AFTER], seed),
    }


def questions_of(
    root: Path, files: Sequence[LearnableFile], kind: str, count: int, seed: int
) -> list[QuestionItem]:
    """Return questions about held-out files, of each file in turn."""
    sources = tuple(SourceFile(root, file.path, file.text) for file in files)
    return QuestionSampler(Corpus(sources, {}), seed).draw(kind, count)


def observe_answers(
    session: Session,
    items: Sequence[QuestionItem],
    private_patterns: tuple[str, ...],
    on_item: Callable[[], None],
) -> list[Observed]:
    """Return what a session's model and experts hold of the right answers to ``mid`` questions.

    Args:
        session: Who is asked.
        items: The questions.
        private_patterns: More patterns of private files.
        on_item: Called after each; may wait, and raise.
    """
    each = []
    for item in items:
        request = CompletionRequest(
            path=item.file.path,
            prefix=item.prefix,
            suffix=item.suffix,
            multi_line=False,
            repository=str(item.file.root),
            private_patterns=private_patterns,
        )
        each.append(observed(session, FitQuestion(item.file.root, request, item.target.rstrip())))
        on_item()
    return each


def compare_answers(
    sessions: tuple[Session, Session],
    kind: str,
    items: Sequence[QuestionItem],
    look: int,
    private_patterns: tuple[str, ...],
    on_item: Callable[[int], None],
    seed: int,
) -> dict[str, Any]:
    """Return the exact answers of both sessions, and after − before with its paired interval.

    Args:
        sessions: The model before and after.
        kind: Of the questions.
        items: What is asked, unless it is settled before.
        look: Questions after which, again and again, that is looked at.
        private_patterns: More patterns of private files.
        on_item: Called with the number of questions done; may wait, and raise.
        seed: Of the interval.
    """
    sides: Answerers = {
        name: ModelAnswers(session, repository=True, secret_patterns=private_patterns)
        for name, session in zip((BEFORE, AFTER), sessions, strict=True)
    }
    questions = [(item, question_of(kind, item)) for item in items]
    exact: dict[str, list[float]] = {BEFORE: [], AFTER: []}
    gained: list[float] = []
    for done, record in enumerate(ask_both(kind, questions, sides, scored=False), 1):
        on_item(done)
        for name, each in exact.items():
            each.append(float(record[name]["exact"]))
        gained.append(exact[AFTER][-1] - exact[BEFORE][-1])
        if done % look == 0 and is_settled(gained):
            break
    return {
        "n": len(gained),
        **{name: mean(each) for name, each in exact.items()},
        "gained": sum(each > 0 for each in gained),
        "lost": sum(each < 0 for each in gained),
        "difference_ci": interval(gained, seed),
    }


def is_settled(gained: Sequence[float]) -> bool:
    """Return whether further questions need not be asked: nothing is gained, or very surely.

    Args:
        gained: After − before of each answer so far.

    Source:
        Three standard errors for a look before the end leave the last interval what it is, nearly
        (Haybittle, 1971; Peto et al., 1976).  To give up early keeps nothing wrongly.
    """
    spread = float(np.std(gained)) / math.sqrt(len(gained))
    average = sum(gained) / len(gained)
    return average <= 0.0 or average > SETTLED_ERRORS * spread
