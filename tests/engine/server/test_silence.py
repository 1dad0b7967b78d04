"""An engine process that is stopped or hangs: noticed in time, said in one line, and replaced."""

import asyncio
import os
import signal
import sys
from contextlib import aclosing, contextmanager

import pytest

from engine import Dispatcher, EngineReplica, look_at_engine, process_ending, silence, watching
from engine.client_events import EngineDown, EngineSilent, EngineStarting, ModelKilled
from engine.errors import ServerError
from engine.process_ending import peer_process
from engine.protocol.completion import CompletionRequest
from engine.protocol.messages import (
    EngineReady,
    Failed,
    Ping,
    Progress,
    Telemetry,
    Watch,
    Welcome,
)
from engine.server import stuck_work
from engine.server.hub import Engine, Hub
from engine.server.replica import EngineNotReadyError
from engine.server.stuck_work import stuck_job
from engine.server.worker import Job
from engine.silence import SilenceWatch
from engine.watching import watch_engine
from tests.engine.server.faces import CANNED, alive, face

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel who is there")


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Questions come fast, but a loaded machine is no silence; `impatient` says when one is."""
    monkeypatch.setattr(silence, "PING_SECONDS", 0.05)
    monkeypatch.setattr(silence, "SILENT_SECONDS", 60.0)
    monkeypatch.setattr(silence, "LOST_SECONDS", 600.0)


@pytest.fixture
def big(tmp_path):
    """A model that a client could blame."""
    folder = tmp_path / "big"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(bytes(1000))
    return str(folder)


@contextmanager
def impatient(silent=0.3, lost=600.0):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(silence, "SILENT_SECONDS", silent)
        patch.setattr(silence, "LOST_SECONDS", lost)
        patch.setattr(watching, "LOOK_SECONDS", silent)
        yield


@contextmanager
def stopped(pid):
    """A process that does not run, for as long as this."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        if alive(pid):
            os.kill(pid, signal.SIGCONT)


async def served(one):
    """Wait until an engine serves a face; return its process."""
    pid = (await one.until(Welcome)).pid
    await one.until(EngineReady)
    return pid


# ── the app's client ────────────────────────────────────────────────────────────────────────


async def test_a_stopped_engine_is_noticed_gets_no_request_and_goes_on():
    async with face() as one:
        with stopped(await served(one)):
            with impatient():
                assert "no answer" in (await one.until(EngineSilent)).reason
            assert one.client.silent
            assert one.client.connected
            assert not one.ask(1)
            assert one.client.send(Watch(1, 20))  # it will read that once it can
        again = await one.until(EngineReady, count=2)
        assert again == await one.until(EngineReady)  # told again: all can go on
        assert isinstance(await one.until(Telemetry), Telemetry)
        assert one.ask(2)
        assert (await one.answer(2)).text == "return 1"
        assert not [event for event in one.events if isinstance(event, EngineDown)]


@on_linux
async def test_an_engine_that_stays_stopped_is_ended_and_a_fresh_one_serves(big):
    async with face(model=big) as one:
        pid = await served(one)
        with stopped(pid):
            with impatient(lost=0.5):
                down = await one.until(EngineDown)
            assert down.reason.startswith(f"the engine process {pid} was silent for")
            ready = await one.until(EngineReady, count=2)
        assert not alive(pid)
        assert ready.model.name == "big"  # it is not to blame
        assert not [event for event in one.events if isinstance(event, ModelKilled)]
        assert one.ask(1)
        assert (await one.answer(1)).text == "return 1"


@on_linux
async def test_no_window_blames_the_model_of_an_engine_that_another_one_ended(big, monkeypatch):
    """Also while it is being opened, of which there is a note."""
    monkeypatch.setenv("CANNED_START_SECONDS", "1.0")
    async with face(model=big) as one, face(model=big) as two:
        pid = (await one.until(Welcome)).pid
        await two.until(Welcome)
        await one.until(Progress)
        with stopped(pid):
            with impatient(lost=0.5):
                await one.until(EngineDown)
                await two.until(EngineDown)
            for each in (one, two):
                assert (await each.until(EngineReady)).model.name == "big"
                assert not [event for event in each.events if isinstance(event, ModelKilled)]


@on_linux
async def test_an_engine_that_is_stopped_before_it_welcomes_is_ended_too():
    async with face() as one:
        pid = await served(one)
        with stopped(pid):
            async with face() as two:
                with impatient(lost=0.5):
                    await two.until(EngineDown)
                assert (await two.until(Welcome)).pid != pid
                await two.until(EngineReady)


async def test_an_engine_that_nobody_may_end_is_given_up_with_one_line(monkeypatch):
    monkeypatch.setattr("engine.client.peer_process", lambda writer: None)
    async with face() as one:
        pid = await served(one)
        with stopped(pid):
            with impatient(lost=0.5):
                down = await one.until(EngineDown)
            assert not down.retrying
            assert down.reason == (
                "the engine process does not answer, and cannot be ended from here"
            )
            assert alive(pid)


async def test_a_face_can_leave_a_stopped_engine_that_has_much_to_read():
    async with face() as one:
        with stopped(await served(one)):
            one.ask(1, path="x" * 5_000_000)
            async with asyncio.timeout(5):
                await one.client.close()
                await one.task


@on_linux
async def test_who_is_at_the_other_end_is_this_users(monkeypatch):
    async with face() as one:
        pid = await served(one)
        assert peer_process(one.client._writer) == pid
        monkeypatch.setattr(process_ending.os, "geteuid", lambda: 4242)
        assert peer_process(one.client._writer) is None


# ── other programs ──────────────────────────────────────────────────────────────────────────


async def test_requests_of_other_programs_end_at_once_and_go_on_later():
    replica = EngineReplica(command=CANNED)
    dispatcher = Dispatcher(replica)
    running = asyncio.create_task(dispatcher.run())
    request = CompletionRequest("a.py", "def f():\n    ", "\n")
    async with asyncio.timeout(20):
        while dispatcher.ready is None:
            await asyncio.sleep(0.01)
        with stopped(replica.engine_pid), impatient():
            for _ in range(2):  # one that waits for the answer, one that comes later
                with pytest.raises(EngineNotReadyError, match="the engine is silent: no answer"):
                    await dispatcher.complete(request, "somebody")
        while dispatcher.ready is None:
            await asyncio.sleep(0.01)
        assert (await dispatcher.complete(request, "somebody")).text == "return 1"
        await dispatcher.close()
        await running


async def test_whoever_watches_a_stopped_engine_hears_it():
    async with face() as one:
        pid = await served(one)
        async with aclosing(watch_engine(20)) as watched, asyncio.timeout(20):
            await anext(watched)
            await anext(watched)
            with (
                stopped(pid),
                impatient(),
                pytest.raises(ServerError, match=f"{pid} has not answered for"),
            ):
                await anext(watched)
        with stopped(pid), impatient(), pytest.raises(ServerError, match="has not answered for"):
            await anext(watch_engine(20))


async def test_a_look_tells_whether_the_engine_answers():
    assert await look_at_engine() is None
    async with face() as one:
        pid = await served(one)
        assert await look_at_engine() == watching.EngineLook(pid, None)
        with stopped(pid), impatient():
            look = await look_at_engine()
            assert look is not None
            assert look.problem is not None
            assert "the engine process" in look.problem
            assert "\n" not in look.problem


# ── what counts as silence ──────────────────────────────────────────────────────────────────


async def listened(answers, turns):
    """Return what a watch told, turn by turn; ``answers`` has the turns in which one came."""
    told = []
    turn = 0

    def ask():
        nonlocal turn
        turn += 1
        if turn in answers:
            watch.heard()

    watch = SilenceWatch(
        ask,
        lambda: told.append((turn, "silent")),
        lambda: told.append((turn, "back")),
        lambda: told.append((turn, "lost")),
    )
    running = asyncio.create_task(watch.run())
    while turn < turns:
        await asyncio.sleep(0)
    running.cancel()
    return told


@pytest.fixture
def no_time(monkeypatch):
    """Ten questions until silence and twenty until loss, whatever the machine does."""
    monkeypatch.setattr(silence, "PING_SECONDS", 0.0001)
    monkeypatch.setattr(silence, "SILENT_SECONDS", 0.001)
    monkeypatch.setattr(silence, "LOST_SECONDS", 0.002)


@pytest.mark.usefixtures("no_time")
@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (range(100), []),
        (range(0, 100, 9), []),
        ([], [(10, "silent"), (20, "lost")]),
        ([1, 2, 3], [(13, "silent"), (23, "lost")]),
        ([15, 16], [(10, "silent"), (15, "back"), (26, "silent"), (36, "lost")]),
    ],
)
async def test_questions_without_an_answer_are_counted(answers, told):
    assert await listened(set(answers), 40) == told


async def test_a_client_that_was_itself_stopped_blames_nobody(monkeypatch):
    """Its clock goes on meanwhile: here it jumps by an hour between two turns."""
    monkeypatch.setattr(silence, "SILENT_SECONDS", 5.0)
    loop = asyncio.get_running_loop()
    clock, hours = loop.time, [0.0]
    monkeypatch.setattr(loop, "time", lambda: clock() + hours[0])
    async with face() as one:
        await one.until(EngineReady)
        hours[0] += 3600.0
        for _ in range(5):
            await asyncio.sleep(0.05)
        assert not one.client.silent
        assert one.client.connected
        assert EngineSilent not in one.kinds()
        assert EngineStarting not in one.kinds()[1:]


# ── the thread that computes ────────────────────────────────────────────────────────────────


class HangingSession:
    """Computes for ever, whatever anyone says."""

    def interrupt(self):
        pass


@pytest.fixture
def few_looks(monkeypatch):
    monkeypatch.setattr(stuck_work, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(stuck_work, "MOST_LOOKS", 20)


@pytest.mark.usefixtures("few_looks")
async def test_a_request_that_goes_on_after_its_end_is_found():
    job = Job(HangingSession(), Ping(), lambda message: None)
    watch = asyncio.create_task(stuck_job(lambda: job))
    await asyncio.sleep(0.1)
    assert not watch.done()  # it may compute for as long as somebody wants it
    job.cancel()
    async with asyncio.timeout(10):
        assert await watch is job


@pytest.mark.usefixtures("few_looks")
async def test_requests_that_are_ended_one_after_another_are_no_hang():
    def next_job():
        job = Job(HangingSession(), Ping(), lambda message: None)
        job.cancel()
        return job

    jobs = [next_job() for _ in range(3)]
    asked = iter([jobs[k // 15 % 3] for k in range(60)] + [None] * 1000)
    watch = asyncio.create_task(stuck_job(lambda: next(asked)))
    await asyncio.sleep(0.2)
    assert not watch.done()
    watch.cancel()


@pytest.mark.usefixtures("few_looks")
async def test_a_hub_whose_worker_hangs_says_so_and_ends(monkeypatch):
    from engine import paths
    from tests.canned import canned_session

    hub = Hub(paths.socket_path(), Engine(lambda *arguments: canned_session("x")))
    heard = []
    job = Job(HangingSession(), type("Asked", (), {"request_id": 7})(), heard.append)
    monkeypatch.setattr(hub._worker, "serving", lambda: job)
    job.cancel()
    async with asyncio.timeout(10):
        await hub.run()
    hub._worker.stop()
    assert heard == [Failed(7, "the engine hung on this request; a fresh one starts")]
