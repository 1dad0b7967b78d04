"""The server over real sockets, with an engine process."""

import asyncio
import json
import os
import random
import signal
from pathlib import Path

import pytest

from engine.errors import ServerError
from engine.server.http.listening import HttpOptions
from tests.engine.server.faces import Face
from tests.engine.server.http.wire import CURSOR, fetched, served, written


def listening_addresses(port):
    """The addresses at which this computer listens on a port, as the kernel writes them."""
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        rows = [line.split() for line in Path(table).read_text().splitlines()[1:]]
        found += [row[1] for row in rows if row[3] == "0A"]
    return [address.split(":")[0] for address in found if int(address.split(":")[1], 16) == port]


async def test_it_answers_on_this_computer_alone_and_ends_in_good_order():
    async with served() as port:
        assert listening_addresses(port) == ["0100007F"]  # 127.0.0.1
        status, body = await fetched(port, "/infill", CURSOR)
        assert (status, json.loads(body)["content"]) == (200, "return 1")
        status, body = await fetched(port, "/v1/completions", {"prompt": "def f():\n    "})
        assert json.loads(body)["choices"][0]["text"] == "return 1"
        assert (await fetched(port, "/health", headers={"Host": "evil.example"}))[0] == 403
        assert (await fetched(port, "/infill", CURSOR, headers={"Origin": "http://evil"}))[0] == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "box.local"])
def test_other_computers_need_a_token(host):
    with pytest.raises(ServerError, match="token"):
        HttpOptions(host).checked()
    assert host in HttpOptions(host, token="t").checked().hosts


async def test_an_address_in_use_is_one_line():
    async with served() as port:
        with pytest.raises(ServerError, match=f"port {port}.*--port"):
            async with served(port):
                pass


async def test_clients_that_type_at_once_are_all_answered():
    async with served() as port:

        async def typing(client):
            for count in range(6):
                cursor = CURSOR | {"prompt": "    " + "x" * count, "user": str(client)}
                status, _ = await fetched(port, "/infill", cursor)
                assert status == 200

        await asyncio.gather(*map(typing, range(8)))
        _, page = await fetched(port, "/metrics")
        assert b"spark_tui_requests_total 48\n" in page


async def test_cut_connections_and_garbage_do_no_harm(monkeypatch):
    monkeypatch.setenv("CANNED_STEP_SECONDS", "0.002")
    dice = random.Random(1)
    async with served() as port:
        for _ in range(40):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            stream = dice.random() < 0.5
            sent = written("/infill", CURSOR | {"stream": stream}, port)
            kind = dice.randrange(4)
            if kind == 0:
                sent = bytes(dice.randrange(256) for _ in range(dice.randrange(300)))
            elif kind == 1:
                sent = sent[: dice.randrange(len(sent))]
            elif kind == 2:
                sent = sent.replace(b"input_prefix", dice.randbytes(12))
            writer.write(sent)
            await writer.drain()
            if dice.random() < 0.5:
                await asyncio.sleep(0.01 * dice.random())
            writer.transport.abort()
        status, body = await fetched(port, "/infill", CURSOR)
        assert (status, json.loads(body)["content"]) == (200, "return 1")
        _, slots = await fetched(port, "/slots")
        assert json.loads(slots)[0]["requests_waiting"] == 0


async def test_an_engine_that_dies_is_replaced():
    async with served() as port:
        (pid,) = Face.pids
        os.kill(pid, signal.SIGTERM)
        async with asyncio.timeout(20):
            while (await fetched(port, "/infill", CURSOR))[0] != 200:
                await asyncio.sleep(0.05)
