"""AnswerWriter: answers questions about the code.  Joins excerpts, conversation and generation.

It has no tools and runs nothing; the answer is text, and what becomes of it is a person's choice.
"""

from collections.abc import Callable, Sequence
from time import perf_counter

from engine.asking.ask_prompt import AskPrompt, fit_prompt
from engine.asking.circles import goes_in_circles
from engine.asking.excerpts import find_excerpts
from engine.chat.chat_styles import ChatStyle, ChatTurn, find_chat_style, needed_chat_style
from engine.completion.stats import WaferMeter, host_stats
from engine.generation.copied_tokens import CopiedTokens
from engine.generation.generator import Generation, Generator
from engine.generation.sampling import greedy
from engine.generation.speculation import MAX_GUESSED, Guess, GuessSource
from engine.protocol.asking import AskReply, AskRequest, Reading
from engine.protocol.messages import ModelInfo
from engine.tokenizer import TextStream, Tokenizer

__all__ = ["AnswerWriter"]

_NEEDED = "questions take a model that holds conversations"


class AnswerWriter:
    """Answers with one model, one question at a time.

    Args:
        model: What is known of the model.
        tokenizer: The model's.
        generator: Runs the model.
        meter: Prices what the generator runs.
    """

    def __init__(
        self, model: ModelInfo, tokenizer: Tokenizer, generator: Generator, meter: WaferMeter
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._generator = generator
        self._meter = meter
        self._style = find_chat_style(tokenizer)

    def ask(
        self,
        request: AskRequest,
        on_reading: Callable[[Reading], None],
        on_text: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> AskReply:
        """Return the answer to a question.

        Args:
            request: The question, and where it is asked.
            on_reading: Called once, with what the model is shown, before it reads that.
            on_text: Called with all of the answer so far whenever it has grown.
            cancelled: Asked between files and steps; True ends the answer with what there is.

        Raises:
            PromptError: The question is empty or too long, lines of a private or ignored file are
                selected, or the model only completes.
        """
        style = needed_chat_style(self._style, self._model.name, _NEEDED)
        began = perf_counter()
        prompt = self._prompt(style, request, cancelled)
        on_reading(Reading(prompt.parts, prompt.left_out, len(prompt.encoded)))
        generation = Generation()
        answer = _Text(self._tokenizer, style.ends_in(self._tokenizer))
        first_text_at = None
        shown = ""
        source = self._guesses(prompt.encoded, answer) if self._generator.speculates else None
        for token in self._generator.run(
            prompt.encoded, greedy, prompt.most_tokens, generation, cancelled, guess=source
        ):
            answer.push(token)
            if answer.ended is not None:
                break
            if answer.text != shown:
                first_text_at, shown = first_text_at or perf_counter(), answer.text
                on_text(shown)
        reason = "cancelled" if generation.cancelled else answer.ended or "length"
        return AskReply(
            text=answer.text.rstrip(),
            finish_reason=reason,
            asked=prompt.asked,
            forgotten=prompt.forgotten,
            parts=prompt.parts,
            left_out=prompt.left_out,
            model=self._model.name,
            prompt_tokens=len(prompt.encoded),
            cached_tokens=generation.cached_tokens,
            completion_tokens=len(answer.tokens),
            host=host_stats(generation, (first_text_at or perf_counter()) - began),
            wafer=self._meter.stats(generation),
        )

    def _prompt(
        self, style: ChatStyle, request: AskRequest, cancelled: Callable[[], bool]
    ) -> AskPrompt[list[int]]:
        """Return the conversation that the model is shown."""

        def encode(turns: Sequence[ChatTurn]) -> list[int]:
            return style.encode(self._tokenizer, turns, "")

        def size(text: str) -> int:
            return len(self._tokenizer.encode_part(text))

        found = find_excerpts(request, cancelled)
        return fit_prompt(request, found, self._meter.context_length, encode, size)

    def _guesses(self, ids: Sequence[int], answer: "_Text") -> GuessSource:
        """Return what guesses an answer: copies of what was shown; the text is the same."""
        copied = CopiedTokens(ids, ids)

        def guesses(most: int) -> list[Guess]:
            found = copied.guess(answer.tokens, min(most, MAX_GUESSED))
            return [] if found is None else [found]

        return guesses


class _Text:
    """The text of an answer while it is written."""

    def __init__(self, tokenizer: Tokenizer, ends: frozenset[int]) -> None:
        self.tokens: list[int] = []
        self.text = ""
        self.ended: str | None = None
        """Why nothing more is needed; None: the answer goes on."""
        self._tokenizer = tokenizer
        self._ends = ends
        self._stream = TextStream()

    def push(self, token: int) -> None:
        """Add a token."""
        if token in self._ends:
            self.ended = "stop"
            return
        self.tokens.append(token)
        said = self._stream.push(self._tokenizer.token_bytes(token))
        self.text = self.text + said if self.text else said.lstrip()
        if goes_in_circles(self.tokens):
            self.ended = "repeats"
