"""Writer: chooses the tokens of one completion and turns them into text until a rule ends it.

Where bytes before the cursor were left out of the prompt, the tokens first say those.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.completion.stop import StopRules
from engine.knowledge.advice import Advice
from engine.sampling import Sampler, greedy, mask, softmax
from engine.tokenizer import TextStream, Tokenizer

__all__ = ["Writer"]


class Writer:
    """Writes one completion.

    Args:
        tokenizer: The model's.
        sampler: Chooses among what is possible.
        healing: Bytes to say first.
        rules: When to end.
        advice: What the code around says; None: the model alone.
        coefficients: Of the mixture of both.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        sampler: Sampler,
        healing: bytes,
        rules: StopRules,
        advice: Advice | None = None,
        coefficients: Sequence[NDArray[np.float64]] = (),
    ) -> None:
        self._tokenizer = tokenizer
        self._sampler = sampler
        self._healing = healing
        self._rules = rules
        self._advice = advice
        self._coefficients = coefficients
        self._stream = TextStream()
        self._logs: list[float] = []
        self._chosen = 0
        self._changed = 0
        self.text = ""
        self.shown = ""
        """The part of the text that can be shown already."""
        self.ended: str | None = None
        """Why no more tokens are needed: ``stop`` or ``trimmed``."""
        self.control_tokens = 0

    @property
    def mean_logprob(self) -> float | None:
        """Mean natural log-probability of the tokens that say more than the healing's bytes.

        As they were chosen from: mixed with the advice and held to the healing, before
        temperature and the like.  None before the first of them.
        """
        return sum(self._logs) / len(self._logs) if self._logs else None

    @property
    def changed(self) -> float:
        """Share of the chosen tokens that are not the model's own likeliest."""
        return self._changed / max(self._chosen, 1)

    def pick(self, logits: NDArray[np.float32]) -> int:
        """Return the next token."""
        own = logits
        if self._advice is not None:
            logits = self._advice.mix(logits, self._coefficients)
        if self._healing:
            allowed = self._tokenizer.continuations(self._healing)
            own, logits = mask(own, allowed), mask(logits, allowed)
        token = self._sampler(logits)
        content = self._tokenizer.token_bytes(token)
        if len(content) > len(self._healing) or not content:
            weights = softmax(logits)
            self._logs.append(float(np.log(weights[token] / weights.sum())))
        self._chosen += 1
        self._changed += self._differs(token, greedy(own))
        return token

    def _differs(self, token: int, own: int) -> bool:
        """Return whether two tokens say another thing; two that end the line say the same."""
        ends = (b"", b"\n") if self._rules.one_line else (b"",)
        both = self._tokenizer.token_bytes(token)[:1], self._tokenizer.token_bytes(own)[:1]
        return token != own and not all(start in ends for start in both)

    def push(self, token: int) -> None:
        """Add a chosen token's text and ask the rules whether that is the end."""
        if self._advice is not None:
            self._advice.push(token)
        content = self._tokenizer.token_bytes(token)
        if not content:  # a control token: the model has ended
            self.control_tokens += 1
            self.ended = "stop"
            return
        said = min(len(self._healing), len(content))
        self._healing = self._healing[said:]
        self.text += self._stream.push(content[said:])
        verdict = self._rules.look(self.text)
        self.shown, self.ended = verdict.shown, verdict.ended
