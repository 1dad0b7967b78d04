"""Draft: the tokens chosen so far for one completion, and the text they make.

Where bytes before the cursor were left out of the prompt, the first tokens repeat those: healing.
Remembers on the first line what else could have been said, so that a writer can come back to it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.completion.code.syntax import Syntax
from engine.completion.rules.openings import BarredTokens
from engine.completion.rules.stop import StopRules
from engine.generation.kept_prompts import common_length
from engine.generation.sampling import Sampler, greedy, mask, nth_highest
from engine.generation.speculation import Guess
from engine.knowledge.advice import Advice
from engine.probabilities import Logits, Shares, probabilities
from engine.tokenizer import TextStream, Tokenizer

__all__ = ["ChosenToken", "Draft", "Limits", "OtherLine"]

ALTERNATIVES = 3
"""Other tokens remembered with each token."""

_LEAST = 1e-30
"""Lowest probability that is noted: barred tokens may hold nearly all of it."""
_SMALLEST = 1e-300
"""Above 0, and below every probability."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the text of a completion must not be."""

    syntax: Syntax | None = None
    """Judges the first line.  None: any line will do, and other tokens are not remembered."""
    barred: BarredTokens | None = None
    """Must not open the text; None: anything may."""


@dataclass(frozen=True, slots=True)
class ChosenToken:
    """One chosen token, and what else could have been chosen."""

    token: int
    logprob: float
    """Natural logarithm of its probability in the mixture, before anything was barred."""
    own: int
    """The token that the model alone would have chosen."""
    weight: float
    """Share of the advice in the mixture, 0–1."""
    others: list[tuple[int, float]]
    """The likeliest other tokens with their log-probabilities, best first, where a writer may come
    back to them."""
    pick: int = 0
    """Which of the draft's choices it was, from 0; one that was made again counts as the first."""
    beside: tuple[tuple[int, float], ...] = ()
    """The likeliest other tokens with their log-probabilities, best first, for who looks on."""


@dataclass(frozen=True, slots=True, order=True)
class OtherLine:
    """One way to begin another first line; orders by likelihood, then by place."""

    logprob: float
    """Log-probability of all tokens up to and including the other one."""
    at: int
    """Index of the choice where it begins."""
    which: int
    """Index among that choice's other tokens."""


class Draft:
    """The tokens and the text of one completion while it is written.

    Args:
        tokenizer: The model's.
        sampler: Chooses a token from logits.
        healing: Bytes that the tokens must repeat first.
        rules: Decide when the text ends.
        advice: Predictions from the code around the cursor; None: the model writes alone.
        coefficients: Weigh the advice against the model.
        limits: What the text must not be.
        branches: Whether to remember what else the first line could say, even where nothing
            judges it: for a person who wants to see other texts.
        probabilities: Returns those that logits stand for, in an array of its own.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        sampler: Sampler,
        healing: bytes,
        rules: StopRules,
        advice: Advice | None = None,
        coefficients: Sequence[NDArray[np.float64]] = (),
        limits: Limits | None = None,
        *,
        branches: bool = False,
        probabilities: Callable[[Logits], Shares] = probabilities,
    ) -> None:
        self.rules = rules
        self.limits = limits or Limits()
        self._tokenizer = tokenizer
        self._sampler = sampler
        self._healing = healing
        self._advice = advice
        self._coefficients = coefficients
        self._probabilities = probabilities
        self._branches = branches or self.limits.syntax is not None
        self._choices: list[ChosenToken] = []
        self._picks = 0
        self.generated = 0
        """Tokens chosen so far; counts those taken back, not the end token."""
        self._begin()

    def _begin(self) -> None:
        """Forget the text."""
        self._left = self._healing
        self._stream = TextStream()
        self._reach: list[int] = []
        self._logprobs: list[float] = []
        self._ends: list[tuple[int, float]] = []
        self.text = ""
        self.shown = ""
        """The part of the text that can be shown already."""
        self.ended: str | None = None
        """Why no more tokens are needed: ``stop`` or ``trimmed``; None: go on."""

    @property
    def choices(self) -> tuple[ChosenToken, ...]:
        """The choices made so far; control tokens and healing are among them."""
        return tuple(self._choices)

    @property
    def reach(self) -> tuple[int, ...]:
        """For each choice, how many characters the text then had."""
        return tuple(self._reach)

    @property
    def tokens(self) -> list[int]:
        """The chosen tokens; control tokens and healing are among them."""
        return [choice.token for choice in self._choices]

    @property
    def first_line_ended(self) -> bool:
        """Whether the cursor's line is complete."""
        return self.ended is not None or "\n" in self.text

    @property
    def mean_logprob(self) -> float | None:
        """Mean natural log-probability of the tokens that say more than the healing's bytes.

        The probabilities are those of the mixture, held to the healing, before temperature and
        the like and before anything was barred.  None before the first such token.
        """
        return sum(self._logprobs) / len(self._logprobs) if self._logprobs else None

    @property
    def scored(self) -> int:
        """How many tokens `mean_logprob` is the mean of."""
        return len(self._logprobs)

    @property
    def likelihoods(self) -> list[tuple[int, float]]:
        """For each token that says something: where its text ends, and its probability."""
        return [(end, float(np.exp(logprob))) for end, logprob in self._ends]

    @property
    def changed(self) -> float:
        """Share of the chosen tokens that are not the model's own likeliest, 0–1."""
        differing = sum(self._differs(choice.token, choice.own) for choice in self._choices)
        return differing / max(len(self._choices), 1)

    @property
    def weight(self) -> float:
        """Mean share of the advice in the chosen tokens, 0–1."""
        return sum(choice.weight for choice in self._choices) / max(len(self._choices), 1)

    @property
    def left(self) -> bytes:
        """Bytes of the healing that are still to be repeated."""
        return self._left

    def guesses(self, most: int) -> list[Guess]:
        """Return what may come next by the code around the cursor, at most ``most`` tokens each."""
        return [] if self._advice is None else self._advice.guesses(most)

    # ── choosing ────────────────────────────────────────────────────────────────────────────

    def pick(self, logits: NDArray[np.float32]) -> int:
        """Choose the next token from the model's logits, float32, shape (V,)."""
        allowed = self._tokenizer.continuations(self._left) if self._left else None
        own = logits if allowed is None else mask(logits, allowed)
        shares = self._shares(logits, own, allowed)
        possible = shares
        if self.limits.barred is not None and not self.text.strip():
            own = self.limits.barred.mask(own, self._left)
            possible = self.limits.barred.mask(shares, self._left, 0.0)
        token = self._sampler(own) if self._advice is None else self._drawn(possible)
        self._count(token)
        self._choices.append(
            ChosenToken(
                token,
                float(np.log(max(shares[token], _LEAST))),
                greedy(own),
                self._advice.weight if self._advice is not None else 0.0,
                self._others(token, possible, shares),
                self._picks,
                _likeliest_beside(token, shares),
            )
        )
        self._picks += 1
        return token

    def _shares(
        self,
        logits: NDArray[np.float32],
        own: NDArray[np.float32],
        allowed: NDArray[np.integer] | None,
    ) -> NDArray[np.float64]:
        """Return the probabilities with the advice, held to the healing, float64, shape (V,).

        Args:
            logits: The model's.
            own: The same, held to the healing.
            allowed: What the healing allows; None: everything.
        """
        if self._advice is None:
            return self._probabilities(own)
        shares = self._advice.mix(self._probabilities(logits), self._coefficients)
        if allowed is not None:
            shares = mask(shares, allowed, 0.0)
            shares /= max(float(shares.sum()), _SMALLEST)
        return shares

    def _drawn(self, possible: NDArray[np.float64]) -> int:
        """Return a token by mixed probabilities; a greedy sampler needs no logarithms of them."""
        if self._sampler is greedy:
            return greedy(possible)
        with np.errstate(divide="ignore"):  # log 0 = −inf: a token that cannot be chosen
            return self._sampler(np.log(possible).astype(np.float32))

    def _others(
        self, token: int, possible: NDArray[np.float64], shares: NDArray[np.float64]
    ) -> list[tuple[int, float]]:
        """Return the likeliest tokens beside ``token``, if a writer may come back to them."""
        if not self._branches or "\n" in self.text:
            return []
        least = nth_highest(possible, ALTERNATIVES + 1)
        # Among equals the lowest ids, so that every processor takes the same ones.
        best = np.flatnonzero(possible >= max(least, _SMALLEST)).tolist()
        others = [(i, float(np.log(shares[i]))) for i in best if i != token]
        return sorted(others, key=lambda other: (-other[1], other[0]))[:ALTERNATIVES]

    def _count(self, token: int) -> None:
        self.generated += bool(self._tokenizer.token_bytes(token))

    def _differs(self, token: int, own: int) -> bool:
        """Return whether two tokens say different things; two ways to end the line do not."""
        ends = (b"", b"\n") if self.rules.one_line else (b"",)
        both = self._tokenizer.token_bytes(token)[:1], self._tokenizer.token_bytes(own)[:1]
        return token != own and not all(start in ends for start in both)

    def push(self) -> None:
        """Add the text of the token that was picked, and ask the rules whether it ends there."""
        choice = self._choices[-1]
        if self._advice is not None:
            self._advice.push(choice.token)
        self._say(choice)

    def _say(self, choice: ChosenToken) -> None:
        self._tell(choice)
        self._reach.append(len(self.text))

    def _tell(self, choice: ChosenToken) -> None:
        content = self._tokenizer.token_bytes(choice.token)
        if len(content) > len(self._left) or not content:
            self._logprobs.append(choice.logprob)
        if not content:  # a control token: the model has ended
            self.ended = "stop"
            return
        said = min(len(self._left), len(content))
        self._left = self._left[said:]
        self.text += self._stream.push(content[said:])
        if self.text:
            self._ends.append((len(self.text), choice.logprob))
        decision = self.rules.decide(self.text)
        self.shown, self.ended = decision.shown, decision.ended

    # ── choosing again ──────────────────────────────────────────────────────────────────────

    def other_lines(self) -> list[OtherLine]:
        """Return the ways to another first line through a token that was remembered."""
        found: list[OtherLine] = []
        healed = len(self._healing)
        line = self._healing + self.text.partition("\n")[0].encode()
        before, said = 0.0, b""
        for at, choice in enumerate(self._choices):
            for which, (token, logprob) in enumerate(choice.others):
                content = self._tokenizer.token_bytes(token)
                text, end, _ = (said + content)[healed:].partition(b"\n")
                other = line[:healed] + text
                ended = bool(end) or not content
                if (text.strip() and other != line) if ended else not line.startswith(other):
                    found.append(OtherLine(before + logprob, at, which))
            before += choice.logprob
            said += self._tokenizer.token_bytes(choice.token)
        return found

    def take(self, other: OtherLine) -> None:
        """Go back to the choice where ``other`` begins, and choose its token instead."""
        left = self._choices[other.at]
        others = [*left.others]
        token, logprob = others.pop(other.which)
        self._count(token)
        beside = [(left.token, left.logprob), *(each for each in left.beside if each[0] != token)]
        chosen = replace(
            left,
            token=token,
            logprob=logprob,
            others=others,
            beside=tuple(sorted(beside, key=lambda each: -each[1])[:ALTERNATIVES]),
        )
        self.restore([*self._choices[: other.at], chosen])

    def restore(self, choices: Sequence[ChosenToken]) -> None:
        """Replace all choices by others, made earlier at this cursor."""
        kept = common_length(self.tokens, [choice.token for choice in choices])
        self._choices = [*choices]
        if self._advice is not None:
            self._advice.keep(kept)
            for choice in choices[kept:]:
                self._advice.push(choice.token)
        self._begin()
        for choice in choices:
            self._say(choice)


def _likeliest_beside(token: int, shares: NDArray[np.float64]) -> tuple[tuple[int, float], ...]:
    """Return the likeliest tokens beside ``token``, with their log-probabilities, best first.

    One search for the largest each: for so few that is faster than a partition of all.
    """
    found: list[tuple[int, float]] = []
    hidden = [(token, shares[token])]
    shares[token] = 0.0
    for _ in range(ALTERNATIVES):
        best = int(shares.argmax())
        if shares[best] <= 0.0:
            break
        found.append((best, float(np.log(shares[best]))))
        hidden.append((best, shares[best]))
        shares[best] = 0.0
    for place, share in hidden:
        shares[place] = share
    return tuple(found)
