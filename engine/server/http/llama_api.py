"""The language of llama.cpp's server, as llama.vim and llama.vscode speak it.

``POST /infill`` and ``/completion``, ``GET /health``, ``/props`` and ``/slots``.  What a field
means is in that server's README; where ours does something else, the field says so here.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.protocol.completion import CompletionRequest, HostStats, TextChunk
from engine.server.http.answers import (
    caller_of,
    decoded,
    error_value,
    json_answer,
    refusal,
    status_of,
)
from engine.server.http.file_names import guess_path
from engine.server.http.growing import growing, lines_before_last
from engine.server.http.service import Service
from engine.server.http.writing import TextLimits, Written
from engine.version import __version__

__all__ = ["Extra", "Infill", "LlamaApi", "stop_strings"]

DEFAULT_TOKENS = 64
"""Where ``n_predict`` is missing or negative."""

OTHERS_TEMPERATURE = 0.8
"""Of texts beside the likeliest one, where no temperature is named.

Source: llama.cpp's server, its ``temperature`` by default.
"""

Milliseconds = Annotated[float, msgspec.Meta(ge=0)]
Stops = str | list[str] | None


class Extra(msgspec.Struct):
    """A stretch of another file."""

    text: str
    filename: str = ""


class _Sampling(msgspec.Struct, kw_only=True):
    """The fields that both requests share."""

    n_predict: int | None = None
    """0: only read the prompt, so that the next answer comes sooner."""
    stop: Stops = None
    n_indent: Annotated[int, msgspec.Meta(ge=0)] | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    """None: 0, the likeliest text, also where ``top_k`` and ``top_p`` are given."""
    top_k: int | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    seed: int | None = None
    t_max_predict_ms: Milliseconds | None = None
    t_max_prompt_ms: Milliseconds | None = None
    """Read and not acted on, as in llama.cpp: a half-read prompt gives no text."""
    n_cmpl: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Texts to write: the likeliest first, and others beside it, as many as there are engines."""
    stream: bool | None = None
    response_fields: list[str] | None = None
    user: str | None = None


class Infill(_Sampling, kw_only=True):
    """The body of ``/infill``."""

    input_prefix: str
    input_suffix: str
    input_extra: list[Extra] | None = None
    prompt: str | None = None
    """What stands on the cursor's line before it."""
    filename: str | None = None
    """Ours: the file's path in its repository; without it the language is guessed."""


class PlainCompletion(_Sampling, kw_only=True):
    """The body of ``/completion``."""

    prompt: str


class LlamaApi:
    """Answers these requests.

    Args:
        service: What all languages share.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """Return which path is answered by what."""
        return [
            Route("/infill", self._infill, methods=["POST"]),
            Route("/completion", self._completion, methods=["POST"]),
            Route("/completions", self._completion, methods=["POST"]),
            Route("/health", self._health),
            Route("/v1/health", self._health),
            Route("/props", self._props),
            Route("/slots", self._slots),
        ]

    # ── texts ───────────────────────────────────────────────────────────────────────────────

    async def _infill(self, request: Request) -> Response:
        asked = decoded(await request.body(), Infill)
        chunks = tuple(TextChunk(e.filename, e.text) for e in reversed(asked.input_extra or []))
        prefix = asked.input_prefix + (asked.prompt or "")
        path = asked.filename or guess_path(prefix, asked.input_suffix, chunks[::-1])
        return await self._write(request, asked, path, prefix, asked.input_suffix, chunks)

    async def _completion(self, request: Request) -> Response:
        asked = decoded(await request.body(), PlainCompletion)
        path = guess_path(asked.prompt, "", ())
        return await self._write(request, asked, path, asked.prompt, "", ())

    async def _write(
        self,
        request: Request,
        asked: _Sampling,
        path: str,
        prefix: str,
        suffix: str,
        chunks: tuple[TextChunk, ...],
    ) -> Response:
        tokens = self._service.tokens(asked.n_predict, DEFAULT_TOKENS)
        cursor = CompletionRequest(
            path,
            prefix,
            suffix,
            max_tokens=max(1, tokens),
            temperature=asked.temperature or 0.0,
            top_k=max(0, asked.top_k or 0),
            top_p=asked.top_p or 1.0,
            seed=seed_of(asked.seed),
            private_patterns=self._service.private_patterns,
            chunks=chunks,
        )
        limits = TextLimits(stop_strings(asked.stop), asked.n_indent or 0, asked.t_max_predict_ms)
        caller = caller_of(request, asked.user)
        settings = _settings(asked, cursor, limits, tokens)
        settings["n_ctx"] = self._service.model().context_length  # a plugin shows it

        def write(on_text: Callable[[str], None]) -> Coroutine[Any, Any, Written]:
            return self._service.writer.complete(cursor, limits, caller, on_text)

        if asked.stream and tokens:
            pieces = _events(write, settings, asked.response_fields)
            return self._service.stream(pieces, "text/event-stream", _error_event)
        count = min(asked.n_cmpl or 1, self._service.writer.dispatcher.turns.at_once)
        cursors = _beside(cursor, count if tokens else 1)
        texts = [self._service.writer.complete(each, limits, caller) for each in cursors]
        answers = [
            _chosen(
                _answer(written, settings, index=index, only_read=tokens == 0),
                asked.response_fields,
            )
            for index, written in enumerate(await self._service.waited(request, _all_of(texts)))
        ]
        return json_answer(answers if len(answers) > 1 else answers[0])

    # ── state ───────────────────────────────────────────────────────────────────────────────

    async def _health(self, request: Request) -> Response:
        dispatcher = self._service.writer.dispatcher
        if dispatcher.ready is None:
            step = dispatcher.progress
            said = f"Loading model: {step.label}" if step is not None else dispatcher.reason
            return refusal(503, said)
        return json_answer({"status": "ok"})

    async def _props(self, request: Request) -> Response:
        model = self._service.model()
        return json_answer(
            {
                "default_generation_settings": {
                    "id": 0,
                    "n_ctx": model.context_length,
                    "is_processing": self._service.writer.dispatcher.turns.busy > 0,
                    "params": {
                        "n_predict": DEFAULT_TOKENS,
                        "temperature": 0.0,
                        "top_k": 0,
                        "top_p": 1.0,
                        "seed": 0,
                    },
                },
                "total_slots": self._service.writer.dispatcher.turns.at_once,
                "model_alias": model.name,
                "model_path": model.folder,
                "chat_template": "",
                "build_info": f"spark-tui {__version__}",
                "fill_in_the_middle": model.fill_in_the_middle,
            }
        )

    async def _slots(self, request: Request) -> Response:
        model, turns = self._service.model(), self._service.writer.dispatcher.turns
        slots = [
            {"id": number, "n_ctx": model.context_length, "is_processing": number < turns.busy,
             "requests_waiting": turns.waiting}
            for number in range(turns.at_once)
        ]  # fmt: skip
        return json_answer(slots)


def _beside(cursor: CompletionRequest, count: int) -> list[CompletionRequest]:
    """Return requests for a text and others beside it, each by a seed of its own."""
    temperature = cursor.temperature or OTHERS_TEMPERATURE
    others = [
        msgspec.structs.replace(cursor, temperature=temperature, seed=cursor.seed + number)
        for number in range(1, count)
    ]
    return [cursor, *others]


async def _all_of(texts: Sequence[Coroutine[Any, Any, Written]]) -> list[Written]:
    """Return texts that are written beside each other; one that fails ends the others."""
    tasks = [asyncio.create_task(text) for text in texts]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def stop_strings(stop: Stops) -> tuple[str, ...]:
    """Return the strings that end a text."""
    words = [stop] if isinstance(stop, str) else stop or []
    return tuple(word for word in words if word)


def seed_of(asked: int | None) -> int:
    """Return the seed to use; a negative one stands for any, as in llama.cpp."""
    if asked is None:
        return 0
    return asked % (1 << 63) if asked >= 0 else secrets.randbelow(1 << 31)


def timings(written: Written) -> dict[str, float]:
    """Return llama.cpp's figures of time: host time, measured."""
    computed = written.prompt_tokens - written.cached_tokens
    host = written.host
    return {
        "cache_n": written.cached_tokens,
        **_rates("prompt", computed, host.prefill_ms),
        **_rates("predicted", written.tokens, host.decode_ms),
        **_guesses(host),
    }


def _rates(name: str, count: int, took_ms: float) -> dict[str, float]:
    return {
        f"{name}_n": count,
        f"{name}_ms": took_ms,
        f"{name}_per_token_ms": took_ms / count if count else 0.0,
        f"{name}_per_second": count / took_ms * 1e3 if took_ms else 0.0,
    }


def _guesses(host: HostStats) -> dict[str, float]:
    if not host.guessed_tokens:
        return {}
    return {"draft_n": host.guessed_tokens, "draft_n_accepted": host.accepted_tokens}


def _settings(
    asked: _Sampling, cursor: CompletionRequest, limits: TextLimits, tokens: int
) -> dict[str, Any]:
    """Return what was used for an answer."""
    return {
        "n_predict": tokens,
        "temperature": cursor.temperature,
        "top_k": cursor.top_k,
        "top_p": cursor.top_p,
        "seed": cursor.seed,
        "stop": list(limits.stops),
        "n_indent": limits.indent,
        "t_max_predict_ms": limits.predict_ms,
        "stream": bool(asked.stream),
        "filename": cursor.path,
    }


def _answer(
    written: Written,
    settings: dict[str, Any],
    *,
    index: int = 0,
    only_read: bool = False,
    text: str | None = None,
) -> dict[str, Any]:
    """Return the answer with all its fields."""
    content = "" if only_read else written.text if text is None else text
    return {
        "index": index,
        "content": content,
        "tokens": [],
        "id_slot": 0,
        "stop": True,
        "model": written.model,
        "tokens_predicted": 0 if only_read else written.tokens,
        "tokens_evaluated": written.prompt_tokens,
        "tokens_cached": written.cached_tokens,
        "generation_settings": settings,
        "has_new_line": "\n" in content,
        "truncated": False,
        "stop_type": "limit" if only_read else written.ended,
        "stopping_word": written.word,
        "timings": timings(written),
        "wafer": msgspec.to_builtins(written.wafer),
    }


def _chosen(answer: dict[str, Any], fields: list[str] | None) -> dict[str, Any]:
    """Return the fields that were asked for, under the paths that were asked for; none: all."""
    if not fields:
        return answer
    found: dict[str, Any] = {}
    for path in fields:
        value: Any = answer
        for part in path.split("/"):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            found[path] = value
    return found


async def _events(
    write: Callable[[Callable[[str], None]], Coroutine[Any, Any, Written]],
    settings: dict[str, Any],
    fields: list[str] | None,
) -> AsyncIterator[bytes]:
    """Yield the events of a stream: pieces of the text, then the figures."""
    async for piece in growing(write, lines_before_last):
        if isinstance(piece, Written):
            yield event(_chosen(_answer(piece, settings, text=""), fields))
        else:
            yield event({"index": 0, "content": piece, "tokens": [], "stop": False, "id_slot": 0})


def event(value: Any) -> bytes:
    """Return one server-sent event."""
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


def _error_event(error: Exception) -> bytes:
    return event({"error": error_value(*status_of(error))})
