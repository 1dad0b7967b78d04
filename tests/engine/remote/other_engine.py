"""A small server that behaves like another engine: what it takes and what it says is set."""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from engine.remote_host import RemoteAccess, remote_address

MODEL = "Qwen/Qwen2.5-Coder-0.5B-Instruct"
AGREED = RemoteAccess(agreed=True)


@dataclass
class OtherEngine:
    """What the server is like, and what it was asked."""

    suffix: bool = False
    markers: bool = False
    infill: bool = False
    completes: bool = True
    chats: bool = True
    usage: bool = True
    key: str = ""
    pieces: list = field(default_factory=lambda: ["return", " width", " * height", "\n"])
    error: object = None
    """An event in place of the text."""
    wait: threading.Event | None = None
    """Held before the second piece, until it is set or the client is gone."""
    asked: list = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def model(self):
        return f"openai:http://127.0.0.1:{self.port}/v1#{MODEL}"

    @property
    def address(self):
        return remote_address(self.model)

    @property
    def texts(self):
        """The requests that were for a text, not those that found out what it can do."""
        return [body for _, body in self.asked if body and body.get("stream")]

    def count(self, body):
        """Tokens of a prompt, as this engine would count them."""
        text = body.get("prompt") or "".join(turn["content"] for turn in body.get("messages", ()))
        if self.markers:
            for mark in ("prefix", "suffix", "middle"):
                text = text.replace(f"<|fim_{mark}|>", "#")
            text = text.replace("<|file_sep|>", "#")
        if self.suffix:
            text += body.get("suffix", "")
        return max(len(text) // 3, 1)

    def answers(self, path):
        known = {
            "/v1/completions": self.completes,
            "/v1/chat/completions": self.chats,
            "/infill": self.infill,
        }
        return known.get(path, False)


def _handler(engine):
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *words):
            pass

        def say(self, status, value):
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def refused(self):
            if engine.key and self.headers.get("Authorization") != f"Bearer {engine.key}":
                self.say(401, {"error": {"message": "wrong key"}})
                return True
            return False

        def do_GET(self):
            engine.asked.append((self.path, None))
            if not self.refused():
                self.say(200, {"data": [{"id": MODEL, "max_model_len": 2048}]})

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            engine.asked.append((self.path, body))
            if self.refused():
                return
            if not engine.answers(self.path):
                self.say(404, {"error": {"message": "not found"}})
            elif body.get("stream"):
                self.stream(body)
            else:
                usage = {"prompt_tokens": engine.count(body), "completion_tokens": 1}
                choice = {"text": "1", "message": {"content": "1"}, "finish_reason": "length"}
                answer = {"choices": [choice]} | ({"usage": usage} if engine.usage else {})
                self.say(200, answer)

        def stream(self, body):
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            try:
                for event in self.events(body):
                    said = event if isinstance(event, str) else json.dumps(event)
                    self.wfile.write(f"data: {said}\n\n".encode())
                    self.wfile.flush()
            except OSError:
                engine.gone.set()

        def events(self, body):
            if engine.error is not None:
                yield engine.error
            for number, piece in enumerate(engine.pieces):
                if number and engine.wait is not None:
                    while not engine.wait.wait(0.01):
                        yield {"choices": []}
                chat = {"delta": {"content": piece}}
                yield {"choices": [chat if "messages" in body else {"text": piece}]}
            yield {"choices": [{"text": "", "finish_reason": "stop"}]}
            if engine.usage:
                count = {"prompt_tokens": engine.count(body), "completion_tokens": 7}
                yield {"choices": [], "usage": count}
            yield "[DONE]"

    return Handler


@contextmanager
def running(**facts):
    """Run such a server."""
    engine = OtherEngine(**facts)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(engine))
    server.daemon_threads = True
    engine.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield engine
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
