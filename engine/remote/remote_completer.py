"""RemoteCompleter: the text at a cursor from a model elsewhere, cut by the rules of our own.

The server writes; where a text ends, what of it is worth showing and whether Python can read it
there is decided by the same rules as for a model on the wafer.  Its probabilities are not known.
"""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from engine.completion.code.in_place import fits, in_place
from engine.completion.code.surroundings import Surroundings
from engine.completion.code.syntax import Syntax, is_python
from engine.completion.rules.stop import StopRules
from engine.completion.rules.trim import trim, without_unfinished_line
from engine.completion.rules.why_less import why_less
from engine.errors import PromptError
from engine.protocol.completion import Completion, CompletionRequest, TextChunk
from engine.remote.fill_prompt import SentCursor, fill_request
from engine.remote.remote_model import RemoteModel
from engine.remote.remote_text import RemoteText
from engine.repository.closed_files import refuse_closed
from engine.repository.other_files import OtherFiles
from engine.repository.privacy import is_secret

__all__ = ["RemoteCompleter"]

_ROOM_SHARE = 0.75
"""Of the context; the rest is for the answer."""


class RemoteCompleter:
    """Completes texts with one model elsewhere.

    Args:
        model: How it is asked, and what of it is counted.
    """

    def __init__(self, model: RemoteModel) -> None:
        self._model = model

    def complete(
        self,
        request: CompletionRequest,
        on_text: Callable[[str], None],
        cancelled: Callable[[], bool],
        on_prompt: Callable[[str], None],
    ) -> Completion:
        """Return the text for a cursor.

        Args:
            request: Where and how.
            on_text: Gets all text so far that can be shown, whenever it has changed.
            cancelled: Asked between pieces; True ends the text where it is.
            on_prompt: Gets what is sent.

        Raises:
            PromptError: The file is private or ignored by git, or the model completes nothing.
            ServerError: The host cannot be reached, or refuses.
        """
        refuse_closed(request.path, request.root or request.repository, request.private_patterns)
        if not self._model.abilities.completes:
            name = self._model.source.address.model
            raise PromptError(f"{name} only answers; the server completes no text with it")
        prefix = request.prefix.replace("\r\n", "\n")
        suffix = request.suffix.replace("\r\n", "\n")
        cursor = self._cursor(request, prefix, suffix)
        path, fields = fill_request(
            self._model.abilities.fills, self._model.abilities.style, cursor
        )
        on_prompt(_shown(fields))
        rules = StopRules(Surroundings.of(prefix, suffix, request.path), request.multi_line)
        syntax = Syntax(prefix, suffix) if is_python(request.path) else None
        told = _Told(rules, syntax, on_text)
        written = self._model.source.stream(
            path, _limits(request, path) | fields, len(_shown(fields)), told, cancelled
        )
        return self._finished(written, told, syntax, request.multi_line, cancelled())

    def _finished(
        self,
        written: RemoteText,
        told: "_Told",
        syntax: Syntax | None,
        multi_line: bool,
        cancelled: bool,
    ) -> Completion:
        began = perf_counter()
        whole = written.ended == "stop" or told.ended is not None
        text = written.text if whole else without_unfinished_line(written.text)
        kept = trim(text, told.rules.around, multi_line=multi_line)
        kept = kept if syntax is None else _readable(kept, syntax, told.rules)
        trim_seconds = perf_counter() - began
        generation = self._model.prices.generation(
            written.prompt_tokens, written.cached_tokens, written.tokens, written.seconds
        )
        self._model.work.add(generation, self._model.prices)
        reason = told.ended or written.ended or "length"
        if text[len(kept) :].strip():
            reason = "trimmed"
        return Completion(
            text=kept,
            finish_reason="cancelled" if cancelled else reason,
            model=self._model.source.address.model,
            prompt_tokens=written.prompt_tokens,
            cached_tokens=written.cached_tokens,
            completion_tokens=written.tokens,
            host=written.host_stats(trim_seconds),
            wafer=self._model.prices.stats(generation),
            shown=bool(kept.strip()),
            held_back=why_less(text, kept, told.rules, syntax),
        )

    def _cursor(self, request: CompletionRequest, prefix: str, suffix: str) -> SentCursor:
        room = self._model.abilities.context_length * _ROOM_SHARE - request.max_tokens
        characters = max(int(room * self._model.source.characters_per_token), 64)
        chunks, name = _other_files(request)
        return SentCursor.cut(request.path, prefix, suffix, characters, chunks, name)


def _readable(text: str, syntax: Syntax, rules: StopRules) -> str:
    """Return what of a text Python can read at its place; nothing if not even its first line."""
    placed = in_place(text, syntax)
    line = trim(placed, rules.around, multi_line=False)
    return placed if syntax.reads(line) else ""


class _Told:
    """Hears a text grow, tells what of it can be shown, and says when it is enough."""

    def __init__(
        self, rules: StopRules, syntax: Syntax | None, on_text: Callable[[str], None]
    ) -> None:
        self.rules = rules
        self.ended: str | None = None
        self._syntax = syntax
        self._on_text = on_text
        self._shown = ""

    def __call__(self, text: str) -> bool:
        decision = self.rules.decide(text)
        self.ended = decision.ended
        shown = decision.shown
        placed = self._syntax is None or fits(shown, self._syntax)
        if placed and shown and shown != self._shown and self.ended is None:
            self._shown = shown
            self._on_text(shown)
        return self.ended is not None


def _limits(request: CompletionRequest, path: str) -> dict[str, object]:
    most = "n_predict" if path == "/infill" else "max_tokens"
    limits: dict[str, object] = {most: request.max_tokens, "temperature": request.temperature}
    if request.temperature:
        limits |= {"top_p": request.top_p, "seed": request.seed}
        limits |= {"top_k": request.top_k} if request.top_k else {}
    return limits


def _other_files(request: CompletionRequest) -> tuple[list[TextChunk], str]:
    """Return parts of other files that may be sent, and the repository's name."""
    if request.repository is None:
        patterns = request.private_patterns
        return [each for each in request.chunks if is_secret(each.path, patterns) is None], ""
    folder = Path(request.repository).resolve()
    found = OtherFiles(folder, request.private_patterns)
    outlines = found.outlines(request.path, request.prefix + request.suffix)
    return [TextChunk(each.path, each.text) for each in outlines], folder.name


def _shown(fields: dict[str, object]) -> str:
    """Return all that the model is sent, as one text."""
    before = fields.get("input_prefix", fields.get("prompt", ""))
    after = fields.get("input_suffix", fields.get("suffix", ""))
    extra = fields.get("input_extra")
    chunks = "".join(f"{each['filename']}\n{each['text']}\n" for each in extra or [])  # type: ignore[attr-defined]
    return f"{chunks}{before}⟨cursor⟩{after}" if after else f"{chunks}{before}"
