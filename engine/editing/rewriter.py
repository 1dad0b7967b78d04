"""Rewriter: writes lines anew as an instruction says.  Joins conversation, generation and checks.

Most of an edit stays as it was, so the lines themselves are the guess, verified many tokens at a
time (`engine.generation.aligned_copy`); the text does not depend on it.
"""

from collections.abc import Callable, Sequence
from time import perf_counter

from engine.chat.chat_styles import CHAT_STYLES, ChatStyle, find_chat_style
from engine.chat.fence import Fence
from engine.completion.stats import WaferMeter, host_stats
from engine.editing.edit_checks import parses, why_refused
from engine.editing.edit_prompt import LinesToEdit, conversation
from engine.errors import PromptError
from engine.generation.aligned_copy import AlignedCopy
from engine.generation.copied_tokens import CopiedTokens
from engine.generation.generator import Generation, Generator
from engine.generation.sampling import greedy
from engine.generation.speculation import MAX_GUESSED, Guess
from engine.protocol.editing import Edit, EditRequest
from engine.protocol.messages import ModelInfo
from engine.repository.privacy import refuse_secret
from engine.tokenizer import TextStream, Tokenizer

__all__ = ["Rewriter"]

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
        style = self._checked_style(request)
        began = perf_counter()
        lines = _lines(request)
        fence = Fence.around(request.text, request.path)
        ids = style.encode(self._tokenizer, conversation(request, lines, fence), fence.opening)
        most = self._most_tokens(lines, len(ids))
        answer = _Answer(self._tokenizer, fence, style.ends_in(self._tokenizer))
        generation = Generation()
        source = self._guesses(ids, lines, fence, answer) if self._generator.speculates else None
        first_text_at = None
        shown = ""
        for token in self._generator.run(ids, greedy, most, generation, cancelled, guess=source):
            answer.push(token)
            if answer.closed:
                break
            text = lines.indented(answer.text)
            if text != shown:
                first_text_at, shown = first_text_at or perf_counter(), text
                on_text(text)
        text = lines.indented(answer.text)
        after = request.applied(text)
        count = len(answer.tokens)
        return Edit(
            text=text,
            refused="stopped" if generation.cancelled else why_refused(
                request.path, request.text, after, closed=answer.closed, tokens=count
            ),
            parses=parses(request.path, request.text, after),
            model=self._model.name,
            prompt_tokens=generation.prompt_tokens,
            completion_tokens=count,
            host=host_stats(generation, (first_text_at or perf_counter()) - began),
            wafer=self._meter.stats(generation),
        )  # fmt: skip

    def _checked_style(self, request: EditRequest) -> ChatStyle:
        if self._style is None:
            names = ", ".join(style.name for style in CHAT_STYLES)
            raise PromptError(
                f"{self._model.name} only completes; editing by instruction takes a model that "
                f"follows instructions (its vocabulary has the tokens of {names}), such as "
                "qwen2.5-coder-0.5b"
            )
        if not request.instruction.strip():
            raise PromptError("the instruction is empty; say what should change")
        return self._style

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


def _lines(request: EditRequest) -> LinesToEdit:
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
