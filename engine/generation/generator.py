"""Prompt ids in, token ids out, one at a time.  Knows nothing of text, stop rules or the wafer.

A `Generator` drives one `Runner` and remembers which tokens the runner's KV caches hold.  So a
prompt that begins like an earlier one costs only the part that differs.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.errors import PromptError, StepInterruptedError
from engine.generation.kept_prompts import Caches, KeptPrompts, common_length

__all__ = ["PREFILL_CHUNK", "Generation", "Generator", "Runner", "RunnerStep"]

PREFILL_CHUNK = 64
"""Most tokens of one prefill step."""

Pick = Callable[[NDArray[np.float32]], int]


class Runner(Caches, Protocol):
    """Computes a transformer: the wafer, the NumPy reference, or a canned one in tests.

    It keeps one KV cache or several side by side; all but `interrupt` is about the selected one.
    """

    @property
    def context_length(self) -> int:
        """Rows the KV cache can hold."""
        ...

    @property
    def position(self) -> int:
        """Rows in the KV cache."""
        ...

    def prefill(self, tokens: NDArray[np.int32]) -> NDArray[np.float32]:
        """Append ``tokens``, shape (T,), T ≤ 64; return the logits of the last, shape (V,)."""
        ...

    def decode(self, token: int) -> NDArray[np.float32]:
        """Append one token; return its logits, shape (V,)."""
        ...

    def interrupt(self) -> None:
        """Let the step that runs, or else the next one, raise `StepInterruptedError`.

        Any thread.  The KV cache then has the rows it had before the step.
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


class Generator:
    """Generates on one runner, one prompt at a time.  The KV caches outlive each prompt.

    Only `interrupt` is safe to call from another thread.

    Args:
        runner: Computes.
        on_step: Called after every step.
        budget_bytes: Most memory of KV caches beside the one in use.
    """

    def __init__(
        self,
        runner: Runner,
        on_step: Callable[[RunnerStep], None] | None = None,
        budget_bytes: int = 0,
    ) -> None:
        self._runner = runner
        self._on_step = on_step
        self.kept = KeptPrompts(runner, budget_bytes)
        """Which tokens the KV caches hold."""

    @property
    def _held(self) -> list[int]:
        return self.kept.tokens

    @property
    def position(self) -> int:
        """Rows in the KV cache in use."""
        return len(self._held)

    def interrupt(self) -> None:
        """Let the step that runs ask whether it is cancelled.  Any thread.

        If it is not, it is computed again.
        """
        self._runner.interrupt()

    def prefill(self, prompt: Sequence[int], room: int, cancelled: Callable[[], bool]) -> bool:
        """Compute the rows of a prompt that is not asked for yet; return whether all are there.

        Nothing is computed where that would cost the rows of the prompt in use.

        Args:
            prompt: Token ids, at least one.
            room: Rows that will be needed behind it.
            cancelled: Asked between steps and after `interrupt`.
        """
        generation = Generation()
        self._check(prompt, max(1, room))
        if not self.kept.has_room_beside(len(prompt) + room):
            return False
        try:
            return self._prefill(prompt, room, generation, cancelled) is not None
        except StepInterruptedError:
            return False

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
            cancelled: Asked between steps and after `interrupt`; True ends the generation.
            written: Tokens already generated for this prompt: the text resumes after them.

        Raises:
            PromptError: The prompt is empty, ``max_tokens`` is below 1, or both together exceed
                the model's context.
        """
        self._check(prompt, max_tokens)
        if len(written) >= max_tokens:
            return
        try:
            yield from self._run(prompt, pick, max_tokens, generation, cancelled, written)
        except StepInterruptedError:
            generation.cancelled = True

    def _run(
        self,
        prompt: Sequence[int],
        pick: Pick,
        max_tokens: int,
        generation: Generation,
        cancelled: Callable[[], bool],
        written: Sequence[int],
    ) -> Iterator[int]:
        """Do what `run` says; raise StepInterruptedError if cancelled inside a step."""
        logits: NDArray[np.float32] | None
        if written:
            logits = self._take_up([*prompt, *written], generation, cancelled)
        else:
            generation.prompt_tokens = len(prompt)
            logits = self._prefill(prompt, max_tokens, generation, cancelled)
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
            logits = self._step([token], generation, cancelled, decode=True)

    def _take_up(
        self, tokens: Sequence[int], generation: Generation, cancelled: Callable[[], bool]
    ) -> NDArray[np.float32]:
        """Bring the KV cache to ``tokens`` and decode the last of them; return its logits."""
        *before, last = tokens
        kept = common_length(self._held, before)
        self.kept.rewind(kept)
        for start in range(kept, len(before), PREFILL_CHUNK):
            chunk = before[start : start + PREFILL_CHUNK]
            self._step(chunk, generation, cancelled, decode=False)
        return self._step([last], generation, cancelled, decode=True)

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
        self,
        prompt: Sequence[int],
        room: int,
        generation: Generation,
        cancelled: Callable[[], bool],
    ) -> NDArray[np.float32] | None:
        """Bring a KV cache to ``prompt``; return its last logits, or None if cancelled."""
        if cancelled():
            generation.cancelled = True
            return None
        # The last token is always computed, because its logits are needed.
        rows = min(len(prompt) + room, self._runner.context_length)
        kept = self.kept.begin([*prompt], len(prompt) - 1, rows)
        generation.cached_tokens = kept
        logits = None
        for start in range(kept, len(prompt), PREFILL_CHUNK):
            if cancelled():
                generation.cancelled = True
                return None
            chunk = prompt[start : start + PREFILL_CHUNK]
            logits = self._step(chunk, generation, cancelled, decode=False)
            self.kept.note_prompt()
        return logits

    def _step(
        self,
        tokens: Sequence[int],
        generation: Generation,
        cancelled: Callable[[], bool],
        *,
        decode: bool,
    ) -> NDArray[np.float32]:
        """Append ``tokens`` to the KV cache; return the logits of the last.

        Raises:
            StepInterruptedError: It was interrupted and is cancelled.
        """
        position = len(self._held)
        start = perf_counter()
        try:
            logits = self._compute(tokens, decode=decode)
        except StepInterruptedError:
            if cancelled():
                raise
            # Whoever interrupted it meant another request.
            return self._step(tokens, generation, cancelled, decode=decode)
        except BaseException:
            # The contents of the cache are unknown now: it counts as empty.
            self.kept.forget()
            raise
        self._held.extend(tokens)
        step = RunnerStep(position, len(tokens), decode, perf_counter() - start)
        generation.steps.append(step)
        if self._on_step is not None:
            self._on_step(step)
        return logits

    def _compute(self, tokens: Sequence[int], *, decode: bool) -> NDArray[np.float32]:
        if decode:
            return self._runner.decode(tokens[0])
        return self._runner.prefill(np.asarray(tokens, np.int32))
