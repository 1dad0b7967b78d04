"""Prompt ids in, token ids out, one at a time.  Knows nothing of text, stop rules or the wafer.

A `Generator` drives one `Runner` and remembers which tokens the runner's KV cache holds.  So a
prompt that begins like the last one costs only the part that differs.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.errors import PromptError

__all__ = ["PREFILL_CHUNK", "Generation", "Generator", "Runner", "RunnerStep", "common_length"]

PREFILL_CHUNK = 64
"""Most tokens of one prefill step.  A request can be cancelled between steps."""

Pick = Callable[[NDArray[np.float32]], int]


class Runner(Protocol):
    """Computes a transformer: the wafer, the NumPy reference, or a canned one in tests."""

    @property
    def context_length(self) -> int:
        """Rows the KV cache can hold."""
        ...

    @property
    def position(self) -> int:
        """Rows in the KV cache."""
        ...

    def rewind(self, position: int) -> None:
        """Keep the first ``position`` rows of the KV cache."""
        ...

    def prefill(self, tokens: NDArray[np.int32]) -> NDArray[np.float32]:
        """Append ``tokens``, shape (T,), T ≤ 64; return the logits of the last, shape (V,)."""
        ...

    def decode(self, token: int) -> NDArray[np.float32]:
        """Append one token; return its logits, shape (V,)."""
        ...

    def verify(self, tokens: NDArray[np.int32], last: int) -> NDArray[np.float32]:
        """Append ``tokens``, shape (T,), T ≤ 64; return the logits of the last, shape (last, V).

        Every row has the bits that `prefill` and `decode` give it.
        """
        ...


@dataclass(frozen=True, slots=True)
class RunnerStep:
    """One call of the runner."""

    position: int
    """Rows in the KV cache before it."""
    rows: int
    """Tokens appended."""
    decode: bool
    """Whether it decoded one token; False for a chunk of a prompt."""
    seconds: float
    """Host time."""


@dataclass(slots=True)
class Generation:
    """The record of one generation, filled while it runs."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Prompt tokens whose rows were still in the KV cache."""
    cancelled: bool = False
    steps: list[RunnerStep] = field(default_factory=list)

    def seconds(self, *, decode: bool) -> float:
        """Return the host time of all decode or all prefill steps."""
        return sum(step.seconds for step in self.steps if step.decode is decode)


def common_length(a: Sequence[int], b: Sequence[int]) -> int:
    """Return how many leading items two sequences share.

    Example:
        >>> common_length([1, 2, 3], [1, 2, 4, 5])
        2
    """
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return i
    return min(len(a), len(b))


class Generator:
    """Generates on one runner, one prompt at a time.  The KV cache outlives each prompt.

    Not safe to use from two threads at once.
    """

    def __init__(self, runner: Runner, on_step: Callable[[RunnerStep], None] | None = None) -> None:
        self._runner = runner
        self._on_step = on_step
        self._held: list[int] = []  # the token of each row in the KV cache
        runner.rewind(0)

    @property
    def position(self) -> int:
        """Rows in the KV cache."""
        return len(self._held)

    def run(
        self,
        prompt: Sequence[int],
        pick: Pick,
        max_tokens: int,
        generation: Generation,
        cancelled: Callable[[], bool] = lambda: False,
        written: Sequence[int] = (),
    ) -> Iterator[int]:
        """Yield the tokens that follow ``prompt`` and ``written``.

        A token is computed only when it is asked for, so leaving the loop stops the work.

        Args:
            prompt: Token ids, at least one.
            pick: Chooses a token from the logits, float32, shape (V,).
            max_tokens: Most tokens after the prompt, those of ``written`` included.
            generation: Gets the record of every step.
            cancelled: Asked between steps; True ends the generation.
            written: Tokens already generated for this prompt: the text resumes after them.

        Raises:
            PromptError: The prompt is empty, ``max_tokens`` is below 1, or both together exceed
                the model's context.
        """
        self._check(prompt, max_tokens)
        if len(written) >= max_tokens:
            return
        logits: NDArray[np.float32] | None
        if written:
            logits = self._take_up([*prompt, *written], generation)
        else:
            generation.prompt_tokens = len(prompt)
            logits = self._prefill(prompt, generation, cancelled)
        count = len(written)
        while logits is not None:
            token = pick(logits)
            count += 1
            yield token
            if count >= max_tokens:
                return
            if cancelled():
                generation.cancelled = True
                return
            logits = self._step([token], generation, decode=True)

    def _take_up(self, tokens: Sequence[int], generation: Generation) -> NDArray[np.float32]:
        """Bring the KV cache to ``tokens`` and decode the last of them; return its logits."""
        *before, last = tokens
        kept = common_length(self._held, before)
        self._rewind(kept)
        for start in range(kept, len(before), PREFILL_CHUNK):
            self._step(before[start : start + PREFILL_CHUNK], generation, decode=False)
        return self._step([last], generation, decode=True)

    def _check(self, prompt: Sequence[int], max_tokens: int) -> None:
        limit = self._runner.context_length
        if not prompt:
            raise PromptError("the prompt is empty; it needs at least one token")
        if max_tokens < 1:
            raise PromptError(f"max_tokens {max_tokens} is below 1; ask for at least one token")
        if len(prompt) + max_tokens > limit:
            raise PromptError(
                f"a prompt of {len(prompt)} tokens and {max_tokens} more exceed the model's "
                f"context of {limit}; ask for fewer tokens"
            )

    def _prefill(
        self, prompt: Sequence[int], generation: Generation, cancelled: Callable[[], bool]
    ) -> NDArray[np.float32] | None:
        """Bring the KV cache to ``prompt``; return its last logits, or None if cancelled."""
        # The last token is always computed, because its logits are needed.
        kept = min(common_length(self._held, prompt), len(prompt) - 1)
        if cancelled():
            generation.cancelled = True
            return None
        generation.cached_tokens = kept
        self._rewind(kept)
        logits = None
        for start in range(kept, len(prompt), PREFILL_CHUNK):
            if cancelled():
                generation.cancelled = True
                return None
            logits = self._step(prompt[start : start + PREFILL_CHUNK], generation, decode=False)
        return logits

    def _rewind(self, position: int) -> None:
        del self._held[position:]
        self._runner.rewind(position)

    def _step(
        self, tokens: Sequence[int], generation: Generation, *, decode: bool
    ) -> NDArray[np.float32]:
        """Append ``tokens`` to the KV cache; return the logits of the last."""
        position = len(self._held)
        start = perf_counter()
        try:
            if decode:
                logits = self._runner.decode(tokens[0])
            else:
                logits = self._runner.prefill(np.asarray(tokens, np.int32))
        except BaseException:
            # The contents of the cache are unknown now: the next prompt starts from an empty one.
            self._held.clear()
            raise
        self._held.extend(tokens)
        step = RunnerStep(position, len(tokens), decode, perf_counter() - start)
        generation.steps.append(step)
        if self._on_step is not None:
            self._on_step(step)
        return logits
