"""Completer: completes the text at a cursor.  Joins prompt, generation, writing and trimming.

Decides nothing itself but the order of the steps.  Knows one model and the runner that computes it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from engine.completion.answers.answer_record import AnswerRecords
from engine.completion.code.in_place import fits
from engine.completion.code.syntax import Syntax, is_python
from engine.completion.preparation import History, PreparedRequest, Preparer
from engine.completion.prompts.shown_prompt import shown_prompt
from engine.completion.rules.openings import OpeningRules
from engine.completion.rules.why_less import why_less
from engine.completion.stats import WaferMeter, host_stats
from engine.completion.writing.draft import Draft, Limits
from engine.completion.writing.earlier_answers import EarlierAnswers
from engine.completion.writing.finished_text import (
    finish_reason,
    finished,
    likelihoods_of,
    skipped_before,
)
from engine.completion.writing.guessing import GOES_ON, OTHER_MODEL, PARTED, ExpectedText, Guesser
from engine.completion.writing.lines_in_doubt import LinesInDoubt
from engine.completion.writing.other_texts import other_texts
from engine.completion.writing.sure_text import SureText, TextSoFar
from engine.completion.writing.writer import Writer
from engine.generation.copied_tokens import CopiedTokens
from engine.generation.generator import Generator
from engine.generation.sampling import make_sampler
from engine.knowledge.advice import line_ends
from engine.knowledge.library import Library
from engine.knowledge.tuning import Tuning
from engine.protocol.completion import Completion, CompletionRequest, RepositoryStats
from engine.protocol.messages import ModelInfo
from engine.repository.privacy import refuse_secret
from engine.tokenizer import Tokenizer

__all__ = ["Completer", "Listener"]


_ROOM_TOKENS = 64
"""Room that a prompt gets which is computed before it is asked for."""


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
    on_draft: Callable[[TextSoFar], None] = lambda text: None
    """Gets every text so far that could be told, sure or not, and the whole one last."""


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
        self.preparer = Preparer(
            model, tokenizer, meter.context_length, generator.kept.held, tuning
        )
        """Makes the prompts, and knows the repository."""
        self.records = AnswerRecords(tokenizer)
        """What the last answers were made of."""
        self._earlier = EarlierAnswers()
        self._openings = OpeningRules(tokenizer)
        self._line_ends = line_ends(tokenizer)

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
        history = History.QUICK if quick else History.USED
        prepared = self.preparer.prepare(request, request.max_tokens, history)
        listener.on_prompt(shown_prompt(self.tokenizer, prepared.prompt.ids))
        draft = self._draft(prepared, branches=others > 0)
        writer = self._writer(prepared, draft)
        threshold = self.preparer.threshold if threshold is None else threshold
        sure, any_text = SureText(threshold), SureText(None)
        in_doubt = _lines_in_doubt(prepared)
        syntax = draft.limits.syntax

        def tell(text: str) -> None:
            # A text that is too deep would jump to its place when it is complete.
            stays = syntax is None or fits(text, syntax)
            now = _text_so_far(draft, in_doubt.without(text) if stays else "")
            listener.on_draft(now)
            is_sure, is_new = sure.grows(now), any_text.grows(now)
            if is_sure if sure_only else is_new:
                listener.on_text(now.lasting)

        writer.write(tell, listener.cancelled)
        first_text_at = writer.first_text_at or perf_counter()
        written_at = perf_counter()
        self._earlier.add(prepared.request.path, prepared.request.prefix, draft.text)
        written, text = finished(draft, request.multi_line)
        trimmed_at = perf_counter()
        generation = writer.generation
        reason = finish_reason(draft, written, text, generation)
        held_back = why_less(written, text, draft.rules, syntax)
        whole = _text_so_far(draft, text)
        listener.on_draft(whole)
        likely = sure.of_whole(whole)
        shown = bool(likely) and likely == text
        if sure_only and likely and not (shown or generation.cancelled):
            text, reason, shown = likely, "unsure", True
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
            return finished(draft, prepared.request.multi_line)[1]

        for text in other_texts(draft, count, write, listener.cancelled):
            listener.on_other(text, draft)

    def grow(self, cancelled: Callable[[], bool]) -> None:
        """Compute what later requests at the last cursor will want, while nobody asks.

        Args:
            cancelled: Asked between steps and after the generator was interrupted.
        """
        self.preparer.grow(lambda ids: self.generator.prefill(ids, _ROOM_TOKENS, cancelled))

    def _draft(self, prepared: PreparedRequest, *, branches: bool = False) -> Draft:
        """Return an empty draft for a request."""
        request = prepared.request
        return Draft(
            self.tokenizer,
            make_sampler(request.temperature, request.top_k, request.top_p, request.seed),
            prepared.prompt.healing,
            prepared.rules,
            prepared.advice,
            self.preparer.coefficients,
            self._limits(prepared),
            branches=branches,
            probabilities=self.generator.probabilities,
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
        one_line = prepared.rules.one_line
        return Guesser(
            self.tokenizer,
            draft,
            CopiedTokens(prepared.prompt.ids, prepared.prompt.before),
            self._line_ends if one_line else self.preparer.text_ends,
            [] if draft.choices else self._expected(prepared),
        )

    def _expected(self, prepared: PreparedRequest) -> list[ExpectedText]:
        """Return the texts that may come at a cursor where nothing is written yet."""
        request, healing = prepared.request, prepared.prompt.healing.decode("utf-8", "ignore")
        encode = self.tokenizer.encode_part
        found = [
            ExpectedText(encode(healing + earlier.text), "earlier", GOES_ON)
            if earlier.goes_on
            else ExpectedText(encode(earlier.text), "parted", PARTED)
            for earlier in self._earlier.at(request.path, request.prefix)
        ]
        if request.expected:
            found.append(ExpectedText(encode(healing + request.expected), "expected", OTHER_MODEL))
        return found

    def _limits(self, prepared: PreparedRequest) -> Limits:
        """Return what the text of a request must not be."""
        request, rules = prepared.request, prepared.rules
        barred = self._openings.barred(
            request.path,
            request.prefix,
            rules.around,
            one_line=rules.one_line,
            silence=self.preparer.threshold is None,
        )
        syntax = Syntax(request.prefix, request.suffix) if is_python(request.path) else None
        return Limits(syntax, barred)


def _text_so_far(draft: Draft, lasting: str) -> TextSoFar:
    return TextSoFar(draft.text, lasting, draft.mean_logprob, draft.scored, draft.generated)


def _lines_in_doubt(prepared: PreparedRequest) -> LinesInDoubt:
    """Return what knows which unfinished line of a request's text may be taken back."""
    request = prepared.request
    below = prepared.rules.around.below
    return LinesInDoubt(request.prefix, below, request.suffix, python=is_python(request.path))


def _repository_stats(library: Library | None, draft: Draft) -> RepositoryStats | None:
    if library is None:
        return None
    return RepositoryStats(
        library.files, library.tokens, draft.changed, draft.weight, library.left_out
    )
