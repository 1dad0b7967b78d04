"""Who is asked, and how: a question at a cursor, an answer, and the model as one who answers."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from engine.session import CompletionRequest, Session

__all__ = ["Answerer", "CursorAnswer", "ModelAnswers", "NothingBaseline", "Question"]


@dataclass(frozen=True, slots=True)
class Question:
    """A cursor in a file that misses a part: the answer is no part of a question."""

    root: Path
    """The repository's folder.  On disk, the file there is whole: nobody may look into it."""
    path: str
    """The file, below the root."""
    prefix: str
    suffix: str
    multi_line: bool = False
    max_tokens: int = 64


@dataclass(frozen=True, slots=True)
class CursorAnswer:
    """A text for a cursor."""

    text: str = ""
    """Trimmed as the app trims; may be empty."""
    tokens: int = 0
    """Tokens generated."""
    shown: bool = True
    """Whether the app would show it."""
    changed: float = 0.0
    """Share of its tokens that the repository chose, not the model."""
    weight: float = 0.0
    """Mean share that the repository had in the choice."""
    drafts: tuple[str, ...] = field(default=(), repr=False)
    """The text as it grew while it was made."""


class Answerer(Protocol):
    """Answers questions."""

    def answer(self, question: Question) -> CursorAnswer:
        """Return the text for the question's cursor."""
        ...


class NothingBaseline:
    """The baseline of a plain editor: suggests nothing."""

    def answer(self, question: Question) -> CursorAnswer:
        """Return an empty text."""
        return CursorAnswer()


class ModelAnswers:
    """A session answers.

    Args:
        session: An open one.
        repository: Whether it may read the other files of the question's repository.
        secret_patterns: More patterns of private files.
    """

    def __init__(
        self, session: Session, *, repository: bool, secret_patterns: tuple[str, ...] = ()
    ) -> None:
        self._session = session
        self._repository = repository
        self._secret_patterns = secret_patterns
        self._prepared: Path | None = None

    def prepare(self, root: Path) -> None:
        """Let the session read a repository before the questions about it; once for many."""
        if self._repository and root != self._prepared:
            self._prepared = root
            self._session.read_repository(str(root), self._secret_patterns)

    def answer(self, question: Question) -> CursorAnswer:
        """Return what the session suggests."""
        drafts: list[str] = []
        completion = self._session.complete(self._request(question), on_text=drafts.append)
        learnt = completion.repository
        return CursorAnswer(
            text=completion.text,
            tokens=completion.completion_tokens,
            shown=completion.shown,
            changed=learnt.changed if learnt is not None else 0.0,
            weight=learnt.mean_weight if learnt is not None else 0.0,
            # As the engine process does: what may yet be hidden is not sent piece by piece.
            drafts=() if self._session.threshold is not None else tuple(drafts),
        )

    def bits(self, question: Question, target: str) -> float:
        """Return −log₂ of the probability that the session writes ``target`` here."""
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
        )
