"""What a model is shown for a question: the selection, the open file, the repository's passages.

Chooses and orders them; how many of them fit is `engine.asking.ask_prompt`'s part.  Lines of a file
that is private or that git ignores are never among them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from engine.asking.passages import Passage
from engine.asking.question_words import QuestionWords
from engine.asking.repository_search import search
from engine.errors import PromptError
from engine.protocol.asking import AskRequest, ReadPart
from engine.repository.closed_files import why_closed

__all__ = ["Excerpt", "Excerpts", "find_excerpts"]

AROUND_LINES = 30
"""Lines of the open file above and below the cursor that are shown."""
BESIDE_LINES = 12
"""The same for a selection, which is shown itself."""
SHORT_LINES = 90
"""A file of so many lines is shown whole."""
SELECTION_CHARACTERS = 2_000
"""So much of a selection is searched for names where the question has none."""

Why = Literal["selected", "open", "defines", "similar"]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Lines that are shown, and why."""

    passage: Passage
    why: Why

    @property
    def part(self) -> ReadPart:
        """The same for a person."""
        return ReadPart(self.passage.path, self.passage.first, self.passage.last, self.why)


@dataclass(frozen=True, slots=True)
class Excerpts:
    """What is worth showing for a question."""

    wanted: list[Excerpt] = field(default_factory=list)
    """The most important first."""
    left_out: list[str] = field(default_factory=list)
    """What is not shown, with the reason, for a person."""


def find_excerpts(request: AskRequest, cancelled: Callable[[], bool]) -> Excerpts:
    """Return what to show for a question.

    Args:
        request: The question.
        cancelled: Asked between files.

    Raises:
        PromptError: Lines are selected in a file that is never shown to a model, or the selection
            lies outside of the text.
    """
    found = Excerpts()
    closed = why_closed(request.path, request.repository, request.private_patterns)
    if closed is not None:
        if request.first:
            raise PromptError(f"{closed}; select lines of another file, or none")
        found.left_out.append(closed)
    elif request.path:
        found.wanted.extend(_of_open_file(request))
    if request.repository is not None:
        _add_repository(found, request, Path(request.repository).resolve(), cancelled)
    return found


def _of_open_file(request: AskRequest) -> list[Excerpt]:
    """Return the selection and what stands around it, or around the cursor.

    Raises:
        PromptError: The selection lies outside of the text.
    """
    text = _OpenText(request.path, request.text.split("\n"), request.start)
    first, last = request.first, request.last
    whole = len(text.lines) if len(text.lines) <= SHORT_LINES else 0
    if not first:
        line = min(max(request.line, text.start), text.end)
        around = max(whole, AROUND_LINES)
        return text.excerpts("open", (line - around, line + around))
    if not text.start <= first <= last <= text.end:
        raise PromptError(
            f"lines {first}–{last} of {request.path} are selected, and its text has "
            f"{text.start}–{text.end}"
        )
    beside = max(whole, BESIDE_LINES)
    chosen = text.excerpts("selected", (first, last))
    return [*chosen, *text.excerpts("open", (first - beside, first - 1), (last + 1, last + beside))]


@dataclass(frozen=True, slots=True)
class _OpenText:
    """The text of the open file, or a part of it."""

    path: str
    lines: Sequence[str]
    start: int
    """The line of the file that it begins with."""

    @property
    def end(self) -> int:
        """Its last line."""
        return self.start + len(self.lines) - 1

    def excerpts(self, why: Why, *ranges: tuple[int, int]) -> list[Excerpt]:
        """Return those lines of some ranges that are in the text, unless they are blank."""
        offset = self.start - 1
        found = []
        for first, last in ranges:
            first, last = max(first, self.start), min(last, self.end)
            if first <= last:
                part = Passage.of(self.path, self.lines, first - offset, last - offset)
                found.append(Passage(part.path, part.first + offset, part.lines))
        return [Excerpt(each, why) for each in found if each.text.strip()]


def _add_repository(
    found: Excerpts, request: AskRequest, root: Path, cancelled: Callable[[], bool]
) -> None:
    """Add what the repository says, without lines that are shown already."""
    words = QuestionWords.of(request.question)
    if not words.words:  # “explain this”: the selection tells what it is about
        texts = [each.passage.text for each in found.wanted if each.why == "selected"]
        used = QuestionWords.of("\n".join(texts)[:SELECTION_CHARACTERS]).names
        words = QuestionWords(used, (), ())
    seen = search(
        root,
        words,
        cancelled,
        private_patterns=request.private_patterns,
        near=request.path,
        buffer=request.text if request.start == 1 and request.path else None,
    )
    chosen = [each for each in found.wanted if each.why == "selected"]
    around = [each for each in found.wanted if each.why == "open"]
    defining = [Excerpt(each, "defines") for each in seen.defining if not _overlaps(each, chosen)]
    for excerpt in defining:  # whole, and next to the question; the open file shows the rest
        around = [part for each in around for part in _beside(each, excerpt.passage)]
    before = [*chosen, *defining, *around]
    similar = [Excerpt(each, "similar") for each in seen.similar if not _overlaps(each, before)]
    found.wanted[:] = [*before, *similar]
    if seen.unread != 0:
        count = "" if seen.unread is None else f"{seen.unread:,} ".replace(",", " ")
        found.left_out.append(f"{count}files farther away: there are too many")


def _overlaps(passage: Passage, shown: Sequence[Excerpt]) -> bool:
    return any(passage.overlaps(each.passage) for each in shown)


def _beside(excerpt: Excerpt, taken: Passage) -> list[Excerpt]:
    """Return what is left of an excerpt above and below lines that are shown elsewhere."""
    passage = excerpt.passage
    if not passage.overlaps(taken):
        return [excerpt]
    above = passage.lines[: max(0, taken.first - passage.first)]
    below = passage.lines[taken.last - passage.first + 1 :]
    parts = (
        Passage(passage.path, passage.first, above),
        Passage(passage.path, taken.last + 1, below),
    )
    return [Excerpt(each, excerpt.why) for each in parts if each.text.strip()]
