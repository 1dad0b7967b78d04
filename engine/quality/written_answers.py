"""Answers that were written once, and what each would be at any threshold.

A threshold decides how much of a text is shown, never what the model writes.  So one answer serves
every policy that asks the same question; `scripts/policy_table.py` compares them.
"""

from collections.abc import Callable
from hashlib import sha256

import msgspec

from engine.completion.writing.sure_text import is_sure
from engine.protocol.completion import CompletionRequest
from engine.quality.answers import CursorAnswer, Question
from engine.session import Session

__all__ = ["WrittenAnswer", "WrittenAnswers", "question_key"]


_Draft = tuple[str, float | None, int]
"""A text so far, the mean log-probability of its tokens, and how many that is the mean of."""


class WrittenAnswer(msgspec.Struct, frozen=True):
    """All that a model wrote at a cursor."""

    text: str
    tokens: int
    mean_logprob: float | None
    drafts: tuple[_Draft, ...] = ()
    """The growing text after each change."""

    def at(self, threshold: float | None) -> CursorAnswer:
        """Return what an app with that threshold gets: all of the text, or its sure beginning.

        Args:
            threshold: Mean log-probability from which a text is shown; None: all are.
        """
        sure = [
            text
            for text, mean_logprob, scored in self.drafts
            if text.strip() and is_sure(mean_logprob, scored, threshold)
        ]
        likely = threshold is None or self.mean_logprob is None or self.mean_logprob >= threshold
        shown = bool(self.text.strip()) and likely
        text, whole = self.text, True
        if not shown and sure and self.text.startswith(sure[-1]):
            text, whole, shown = sure[-1], False, True
        return CursorAnswer(
            text=text, tokens=self.tokens, shown=shown, whole=whole, drafts=tuple(sure)
        )


class WrittenAnswers:
    """Answers of a session, each written once.

    Args:
        session: Writes what is not known yet.
        known: Answers by their questions' keys; grows.
        on_new: Told of each that was written, with its key.
        repository: Whether the session may read the other files of a question's repository.
    """

    def __init__(
        self,
        session: Session,
        known: dict[str, WrittenAnswer],
        on_new: Callable[[str, WrittenAnswer], None],
        *,
        repository: bool = True,
    ) -> None:
        self._session = session
        self._known = known
        self._on_new = on_new
        self._repository = repository
        self.threshold: float | None = session.threshold
        """Of the answers from now on."""

    def answer(self, question: Question) -> CursorAnswer:
        """Return the answer to a question at the threshold of the moment."""
        key = question_key(question)
        written = self._known.get(key)
        if written is None:
            written = self._known[key] = self._write(question)
            self._on_new(key, written)
        return written.at(self.threshold)

    def _write(self, question: Question) -> WrittenAnswer:
        drafts: list[_Draft] = []
        completion = self._session.complete(
            CompletionRequest(
                path=question.path,
                prefix=question.prefix,
                suffix=question.suffix,
                max_tokens=question.max_tokens,
                multi_line=question.multi_line,
                repository=str(question.root) if self._repository else None,
            ),
            on_draft=lambda text, mean, scored: drafts.append((text, mean, scored)),
        )
        return WrittenAnswer(
            completion.text, completion.completion_tokens, completion.mean_logprob, tuple(drafts)
        )


def question_key(question: Question) -> str:
    """Return what tells a question from all others; not where the repository lies."""
    parts = (
        *(question.root.name, question.path, question.prefix, question.suffix),
        *(question.multi_line, question.max_tokens),
    )
    return sha256(msgspec.json.encode(parts)).hexdigest()[:24]
