"""The language of OpenAI: ``/v1/completions``, ``/v1/chat/completions`` and ``/v1/models``.

A completion with a ``suffix``, or with a prompt that some family's tokens for filling in the middle
are written into, is a cursor.  A conversation is answered greedily, whatever its temperature.
"""

import re
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from time import time
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.errors import PromptError
from engine.protocol.asking import AskRequest, AskTurn
from engine.protocol.completion import CompletionRequest
from engine.server.http.answers import caller_of, decoded, error_value, json_answer, status_of
from engine.server.http.file_names import guess_path
from engine.server.http.growing import Hold, growing, lines_before_last, without_stop_beginning
from engine.server.http.llama_api import Stops, event, seed_of, stop_strings, timings
from engine.server.http.service import Service
from engine.server.http.writing import TextLimits, Written
from engine.version import __version__

__all__ = ["OpenAiApi", "conversation", "split_marked"]

DEFAULT_TOKENS = 64
DEFAULT_CHAT_TOKENS = 768
FINGERPRINT = f"spark-tui-{__version__}"
"""What OpenAI calls the backend's configuration."""
DONE = b"data: [DONE]\n\n"

_MARKED = re.compile(
    r"<(?P<sign>\|?)(?P<kind>fim|code)(?P<joint>[_-])prefix(?P=sign)>(?P<prefix>.*)"
    r"<(?P=sign)(?P=kind)(?P=joint)suffix(?P=sign)>(?P<suffix>.*)"
    r"<(?P=sign)(?P=kind)(?P=joint)middle(?P=sign)>(?P<typed>.*)",
    re.DOTALL,
)

Temperature = Annotated[float, msgspec.Meta(ge=0, le=100)] | None
TokenCount = Annotated[int, msgspec.Meta(ge=-1)] | None
"""None, 0 or -1: as many as by default."""
Share = Annotated[float, msgspec.Meta(ge=0, le=1)] | None


class StreamOptions(msgspec.Struct):
    """What a stream ends with."""

    include_usage: bool = False


class _Wish(msgspec.Struct, kw_only=True):
    """The fields that both requests share."""

    model: str | None = None
    """Passed over: one model answers."""
    max_tokens: TokenCount = None
    temperature: Temperature = None
    """None: 0, the likeliest text."""
    top_p: Share = None
    n: int | None = None
    stop: Stops = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    seed: int | None = None
    user: str | None = None


class TextWish(_Wish, kw_only=True):
    """The body of ``/v1/completions``."""

    prompt: str | list[str]
    suffix: str | None = None
    echo: bool | None = None


class ContentPart(msgspec.Struct):
    """A part of a message; only text has a meaning here."""

    type: str
    text: str = ""


class ChatMessage(msgspec.Struct):
    """What one side said."""

    role: str
    content: str | list[ContentPart] | None = None

    @property
    def words(self) -> str:
        """Return its text.

        Raises:
            PromptError: It holds something else.
        """
        if not isinstance(self.content, list):
            return self.content or ""
        for part in self.content:
            if part.type != "text":
                raise PromptError(
                    f"a message holds a part of type {part.type!r}; only text is read"
                )
        return "".join(part.text for part in self.content)


class ChatWish(_Wish, kw_only=True):
    """The body of ``/v1/chat/completions``."""

    messages: list[ChatMessage]
    max_completion_tokens: TokenCount = None
    n_predict: int | None = None


class OpenAiApi:
    """Answers these requests.

    Args:
        service: What all languages share.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._began = int(time())

    def routes(self) -> list[Route]:
        """Return which path is answered by what."""
        return [
            Route("/v1/completions", self._completions, methods=["POST"]),
            Route("/v1/chat/completions", self._chat, methods=["POST"]),
            Route("/chat/completions", self._chat, methods=["POST"]),
            Route("/v1/models", self._models),
            Route("/models", self._models),
        ]

    async def _completions(self, request: Request) -> Response:
        asked = decoded(await request.body(), TextWish)
        _check_single(asked.n)
        prompt = _single(asked.prompt)
        prefix, suffix = split_marked(prompt) or (prompt, asked.suffix or "")
        cursor = CompletionRequest(
            guess_path(prefix, suffix, ()),
            prefix,
            suffix,
            max_tokens=self._service.tokens(asked.max_tokens or None, DEFAULT_TOKENS),
            temperature=asked.temperature or 0.0,
            top_p=asked.top_p or 1.0,
            seed=seed_of(asked.seed),
            private_patterns=self._service.private_patterns,
        )
        limits, caller = TextLimits(stop_strings(asked.stop)), caller_of(request, asked.user)
        form = _TextForm(prompt if asked.echo else "")

        def write(on_text: Callable[[str], None]) -> Coroutine[Any, Any, Written]:
            return self._service.writer.complete(cursor, limits, caller, on_text)

        return await self._answer(request, asked, form, write, lines_before_last)

    async def _chat(self, request: Request) -> Response:
        asked = decoded(await request.body(), ChatWish)
        _check_single(asked.n)
        tokens = asked.max_completion_tokens or asked.max_tokens or asked.n_predict
        question = conversation(
            asked.messages, self._service.tokens(tokens, DEFAULT_CHAT_TOKENS) or 1
        )
        limits, caller = TextLimits(stop_strings(asked.stop)), caller_of(request, asked.user)

        def write(on_text: Callable[[str], None]) -> Coroutine[Any, Any, Written]:
            return self._service.writer.answer(question, limits, caller, on_text)

        hold = without_stop_beginning(limits.stops)
        return await self._answer(request, asked, _ChatForm(), write, hold)

    async def _answer(
        self,
        request: Request,
        asked: _Wish,
        form: "_Form",
        write: Callable[[Callable[[str], None]], Coroutine[Any, Any, Written]],
        hold: Hold,
    ) -> Response:
        """Write a text and send it in a form, whole or piece by piece."""
        form.model = self._service.model().name
        if asked.stream:
            usage = asked.stream_options is not None and asked.stream_options.include_usage
            pieces = _events(write, hold, form, usage=usage)
            return self._service.stream(pieces, "text/event-stream", _error_event)
        written = await self._service.waited(request, write(lambda text: None))
        return json_answer(form.whole(written))

    async def _models(self, request: Request) -> Response:
        model = self._service.model()
        entry = {
            "id": model.name,
            "object": "model",
            "created": self._began,
            "owned_by": "spark-tui",
            "meta": {
                "n_vocab": model.vocabulary,
                "n_ctx_train": model.context_length,
                "n_embd": model.width,
                "n_params": model.parameters,
                "size": model.weight_bytes,
            },
        }
        return json_answer({"object": "list", "data": [entry]})


# ── what is asked ───────────────────────────────────────────────────────────────────────────


def split_marked(prompt: str) -> tuple[str, str] | None:
    """Return the texts before and after the cursor of a prompt that marks them; None: it does not.

    Clients write the tokens of Qwen, StarCoder, Granite, CodeGemma and GLM; stretches of other
    files in front of them are left out.
    """
    found = _MARKED.search(prompt)
    return None if found is None else (found["prefix"] + found["typed"], found["suffix"])


def conversation(messages: Sequence[ChatMessage], max_tokens: int) -> AskRequest:
    """Return the question that a conversation ends with, the turns before it and what it is told.

    Raises:
        PromptError: It does not end with what a person says, or has roles that nobody knows.
    """
    told = ""
    said: list[tuple[str, str]] = []
    for message in messages:
        words = message.words
        match message.role:
            case "system" | "developer":
                told = f"{told}\n\n{words}" if told else words
            case "user" | "assistant" as role if said and said[-1][0] == role:
                said[-1] = role, f"{said[-1][1]}\n\n{words}"
            case "user" | "assistant" as role:
                said.append((role, words))
            case other:
                raise PromptError(
                    f"a message has the role {other!r}; system, user and assistant are known"
                )
    if not said or said[-1][0] != "user":
        raise PromptError("the last message must be one of the user, to be answered")
    if said[0][0] == "assistant":
        said.insert(0, ("user", ""))
    earlier = [
        AskTurn(question, answer, asked=question)
        for (_, question), (_, answer) in zip(said[:-1:2], said[1:-1:2], strict=True)
    ]
    question = said[-1][1]
    return AskRequest(question, earlier=tuple(earlier), max_tokens=max_tokens, instructions=told)


def _check_single(count: int | None) -> None:
    if count is not None and count != 1:
        raise PromptError(f"n is {count}; one text is written for a request, ask again for others")


def _single(prompt: str | list[str]) -> str:
    if isinstance(prompt, str):
        return prompt
    if len(prompt) != 1:
        raise PromptError(f"{len(prompt)} prompts came at once; send one with each request")
    return prompt[0]


# ── how it is answered ──────────────────────────────────────────────────────────────────────


class _Form:
    """How an answer is written; one for each answer."""

    kind = ""
    id_begin = ""

    def __init__(self) -> None:
        self.model = ""
        self._id = f"{self.id_begin}-{secrets.token_hex(12)}"
        self._created = int(time())

    def choice(self, text: str, reason: str | None, *, piece: bool) -> dict[str, Any]:
        """Return a text as the one choice of an answer or of a piece."""
        raise NotImplementedError

    def around(self, choices: list[dict[str, Any]], *, piece: bool) -> dict[str, Any]:
        """Return choices with what identifies the answer."""
        return {
            "id": self._id,
            "object": f"{self.kind}.chunk" if piece and self.kind != "text_completion"
            else self.kind,
            "created": self._created,
            "model": self.model,
            "system_fingerprint": FINGERPRINT,
            "choices": choices,
        }  # fmt: skip

    def beginning(self) -> dict[str, Any] | None:
        """Return what a stream begins with; None: with the first piece."""
        return None

    def whole(self, written: Written) -> dict[str, Any]:
        """Return the whole answer."""
        choice = self.choice(written.text, _reason(written), piece=False)
        return {**self.around([choice], piece=False), "usage": _usage(written),
                "timings": timings(written)}  # fmt: skip


class _TextForm(_Form):
    """A ``text_completion``."""

    kind = "text_completion"
    id_begin = "cmpl"

    def __init__(self, echo: str) -> None:
        super().__init__()
        self._echo = echo

    def choice(self, text: str, reason: str | None, *, piece: bool) -> dict[str, Any]:
        text, self._echo = self._echo + text, ""  # only in front of the first
        return {"text": text, "index": 0, "logprobs": None, "finish_reason": reason}


class _ChatForm(_Form):
    """A ``chat.completion``."""

    kind = "chat.completion"
    id_begin = "chatcmpl"

    def choice(self, text: str, reason: str | None, *, piece: bool) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if piece:
            message = {"content": text} if reason is None else {}
        name = "delta" if piece else "message"
        return {"index": 0, name: message, "finish_reason": reason}

    def beginning(self) -> dict[str, Any]:
        """Return a piece that says whose words come."""
        delta = {"role": "assistant", "content": None}
        return self.around([{"index": 0, "delta": delta, "finish_reason": None}], piece=True)


def _reason(written: Written) -> str:
    return "length" if written.ended == "limit" else "stop"


def _usage(written: Written) -> dict[str, Any]:
    return {
        "prompt_tokens": written.prompt_tokens,
        "completion_tokens": written.tokens,
        "total_tokens": written.prompt_tokens + written.tokens,
        "prompt_tokens_details": {"cached_tokens": written.cached_tokens},
    }


async def _events(
    write: Callable[[Callable[[str], None]], Coroutine[Any, Any, Written]],
    hold: Hold,
    form: _Form,
    *,
    usage: bool,
) -> AsyncIterator[bytes]:
    """Yield the events of a stream: pieces, the reason of the end, perhaps the usage, the end."""
    beginning = form.beginning()
    async for piece in growing(write, hold):
        if beginning is not None:  # not before there is something: an error has a status of its own
            yield event(beginning)
            beginning = None
        if isinstance(piece, str):
            yield event(form.around([form.choice(piece, None, piece=True)], piece=True))
            continue
        last = form.choice("", _reason(piece), piece=True)
        yield event({**form.around([last], piece=True), "timings": timings(piece)})
        if usage:
            told = {"usage": _usage(piece), "timings": timings(piece)}
            yield event({**form.around([], piece=True), **told})
    yield DONE


def _error_event(error: Exception) -> bytes:
    return event({"error": error_value(*status_of(error))})
