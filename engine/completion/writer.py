"""Writer: chooses the tokens of one completion and turns them into text until a rule ends it.

Where bytes before the cursor were left out of the prompt, the tokens first say those.  Where
Python could not read the first line at its place, or does not know its names, the writer goes
back to where another way was likeliest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.completion.opening import Barred
from engine.completion.stop import StopRules
from engine.completion.syntax import Syntax
from engine.completion.trim import trim
from engine.generation.generator import common_length
from engine.generation.sampling import Sampler, greedy, mask, softmax
from engine.knowledge.advice import Advice
from engine.tokenizer import TextStream, Tokenizer

__all__ = ["UNBOUND", "Limits", "Writer"]

WAYS = 3
"""Other tokens that are remembered at each place of the first line."""

MAX_RETURNS = 2
"""How often one completion goes back.  More cost as much again and found little."""


UNBOUND, UNREADABLE = 1, 2
"""Faults of a line: names that nobody binds; Python cannot read it."""

_LEAST = 1e-30
"""Of what is barred all may be so unlikely that nothing is left of the rest."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a text is not to be."""

    syntax: Syntax | None = None
    """What must be able to read its first line; None: nothing must."""
    barred: Barred | None = None
    """What it does not open with; None: nothing is barred."""


@dataclass(slots=True)
class _Choice:
    """One token, and what else could have been said in its place."""

    token: int
    log: float
    """Natural logarithm of its probability: as it was mixed, before anything was barred."""
    own: int
    """What the model alone would have said."""
    weight: float
    """Share of the advice in it."""
    others: list[tuple[int, float]]
    """The likeliest other tokens with theirs, best first."""


class Writer:
    """Writes one completion.

    Args:
        tokenizer: The model's.
        sampler: Chooses among what is possible.
        healing: Bytes to say first.
        rules: When to end.
        advice: What the code around says; None: the model alone.
        coefficients: Of the mixture of both.
        limits: What the text is not to be.
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
    ) -> None:
        self._tokenizer = tokenizer
        self._sampler = sampler
        self._healing = healing
        self._rules = rules
        self._advice = advice
        self._coefficients = coefficients
        self._limits = limits or Limits()
        self._choices: list[_Choice] = []
        self._returns = 0
        self._best: tuple[int, list[_Choice]] | None = None
        self.generated = 0
        """Tokens chosen so far, also those of texts that were given up; the end is none."""
        self._begin()

    def _begin(self) -> None:
        """Forget what was said."""
        self._left = self._healing
        self._stream = TextStream()
        self._logs: list[float] = []
        self.text = ""
        self.shown = ""
        """The part of the text that can be shown already."""
        self.ended: str | None = None
        """Why no more tokens are needed: ``stop`` or ``trimmed``."""

    @property
    def tokens(self) -> list[int]:
        """The tokens of the text, the healing's and control tokens included."""
        return [choice.token for choice in self._choices]

    @property
    def mean_logprob(self) -> float | None:
        """Mean natural log-probability of the tokens that say more than the healing's bytes.

        As they were chosen from: mixed with the advice and held to the healing, before
        temperature and the like, and before anything was barred.  None before the first of them.
        """
        return sum(self._logs) / len(self._logs) if self._logs else None

    @property
    def changed(self) -> float:
        """Share of the chosen tokens that are not the model's own likeliest."""
        differing = sum(self._differs(choice.token, choice.own) for choice in self._choices)
        return differing / max(len(self._choices), 1)

    @property
    def weight(self) -> float:
        """Mean share of the advice in the chosen tokens."""
        return sum(choice.weight for choice in self._choices) / max(len(self._choices), 1)

    def pick(self, logits: NDArray[np.float32]) -> int:
        """Return the next token."""
        own = logits
        if self._advice is not None:
            logits = self._advice.mix(logits, self._coefficients)
        if self._left:
            allowed = self._tokenizer.continuations(self._left)
            own, logits = mask(own, allowed), mask(logits, allowed)
        weights = softmax(logits)
        total = weights.sum()
        if self._limits.barred is not None and not self.text.strip():
            own = self._limits.barred.mask(own, self._left)
            logits = self._limits.barred.mask(logits, self._left)
        token = self._sampler(logits)
        self._count(token)
        self._choices.append(
            _Choice(
                token,
                float(np.log(max(weights[token] / total, _LEAST))),
                greedy(own),
                self._advice.weight if self._advice is not None else 0.0,
                self._others(token, logits, weights / total),
            )
        )
        return token

    def _count(self, token: int) -> None:
        self.generated += bool(self._tokenizer.token_bytes(token))

    def _others(
        self, token: int, logits: NDArray[np.float32], shares: NDArray[np.float64]
    ) -> list[tuple[int, float]]:
        """Return the likeliest tokens beside ``token``, where the writer may come back."""
        if self._limits.syntax is None or "\n" in self.text:
            return []
        least = np.partition(logits, -WAYS - 1)[-WAYS - 1]
        # Of equals the lowest ids, so that every processor takes the same ones.
        best = [int(i) for i in np.flatnonzero(logits >= least) if i != token and shares[i] > 0]
        ways = [(i, float(np.log(shares[i]))) for i in best if np.isfinite(logits[i])]
        return sorted(ways, key=lambda way: (-way[1], way[0]))[:WAYS]

    def _differs(self, token: int, own: int) -> bool:
        """Return whether two tokens say another thing; two that end the line say the same."""
        ends = (b"", b"\n") if self._rules.one_line else (b"",)
        both = self._tokenizer.token_bytes(token)[:1], self._tokenizer.token_bytes(own)[:1]
        return token != own and not all(start in ends for start in both)

    def push(self) -> None:
        """Add the chosen token's text and ask the rules whether that is the end."""
        choice = self._choices[-1]
        if self._advice is not None:
            self._advice.push(choice.token)
        self._say(choice)

    def _say(self, choice: _Choice) -> None:
        content = self._tokenizer.token_bytes(choice.token)
        if len(content) > len(self._left) or not content:
            self._logs.append(choice.log)
        if not content:  # a control token: the model has ended
            self.ended = "stop"
            return
        said = min(len(self._left), len(content))
        self._left = self._left[said:]
        self.text += self._stream.push(content[said:])
        verdict = self._rules.look(self.text)
        self.shown, self.ended = verdict.shown, verdict.ended

    # ── going back ──────────────────────────────────────────────────────────────────────────

    @property
    def first_line_ended(self) -> bool:
        """Whether nothing more will be said on the cursor's line."""
        return self.ended is not None or "\n" in self.text

    def go_back(self) -> bool:
        """Take the likeliest other way of a first line that does not fit; return whether to go on.

        `tokens` is then what stands, its last one new: it is not asked for again.  Where no way
        leads to a line without a fault, the first of those with the least comes back.
        """
        faults = self._faults()
        if self._best is None or faults < self._best[0]:
            self._best = faults, list(self._choices)
        if not faults:
            return False
        ways = self._ways() if self._returns < MAX_RETURNS else []
        if not ways:
            self.take_best()
            return False
        self._returns += 1
        _, at, which = max(ways)
        left = self._choices[at]
        others = [*left.others]
        token, log = others.pop(which)
        self._count(token)
        self._restore([*self._choices[:at], _Choice(token, log, left.own, left.weight, others)])
        return True

    def take_best(self, most_faults: int = UNREADABLE) -> None:
        """Say again what has the least faults of all that was judged, if it has few enough."""
        if self._best is not None and self._best[0] <= most_faults:
            self._restore(self._best[1])

    def _faults(self) -> int:
        """Return what is wrong with the first line, 0 for nothing.

        `UNREADABLE` is also one of which the rules leave nothing.  To say nothing at all is no
        fault, but no better than anything else.
        """
        syntax = self._limits.syntax
        if syntax is None:
            return 0
        if not self.text.strip():
            return UNREADABLE if self._best else 0
        line = trim(self.text, self._rules.place, multi_line=False)
        if not line.strip() or not syntax.reads(line):
            return UNREADABLE
        return UNBOUND if syntax.unbound(line) else 0

    def _restore(self, choices: list[_Choice]) -> None:
        """Say other tokens than before, or fewer."""
        kept = common_length(self.tokens, [choice.token for choice in choices])
        self._choices = choices
        if self._advice is not None:
            self._advice.keep(kept)
            for choice in choices[kept:]:
                self._advice.push(choice.token)
        self._begin()
        for choice in choices:
            self._say(choice)

    def _ways(self) -> list[tuple[float, int, int]]:
        """Return (likelihood, place, which of its others) of what leads to another first line.

        The likelihood is that of all tokens up to there: a way's share of all texts.
        """
        ways: list[tuple[float, int, int]] = []
        healed = len(self._healing)
        line = self._healing + self.text.partition("\n")[0].encode()
        before, said = 0.0, b""
        for at, choice in enumerate(self._choices):
            for which, (token, log) in enumerate(choice.others):
                content = self._tokenizer.token_bytes(token)
                text, end, _ = (said + content)[healed:].partition(b"\n")
                other = line[:healed] + text
                ended = bool(end) or not content
                if (text.strip() and other != line) if ended else not line.startswith(other):
                    ways.append((before + log, at, which))
            before += choice.log
            said += self._tokenizer.token_bytes(choice.token)
        return ways
