"""`spark-tui serve` as a process of its own, and who stands between it and a plugin and listens."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["ENDED_SECONDS", "Recorder", "Server", "recorded", "served", "write_record"]

ROOT = Path(__file__).resolve().parents[2]
ENDED_SECONDS = 120.0
"""The server ends a request after so long, where nothing else is asked."""
SPARE_SECONDS = 60.0
"""An answer that is not there so long after that never comes."""


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    port: int
    pid: int
    ended_seconds: float = ENDED_SECONDS
    """After so long it ends a request with the text so far."""

    @property
    def longest_seconds(self) -> float:
        """How long an answer is waited for."""
        return self.ended_seconds + SPARE_SECONDS

    def resident_mb(self) -> float:
        """Return the resident memory of the server's process, the engine's not included."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * 4096 / 1e6

    async def fetched(self, path: str, value: Any = None) -> tuple[int, Any]:
        """Return the status and the value of an answer.

        Raises:
            TimeoutError: There is none, so that a server that hangs ends the trial.
        """
        async with asyncio.timeout(self.longest_seconds):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(self.written(path, value))
            answer = await reader.read()
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body) if body.startswith((b"{", b"[")) else body

    def written(self, path: str, value: Any) -> bytes:
        """Return a request as it goes over the wire."""
        body = b"" if value is None else json.dumps(value).encode()
        method = "GET" if value is None else "POST"
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@asynccontextmanager
async def served(
    model: str | None, ended_seconds: float = ENDED_SECONDS, engines: int = 1
) -> AsyncIterator[Server]:
    """Start a server and wait for its model, in all of its engines."""
    command = [sys.executable, "-m", "tui", "serve", "--port", "0"]
    command += ["--timeout", f"{ended_seconds:g}", "--replicas", str(engines)]
    command += ["--model", model] if model else []
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    said = (await process.stdout.readline()).decode()
    server = Server(int(said.rpartition(":")[2]), process.pid, ended_seconds)
    try:
        while (await server.fetched("/health"))[0] != 200:
            await asyncio.sleep(0.5)
        while len((await server.fetched("/slots"))[1]) < engines:
            await asyncio.sleep(0.5)
        yield server
    finally:
        process.terminate()
        async with asyncio.timeout(server.longest_seconds):
            await process.wait()


@dataclass
class Recorder:
    """Passes requests on to the server and keeps what was sent and answered."""

    server: Server
    port: int = 0
    """Where the plugin asks."""
    seen: list[dict[str, Any]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            fields = dict(
                line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line
            )
            body = await reader.readexactly(int(fields.get(b"content-length", b"0")))
            entry = {"path": head.split()[1].decode(), "request": json.loads(body)}
            self.seen.append(entry)
            kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connect")]
            upstream, down = await asyncio.open_connection("127.0.0.1", self.server.port)
            down.write(b"\r\n".join([*kept[:-2], b"Connection: close", b"", b""]) + body)
            answer = await upstream.read()
            down.close()
            entry["answer"] = answer.partition(b"\r\n\r\n")[2].decode()
            writer.write(answer)
            await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def recorded(model: str | None, engines: int = 1) -> AsyncIterator[Recorder]:
    """Start a server that answers, and a recorder before it."""
    async with served(model, engines=engines) as server:
        recorder = Recorder(server)
        proxy = await asyncio.start_server(recorder.serve, "127.0.0.1", 0)
        recorder.port = proxy.sockets[0].getsockname()[1]
        try:
            yield recorder
        finally:
            proxy.close()


def write_record(file: Path, seen: Sequence[dict[str, Any]]) -> None:
    """Write what a plugin sent: of each kind of request the last."""
    kinds: dict[str, dict[str, Any]] = {}
    for entry in seen:
        request = entry["request"]
        kind = "read ahead" if request.get("n_predict") == 0 else entry["path"].rpartition("/")[2]
        kinds[kind] = {"what": kind, "path": entry["path"], "request": request}
    file.write_text(json.dumps(list(kinds.values()), indent=1) + "\n")
