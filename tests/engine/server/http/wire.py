"""A server that listens, and requests over real sockets; for what only these can show."""

import asyncio
import json
from contextlib import asynccontextmanager

from engine.server.dispatcher import Dispatcher
from engine.server.http.listening import HttpOptions, run
from engine.server.replica import EngineReplica
from tests.engine.server.faces import CANNED, Face

CURSOR = {"input_prefix": "def f():\n", "prompt": "    ", "input_suffix": "\n", "filename": "a.py"}


@asynccontextmanager
async def served(port=0, **options):
    """Serve with the canned engine; the port."""
    listening = asyncio.get_running_loop().create_future()
    replica = EngineReplica(command=CANNED)
    dispatcher = Dispatcher(replica)
    ready = asyncio.Event()
    dispatcher.on_state = lambda: ready.set() if dispatcher.ready else None
    task = asyncio.create_task(
        run(dispatcher, HttpOptions(port=port, **options), listening.set_result)
    )
    async with asyncio.timeout(20):
        await asyncio.wait({task, listening}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        await ready.wait()
    Face.pids.add(replica.engine_pid)
    try:
        yield int(listening.result().rpartition(":")[2])
    finally:
        await dispatcher.close()
        async with asyncio.timeout(10):
            await task


def written(path, value, port, *, method="POST", headers=()):
    """One request as it goes over the wire."""
    body = b"" if value is None else json.dumps(value).encode()
    head = {"Host": f"127.0.0.1:{port}", "Content-Length": len(body), "Connection": "close"}
    lines = [f"{name}: {text}" for name, text in {**head, **dict(headers)}.items()]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode() + body


async def fetched(port, path, value=None, *, method=None, headers=()):
    """The status and the body of an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        method = method or ("GET" if value is None else "POST")
        writer.write(written(path, value, port, method=method, headers=headers))
        async with asyncio.timeout(20):
            answer = await reader.read()
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body
