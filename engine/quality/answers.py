"""A question at a cursor, its answer, and a session as one that answers."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from engine.protocol.completion import CompletionRequest, TextChunk
from engine.session import Session

__all__ = ["Answerer", "CursorAnswer", "ModelAnswers", "NothingBaseline", "Question"]


@dataclass(frozen=True, slots=True)
class Question:
    """A cursor in a file with a part cut out.  The part itself is not in the question."""

    root: Path
    """The repository's folder.  The file there is whole, so an answerer must not read it."""
    path: str
    """The file, relative to the root."""
    prefix: str
    suffix: str
    multi_line: bool = False
    max_tokens: int = 64
    asked: bool = True
    """Whether a person asked; if not, only what is likely is an answer."""
    chunks: tuple[TextChunk, ...] = ()
    """Places in other files that they looked at before, the newest first."""


@dataclass(frozen=True, slots=True)
class CursorAnswer:
    """An answerer's text for the cursor of a question."""

    text: str = ""
    """Trimmed as in the app; may be empty."""
    tokens: int = 0
    """Tokens that were generated."""
    shown: bool = True
    """Whether the app would show the text."""
    whole: bool = True
    """Whether it is all of the text, not the likely beginning alone."""
    changed: float = 0.0
    """Share of the tokens that the model alone would not have chosen."""
    weight: float = 0.0
    """Mean share of the repository's experts in the predictions."""
    drafts: tuple[str, ...] = field(default=(), repr=False)
    """The growing text after each change, as far as the app would see it."""


class Answerer(Protocol):
    """Answers questions."""

    def answer(self, question: Question) -> CursorAnswer:
        """Return a text for the question's cursor."""
        ...


class NothingBaseline:
    """The baseline of a plain editor, which suggests nothing."""

    def answer(self, question: Question) -> CursorAnswer:
        """Return an empty text."""
        return CursorAnswer()


class ModelAnswers:
    """Answers with the completions of a session.

    Args:
        session: An open session.
        repository: Whether the session may read the other files of a question's repository.
        secret_patterns: More patterns of private files.
        unasked: Mean log-probability from which a text comes unasked; None: the model's threshold.
    """

    def __init__(
        self,
        session: Session,
        *,
        repository: bool,
        secret_patterns: tuple[str, ...] = (),
        unasked: float | None = None,
    ) -> None:
        self._session = session
        self._unasked = unasked
        self._repository = repository
        self._secret_patterns = secret_patterns
        self._prepared: Path | None = None

    def prepare(self, root: Path) -> None:
        """Have the session read a repository, once for all questions about it."""
        if self._repository and root != self._prepared:
            self._prepared = root
            self._session.read_repository(str(root), self._secret_patterns)

    def answer(self, question: Question) -> CursorAnswer:
        """Return the session's completion."""
        drafts: list[str] = []
        completion = self._session.complete(
            self._request(question),
            on_text=drafts.append,
            sure_only=not question.asked,
            threshold=None if question.asked else self._unasked,
        )
        learnt = completion.repository
        return CursorAnswer(
            text=completion.text,
            tokens=completion.completion_tokens,
            shown=completion.shown,
            changed=learnt.changed if learnt is not None else 0.0,
            weight=learnt.mean_weight if learnt is not None else 0.0,
            whole=completion.finish_reason != "unsure",
            drafts=tuple(drafts),
        )

    def bits(self, question: Question, target: str) -> float:
        """Return −log₂ of the probability that the session writes ``target``."""
        return self._session.score(self._request(question), target).bits

    def _request(self, question: Question) -> CompletionRequest:
        return CompletionRequest(
            path=question.path,
            prefix=question.prefix,
            suffix=question.suffix,
            max_tokens=question.max_tokens,
            multi_line=question.multi_line,
            repository=str(question.root) if self._repository else None,
            private_patterns=self._secret_patterns,
            chunks=question.chunks if self._repository else (),
        )
