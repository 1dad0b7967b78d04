"""Answers that were written once, and what each would be at any threshold.

A threshold decides how much of a text is shown, never what the model writes.  So one answer serves
every policy that asks the same question; `scripts/policy_table.py` compares them.
"""

from collections.abc import Callable
from hashlib import sha256

import msgspec

from engine.completion.writing.sure_text import SureText, TextSoFar
from engine.protocol.completion import CompletionRequest
from engine.quality.answers import CursorAnswer, Question
from engine.session import Session

__all__ = ["WrittenAnswer", "WrittenAnswers", "question_key"]


class WrittenAnswer(msgspec.Struct, frozen=True):
    """All that a model wrote at a cursor."""

    whole: TextSoFar
    drafts: tuple[TextSoFar, ...] = ()
    """The growing text after each change."""

    def at(self, threshold: float | None) -> CursorAnswer:
        """Return what an app with that threshold gets: all of the text, or its sure beginning.

        Args:
            threshold: Mean log-probability from which a text is shown; None: all are.
        """
        sure = SureText(threshold)
        drafts = tuple(draft.lasting for draft in self.drafts if sure.grows(draft))
        text = self.whole.lasting
        likely = sure.of_whole(self.whole)
        shown = bool(likely) and likely == text
        if likely and not shown:
            return CursorAnswer(likely, self.whole.generated, whole=False, drafts=drafts)
        return CursorAnswer(text, self.whole.generated, shown=shown, drafts=drafts)


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
        texts: list[TextSoFar] = []
        self._session.complete(
            CompletionRequest(
                path=question.path,
                prefix=question.prefix,
                suffix=question.suffix,
                max_tokens=question.max_tokens,
                multi_line=question.multi_line,
                repository=str(question.root) if self._repository else None,
            ),
            on_draft=texts.append,
        )
        *drafts, whole = texts
        return WrittenAnswer(whole, tuple(drafts))


def question_key(question: Question) -> str:
    """Return what tells a question from all others; not where the repository lies."""
    parts = (
        *(question.root.name, question.path, question.prefix, question.suffix),
        *(question.multi_line, question.max_tokens),
    )
    return sha256(msgspec.json.encode(parts)).hexdigest()[:24]
