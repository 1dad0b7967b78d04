"""Speculation: how many guessed tokens are worth computing beside the next one.

A guess is verified in the pass that computes the next token anyway: a right one saves a pass.  What
is chosen never depends on it, so time may be measured here: passes by their rows, and how often
guesses of each kind are right.  Knows no model, no text and nothing about where guesses come from.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

__all__ = ["LONG_GUESS", "MAX_GUESSED", "Guess", "GuessSource", "Speculation"]

MAX_GUESSED = 7
"""Most tokens of a guess from similar text: 8 rows with the one before them."""

LONG_GUESS = 31
"""Most tokens of a guess from a text that is being copied."""

ALLOWANCE = 0.015
"""Share of the time of plain passes that looking for guesses and wrong guesses may cost."""

START, MOST = 1.0, 8.0
"""Passes that a session may lose before it has gained any; and how many it saves up.

A guess risks no more than there is: at most as much as its pass takes longer."""

WORTH = 1.04
"""Tokens a pass of one row must be exceeded by, in expectation, before guesses are verified."""

FIRST_SLOPE = 0.3
"""Cost of a further row in passes of one row, before one was measured."""

MEMORY = 24.0
"""Guessed tokens of a kind that are remembered; those before fade."""

RENEWED = 32
"""Passes with guesses after which one without is measured: the computer may be busier now."""

Kind = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Guess:
    """Tokens that may come next."""

    tokens: Sequence[int]
    kind: Kind
    """Guesses of a kind are about as often right."""
    likely: float
    """How often each of its tokens is right, before the kind was seen."""


GuessSource = Callable[[int], Sequence[Guess]]
"""Returns guesses of at most so many tokens after those chosen so far."""


class _Rate:
    """How often a kind's tokens are right."""

    def __init__(self, likely: float) -> None:
        self._right, self._seen = 4.0 * likely, 4.0

    def note(self, right: int, wrong: int) -> None:
        fade = MEMORY / max(MEMORY, self._seen)
        self._right = self._right * fade + right
        self._seen = self._seen * fade + right + wrong

    @property
    def share(self) -> float:
        return self._right / self._seen


class Speculation:
    """What one session has learnt about its passes and its guesses.

    Args:
        clock: Seconds of host time.
    """

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._rates: dict[Kind, _Rate] = {}
        self._plain_seconds = 0.0  # of a pass of one row; 0: none measured yet
        self._since_plain = RENEWED  # passes since a plain one was measured
        self._costs: dict[int, float] = {1: 1.0}  # of a pass by rows, in passes of one row
        self.balance = START
        """Passes of one row that may still be lost; below 0 nothing is looked for."""

    # ── before a pass ───────────────────────────────────────────────────────────────────────

    def ask(self, source: GuessSource, most: int) -> Sequence[Guess]:
        """Return the guesses of a source, at most ``most`` tokens each, where asking is due."""
        most = min(most, LONG_GUESS)
        if most < 1 or self.balance < 0.0:
            return ()
        begun = self._clock()
        guesses = source(most)
        if self._plain_seconds:
            self.balance -= (self._clock() - begun) / self._plain_seconds
        return guesses

    def best(self, guesses: Sequence[Guess]) -> Sequence[int]:
        """Return the guessed tokens that are worth a place in the next pass; often none."""
        found: Sequence[int] = ()
        if self._since_plain >= RENEWED:
            return found
        measured = max(self._costs)  # far from what was measured is a bet
        most, longest = WORTH, max(measured + 1, measured * 3 // 2)
        for guess in guesses:
            share, gain, likely = self._rate(guess).share, 1.0, 1.0
            for count in range(1, min(len(guess.tokens), longest) + 1):
                likely *= share
                gain += likely
                cost = self.cost(1 + count)
                if cost - 1.0 > self.balance:  # all of it may be lost
                    break
                worth = gain / cost
                if worth > most:
                    most, found = worth, guess.tokens[:count]
        return found

    def cost(self, rows: int) -> float:
        """Return the time of a pass of so many rows, in passes of one row."""
        more = [cost for known, cost in self._costs.items() if known >= rows]
        if rows in self._costs:
            return min(more)  # no more than a longer pass: else something else took the time
        nearest = max(known for known in self._costs if known < rows)
        slope = FIRST_SLOPE
        if nearest > 1:
            slope = max(0.0, self.cost(nearest) - 1.0) / (nearest - 1)
        return min([self.cost(nearest) + (rows - nearest) * slope, *more])

    # ── after a pass ────────────────────────────────────────────────────────────────────────

    def note_pass(self, rows: int, seconds: float, used: int) -> None:
        """Learn from a pass of ``rows`` rows of which ``used`` chose a token."""
        if rows == 1:
            before = self._plain_seconds or seconds
            self._plain_seconds = before + 0.2 * (seconds - before)
            self._since_plain = 0
            self.balance = min(MOST, self.balance + ALLOWANCE)
            self._fade()
        else:
            self._since_plain += 1
            # No less than one row, no more than the rows one by one: what lies outside tells of
            # what else the computer does.
            taken = seconds / (self._plain_seconds or seconds or 1.0)
            taken = min(max(taken, 1.0), 1.1 * rows)
            before = self._costs.get(rows, taken)
            self._costs[rows] = before + 0.25 * (taken - before)
            self.balance = min(MOST, self.balance + used - taken)

    def note_guessed_prefill(self, guessed: int, used: int) -> None:
        """Learn from the last pass of a prompt with so many guessed tokens behind it."""
        self.balance = min(MOST, self.balance + used - self.cost(1 + guessed))

    def note_chosen(self, guesses: Sequence[Guess], chosen: Sequence[int]) -> None:
        """Learn how right guesses were, verified or not.

        Args:
            guesses: What was guessed before the pass.
            chosen: The tokens that the pass chose, the first one first.
        """
        for guess in guesses:
            right = 0
            while right < min(len(guess.tokens), len(chosen)):
                if guess.tokens[right] != chosen[right]:
                    break
                right += 1
            wrong = right < min(len(guess.tokens), len(chosen))
            self._rate(guess).note(right, int(wrong))

    def _rate(self, guess: Guess) -> _Rate:
        return self._rates.setdefault(guess.kind, _Rate(guess.likely))

    def _fade(self) -> None:
        """Let what was measured of longer passes slowly become doubtful, so that it is retried."""
        for rows, cost in self._costs.items():
            if rows > 1:
                cheap = 1.0 + FIRST_SLOPE * (rows - 1)
                self._costs[rows] = cost + 0.002 * (min(cheap, cost) - cost)
