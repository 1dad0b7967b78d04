"""Several models in one engine process: shared, kept apart, closed, refused, and killed."""

import asyncio
import os
import signal
import sys
import threading
import weakref

import pytest

from engine import paths
from engine.client import SMALL_MODEL
from engine.client_events import EngineDown, ModelKilled
from engine.errors import EngineError
from engine.host_memory import SESSION_BYTES
from engine.model_store.bundled import bundled_models
from engine.protocol.messages import (
    Complete,
    Completed,
    EngineReady,
    OpenSession,
    PartialText,
    Progress,
    SessionFailed,
    Telemetry,
    Watch,
    Welcome,
)
from engine.protocol.what_if import WhatIfSetup
from engine.server.budget import Budget
from engine.server.model_files import model_files
from engine.server.sessions import Sessions
from engine.server.worker import Closing, Job, Opening, Worker
from tests.engine.server.faces import CANNED, face
from tests.tiny import write_tiny_model


def model_folder(folder, name, weight_bytes=1000):
    """A folder that looks like a model's as far as the process looks before it opens one."""
    (folder / name).mkdir()
    (folder / name / "config.json").write_text("{}")
    (folder / name / "model.safetensors").write_bytes(bytes(weight_bytes))
    return folder / name


@pytest.fixture
def big(tmp_path, monkeypatch):
    """A model beside the small one; each says its own name."""
    monkeypatch.setenv("CANNED_TEXT", "{model}")
    return str(model_folder(tmp_path, "big"))


async def ready(one, session, seconds=20):
    async with asyncio.timeout(seconds):
        while True:
            for event in one.events:
                if isinstance(event, EngineReady | SessionFailed) and event.session == session:
                    return event
            await asyncio.sleep(0.01)


# ── over the socket ─────────────────────────────────────────────────────────────────────────


async def test_one_process_serves_several_models(big):
    async with face() as one, face(model=big) as other:
        await ready(one, 1)
        second = one.client.open(big)
        assert (await ready(one, second)).model.name == "big"
        await ready(other, 1)
        assert (await one.until(Welcome)).pid == (await other.until(Welcome)).pid
        for session, text in ((1, "spark-nano"), (second, "big")):
            one.ask(10 + session, session=session)
            assert (await one.answer(10 + session)).text == text
        other.ask(1)  # the same session as the second one of the other client
        assert (await other.answer(1)).cached_tokens > 0


async def test_a_session_answers_while_another_opens(big, monkeypatch):
    async with face() as one:
        await ready(one, 1)
        # Only the engine that runs already read the environment: the steps are the model's.
        steps = [e for e in one.events if isinstance(e, Progress)]
        second = one.client.open(big)
        while not [e for e in one.events if isinstance(e, Progress) and e.session == second]:
            await asyncio.sleep(0.01)
        one.ask(1)
        assert (await one.answer(1)).text == "spark-nano"
        order = [e for e in one.events if isinstance(e, Completed | EngineReady)]
        assert [type(e) for e in order] == [EngineReady, Completed]
        assert len([e for e in one.events if isinstance(e, Progress)]) > len(steps)
        await ready(one, second)


@pytest.fixture(autouse=True)
def slow_start(request, monkeypatch):
    if "while_another_opens" in request.node.name:
        monkeypatch.setenv("CANNED_START_SECONDS", "1")
        monkeypatch.setenv("CANNED_START_STEPS", "20")


async def test_a_clock_is_one_clients_view(big):
    async with face(clock_ghz=2.0) as one:
        slow = await ready(one, 1)
        fast = await ready(one, one.client.open(None, WhatIfSetup("wse3", 4.0)))
        assert (slow.machine.clock_ghz, fast.machine.clock_ghz) == (2.0, 4.0)
        speeds = []
        for session in (1, 2):
            one.ask(session, session=session)
            wafer = (await one.answer(session)).wafer
            speeds.append(wafer.tokens_per_second * wafer.cycles_per_token / 1e9)
        assert speeds == pytest.approx([2.0, 4.0])
        assert (await one.answer(2)).cached_tokens > 0  # one session computes for both


async def test_numbers_are_those_of_one_session(big):
    async with face() as one:
        second = one.client.open(big)
        await ready(one, second)
        one.client.send(Watch(second, 20))
        await one.until(Telemetry)
        one.ask(1)
        one.ask(2, session=second)
        await one.answer(2)
        await asyncio.sleep(0.1)
        told = [event for event in one.events if isinstance(event, Telemetry)]
        assert {event.session for event in told} == {second}
        assert sum(t.throughput.decode_tokens for t in told) == len("big")


async def test_a_replaced_model_file_is_another_session(big, tmp_path):
    async with face(model=big) as one:
        await ready(one, 1)
        one.ask(1)
        await one.answer(1)
        (tmp_path / "big" / "model.safetensors").write_bytes(bytes(2000))
        again = one.client.open(big)
        await ready(one, again)
        one.ask(2, session=again)
        assert (await one.answer(2)).cached_tokens == 0
        one.ask(3)
        assert (await one.answer(3)).cached_tokens > 0  # the old one serves who still has it


async def test_a_model_that_cannot_fit_is_refused_and_the_other_goes_on(big):
    memory = str(model_files(None).need_bytes + SESSION_BYTES // 2)
    async with face((*CANNED, "--memory", memory)) as one:
        await ready(one, 1)
        refused = await ready(one, one.client.open(big))
        assert "big needs about 168 MB of memory" in refused.message
        assert "beside spark-nano" in refused.message
        one.ask(1)
        assert (await one.answer(1)).text == "spark-nano"


async def test_an_unused_session_is_closed_after_a_while(big):
    async with face((*CANNED, "--session-idle", "0.2")) as one:
        second = one.client.open(big)
        await ready(one, second)
        one.ask(1, session=second)
        await one.answer(1)
        one.client.close_session(second)
        await asyncio.sleep(0.6)
        third = one.client.open(big)
        await ready(one, third)
        one.ask(2, session=third)
        assert (await one.answer(2)).cached_tokens == 0


async def test_a_closed_session_takes_no_requests_and_loses_the_one_it_has(big, monkeypatch):
    monkeypatch.setenv("CANNED_STEP_SECONDS", "0.05")
    monkeypatch.setenv("CANNED_TEXT", "abcdefghij" * 20)
    async with face() as one:
        await ready(one, 1)
        one.ask(1, max_tokens=200)
        await one.until(PartialText)
        one.client.close_session(1)
        assert (await one.answer(1)).finish_reason == "cancelled"
        one.ask(2)
        assert "not open" in (await one.answer(2)).message


async def test_the_real_process_runs_two_models(tmp_path):
    models = [write_tiny_model(tmp_path / f"tiny{n}", context=192, seed=n) for n in (1, 2)]
    command = (sys.executable, "-m", "engine.server")
    async with face(command, model=str(models[0])) as one:
        first = await ready(one, 1, seconds=240)
        second = await ready(one, one.client.open(str(models[1])), seconds=240)
        assert [each.model.name for each in (first, second)] == ["tiny1", "tiny2"]
        texts = []
        for session in (1, 2, 1):
            one.ask(10 + len(texts), session=session, temperature=0.8, seed=1, max_tokens=8)
            texts.append((await one.answer(10 + len(texts))).text)
        assert texts[0] == texts[2] != texts[1]
        assert sum(each.tensors for each in first.model.types.values()) == 20
        assert sum(each.bytes for each in first.model.types.values()) == first.model.weight_bytes
        assert first.model.family == "llama"


# ── killed for memory ───────────────────────────────────────────────────────────────────────


async def test_a_model_that_kills_its_process_is_replaced_by_the_small_one(big, monkeypatch):
    monkeypatch.setenv("CANNED_KILLED", "big")
    async with face(model=big) as one:
        replaced = await one.until(ModelKilled)
        assert replaced.session == 1
        assert "SIGKILL" in replaced.reason
        assert replaced.instead == SMALL_MODEL
        assert "spark-nano serves instead" in replaced.reason
        assert (await ready(one, 1)).model.name == SMALL_MODEL
        assert len([e for e in one.events if isinstance(e, EngineDown)]) == 1


async def test_the_session_that_served_survives_what_was_being_opened(big, monkeypatch):
    monkeypatch.setenv("CANNED_KILLED", "big")
    async with face() as one, face() as other:
        await ready(one, 1)
        await ready(other, 1)
        second = one.client.open(big)
        assert "SIGKILL" in (await ready(one, second)).message
        killed = await one.until(ModelKilled)
        assert (killed.session, killed.model, killed.instead) == (second, big, None)
        for each in (one, other):
            await each.until(EngineReady, count=2)
        assert not [e for e in other.events if isinstance(e, ModelKilled)]


async def test_whoever_finds_the_process_killed_falls_back(big):
    async with face() as starter, face(model=big) as guest:
        await ready(starter, 1)
        await ready(guest, 1)
        os.kill((await guest.until(Welcome)).pid, signal.SIGKILL)
        assert (await guest.until(ModelKilled)).model == "big"
        assert (await guest.until(EngineReady, count=2)).model.name == SMALL_MODEL
        await starter.until(EngineReady, count=2)
        assert not [e for e in starter.events if isinstance(e, ModelKilled)]


async def test_a_process_that_ends_in_good_order_costs_no_model(big):
    async with face() as starter, face(model=big) as guest:
        await ready(starter, 1)
        await ready(guest, 1)
        os.kill((await guest.until(Welcome)).pid, signal.SIGTERM)
        assert (await guest.until(EngineReady, count=2)).model.name == "big"
        assert not [e for e in guest.events if isinstance(e, ModelKilled)]


def test_the_small_model_is_bundled():
    assert SMALL_MODEL in bundled_models()


# ── memory ──────────────────────────────────────────────────────────────────────────────────


class User:
    def __init__(self):
        self.heard = []

    def opening(self, progress):
        self.heard.append(progress)

    def opened(self, held):
        self.heard.append("open")

    def failed(self, message):
        self.heard.append(message)


class Tasks(list):
    """A worker that only keeps its tasks."""

    submit = list.append


@pytest.fixture
def table(tmp_path):
    """Sessions without threads, with room for two models and a half."""
    tasks = Tasks()
    budget = Budget(round(2.5 * model_files(str(model_folder(tmp_path, "a"))).need_bytes))
    for name in "bcd":
        model_folder(tmp_path, name)
    sessions = Sessions(
        tasks, lambda *_: None, lambda function: function, budget=budget, note=tmp_path / "note"
    )

    def use(name):
        user = User()
        held = sessions.open(OpenSession(1, str(tmp_path / name)), user)
        if tasks and isinstance(tasks[-1], Opening):
            tasks.pop().on_ready(name)
        return held, user

    return sessions, tasks, use


def test_a_session_opened_ahead_is_the_clients_when_it_asks(table, tmp_path):
    sessions, tasks, _ = table
    asked = OpenSession(1, str(tmp_path / "a"))
    sessions.open_ahead(asked)
    (opening,) = tasks
    user = User()

    sessions.open(asked, user)
    opening.on_ready("a")

    assert tasks == [opening]
    assert user.heard == ["open"]


def test_a_session_opened_ahead_gives_way_to_one_that_is_asked_for(table, tmp_path):
    sessions, tasks, _ = table
    sessions.open_ahead(OpenSession(1, str(tmp_path / "a")))

    sessions.open(OpenSession(1, str(tmp_path / "b")), User())

    assert [opening.wanted() for opening in tasks] == [False, True]


def test_what_cannot_be_opened_ahead_is_said_to_who_asks(table):
    sessions, tasks, _ = table
    asked, user = OpenSession(1, "/no/such/model"), User()
    sessions.open_ahead(asked)

    assert sessions.open(asked, user) is None
    assert tasks == []
    assert len(user.heard) == 1


def test_the_longest_unused_session_makes_room(table):
    sessions, tasks, use = table
    for name in ("a", "b"):
        sessions.leave(*use(name))
    sessions.leave(*use("a"))  # used again: b is now the older one
    _, user = use("c")
    assert user.heard == ["open"]
    assert [task.session for task in tasks if isinstance(task, Closing)] == ["b"]


def test_a_session_in_use_is_never_closed(table):
    _, tasks, use = table
    use("a"), use("b")
    held, user = use("c")
    assert held is None
    assert "c needs about" in user.heard[0]
    assert "beside a, b" in user.heard[0]
    assert tasks == []


def test_nothing_is_closed_for_what_cannot_fit_anyway(table, tmp_path):
    sessions, tasks, use = table
    use("a")
    sessions.leave(*use("b"))
    (tmp_path / "d" / "model.safetensors").write_bytes(bytes(2 * SESSION_BYTES))
    assert use("d")[0] is None
    assert tasks == []


def test_the_small_model_is_always_worth_a_try(table):
    sessions, _, use = table
    use("a"), use("b")
    user = User()
    assert sessions.open(OpenSession(1, SMALL_MODEL), user) is not None
    assert user.heard == []


def test_what_nobody_waits_for_gives_way_while_it_opens(table, tmp_path):
    sessions, tasks, use = table
    user = User()
    held = sessions.open(OpenSession(1, str(tmp_path / "a")), user)
    opening = tasks.pop()
    sessions.leave(held, user)
    assert opening.wanted()  # nothing else is to do
    use("b")
    assert not opening.wanted()
    opening.on_ready("a")  # it was between its last step and the end
    assert tasks == [Closing("a")]


def test_a_closed_session_is_gone_before_the_next_one_opens():
    class Heavy:
        def __init__(self):
            self.part = self  # as the parts of a real one name each other

        def close(self):
            pass

    heavy, seen, done = Heavy(), [], threading.Event()
    left = weakref.ref(heavy)
    worker = Worker(lambda: None, done.set)
    worker.submit(Closing(heavy))
    worker.submit(Opening(lambda report: seen.append(left()), bool, id, id, id))
    worker.stop()
    del heavy
    worker.start()
    assert done.wait(10)
    assert seen == [None]


def test_the_share_counts_what_sessions_hold_and_what_is_coming():
    budget = Budget(available=lambda: 1000)
    assert budget.room_bytes(0, 0) == 800
    assert budget.room_bytes(500, 0) == 700  # of 1500, less the 500
    assert budget.room_bytes(500, 100) == 600


def test_a_request_names_its_session():
    assert Complete(2, 1, None).session == 2


class Growing:
    """A session that grows until it is interrupted, and says what happened."""

    threshold = None

    def __init__(self):
        self.events, self.stop, self.began = [], threading.Event(), threading.Event()

    def complete(self, request, **options):
        self.events.append(("complete", options["quick"]))
        raise EngineError("no model here")

    def grow(self, cancelled):
        self.began.set()
        assert self.stop.wait(10)
        self.stop.clear()
        self.events.append(("grown", cancelled()))

    def interrupt(self):
        self.stop.set()


def test_a_session_grows_while_nothing_is_to_do_and_gives_way_to_a_request():
    session, done, answers = Growing(), threading.Event(), []
    worker = Worker(lambda: None, done.set)
    worker.start()
    for automatic in (True, False):
        session.began.clear()
        worker.submit(Job(session, Complete(1, 1, None, automatic), answers.append))
        assert session.began.wait(10)
    worker.stop()
    assert done.wait(10)
    assert session.events == [
        ("complete", True), ("grown", True), ("complete", False), ("grown", True)
    ]  # fmt: skip
    assert len(answers) == 2


def test_a_session_that_cannot_grow_still_serves():
    class Broken(Growing):
        def grow(self, cancelled):
            self.began.set()
            raise RuntimeError("broken")

    session, done, answers = Broken(), threading.Event(), []
    worker = Worker(lambda: None, done.set)
    worker.start()
    for _ in range(2):
        session.began.clear()
        worker.submit(Job(session, Complete(1, 1, None), answers.append))
        assert session.began.wait(10)
    worker.stop()
    assert done.wait(10)
    assert len(answers) == 2


def test_a_cancelled_job_interrupts_its_session():
    session = Growing()
    job = Job(session, Complete(1, 1, None), print)
    job.cancel()
    assert job.cancelled.is_set()
    assert session.stop.is_set()


def test_a_machine_whose_file_changes_is_another_one(tmp_path):
    described = tmp_path / "mine.toml"
    described.write_text('inherits = "wse3"\n', encoding="utf-8")
    first = paths.machine_identity(str(described))
    again = paths.machine_identity(str(described))
    described.write_text('inherits = "wse3"\nhop_cycles = 2\n', encoding="utf-8")

    assert first == again != paths.machine_identity(str(described))
    assert paths.machine_identity("wse3") == "wse3"
