"""Prompt ids in, token ids out, one at a time.  Knows nothing of text, stop rules or the wafer.

A `Generator` drives one `Runner` and remembers which tokens the runner's KV caches hold.  So a
prompt that begins like an earlier one costs only the part that differs.  Guessed tokens are
computed in the same pass as the token before them; those that are then chosen need no pass of
their own.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.errors import PromptError, StepInterruptedError
from engine.generation.kept_prompts import Caches, KeptPrompts, common_length
from engine.generation.passes import Pass
from engine.generation.speculation import Guess, GuessSource, Speculation
from engine.probabilities import Logits, Shares

__all__ = ["PREFILL_CHUNK", "Generation", "Generator", "PickedAt", "Runner", "RunnerStep"]

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

    def verify(self, tokens: NDArray[np.int32], last: int) -> NDArray[np.float32]:
        """Append ``tokens``, shape (T,), T ≤ 64; return the logits of the last, shape (last, V).

        Every row has the bits that `prefill` and `decode` give it.
        """
        ...

    def probabilities(self, logits: Logits) -> Shares:
        """Return what `engine.probabilities.probabilities` does, in an array of its own."""
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
    logits: int = 1
    """Rows with logits: 1, and the guessed tokens."""
    used: int = 1
    """Tokens chosen from them: 1, and the guessed tokens that were right."""


@dataclass(frozen=True, slots=True)
class PickedAt:
    """The logits that a token was chosen from."""

    step: int
    """Index in `Generation.steps`."""
    row: int
    """Row of that step, from 0."""


@dataclass(slots=True)
class Generation:
    """The record of one generation, filled while it runs."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Prompt tokens whose rows were still in the KV cache."""
    cancelled: bool = False
    steps: list[RunnerStep] = field(default_factory=list)
    picks: list[PickedAt] = field(default_factory=list)
    """Where each token was chosen, in the order of choosing."""

    def seconds(self, *, decode: bool) -> float:
        """Return the host time of all decode or all prefill steps."""
        return sum(step.seconds for step in self.steps if step.decode is decode)


class Generator:
    """Generates on one runner, one prompt at a time.  The KV caches outlive each prompt.

    Only `interrupt` is safe to call from another thread.

    Args:
        runner: Computes.
        on_step: Called after every step.
        speculation: Which guesses are verified; None: none.
        budget_bytes: Most memory of KV caches, but the one in use takes what it needs.
    """

    def __init__(
        self,
        runner: Runner,
        on_step: Callable[[RunnerStep], None] | None = None,
        speculation: Speculation | None = None,
        budget_bytes: int = 0,
    ) -> None:
        self._runner = runner
        self._on_step = on_step
        self._speculation = speculation
        self._open: Pass | None = None  # tokens are being chosen from it
        self._cancelled: Callable[[], bool] = lambda: False
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
        self._check(prompt, max(1, room))
        if not self.kept.has_room_beside(len(prompt) + room):
            return False
        self._open, self._cancelled = None, cancelled
        try:
            return self._prefill(prompt, room, Generation(), _NOTHING) is not None
        except StepInterruptedError:
            return False

    def probabilities(self, logits: Logits) -> Shares:
        """Return the probabilities that logits stand for, in an array of its own."""
        return self._runner.probabilities(logits)

    @property
    def speculates(self) -> bool:
        """Whether guesses are verified; without, asking for them is no use."""
        return self._speculation is not None

    def run(
        self,
        prompt: Sequence[int],
        pick: Pick,
        max_tokens: int,
        generation: Generation,
        cancelled: Callable[[], bool] = lambda: False,
        written: Sequence[int] = (),
        guess: GuessSource | None = None,
        dictated: Sequence[int] = (),
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
            guess: Guesses what follows the tokens yielded so far; asked before each pass.  The
                same tokens are yielded whatever it says, mostly sooner.
            dictated: Tokens that will be picked, whatever the logits: they are computed together.

        Raises:
            PromptError: The prompt is empty, ``max_tokens`` is below 1, or both together exceed
                the model's context.
        """
        self._check(prompt, max_tokens)
        if len(written) >= max_tokens:
            return
        self._open, self._cancelled = None, cancelled
        end = len(prompt) + max_tokens
        source = _Guesses(guess, self._speculation, end, [*prompt, *dictated] if dictated else ())
        try:
            yield from self._run(prompt, pick, max_tokens, generation, written, source)
        except StepInterruptedError:
            generation.cancelled = True

    def _run(
        self,
        prompt: Sequence[int],
        pick: Pick,
        max_tokens: int,
        generation: Generation,
        written: Sequence[int],
        source: "_Guesses",
    ) -> Iterator[int]:
        """Do what `run` says; raise StepInterruptedError if cancelled inside a step."""
        if written:
            opened = self._take_up([*prompt, *written], generation, source)
        else:
            generation.prompt_tokens = len(prompt)
            first = self._prefill(prompt, max_tokens, generation, source)
            if first is None:
                return
            opened = first
        count = len(written)
        try:
            while True:
                token = pick(opened.current)
                generation.picks.append(PickedAt(opened.number, opened.row))
                opened.chosen.append(token)
                count += 1
                yield token
                if count >= max_tokens:
                    return
                if self._cancelled():
                    generation.cancelled = True
                    return
                if not opened.goes_on:
                    self._close(opened, generation)
                    opened = self._step([token], generation, source, decode=True)
        finally:
            self._close(opened, generation)

    def _take_up(self, tokens: Sequence[int], generation: Generation, source: "_Guesses") -> Pass:
        """Bring the KV cache to ``tokens`` and decode the last of them."""
        *before, last = tokens
        kept = common_length(self._held, before)
        self.kept.rewind(kept)
        for start in range(kept, len(before), PREFILL_CHUNK):
            chunk = before[start : start + PREFILL_CHUNK]
            self._step(chunk, generation, _NOTHING, decode=False)
        return self._step([last], generation, source, decode=True)

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
        self, prompt: Sequence[int], room: int, generation: Generation, source: "_Guesses"
    ) -> Pass | None:
        """Bring a KV cache to ``prompt``; return the last pass, or None if cancelled."""
        if self._cancelled():
            generation.cancelled = True
            return None
        # The last token is always computed, because its logits are needed.
        rows = min(len(prompt) + room, self._runner.context_length)
        kept = self.kept.begin([*prompt], len(prompt) - 1, rows)
        generation.cached_tokens = kept
        opened = None
        for start in range(kept, len(prompt), PREFILL_CHUNK):
            if self._cancelled():
                generation.cancelled = True
                return None
            chunk = prompt[start : start + PREFILL_CHUNK]
            guesses = source if start + PREFILL_CHUNK >= len(prompt) else _NOTHING
            opened = self._step(chunk, generation, guesses, decode=False)
            self.kept.note_prompt(start + len(chunk))
        return opened

    def _step(
        self, tokens: Sequence[int], generation: Generation, source: "_Guesses", *, decode: bool
    ) -> Pass:
        """Append ``tokens`` and what is guessed behind them to the KV cache."""
        position = len(self._held)
        guesses, guessed = source.after(position + len(tokens), PREFILL_CHUNK - len(tokens))
        start = perf_counter()
        try:
            logits = self._compute(tokens, guessed, decode=decode)
        except StepInterruptedError:
            raise  # the cache is as it was
        except BaseException:
            # The contents of the cache are unknown now: it counts as empty.
            self.kept.forget()
            raise
        seconds = perf_counter() - start
        self._held.extend([*tokens, *guessed])
        rows = len(tokens) + len(guessed)
        number = len(generation.steps)
        opened = Pass(number, position, rows, decode, seconds, logits, guessed, guesses)
        self._open = opened
        if not guessed:
            self._record(opened, 1, generation)
        return opened

    def _compute(
        self, tokens: Sequence[int], guessed: Sequence[int], *, decode: bool
    ) -> NDArray[np.float32]:
        """Append tokens; return the logits of the last one and the guessed ones, (1 + n, V).

        Raises:
            StepInterruptedError: It was interrupted and is cancelled.
        """
        while True:
            try:
                if guessed:
                    both = np.array([*tokens, *guessed], np.int32)
                    return self._runner.verify(both, 1 + len(guessed))
                if decode:
                    return self._runner.decode(tokens[0])[None]
                return self._runner.prefill(np.asarray(tokens, np.int32))[None]
            except StepInterruptedError:
                if self._cancelled():
                    raise  # else whoever interrupted it meant another request

    def _close(self, opened: Pass, generation: Generation) -> None:
        """Note a pass from which nothing more is chosen, and forget its wrong guesses' rows."""
        if self._open is not opened:  # closed before, or left by a caller long ago
            return
        self._open = None
        if opened.end < len(self._held):
            self.kept.rewind(opened.end)
        used = max(len(opened.chosen), 1)
        if opened.guessed:
            self._record(opened, used, generation)
        if self._speculation is not None:
            if opened.decode:
                self._speculation.note_pass(opened.rows, opened.seconds, used)
            elif opened.guessed:
                self._speculation.note_guessed_prefill(len(opened.guessed), used)
            self._speculation.note_chosen(opened.guesses, opened.chosen)

    def _record(self, opened: Pass, used: int, generation: Generation) -> None:
        """Note a pass of which ``used`` rows chose a token."""
        step = RunnerStep(
            opened.position, opened.rows, opened.decode, opened.seconds, len(opened.logits), used
        )
        generation.steps.append(step)
        if self._on_step is not None:
            self._on_step(step)


@dataclass(frozen=True, slots=True)
class _Guesses:
    """Where the guesses of one run come from, and how far they may reach."""

    source: GuessSource | None
    speculation: Speculation | None
    end: int
    """Tokens of the prompt and the longest text; the last one needs no row."""
    known: Sequence[int] = ()
    """The prompt and what is dictated behind it."""

    def after(self, tokens: int, room: int) -> tuple[Sequence[Guess], Sequence[int]]:
        """Return all guesses of what follows so many tokens, and the tokens to verify."""
        most = min(self.end - tokens - 1, room)
        if self.known:
            return (), self.known[tokens : tokens + most]
        if self.source is None or self.speculation is None:
            return (), ()
        guesses = self.speculation.ask(self.source, most)
        return guesses, self.speculation.best(guesses)


_NOTHING = _Guesses(None, None, 0)
