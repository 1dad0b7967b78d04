"""From a request to all that is known before a token is generated: prompt, rules, advice.

Knows the model's vocabulary, which rows the KV cache holds, and the repository; runs nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.completion.code.surroundings import Surroundings
from engine.completion.prompts.prompt import (
    SMALL_MODEL_TOKENS,
    Prompt,
    PromptBuilder,
    longest_prompt,
)
from engine.completion.prompts.prompt_styles import PLAIN, find_style, text_ends
from engine.completion.prompts.recent_choice import best_first
from engine.completion.prompts.typing_prompts import QUICK_TOKENS, TypingPrompts
from engine.completion.rules.stop import StopRules
from engine.knowledge.advice import Advice
from engine.knowledge.adviser import Adviser
from engine.knowledge.library import Library
from engine.knowledge.tuning import Tuning
from engine.protocol.completion import CompletionRequest, RepositoryStats, TextChunk
from engine.protocol.messages import ModelInfo
from engine.repository.other_files import FileChunk, OtherFiles
from engine.repository.privacy import is_secret
from engine.tokenizer import Tokenizer

__all__ = ["History", "PreparedRequest", "Preparer"]


class History(Enum):
    """What earlier requests may change in a prompt."""

    NONE = "none"
    """Nothing: the request alone decides."""
    USED = "used"
    """Text typed since an earlier prompt may stand behind it."""
    QUICK = "quick"
    """That, and a short prompt may stand in for one that is not computed yet."""


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """A request, and all that follows from it before a token is generated."""

    request: CompletionRequest
    """With ``\\n`` line ends."""
    prompt: Prompt
    rules: StopRules
    advice: Advice | None
    """Predictions from the code around the cursor; None: the model writes alone."""
    library: Library | None
    """The files that the advice comes from."""


class Preparer:
    """Prepares the requests to one model.

    Args:
        model: What is known of the model.
        tokenizer: The model's.
        context_length: Most tokens of a prompt and its text.
        held: Returns how many of some leading ids need not be computed.
        tuning: Numbers that weigh repository knowledge; None: the model writes alone.
    """

    def __init__(
        self,
        model: ModelInfo,
        tokenizer: Tokenizer,
        context_length: int,
        held: Callable[[list[int]], int],
        tuning: Tuning | None,
    ) -> None:
        self._tokenizer = tokenizer
        self._language = model.language
        style = find_style(tokenizer, model.name) if model.fill_in_the_middle else None
        room = longest_prompt(model.parameters)
        self._builder = PromptBuilder(tokenizer, context_length, style, room)
        quick_tokens = QUICK_TOKENS if room < SMALL_MODEL_TOKENS else None
        self._typing = TypingPrompts(self._builder, held, quick_tokens)
        self.typed_lines: int | None = None
        """Most lines above the cursor's that every prompt treats as typed just now, for measuring
        what that is worth; None: as many as suit, and those typed since the frame was made."""
        self.text_ends = text_ends(style or PLAIN, tokenizer)
        """Control tokens with which the model ends a text, the usual one first."""
        self._others: OtherFiles | None = None
        self._last: CompletionRequest | None = None
        self.tune(tuning)

    def tune(self, tuning: Tuning | None) -> None:
        """Weigh repository knowledge by other numbers from now on; None: leave it out."""
        self._adviser = (
            Adviser(self._tokenizer, tuning, self._language, self.text_ends) if tuning else None
        )

    @property
    def threshold(self) -> float | None:
        """Mean log-probability below which a text is not shown unasked; None: all are shown."""
        return self._adviser.tuning.threshold if self._adviser else None

    @property
    def coefficients(self) -> Sequence[NDArray[np.float64]]:
        """The numbers that weigh advice against the model."""
        return self._adviser.coefficients if self._adviser else ()

    def read_repository(
        self, root: str, private_patterns: tuple[str, ...], near: str = ""
    ) -> RepositoryStats:
        """Read the files of a repository that are new or have changed; blocks until it is done.

        Of too many files those nearest to ``near`` are read.
        """
        if self._adviser is None:
            return RepositoryStats(0, 0, 0.0, 0.0)
        library = self._adviser.read(root, private_patterns, near)
        return RepositoryStats(library.files, library.tokens, 0.0, 0.0, library.left_out)

    # ── a request ───────────────────────────────────────────────────────────────────────────

    def prepare(
        self, request: CompletionRequest, room: int, history: History = History.NONE
    ) -> PreparedRequest:
        """Build the prompt, the rules and the advice for a request.

        Args:
            request: The cursor.
            room: Tokens of the context to keep free for the text.
            history: What earlier requests may change.

        Raises:
            PromptError: ``room`` leaves no room for a prompt.
        """
        request = self._last = _with_newlines(request)
        prompt = self._prompt(request, room, history)
        around = Surroundings.of(request.prefix, request.suffix, request.path)
        rules = StopRules(around, request.multi_line)
        if self._adviser is None or request.repository is None:
            return PreparedRequest(request, prompt, rules, None, None)
        library = self._adviser.library(request.repository, request.private_patterns)
        if library.pinned:
            self._learn_recent(request)
        advice = self._adviser.advise(
            library,
            request.path,
            request.prefix,
            request.suffix,
            prompt.before,
            prompt.healing,
            one_line=rules.one_line,
        )
        return PreparedRequest(request, prompt, rules, advice, library)

    def grow(self, prefill: Callable[[list[int]], bool]) -> None:
        """Do what later requests at the last cursor will want, while nobody asks.

        Args:
            prefill: Computes the rows of a prompt and returns whether all are there.
        """
        if self._last is not None:
            self._learn_recent(self._last)
        self._typing.grow(prefill)

    def _prompt(self, request: CompletionRequest, room: int, history: History) -> Prompt:
        if self.typed_lines is not None:
            builder = replace(self._builder, split_lines=self.typed_lines)
            return self._whole(builder, request, room)
        whole = partial(self._whole, self._builder, request, room)
        if history is History.NONE:
            return whole()
        return self._typing.build(request, room, whole, quick=history is History.QUICK)

    def _whole(self, builder: PromptBuilder, request: CompletionRequest, room: int) -> Prompt:
        """Return the prompt without a history."""
        path, prefix, suffix = request.path, request.prefix, request.suffix
        if builder.style is None or not builder.style.shows_files:
            return builder.build(path, prefix, suffix, room)
        if request.repository is None:
            return builder.build(path, prefix, suffix, room, _brought_along(request))
        files = self._other_files(request)
        outlines = files.outlines(path, prefix + suffix)
        recent = best_first(_recent(files, request), prefix, suffix)
        return builder.build(path, prefix, suffix, room, outlines, files.root.name, recent)

    def _other_files(self, request: CompletionRequest) -> OtherFiles:
        """Return what may be seen of the other files of a request's repository."""
        known = self._others
        folder, patterns = Path(request.repository or "").resolve(), request.private_patterns
        if known is None or (known.root, known.private_patterns) != (folder, patterns):
            known = self._others = OtherFiles(folder, patterns)
        return known

    def _learn_recent(self, request: CompletionRequest) -> None:
        """Have the experts know what the person just saw or changed in other files."""
        if self._adviser is not None and request.repository is not None:
            chunks = _recent(self._other_files(request), request)
            library = self._adviser.library(request.repository, request.private_patterns)
            self._adviser.learn(library, chunks)


def _recent(files: OtherFiles, request: CompletionRequest) -> list[FileChunk]:
    """Return the chunks that came with a request and may be used for it."""
    return files.readable(request.path, [_plain(chunk) for chunk in request.chunks])


def _plain(chunk: TextChunk) -> FileChunk:
    return FileChunk(chunk.path, chunk.text.replace("\r\n", "\n"))


def _brought_along(request: CompletionRequest) -> list[FileChunk]:
    """Return the chunks that came with a request, those of private files left out."""
    return [
        _plain(chunk)
        for chunk in request.chunks
        if is_secret(chunk.path, request.private_patterns) is None
    ]


def _with_newlines(request: CompletionRequest) -> CompletionRequest:
    """Return a request with the one kind of line end the model knows; a face turns them back."""
    return msgspec.structs.replace(
        request,
        prefix=request.prefix.replace("\r\n", "\n"),
        suffix=request.suffix.replace("\r\n", "\n"),
    )
