"""The client and the engine process together, over real sockets and with real signals."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from engine import client as client_module
from engine import engine_process, launch_ahead, paths
from engine.client_events import EngineDown, EngineStarting
from engine.protocol.completion import CompletionRequest
from engine.protocol.framing import read_body
from engine.protocol.messages import (
    MAX_FRAME_BYTES,
    Cancel,
    Complete,
    Completed,
    EngineReady,
    OpenSession,
    PartialText,
    Progress,
    SessionFailed,
    Shutdown,
    Telemetry,
    Unwatch,
    Watch,
    WatchedCores,
    Welcome,
    decode_server,
    encode,
)
from engine.version import PROTOCOL_VERSION
from tests.engine.server.faces import CANNED, Face, face, wait_until_gone
from tests.tiny import write_tiny_model

# ── starting ────────────────────────────────────────────────────────────────────────────────


async def test_an_engine_is_launched_and_answers(monkeypatch):
    monkeypatch.setenv("CANNED_START_SECONDS", "0.2")
    async with face() as first:
        assert not first.ask(1)
        ready = await first.until(EngineReady)
        assert first.kinds() == [EngineStarting, Welcome, Progress, EngineReady]
        assert ready.model.name == "spark-nano"
        assert ready.start_ms > 0
        assert first.client.connected
        assert first.ask(1)
        answer = await first.answer(1)
        assert (answer.text, answer.finish_reason) == ("return 1", "stop")
        assert (await first.until(PartialText)).text == "r"
        assert "def f():" in (await first.until(Completed)).prompt

        async with face() as second:  # a second face attaches to the same process
            await second.until(EngineReady)
            assert second.kinds() == [Welcome, EngineReady]
            assert (await second.until(Welcome)).pid == (await first.until(Welcome)).pid
            second.ask(1)
            assert (await second.answer(1)).cached_tokens > 0


async def test_two_faces_that_start_at_once_share_one_engine():
    async with face() as first, face() as second:
        pids = {(await each.until(Welcome)).pid for each in (first, second)}
        assert len(pids) == 1
        started = [e for e in first.events + second.events if isinstance(e, EngineStarting)]
        assert len(started) == 1


async def test_a_process_launched_ahead_is_the_one_that_its_client_takes_over(monkeypatch):
    monkeypatch.setattr(engine_process, "SERVER_COMMAND", CANNED)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    ahead = launch_ahead("spark-nano", "wse3")
    assert launch_ahead("spark-nano", "wse3") is None  # another one is being launched
    async with face(ahead=ahead) as one:
        assert (await one.until(EngineReady)).model.name == "spark-nano"
        assert (await one.until(Welcome)).pid == ahead.process.pid
        assert one.kinds()[0] is EngineStarting
        assert launch_ahead("spark-nano", "wse3") is None  # one serves already


async def test_a_process_launched_ahead_that_ends_is_replaced(monkeypatch):
    monkeypatch.setattr(engine_process, "SERVER_COMMAND", (sys.executable, "-c", "exit('no')"))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(client_module, "BACK_OFF_SECONDS", (0.0,))
    async with face(ahead=launch_ahead(None, "wse3")) as one:
        await one.until(EngineReady)
        assert [e.reason for e in one.events if isinstance(e, EngineDown)] == ["no"]


def test_one_processor_is_left_to_the_program(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.setattr(engine_process, "start", None)  # would be called in vain
    assert launch_ahead(None, "wse3") is None


async def test_requests_before_the_engine_is_ready_are_refused(monkeypatch):
    monkeypatch.setenv("CANNED_START_SECONDS", "0.3")
    async with face() as one:
        await one.until(Progress)
        one.ask(7)
        assert "starting" in (await one.answer(7)).message
        await one.until(EngineReady)


async def test_a_model_that_cannot_be_loaded_is_said_once(monkeypatch):
    monkeypatch.setenv("CANNED_START_SECONDS", "0.2")
    monkeypatch.setenv("CANNED_ERROR", "config.json is missing")
    async with face() as one:
        failed = await one.until(SessionFailed)
        assert failed == SessionFailed(1, "config.json is missing")
        assert one.kinds() == [EngineStarting, Welcome, Progress, SessionFailed]
        assert one.ask(1)
        assert "session 1 is not open" in (await one.answer(1)).message


@pytest.mark.parametrize("name", ["n\udcff", "n\ufdd0"], ids=["no UTF-8", "the sign"])
async def test_a_folder_of_any_name_is_opened_or_refused_in_words(tmp_path, name):
    """The real engine: nothing hangs, and the process ends when its client has left."""
    folder = tmp_path / name
    write_tiny_model(folder)
    (folder / "config.json").write_text('{"model_type": "llama", "hidden_act": "\\ud800"}')
    command = (sys.executable, "-m", "engine.server", "--idle", "0.5")
    async with face(command, model=str(folder)) as one:
        failed = await one.until(SessionFailed)
        assert failed.message.startswith(f"{folder}/config.json: ")
    wait_until_gone(Face.pids)


async def test_a_process_that_cannot_start_is_given_up(monkeypatch):
    monkeypatch.setattr(client_module, "BACK_OFF_SECONDS", (0.0, 0.0))
    async with face((sys.executable, "-c", "raise SystemExit('no such thing')")) as one:
        await one.task
        downs = [event for event in one.events if isinstance(event, EngineDown)]
        assert [down.retrying for down in downs] == [True, True, False]
        assert downs[-1].reason == "no such thing"


async def test_a_command_that_does_not_exist_is_given_up(monkeypatch):
    monkeypatch.setattr(client_module, "BACK_OFF_SECONDS", ())
    async with face(("/no/such/program",)) as one:
        await one.task
        assert "/no/such/program" in one.events[-1].reason


async def test_a_socket_left_by_a_dead_process_is_no_obstacle():
    path = paths.socket_path()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert path.exists()
    async with face() as one:
        await one.until(EngineReady)


async def test_another_protocol_is_refused_with_one_clear_line():
    async def serve(reader, writer):
        writer.write(encode(Welcome(PROTOCOL_VERSION + 1, 123, "9.9")))
        writer.close()  # from Python 3.12 on, the server waits for it

    server = await asyncio.start_unix_server(serve, paths.socket_path())
    async with server:
        one = Face()
        await one.client.run()
    assert [type(event) for event in one.events] == [EngineDown]
    assert not one.events[0].retrying
    assert f"protocol {PROTOCOL_VERSION + 1}" in one.events[0].reason


async def test_nonsense_from_a_server_ends_the_connection(monkeypatch):
    monkeypatch.setattr(client_module, "BACK_OFF_SECONDS", ())

    async def serve(reader, writer):
        writer.write(encode(Welcome(PROTOCOL_VERSION, 123, "1")) + b"\0\0\0\x02\xc1\xc1")
        writer.close()

    server = await asyncio.start_unix_server(serve, paths.socket_path())
    async with server:
        one = Face()
        await one.client.run()
    assert [type(event) for event in one.events] == [Welcome, EngineDown]
    assert "no message" in one.events[1].reason


# ── dying ───────────────────────────────────────────────────────────────────────────────────


async def test_a_killed_engine_comes_back(monkeypatch):
    monkeypatch.setenv("CANNED_TEXT", "a" * 100)
    monkeypatch.setenv("CANNED_STEP_SECONDS", "0.05")
    async with face() as one:
        await one.until(EngineReady)
        one.ask(1)
        await one.until(PartialText)
        os.kill((await one.until(Welcome)).pid, signal.SIGKILL)
        down = await one.until(EngineDown)
        assert down.retrying
        assert "SIGKILL" in down.reason
        await one.until(EngineReady, count=2)
        assert "SIGKILL" in (await one.until(EngineStarting, count=2)).reason
        one.ask(2, max_tokens=2)
        assert (await one.answer(2)).text == "aa"
        assert not [e for e in one.events if isinstance(e, Completed) and e.request_id == 1]


async def test_an_engine_that_dies_at_every_start_is_given_up(monkeypatch):
    monkeypatch.setattr(client_module, "BACK_OFF_SECONDS", (0.0,))
    monkeypatch.setenv("CANNED_START_SECONDS", "60")
    async with face() as one:
        for count in (1, 2):
            os.kill((await one.until(Welcome, count)).pid, signal.SIGKILL)
        await one.task
        assert not one.events[-1].retrying


async def test_an_engine_that_nobody_needs_ends():
    async with face((*CANNED[:-1], "0.2")) as one:
        await one.until(EngineReady)
        pid = (await one.until(Welcome)).pid
    wait_until_gone([pid])
    assert not paths.socket_path().exists()


async def test_an_engine_can_be_told_to_end():
    async with face() as one:
        await one.until(EngineReady)
        one.ask(1)
        one.client.send(Shutdown())
        await one.until(EngineDown)
        assert (await one.answer(1)).finish_reason == "stop"


# ── requests ────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def slow_face(monkeypatch):
    """A face whose engine needs 10 s for a request."""
    monkeypatch.setenv("CANNED_TEXT", "abcdefghij" * 20)
    monkeypatch.setenv("CANNED_STEP_SECONDS", "0.05")
    async with face() as one:
        await one.until(EngineReady)
        yield one


async def test_a_newer_request_cancels_the_older(monkeypatch):
    async with slow_face(monkeypatch) as one:
        one.ask(1, max_tokens=200)
        await one.until(PartialText)
        one.ask(2, max_tokens=2)
        assert (await one.answer(1)).finish_reason == "cancelled"
        assert (await one.answer(2)).text == "ab"


async def test_a_request_is_cancelled_by_its_number(monkeypatch):
    async with slow_face(monkeypatch) as one:
        one.ask(5, max_tokens=200)
        await one.until(PartialText)
        one.client.send(Cancel(4))
        await one.until(PartialText, count=3)
        one.client.send(Cancel(5))
        assert (await one.answer(5)).finish_reason == "cancelled"


async def test_what_a_face_asked_for_ends_with_the_face(monkeypatch):
    async with slow_face(monkeypatch) as one, face() as other:
        await other.until(EngineReady)
        other.ask(1, max_tokens=200)
        await other.until(PartialText)
        await other.client.close()
        async with asyncio.timeout(2):
            one.ask(1, max_tokens=2)
            assert (await one.answer(1)).text == "ab"


async def test_a_request_that_cannot_be_served_says_why():
    async with face() as one:
        await one.until(EngineReady)
        one.ask(1, path="deploy/.env")
        assert "private" in (await one.answer(1)).message
        one.ask(2, temperature=-1.0)
        assert "temperature" in (await one.answer(2)).message
        one.ask(3)
        assert (await one.answer(3)).text == "return 1"


CORES = WatchedCores(0, 0, 20, 10, 4, 2)


async def test_telemetry_comes_while_something_happens_and_only_when_asked(monkeypatch):
    monkeypatch.setenv("CANNED_STEP_SECONDS", "0.02")
    async with face() as one:
        await one.until(EngineReady)
        one.client.send(Watch(1, interval_ms=30, cores=CORES))
        first = await one.until(Telemetry)
        assert (first.sequence, first.position, first.cell_states) == (0, 0, b"")
        one.ask(1)
        completed = await one.answer(1)
        await asyncio.sleep(0.5)
        told = [event for event in one.events if isinstance(event, Telemetry)]
        assert [message.sequence for message in told] == list(range(len(told)))
        assert sum(m.throughput.prefill_tokens for m in told) == completed.prompt_tokens
        assert sum(m.throughput.decode_tokens for m in told) == completed.completion_tokens
        assert len(told[1].cell_states) == 48 * CORES.columns * CORES.rows
        assert {message.cores for message in told} == {CORES}
        assert told[-1].total_cycles > 0
        assert not told[-1].busy
        one.client.send(Unwatch(1))
        one.ask(2)
        await one.answer(2)
        await asyncio.sleep(0.1)
        assert len([e for e in one.events if isinstance(e, Telemetry)]) == len(told)


async def test_who_looks_at_other_cells_is_shown_the_last_interval_in_these(monkeypatch):
    async with face() as one:
        await one.until(EngineReady)
        one.client.send(Watch(1, 20, CORES))
        await one.until(Telemetry)
        one.ask(1)
        await one.answer(1)
        await one.until(Telemetry, 2)
        other = replace(CORES, columns=5)
        one.client.send(Watch(1, 20, other))
        async with asyncio.timeout(20):
            while not (told := [e for e in one.events if getattr(e, "cores", None) == other]):
                await asyncio.sleep(0.01)
        first = told[0]
        assert (first.sequence, first.elapsed_cycles) == (0, 0)
        assert len(first.cell_states) == 48 * 5 * 2
        assert any(first.cell_states)
        assert first.throughput.decode_tokens == 0


@pytest.mark.parametrize(
    "change",
    [{"width": 0}, {"x": -1}, {"y": 2**63}, {"columns": 2**40}, {"columns": 5000, "rows": 5000}],
)
async def test_cells_that_cannot_be_are_none(change):
    async with face() as one:
        await one.until(EngineReady)
        one.client.send(Watch(1, 20, replace(CORES, **change)))
        one.ask(1)
        await one.answer(1)
        told = await one.until(Telemetry)
        assert told.cell_states == b""
        assert told.states_by_region


# ── frames ──────────────────────────────────────────────────────────────────────────────────


async def raw_connection():
    path = paths.socket_path()
    reader, writer = await asyncio.open_unix_connection(path)
    assert isinstance(decode_server(await read_body(reader)), Welcome)
    return reader, writer


async def test_nonsense_from_a_client_ends_only_its_own_connection():
    async with face() as one:
        await one.until(EngineReady)
        huge = (MAX_FRAME_BYTES + 1).to_bytes(4, "big")
        foreign = msgspec.msgpack.encode({"type": "Nonsense"})
        for nonsense in (huge, b"\0\0\0\x01\xc1", len(foreign).to_bytes(4, "big") + foreign):
            reader, writer = await raw_connection()
            writer.write(nonsense)
            async with asyncio.timeout(5):
                await reader.read()  # until it is closed
            writer.close()
        one.ask(1)
        assert (await one.answer(1)).text == "return 1"


async def test_a_frame_may_come_in_pieces_and_may_never_end():
    async with face() as one:
        await one.until(EngineReady)
        reader, writer = await raw_connection()
        writer.write(encode(OpenSession(1)))
        while not isinstance(decode_server(await read_body(reader)), EngineReady):
            pass
        frame = encode(Complete(1, 9, CompletionRequest("a.py", "x", "y")))
        for byte in frame:
            writer.write(bytes([byte]))
            await writer.drain()
        async with asyncio.timeout(5):
            while not isinstance(answer := decode_server(await read_body(reader)), Completed):
                pass
        assert answer.request_id == 9
        writer.write(frame[:10])
        writer.close()
        one.ask(1)
        assert (await one.answer(1)).text == "return 1"


# ── the real thing ──────────────────────────────────────────────────────────────────────────


async def test_the_real_engine_process_serves_a_tiny_model(tmp_path):
    folder = write_tiny_model(tmp_path / "tiny", context=192)
    command = (sys.executable, "-m", "engine.server")
    async with face(command, model=str(folder), clock_ghz=1.1) as one:
        ready = await one.until(EngineReady, seconds=240)
        assert one.kinds() == [EngineStarting, Welcome, Progress, EngineReady]
        assert (ready.model.name, ready.machine.clock_ghz) == ("tiny", 1.1)
        niceness = int(
            Path(f"/proc/{(await one.until(Welcome)).pid}/stat")
            .read_text()
            .split(")")[1]
            .split()[16]
        )
        assert niceness == min(19, os.nice(0) + 5)
        one.client.send(Watch(1, 20))
        one.ask(1, temperature=0.8, seed=1)
        answer = await one.answer(1)
        assert answer.wafer.cycles_per_token > 0
        assert answer.prompt_tokens > 0
    assert "generated" in paths.log_file().read_text()


async def test_a_model_that_is_not_there_is_said(tmp_path):
    command = (sys.executable, "-m", "engine.server")
    async with face(command, model=str(tmp_path / "nothing")) as one:
        assert "nothing" in (await one.until(SessionFailed)).message


@pytest.mark.parametrize(
    "module", ["engine.client", "engine.server.__main__", "engine.repository.privacy"]
)
def test_heavy_modules_are_not_imported(module):
    program = f"import {module}, sys; print([m for m in ('numpy', 'numba') if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


async def test_closing_ends_a_launch_that_waits(monkeypatch):
    monkeypatch.setattr(client_module, "LAUNCH_SECONDS", 60.0)
    one = Face((sys.executable, "-c", "import time; time.sleep(60)"))
    task = asyncio.create_task(one.client.run())
    await one.until(EngineStarting)
    await one.client.close()
    async with asyncio.timeout(2):
        await task
    one.client._process.kill()


async def test_an_engine_whose_socket_is_removed_makes_room():
    async with face() as one:
        first = await one.until(Welcome)
        paths.socket_path().unlink()
        second = await one.until(Welcome, count=2)
        assert second.pid != first.pid
