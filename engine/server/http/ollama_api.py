"""The language of Ollama: ``POST /api/generate``, and what its clients ask before it.

With a ``suffix``, with ``raw``, or for a model that only completes, it is a cursor; else a question
to a model that holds conversations.  Durations are nanoseconds of host time, measured.
"""

from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime
from time import monotonic_ns
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.protocol.asking import AskRequest
from engine.protocol.completion import CompletionRequest
from engine.server.http.answers import caller_of, decoded, json_answer, status_of
from engine.server.http.file_names import guess_path
from engine.server.http.growing import growing, lines_before_last, without_stop_beginning
from engine.server.http.llama_api import Stops, seed_of, stop_strings
from engine.server.http.openai_api import split_marked
from engine.server.http.service import Service
from engine.server.http.writing import TextLimits, Written
from engine.version import __version__

__all__ = ["OllamaApi"]

DEFAULT_TOKENS = 128


class Options(msgspec.Struct):
    """How a text is written."""

    num_predict: int | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    """None: 0, the likeliest text."""
    top_k: int | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    seed: int | None = None
    stop: Stops = None


class Generate(msgspec.Struct):
    """The body of ``/api/generate``."""

    prompt: str = ""
    """Empty: the model is only made ready, as Ollama does."""
    model: str | None = None
    """Passed over: one model answers."""
    suffix: str | None = None
    system: str | None = None
    raw: bool | None = None
    stream: bool | None = None
    """None: true, as with Ollama."""
    options: Options | None = None


_Write = Callable[[Callable[[str], None]], Coroutine[Any, Any, Written]]


class OllamaApi:
    """Answers these requests.

    Args:
        service: What all languages share.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """Return which path is answered by what."""
        return [
            Route("/api/generate", self._generate, methods=["POST"]),
            Route("/api/tags", self._tags),
            Route("/api/version", self._version),
        ]

    async def _generate(self, request: Request) -> Response:
        began = monotonic_ns()
        asked = decoded(await request.body(), Generate)
        options = asked.options or Options()
        model = self._service.model()
        if not asked.prompt and not asked.suffix:
            return json_answer(_piece(model.name, "", done=True, done_reason="load"))
        limits, caller = TextLimits(stop_strings(options.stop)), caller_of(request)
        tokens = self._service.tokens(options.num_predict, DEFAULT_TOKENS) or 1
        completes = asked.suffix is not None or asked.raw or not model.follows_instructions
        cursor = self._cursor(asked, options, tokens)
        question = AskRequest(asked.prompt, max_tokens=tokens, instructions=asked.system or "")
        writer = self._service.writer

        def write(on_text: Callable[[str], None]) -> Coroutine[Any, Any, Written]:
            if completes:
                return writer.complete(cursor, limits, caller, on_text)
            return writer.answer(question, limits, caller, on_text)

        if asked.stream is not False:
            hold = lines_before_last if completes else without_stop_beginning(limits.stops)
            pieces = _lines(growing(write, hold), model.name, began)
            return self._service.stream(pieces, "application/x-ndjson", _error_line)
        written = await self._service.waited(request, write(lambda text: None))
        return json_answer(_end(written, written.text, began))

    def _cursor(self, asked: Generate, options: Options, tokens: int) -> CompletionRequest:
        prefix, suffix = split_marked(asked.prompt) or (asked.prompt, asked.suffix or "")
        return CompletionRequest(
            guess_path(prefix, suffix, ()),
            prefix,
            suffix,
            max_tokens=tokens,
            temperature=options.temperature or 0.0,
            top_k=max(0, options.top_k or 0),
            top_p=options.top_p or 1.0,
            seed=seed_of(options.seed),
            private_patterns=self._service.private_patterns,
        )

    async def _tags(self, request: Request) -> Response:
        model = self._service.model()
        details = {"family": model.family, "parameter_size": f"{model.parameters / 1e9:.1f}B"}
        entry = {"name": model.name, "model": model.name, "size": model.weight_bytes,
                 "details": details}  # fmt: skip
        return json_answer({"models": [entry]})

    async def _version(self, request: Request) -> Response:
        return json_answer({"version": __version__})


async def _lines(
    pieces: AsyncIterator[str | Written], model: str, began: int
) -> AsyncIterator[bytes]:
    """Yield the lines of a stream."""
    async for piece in pieces:
        if isinstance(piece, str):
            yield _line(_piece(model, piece, done=False))
        else:
            yield _line(_end(piece, "", began))


def _piece(model: str, text: str, *, done: bool, **more: Any) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return {"model": model, "created_at": now, "response": text, "done": done, **more}


def _end(written: Written, text: str, began: int) -> dict[str, Any]:
    return _piece(
        written.model,
        text,
        done=True,
        done_reason="length" if written.ended == "limit" else "stop",
        total_duration=monotonic_ns() - began,
        load_duration=0,
        prompt_eval_count=written.prompt_tokens,
        prompt_eval_duration=int(written.host.prefill_ms * 1e6),
        eval_count=written.tokens,
        eval_duration=int(written.host.decode_ms * 1e6),
    )


def _line(value: Any) -> bytes:
    return msgspec.json.encode(value) + b"\n"


def _error_line(error: Exception) -> bytes:
    return _line({"error": status_of(error)[1]})
