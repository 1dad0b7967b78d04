"""The conversation about a repository: its turns, the one under way, what goes with a question.

Follows what the engine says and asks for nothing itself; knows no screen and no file.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.protocol.asking import AskReply, AskRequest, AskTurn, Reading, ReadPart

__all__ = ["REMEMBERED", "AskedFrom", "AskedTurn", "Conversation", "request_of"]

REMEMBERED = 3
"""Turns of an earlier start of the app that go along with a question: more would be computed anew
before the first word."""


@dataclass(frozen=True, slots=True)
class AskedFrom:
    """Where the person stands who asks: the open file, the cursor, the selection."""

    path: str = ""
    """Relative to the repository; empty: no file is open."""
    text: str = ""
    """Its text, or a part of it around the cursor."""
    start: int = 1
    """The line of the file that ``text`` begins with."""
    line: int = 1
    first: int = 0
    last: int = 0
    """The selected lines; 0: nothing is selected."""


@dataclass(slots=True, eq=False)
class AskedTurn:
    """A question and what became of it."""

    question: str
    place: AskedFrom = field(default_factory=AskedFrom)
    answer: str = ""
    """Markdown so far, as the model wrote it."""
    ended: bool = False
    """Whether nothing more comes."""
    note: str = ""
    """Why there is no whole answer; for a person."""
    parts: tuple[ReadPart, ...] = ()
    left_out: tuple[str, ...] = ()
    prompt_tokens: int = 0
    """How much is read before the first word; 0: not known yet."""
    reply: AskReply | None = None
    asked: str = ""
    """What the model was shown; empty for a turn from the disk."""
    cost: str = ""
    """What the answer took, of a turn from the disk."""
    forgotten: bool = False
    """Whether it is left out of what the model is shown from now on."""


class Conversation:
    """The turns, the oldest first.

    Args:
        turns: Those of earlier starts of the app.
    """

    def __init__(self, turns: Iterable[AskedTurn] = ()) -> None:
        self.turns = list(turns)
        for turn in self.turns[:-REMEMBERED]:
            turn.forgotten = True
        self._sent: list[AskedTurn] = []
        self._number: int | None = None
        self._stopped: AskedTurn | None = None

    @property
    def running(self) -> AskedTurn | None:
        """The turn that is being answered."""
        turn = self.turns[-1] if self.turns else None
        return turn if turn is not None and not turn.ended else None

    @property
    def request_id(self) -> int | None:
        """The number of the request under way."""
        return self._number if self.running is not None else None

    def begin(
        self, question: str, place: AskedFrom, number: int
    ) -> tuple[AskedTurn, tuple[AskTurn, ...]]:
        """Begin a turn, and return it with the turns that go along.

        Args:
            question: In the person's words.
            place: Where they stand.
            number: Of the request to the engine.
        """
        self._sent = [turn for turn in self.turns if turn.answer and not turn.forgotten]
        self._number, self._stopped = number, None
        turn = AskedTurn(question, place)
        self.turns.append(turn)
        return turn, tuple(AskTurn(each.question, each.answer, each.asked) for each in self._sent)

    # ── what the engine says ────────────────────────────────────────────────────────────────

    def reading(self, number: int, reading: Reading) -> AskedTurn | None:
        """Note what the model is shown; return the turn if it is the one under way."""
        turn = self._turn(number)
        if turn is not None:
            turn.parts, turn.left_out = reading.parts, reading.left_out
            turn.prompt_tokens = reading.prompt_tokens
        return turn

    def wrote(self, number: int, text: str) -> AskedTurn | None:
        """Note the answer so far."""
        turn = self._turn(number)
        if turn is not None:
            turn.answer = text
        return turn

    def answered(self, number: int, reply: AskReply, note: str) -> AskedTurn | None:
        """Note the whole answer, and which turns the model's context has no room for any more."""
        turn = self._turn(number) or (self._stopped if number == self._number else None)
        if turn is None:
            return None
        for old in self._sent[: reply.forgotten]:
            old.forgotten = True
        turn.answer, turn.reply, turn.asked, turn.note = reply.text, reply, reply.asked, note
        turn.parts, turn.left_out, turn.ended = reply.parts, reply.left_out, True
        self._stopped = None
        if not reply.text and not note:
            turn.note = "the model said nothing; ask in other words"
        return turn

    def stopped(self) -> AskedTurn | None:
        """End the turn under way because the person wants it; what it took may still come."""
        self._stopped = self.failed("stopped")
        return self._stopped

    def failed(self, reason: str, number: int | None = None) -> AskedTurn | None:
        """End the turn under way for a reason; with a number only if it is that one."""
        turn = self.running if number is None else self._turn(number)
        if turn is not None:
            turn.note, turn.ended = reason, True
        return turn

    def _turn(self, number: int) -> AskedTurn | None:
        return self.running if number == self._number else None


def request_of(
    turn: AskedTurn,
    earlier: tuple[AskTurn, ...],
    repository: str | None,
    private_patterns: tuple[str, ...],
) -> AskRequest:
    """Return what the engine is asked for a turn."""
    place = turn.place
    return AskRequest(
        turn.question,
        path=place.path,
        text=place.text,
        start=place.start,
        line=place.line,
        first=place.first,
        last=place.last,
        earlier=earlier,
        repository=repository,
        private_patterns=private_patterns,
    )
