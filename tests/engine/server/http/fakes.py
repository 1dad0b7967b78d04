"""A dispatcher that says what a test wants, and a client that calls an application directly."""

import asyncio
import json
from dataclasses import dataclass, field

from engine.protocol.asking import AskReply
from engine.protocol.completion import Completion, HostStats, WaferStats
from engine.protocol.messages import EngineReady, MachineInfo, ModelInfo
from engine.server.http.guard import Rules
from engine.server.http.web_app import web_app
from engine.server.replica import EngineNotReadyError
from engine.server.turns import Turns

HOST = HostStats(10.0, 20.0, 11.0, 100.0)
WAFER = WaferStats("wse3", 1.0, "abc", 2, 1000, 10.0, 1e8, 0.05, 100)
MODEL = ModelInfo("tiny", "/models/tiny", 10, 2, 8, 263, 512, "any", 10, True, True, "llama")
MACHINE = MachineInfo("wse3", 1.0, 2, 1, 49152, "abc", 2, [])


class FakeDispatcher:
    """Answers with ``text``, told in the pieces ``parts`` first; keeps what it was asked."""

    def __init__(self, text="return 1", parts=(), *, ready=True, reason="stop", step=None):
        self.text, self.parts, self.reason_of_end, self.step = text, parts, reason, step
        self.ready = EngineReady(MODEL, MACHINE, 2, "portable", 1.0) if ready else None
        self.progress = None
        self.reason = "" if ready else "the engine is starting"
        self.turns = Turns(4)
        self.asked = []
        self.callers = []
        self.ended = None
        self.error = None

    async def _told(self, request, caller, on_text):
        if self.ready is None:
            raise EngineNotReadyError(self.reason)
        if self.error is not None:
            raise self.error
        self.asked.append(request)
        self.callers.append(caller)
        try:
            for part in self.parts:
                await asyncio.sleep(0)
                if on_text(part):
                    return part, "cancelled"
            if self.step is not None:
                await self.step.wait()
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise
        return self.text, self.reason_of_end

    async def complete(self, request, caller, on_text=lambda text: False, *, automatic=False):
        text, reason = await self._told(request, caller, on_text)
        return Completion(text, reason, "tiny", 40, 30, 5, HOST, WAFER)

    async def ask(self, request, caller, on_text=lambda text: False):
        text, reason = await self._told(request, caller, on_text)
        return AskReply(text, reason, "", 0, (), (), "tiny", 40, 30, 5, HOST, WAFER)


@dataclass
class Reply:
    status: int = 0
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    pieces: list = field(default_factory=list)

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def events(self):
        """The values of server-sent events, ``[DONE]`` as it is."""
        said = [line[6:] for line in self.body.decode().split("\n\n") if line]
        return [one if one == "[DONE]" else json.loads(one) for one in said]


def app_of(dispatcher, rules=None, **options):
    return web_app(dispatcher, rules or Rules(), **options)


async def call(app, path, value=None, *, method=None, headers=(), gone=None, peer="127.0.0.1"):
    """Send one request; with ``gone``, an event, the client goes away when it is set."""
    body = value if isinstance(value, bytes) else b"" if value is None else json.dumps(value)
    body = body if isinstance(body, bytes) else body.encode()
    given = {"host": "127.0.0.1:8012", "content-length": str(len(body)), **dict(headers)}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http",
        "method": method or ("GET" if value is None else "POST"), "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(k.encode(), v.encode()) for k, v in given.items() if v is not None],
        "client": (peer, 50000), "server": ("127.0.0.1", 8012),
    }  # fmt: skip
    reply, sent = Reply(), False

    async def receive():
        nonlocal sent
        if not sent:
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}
        await (gone or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message):
        if message["type"] == "http.response.start":
            reply.status = message["status"]
            reply.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            reply.body += message.get("body", b"")
            reply.pieces.append(message.get("body", b""))

    async with asyncio.timeout(5):
        await app(scope, receive, send)
    return reply
