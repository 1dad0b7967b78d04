"""Which prompt a request gets while a person types: one in a frame that is computed, if one fits.

A place that nobody asked about before gets a short prompt if that is what an answer in time takes;
the whole one is then wanted, and computed when nobody waits.  What is chosen depends on the
requests so far, on which rows are held and on what was computed in idle time, never on a clock.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.completion.prompts.frames import SPLIT_LINES, Frame, Frames
from engine.completion.prompts.prompt import Prompt, PromptBuilder
from engine.protocol.completion import CompletionRequest

__all__ = ["QUICK_TOKENS", "TypingPrompts"]

QUICK_TOKENS = 280
"""Longest prompt that is computed while somebody waits, if a shorter one can stand in: control
tokens, the file's name and a cut at a line leave at least 200 for the text around the cursor."""

RENEWAL_LINES = SPLIT_LINES + 4
"""Line ends behind the split point from which a frame with a later one is wanted."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A prompt to be computed when nobody waits."""

    frame: Frame
    ids: list[int]


class TypingPrompts:
    """The prompts of one model, by what a person did before.

    Args:
        builder: Builds a prompt for a cursor without a history.
        held: Returns how many of some leading ids need not be computed.
        quick_tokens: Longest prompt that may be computed while a person types on; None: any is
            computed in time.
    """

    def __init__(
        self,
        builder: PromptBuilder,
        held: Callable[[list[int]], int],
        quick_tokens: int | None,
    ) -> None:
        self._builder = builder
        self._held = held
        self._quick_tokens = quick_tokens
        self._short = replace(builder, max_prompt_tokens=quick_tokens or 1)
        self._frames = Frames()
        self._wanted: _Wanted | None = None

    def build(
        self,
        request: CompletionRequest,
        room: int,
        whole: Callable[[], Prompt],
        *,
        quick: bool,
    ) -> Prompt:
        """Return the prompt for a cursor.

        Args:
            request: The cursor.
            room: Tokens to leave for the completion.
            whole: Returns the prompt without a history; called where a frame is made, not at
                each key.
            quick: Whether the answer is of use only at once.

        Raises:
            PromptError: ``room`` leaves no room in the model's context.
        """
        return self._typed_on(request, room, whole, quick) or self._fresh(
            request, room, whole, quick
        )

    def grow(self, prefill: Callable[[list[int]], bool]) -> None:
        """Compute the prompt that is wanted, if one is; later requests then use its frame.

        Args:
            prefill: Computes the rows of a prompt and returns whether all are there.
        """
        if self._wanted is not None and prefill(self._wanted.ids):
            self._frames.use(self._wanted.frame)
            self._wanted = None

    def _typed_on(
        self, request: CompletionRequest, room: int, whole: Callable[[], Prompt], quick: bool
    ) -> Prompt | None:
        """Return the prompt in a frame that fits; None: none does."""
        for frame, typed in self._frames.fitting(_file(request), request.prefix, request.suffix):
            prompt = self._builder.go_on(frame, typed, room)
            if prompt is None or (frame.short and not quick) or self._is_slow(prompt, quick):
                continue
            self._frames.use(frame)
            self._renew(request, whole, frame.short or typed.count("\n") >= RENEWAL_LINES)
            return prompt
        return None

    def _fresh(
        self, request: CompletionRequest, room: int, whole: Callable[[], Prompt], quick: bool
    ) -> Prompt:
        """Return the prompt of a new frame."""
        prompt = whole()
        self._wanted = None
        if prompt.typed is None:
            return prompt
        frame = _frame(request, prompt, short=False)
        if self._is_slow(prompt, quick):
            short = self._short.build(request.path, request.prefix, request.suffix, room)
            if self._missing(short) < self._missing(prompt):
                self._wanted = _Wanted(frame, prompt.ids)
                prompt, frame = short, _frame(request, short, short=True)
        self._frames.use(frame)
        return prompt

    def _renew(self, request: CompletionRequest, whole: Callable[[], Prompt], wanted: bool) -> None:
        """Want a better frame for the next requests at this cursor, if one is ``wanted``."""
        if not wanted:
            self._wanted = None
        elif self._wanted is None or not _still_good(self._wanted.frame, request):
            prompt = whole()
            self._wanted = _Wanted(_frame(request, prompt, short=False), prompt.ids)

    def _is_slow(self, prompt: Prompt, quick: bool) -> bool:
        return quick and self._quick_tokens is not None and (
            self._missing(prompt) > self._quick_tokens
        )  # fmt: skip

    def _missing(self, prompt: Prompt) -> int:
        """Return how many rows of a prompt have still to be computed."""
        return len(prompt.ids) - self._held(prompt.ids)


def _file(request: CompletionRequest) -> tuple[str, str]:
    return request.repository or "", request.path


def _frame(request: CompletionRequest, prompt: Prompt, *, short: bool) -> Frame:
    """Return the frame of a prompt that ends with typed text."""
    typed = prompt.typed or 0
    return Frame.around(
        _file(request),
        prompt.ids[: len(prompt.ids) - typed],
        prompt.before[: len(prompt.before) - typed],
        request.prefix[: prompt.split],
        request.suffix,
        short=short,
    )


def _still_good(frame: Frame, request: CompletionRequest) -> bool:
    """Return whether a frame fits a cursor and need not be renewed there."""
    typed = frame.typed(request.prefix, request.suffix)
    return frame.file == _file(request) and typed is not None and typed.count("\n") < RENEWAL_LINES
