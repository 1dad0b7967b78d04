"""Rewriter: writes lines anew as an instruction says.  Joins conversation, generation and checks.

Most of an edit stays as it was, so the lines themselves are the guess, verified many tokens at a
time (`engine.generation.aligned_copy`); the text does not depend on it.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from time import perf_counter

from msgspec.structs import replace

from engine.chat.chat_styles import ChatStyle, find_chat_style, needed_chat_style
from engine.chat.fence import Fence
from engine.completion.stats import WaferMeter, host_stats
from engine.editing.asked_part import text_of_answer
from engine.editing.edit_checks import parses, why_refused
from engine.editing.edit_prompt import LinesToEdit, conversation
from engine.editing.second_attempt import complaint
from engine.errors import PromptError
from engine.generation.aligned_copy import AlignedCopy
from engine.generation.copied_tokens import CopiedTokens
from engine.generation.generator import Generation, Generator
from engine.generation.sampling import greedy
from engine.generation.speculation import MAX_GUESSED, Guess
from engine.protocol.editing import Edit, EditRequest, EditTurn
from engine.protocol.messages import ModelInfo
from engine.repository.privacy import refuse_secret
from engine.tokenizer import TextStream, Tokenizer

__all__ = ["SPARE_TOKENS", "Rewriter", "lines_of"]

_NEEDED = "editing by instruction takes a model that follows instructions"

SPARE_TOKENS = 320
"""Tokens an answer may have beyond one and a half times those of the lines."""


class Rewriter:
    """Rewrites lines with one model, one request at a time.

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

    def rewrite(
        self,
        request: EditRequest,
        on_text: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> Edit:
        """Return the lines as they should be.

        Args:
            request: The lines and the instruction.
            on_text: Called with all text of the range so far whenever it has changed.
            cancelled: Asked between steps; True ends the edit with what there is.

        Raises:
            PromptError: The file is private, there are no such lines, the instruction is empty,
                the model only completes, or the lines do not fit its context.
        """
        refuse_secret(request.path, request.private_patterns, request.repository)
        self._checked_style(request)
        work = _Work(on_text, cancelled)
        edit = self._written(request, work)
        again = _once_more(request, edit)
        if again is not None:
            with suppress(PromptError):  # no room for the longer conversation
                second = self._written(again, work)
                if second.refused is None or work.generation.cancelled:
                    edit = second
            on_text(edit.text)
        return edit

    def _written(self, request: EditRequest, work: "_Work") -> Edit:
        """Return what the model writes once.

        Raises:
            PromptError: As in `rewrite`.
        """
        style, lines = self._checked_style(request), lines_of(request)
        fence = Fence.around(request.text, request.path)
        ids = style.encode(self._tokenizer, conversation(request, lines, fence), fence.opening)
        most = self._most_tokens(lines, len(ids))
        answer = _Answer(self._tokenizer, fence, style.ends_in(self._tokenizer))
        source = self._guesses(ids, lines, fence, answer) if self._generator.speculates else None
        for token in self._generator.run(
            ids, greedy, most, work.generation, work.cancelled, guess=source
        ):
            answer.push(token)
            work.tokens += 1
            if answer.closed:
                break
            work.show(lines.indented(answer.text))
        text = text_of_answer(request, lines, answer.text)
        return Edit(
            text=text,
            refused="stopped" if work.generation.cancelled else why_refused(
                request.path, request.text, request.applied(text),
                closed=answer.closed, tokens=len(answer.tokens),
            ),
            parses=parses(request.path, request.text, request.applied(text)),
            model=self._model.name,
            prompt_tokens=work.generation.prompt_tokens,
            completion_tokens=work.tokens,
            host=host_stats(work.generation, work.first_text_seconds),
            wafer=self._meter.stats(work.generation),
        )  # fmt: skip

    def _checked_style(self, request: EditRequest) -> ChatStyle:
        style = needed_chat_style(self._style, self._model.name, _NEEDED)
        if not request.instruction.strip():
            raise PromptError("the instruction is empty; say what should change")
        return style

    def _most_tokens(self, lines: LinesToEdit, prompt: int) -> int:
        """Return how long the answer may be.

        Raises:
            PromptError: There is no room for it.
        """
        size = len(self._tokenizer.encode_part(lines.shown))
        most = size + size // 2 + SPARE_TOKENS
        limit = self._meter.context_length
        if prompt + most > limit:
            raise PromptError(
                f"{len(lines.lines)} lines of {size} tokens are too many to edit at once: with "
                f"the text around and the answer that makes {prompt + most}, and the model reads "
                f"{limit}; select fewer lines"
            )
        return most

    def _guesses(
        self, ids: Sequence[int], lines: LinesToEdit, fence: Fence, answer: "_Answer"
    ) -> Callable[[int], list[Guess]]:
        """Return what guesses an answer: the lines as they are, else copies of the conversation."""
        original = self._tokenizer.encode_part(f"{lines.shown}\n{fence.mark}")
        aligned, copied = AlignedCopy(original), CopiedTokens(ids, ids)

        def guesses(most: int) -> list[Guess]:
            found = aligned.guesses(answer.tokens, most)
            if aligned.sure:
                return found
            other = copied.guess(answer.tokens, min(most, MAX_GUESSED))
            return [*found, other] if other is not None else found

        return guesses


class _Work:
    """What one request shares between its attempts: who hears of it, and what it took."""

    def __init__(self, on_text: Callable[[str], None], cancelled: Callable[[], bool]) -> None:
        self.cancelled = cancelled
        self.generation = Generation()
        self.tokens = 0
        self._on_text = on_text
        self._began = perf_counter()
        self._first_text_at: float | None = None
        self._shown = ""

    @property
    def first_text_seconds(self) -> float:
        """Seconds from the beginning to the first text, or until now."""
        return (self._first_text_at or perf_counter()) - self._began

    def show(self, text: str) -> None:
        """Tell the text so far, if it has changed."""
        if text != self._shown:
            self._first_text_at = self._first_text_at or perf_counter()
            self._shown = text
            self._on_text(text)


def _once_more(request: EditRequest, edit: Edit) -> EditRequest | None:
    """Return the request that tells the model what is wrong with its edit; None: nothing is."""
    wrong = complaint(request, edit)
    if wrong is None:
        return None
    turn = EditTurn(request.instruction, edit.text)
    return replace(request, earlier=(*request.earlier, turn), instruction=wrong)


class _Answer:
    """The text of an answer while it is written."""

    def __init__(self, tokenizer: Tokenizer, fence: Fence, ends: frozenset[int]) -> None:
        self.tokens: list[int] = []
        self.closed = False
        """Whether nothing more is needed."""
        self.text = ""
        """What stands in the block; a last line that may yet become its end is left out."""
        self._tokenizer = tokenizer
        self._fence = fence
        self._ends = ends
        self._stream = TextStream()
        self._said = ""

    def push(self, token: int) -> None:
        """Add a token."""
        if token in self._ends:
            self.closed = True
        else:
            self.tokens.append(token)
            self._said += self._stream.push(self._tokenizer.token_bytes(token))
        inside, closed = self._fence.inside(self._said)
        self.closed = self.closed or closed
        begun = not self.closed and self._fence.mark.startswith(inside.rpartition("\n")[2])
        self.text = inside.rpartition("\n")[0] if begun else inside


def lines_of(request: EditRequest) -> LinesToEdit:
    """Return the lines of a request.

    Raises:
        PromptError: There are none.
    """
    count = request.text.count("\n") + 1
    if not 1 <= request.first <= request.last <= count:
        raise PromptError(
            f"{request.path} has no lines {request.first}–{request.last}; it has {count}"
        )
    return LinesToEdit.of(request.text, request.first, request.last)
