"""Completer: completes the text at a cursor.  Joins prompt, generation, writing and trimming.

Decides nothing itself but the order of the steps.  Knows one model and the runner that computes it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from time import perf_counter

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.completion.answer_record import AnswerRecords
from engine.completion.draft import Draft, Limits
from engine.completion.guessing import ExpectedText, Guesser
from engine.completion.in_place import fits, in_place
from engine.completion.lines_in_doubt import LinesInDoubt
from engine.completion.openings import OpeningRules
from engine.completion.other_texts import other_texts
from engine.completion.prompt import SMALL_MODEL_TOKENS, Prompt, PromptBuilder, longest_prompt
from engine.completion.prompt_styles import PLAIN, find_style, text_ends
from engine.completion.shown_prompt import shown_prompt
from engine.completion.stats import WaferMeter, host_stats
from engine.completion.stop import StopRules
from engine.completion.sure_text import SureText
from engine.completion.surroundings import Surroundings
from engine.completion.syntax import Syntax, is_python
from engine.completion.trim import trim, without_extra_indent, without_unfinished_line
from engine.completion.typing_prompts import QUICK_TOKENS, TypingPrompts
from engine.completion.why_less import why_less
from engine.completion.writer import Writer
from engine.generation.copied_tokens import CopiedTokens
from engine.generation.generator import Generation, Generator
from engine.generation.sampling import make_sampler
from engine.knowledge.advice import Advice, line_ends
from engine.knowledge.adviser import Adviser
from engine.knowledge.library import Library
from engine.knowledge.tuning import Tuning
from engine.protocol.completion import Completion, CompletionRequest, RepositoryStats
from engine.protocol.messages import ModelInfo
from engine.repository.other_files import FileChunk, OtherFiles
from engine.repository.privacy import is_secret, refuse_secret
from engine.tokenizer import Tokenizer

__all__ = ["Completer", "Listener", "PreparedRequest", "likelihoods_of"]


_ROOM_TOKENS = 64
"""Room that a prompt gets which is computed before it is asked for."""


class _History(Enum):
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


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears what while a completion is made.  Called in the thread that makes it."""

    on_text: Callable[[str], None] = lambda text: None
    """Gets all text so far whenever it has changed and more is to come."""
    cancelled: Callable[[], bool] = lambda: False
    """Asked between steps; True ends the completion with what there is."""
    on_prompt: Callable[[str], None] = lambda prompt: None
    """Gets what the model reads, control tokens by name."""
    on_other: Callable[[str, Draft], None] = lambda text, draft: None
    """Gets each other text that was asked for, with the draft that it comes from."""
    on_draft: Callable[[str, float | None, int], None] = lambda text, mean, scored: None
    """Gets every text so far that could be told, sure or not: the mean log-probability of its
    tokens, and how many that is the mean of."""


class Completer:
    """Completes texts with one model, one request at a time.

    Args:
        model: What is known of the model.
        tokenizer: The model's.
        generator: Runs the model.
        meter: Prices what the generator runs.
        tuning: Numbers that weigh repository knowledge; None: the model writes alone.
    """

    def __init__(
        self,
        model: ModelInfo,
        tokenizer: Tokenizer,
        generator: Generator,
        meter: WaferMeter,
        tuning: Tuning | None,
    ) -> None:
        self.tokenizer = tokenizer
        self.generator = generator
        self._model = model
        self._meter = meter
        style = find_style(tokenizer, model.name) if model.fill_in_the_middle else None
        room = longest_prompt(model.parameters)
        self._builder = PromptBuilder(tokenizer, meter.context_length, style, room)
        quick_tokens = QUICK_TOKENS if room < SMALL_MODEL_TOKENS else None
        self._typing = TypingPrompts(self._builder, generator.kept.held, quick_tokens)
        self.typed_lines: int | None = None
        """Most lines above the cursor's that every prompt treats as typed just now, for measuring
        what that is worth; None: as many as suit, and those typed since the frame was made."""
        self.records = AnswerRecords(tokenizer)
        """What the last answers were made of."""
        self._others: OtherFiles | None = None
        self._openings = OpeningRules(tokenizer)
        self._text_ends = text_ends(style or PLAIN, tokenizer)
        self._line_ends = line_ends(tokenizer)
        self.tune(tuning)

    def tune(self, tuning: Tuning | None) -> None:
        """Weigh repository knowledge by other numbers from now on; None: leave it out."""
        language = self._model.language
        ends = self._text_ends
        self._adviser = Adviser(self.tokenizer, tuning, language, ends) if tuning else None

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

    # ── one request ─────────────────────────────────────────────────────────────────────────

    def complete(
        self,
        request: CompletionRequest,
        listener: Listener,
        *,
        quick: bool = False,
        sure_only: bool = False,
        threshold: float | None = None,
        others: int = 0,
    ) -> Completion:
        """Return the text for a cursor.

        Args:
            request: Where and how.
            listener: Hears of it while it is made.
            quick: Whether less context is better than a later answer.
            sure_only: Whether to tell only text that is likely enough, and to end with it where
                the whole is not.
            threshold: Mean log-probability that is likely enough; None: the model's.
            others: How many other texts are wanted as well.

        Raises:
            PromptError: The file is private, or the request does not fit the model's context.
            EngineError: A sampling setting is outside its range.
        """
        refuse_secret(request.path, request.private_patterns, request.repository)
        start = perf_counter()
        history = _History.QUICK if quick else _History.USED
        prepared = self.prepare(request, request.max_tokens, history)
        listener.on_prompt(shown_prompt(self.tokenizer, prepared.prompt.ids))
        draft = self._draft(prepared, branches=others > 0)
        writer = self._writer(prepared, draft)
        threshold = self.threshold if threshold is None else threshold
        sure = SureText(threshold if sure_only else None)
        in_doubt = _lines_in_doubt(prepared)
        syntax = draft.limits.syntax

        def tell(text: str) -> None:
            # A text that is too deep would jump to its place when it is complete.
            if syntax is not None and not fits(text, syntax):
                return
            text = in_doubt.without(text)
            listener.on_draft(text, draft.mean_logprob, draft.scored)
            if sure.grows(text, draft):
                listener.on_text(text)

        writer.write(tell, listener.cancelled)
        first_text_at = writer.first_text_at or perf_counter()
        written_at = perf_counter()
        written, text = _finished(draft, request.multi_line)
        trimmed_at = perf_counter()
        generation = writer.generation
        reason = _finish_reason(draft, written, text, generation)
        held_back = why_less(written, text, draft.rules, syntax)
        shown = bool(text.strip()) and _is_likely(draft.mean_logprob, threshold)
        if sure_only and not (shown or generation.cancelled) and sure.begins(text):
            text, reason, shown = sure.text, "unsure", True
        completion = Completion(
            text=text,
            finish_reason=reason,
            model=self._model.name,
            prompt_tokens=generation.prompt_tokens,
            cached_tokens=generation.cached_tokens,
            completion_tokens=draft.generated,
            host=host_stats(generation, first_text_at - start, trimmed_at - written_at),
            wafer=self._meter.stats(generation),
            repository=_repository_stats(prepared.library, draft),
            mean_logprob=draft.mean_logprob,
            shown=shown,
            likelihoods=likelihoods_of(draft, text),
            held_back=held_back,
            answer=self.records.add(
                prepared.prompt.ids[-1], draft, generation, text, skipped_before(draft)
            ),
        )
        if others and not generation.cancelled:
            self._tell_others(prepared, draft, others, listener)
        return completion

    def _tell_others(
        self, prepared: PreparedRequest, draft: Draft, count: int, listener: Listener
    ) -> None:
        """Write other texts behind the first, which ``draft`` holds, and tell each."""

        def write() -> str:
            if draft.ended is None:
                self._writer(prepared, draft).write(lambda text: None, listener.cancelled)
            return _finished(draft, prepared.request.multi_line)[1]

        for text in other_texts(draft, count, write, listener.cancelled):
            listener.on_other(text, draft)

    def grow(self, cancelled: Callable[[], bool]) -> None:
        """Compute what later requests at the last cursor will want, while nobody asks.

        Args:
            cancelled: Asked between steps and after the generator was interrupted.
        """
        self._typing.grow(lambda ids: self.generator.prefill(ids, _ROOM_TOKENS, cancelled))

    def prepare(
        self, request: CompletionRequest, room: int, history: _History = _History.NONE
    ) -> PreparedRequest:
        """Build the prompt, the rules and the advice for a request.

        Args:
            request: The cursor.
            room: Tokens of the context to keep free for the text.
            history: What earlier requests may change.

        Raises:
            PromptError: ``room`` leaves no room for a prompt.
        """
        request = _with_newlines(request)
        prompt = self._prompt(request, room, history)
        around = Surroundings.of(request.prefix, request.suffix, request.path)
        rules = StopRules(around, request.multi_line)
        if self._adviser is None or request.repository is None:
            return PreparedRequest(request, prompt, rules, None, None)
        library = self._adviser.library(request.repository, request.private_patterns)
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

    def _prompt(self, request: CompletionRequest, room: int, history: _History) -> Prompt:
        path, prefix, suffix = request.path, request.prefix, request.suffix
        others, repository = self._shown_files(request)
        if self.typed_lines is not None:
            builder = replace(self._builder, split_lines=self.typed_lines)
            return builder.build(path, prefix, suffix, room, others, repository)
        if history is _History.NONE:
            return self._builder.build(path, prefix, suffix, room, others, repository)
        quick = history is _History.QUICK
        return self._typing.build(request, room, others, repository, quick=quick)

    def _shown_files(self, request: CompletionRequest) -> tuple[list[FileChunk], str]:
        """Return chunks of the repository's other files for the prompt, and its name."""
        style = self._builder.style
        if style is None or not style.shows_files:
            return [], ""
        if request.repository is None:
            return _brought_along(request), ""
        known = self._others
        folder, patterns = Path(request.repository).resolve(), request.private_patterns
        if known is None or (known.root, known.private_patterns) != (folder, patterns):
            known = self._others = OtherFiles(folder, patterns)
        return known.outlines(request.path, request.prefix + request.suffix), folder.name

    def _draft(self, prepared: PreparedRequest, *, branches: bool = False) -> Draft:
        """Return an empty draft for a request."""
        request = prepared.request
        return Draft(
            self.tokenizer,
            make_sampler(request.temperature, request.top_k, request.top_p, request.seed),
            prepared.prompt.healing,
            prepared.rules,
            prepared.advice,
            self.coefficients,
            self._limits(prepared),
            branches=branches,
        )

    def _writer(self, prepared: PreparedRequest, draft: Draft) -> Writer:
        """Return what writes a draft on to its end."""
        guess = self._guesser(prepared, draft)
        most = prepared.request.max_tokens
        return Writer(self.generator, draft, prepared.prompt.ids, most, guess)

    def _guesser(self, prepared: PreparedRequest, draft: Draft) -> Guesser | None:
        """Return what guesses the text of a draft; None where the generator takes no guesses."""
        if not self.generator.speculates:
            return None
        one_line, text = prepared.rules.one_line, prepared.request.expected
        return Guesser(
            self.tokenizer,
            draft,
            CopiedTokens(prepared.prompt.ids, prepared.prompt.before),
            self._line_ends if one_line else self._text_ends,
            ExpectedText(self.tokenizer, draft, text) if text and not draft.choices else None,
        )

    def _limits(self, prepared: PreparedRequest) -> Limits:
        """Return what the text of a request must not be."""
        request, rules = prepared.request, prepared.rules
        barred = self._openings.barred(
            request.path,
            request.prefix,
            rules.around,
            one_line=rules.one_line,
            silence=self.threshold is None,
        )
        syntax = Syntax(request.prefix, request.suffix) if is_python(request.path) else None
        return Limits(syntax, barred)


def _brought_along(request: CompletionRequest) -> list[FileChunk]:
    """Return the chunks that came with a request, those of private files left out."""
    return [
        FileChunk(chunk.path, chunk.text.replace("\r\n", "\n"))
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


def _lines_in_doubt(prepared: PreparedRequest) -> LinesInDoubt:
    """Return what knows which unfinished line of a request's text may be taken back."""
    request = prepared.request
    below = prepared.rules.around.below
    return LinesInDoubt(request.prefix, below, request.suffix, python=is_python(request.path))


def _finished(draft: Draft, multi_line: bool) -> tuple[str, str]:
    """Return (the text that was written, the part of it that is worth showing)."""
    written = draft.text if draft.ended else without_unfinished_line(draft.text)
    text = trim(written, draft.rules.around, multi_line=multi_line)
    syntax = draft.limits.syntax
    return written, text if syntax is None else in_place(text, syntax)


def _is_likely(mean_logprob: float | None, threshold: float | None) -> bool:
    """Return whether a text is likely enough to be shown unasked."""
    return threshold is None or mean_logprob is None or mean_logprob >= threshold


def likelihoods_of(draft: Draft, text: str) -> list[tuple[int, float]]:
    """Return how likely each token of ``text`` is, which is what is left of the draft's text.

    Empty where it is no stretch of that text, because its lines were moved.
    """
    start = skipped_before(draft)
    if not text or not draft.text.startswith(text, start):
        return []
    inside = [(end - start, share) for end, share in draft.likelihoods if end > start]
    whole = [(end, share) for end, share in inside if end < len(text)]
    last = [(len(text), share) for end, share in inside if end >= len(text)][:1]
    return whole + last


def skipped_before(draft: Draft) -> int:
    """Return how many characters of white space at a draft's beginning are there already."""
    return len(draft.text) - len(without_extra_indent(draft.text, draft.rules.around))


def _finish_reason(draft: Draft, written: str, text: str, generation: Generation) -> str:
    """Return why a completion ended that was ``written`` and cut to ``text``."""
    if generation.cancelled:
        return "cancelled"
    cut = without_extra_indent(written, draft.rules.around)[len(text) :]
    return "trimmed" if cut.strip() else draft.ended or "length"


def _repository_stats(library: Library | None, draft: Draft) -> RepositoryStats | None:
    if library is None:
        return None
    return RepositoryStats(
        library.files, library.tokens, draft.changed, draft.weight, library.left_out
    )
