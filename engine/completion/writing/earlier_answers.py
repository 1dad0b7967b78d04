"""What the last answers say about the text at a cursor: they are guesses for the next one.

Most keys move the cursor along a text that was written for the key before, shown or not.  Where a
key went another way, the rest of that text often comes back behind the word that differs.  Only
speed depends on it.  Knows no tokens.
"""

from collections import deque
from dataclasses import dataclass

__all__ = ["EarlierAnswers", "EarlierText"]

KEPT = 8
"""Answers that are remembered."""

TEXTS = 3
"""Most texts that are guesses for one answer."""

TAIL = 64
"""Characters before a cursor that tell its place."""

REACH = 1024
"""Most characters that were typed or removed since an answer."""


@dataclass(frozen=True, slots=True)
class EarlierText:
    """The rest of an earlier answer."""

    text: str
    goes_on: bool
    """Whether the person typed the answer as far as the cursor; False: only its beginning, and
    this is what came where they went another way."""


@dataclass(frozen=True, slots=True)
class _Answer:
    path: str
    before: str
    text: str


class EarlierAnswers:
    """The last answers, whatever became of them."""

    def __init__(self) -> None:
        self._answers: deque[_Answer] = deque(maxlen=KEPT)

    def add(self, path: str, prefix: str, text: str) -> None:
        """Remember what was written behind a prefix, the part that was not shown included."""
        if text:
            self._answers.appendleft(_Answer(path, prefix[-REACH:], text))

    def at(self, path: str, prefix: str) -> list[EarlierText]:
        """Return what the last answers say at a cursor, those that go on first; of equals one."""
        near = prefix[-2 * REACH :]
        rests = [_rest(answer, near) for answer in self._answers if answer.path == path]
        found = dict.fromkeys(rest for rest in rests if rest is not None)
        return sorted(found, key=lambda rest: not rest.goes_on)[:TEXTS]


def _rest(answer: _Answer, prefix: str) -> EarlierText | None:
    """Return what an answer says behind a prefix; None: nothing, or it was on another line."""
    tail = prefix[-TAIL:]
    _, found, rest = (answer.before + answer.text).rpartition(tail)
    if found:
        return EarlierText(rest, goes_on=True) if rest else None
    _, found, typed = prefix.rpartition(answer.before[-TAIL:])
    if not found:
        return None
    parted = _common(typed, answer.text)
    rest = answer.text[parted:].partition("\n")[0]
    return EarlierText(rest, goes_on=False) if rest and "\n" not in typed[parted:] else None


def _common(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
