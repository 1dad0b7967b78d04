"""Gets a text from the engine for any of the three languages: its limits, its cuts, its counts.

Knows no JSON and no HTTP.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Literal

from engine.protocol.asking import AskReply, AskRequest
from engine.protocol.completion import Completion, CompletionRequest, HostStats, WaferStats
from engine.server.dispatcher import Dispatcher
from engine.server.http.cuts import Cut, cut
from engine.server.http.metrics import Metrics

__all__ = ["TextLimits", "TextWriter", "Written"]

Ended = Literal["eos", "limit", "word", "cancelled"]


@dataclass(frozen=True, slots=True)
class TextLimits:
    """Where a client wants its text to end."""

    stops: tuple[str, ...] = ()
    indent: int = 0
    """As in `cuts.cut`."""
    predict_ms: float | None = None
    """Host time from the first text on, after which the line that is begun is the last; None: any.
    As in llama.cpp a text of one line has no limit of time."""


@dataclass(frozen=True, slots=True)
class Written:
    """A text and what it took."""

    text: str
    ended: Ended
    """Why: the model's end, a limit, a stop string, or the client's going away."""
    word: str
    """The stop string."""
    model: str
    prompt_tokens: int
    cached_tokens: int
    tokens: int
    host: HostStats
    wafer: WaferStats | None


class _Hearing:
    """Hears a text grow, and says when it is enough."""

    def __init__(self, limits: TextLimits, on_text: Callable[[str], None]) -> None:
        self._limits = limits
        self._on_text = on_text
        self._began: float | None = None
        self.out_of_time = False

    def cut(self, text: str) -> Cut:
        return cut(text, self._limits.stops, self._limits.indent)

    def __call__(self, text: str) -> bool:
        now = monotonic()
        self._began = self._began or now
        kept = self.cut(text)
        if kept.text:
            self._on_text(kept.text)
        most = self._limits.predict_ms
        late = most is not None and (now - self._began) * 1e3 > most
        self.out_of_time = late and "\n" in text.strip("\n")
        return kept.ended or self.out_of_time


class TextWriter:
    """Writes texts with the engine.

    Args:
        dispatcher: The way to it.
        metrics: Counts what was written.
    """

    def __init__(self, dispatcher: Dispatcher, metrics: Metrics) -> None:
        self.dispatcher = dispatcher
        self._metrics = metrics

    async def complete(
        self,
        request: CompletionRequest,
        limits: TextLimits,
        caller: str,
        on_text: Callable[[str], None] = lambda text: None,
    ) -> Written:
        """Return the text for a cursor.

        Args:
            request: The cursor.
            limits: Where the text shall end.
            caller: Who asks.
            on_text: Gets all of the text so far; a later one may take back what an earlier said.

        Raises:
            EngineError: As of `Dispatcher.complete`.
        """
        hearing = _Hearing(limits, on_text)
        answer = await self.dispatcher.complete(request, caller, hearing)
        return self._written(answer, answer.text, hearing)

    async def answer(
        self,
        request: AskRequest,
        limits: TextLimits,
        caller: str,
        on_text: Callable[[str], None] = lambda text: None,
    ) -> Written:
        """Return the answer in a conversation; all else is as for `complete`."""
        hearing = _Hearing(limits, on_text)
        reply = await self.dispatcher.ask(request, caller, hearing)
        return self._written(reply, reply.text, hearing)

    def _written(self, answer: Completion | AskReply, text: str, hearing: _Hearing) -> Written:
        kept = hearing.cut(text)
        if hearing.out_of_time:
            kept = Cut(_whole_lines(kept.text), ended=True)
        self._metrics.count(answer)
        return Written(
            text=kept.text,
            ended=_ended(answer.finish_reason, kept),
            word=kept.word,
            model=answer.model,
            prompt_tokens=answer.prompt_tokens,
            cached_tokens=answer.cached_tokens,
            tokens=answer.completion_tokens,
            host=answer.host,
            wafer=answer.wafer,
        )


def _ended(reason: str, kept: Cut) -> Ended:
    if kept.word:
        return "word"
    if kept.ended or reason in ("length", "cancelled"):
        return "limit"
    return "eos"


def _whole_lines(text: str) -> str:
    """Return a text without its last line where that may be unfinished."""
    return text.rpartition("\n")[0] or text
