"""Several engines behind one dispatcher: who answers, and what becomes of a request whose dies."""

import asyncio
import os
import signal
from contextlib import asynccontextmanager

import msgspec
import pytest

from engine import Dispatcher, choose_replicas
from engine.errors import EngineError, PromptError, ServerError
from engine.protocol.completion import Completion, CompletionRequest
from engine.protocol.messages import EngineReady
from engine.server.ray_replica import HostedReplica, RayReplica, ReplicaSetup, cores_of_each
from engine.server.replica import EngineNotReadyError
from tests.engine.server.faces import CANNED, Face
from tests.engine.server.http.fakes import HOST, MACHINE, MODEL, WAFER


def cursor(prefix="def f():\n    "):
    return CompletionRequest("a.py", prefix, "\n")


class Desk:
    """A replica in this process: it keeps what it is asked, waits for leave, and may be lost."""

    def __init__(self):
        self.asked, self.leave, self.lost = [], asyncio.Event(), False
        self.on_state, self.ended = lambda: None, asyncio.Event()
        self.ready = self.progress = None
        self.reason = "starting"

    def open(self):
        self.ready, self.reason = EngineReady(MODEL, MACHINE, 2, "portable", 1.0), ""
        self.on_state()

    def fail(self, reason):
        self.ready, self.reason = None, reason
        self.on_state()
        self.ended.set()

    async def run(self):
        await self.ended.wait()
        raise ServerError(self.reason)

    async def answer(self, request, on_text, *, automatic=False):
        self.asked.append(request.prefix)
        on_text("ret")
        await self.leave.wait()
        if self.lost:
            raise EngineNotReadyError("gone")
        return Completion("return 1", "stop", "tiny", 40, 30, 5, HOST, WAFER)


async def settle():
    for _ in range(9):
        await asyncio.sleep(0)


async def test_as_many_are_served_at_once_as_answer_and_who_knows_a_text_gets_it():
    one, two = Desk(), Desk()
    dispatcher = Dispatcher(one, two)
    with pytest.raises(EngineNotReadyError, match="starting"):
        await dispatcher.complete(cursor(), "x")
    one.open()
    first, other = "import a\n" * 9, "class B:\n" * 9
    asked = [asyncio.create_task(dispatcher.complete(cursor(t), t)) for t in (first, other)]
    await settle()
    assert (one.asked, two.asked, dispatcher.turns.waiting) == ([first], [], 1)
    two.open()
    await settle()
    assert (one.asked, two.asked, dispatcher.turns.waiting) == ([first], [other], 0)
    one.leave.set()
    two.leave.set()
    await asyncio.gather(*asked)
    for text in (other + "x", other + "xy", first + "x"):
        await dispatcher.complete(cursor(text), "x")
    assert one.asked == [first, first + "x"]
    assert two.asked == [other, other + "x", other + "xy"]


async def test_a_replica_that_is_lost_loses_no_request():
    one, two = Desk(), Desk()
    dispatcher, heard = Dispatcher(one, two), []
    one.open()
    two.open()
    one.lost = True
    asking = asyncio.create_task(dispatcher.complete(cursor(), "x", heard.append))
    await settle()
    one.leave.set()
    two.leave.set()
    assert (await asking).text == "return 1"
    assert heard == ["ret", "ret"]
    two.lost = True
    with pytest.raises(EngineNotReadyError, match="gone"):
        await dispatcher.complete(cursor(), "x")
    assert dispatcher.turns.busy == 0


@asynccontextmanager
async def running(dispatcher):
    """Wait until all replicas answer."""
    task = asyncio.create_task(dispatcher.run())
    try:
        async with asyncio.timeout(60):
            while dispatcher.ready_count < len(dispatcher.replicas):
                assert not task.done(), task.result()
                await asyncio.sleep(0.01)
            yield
    finally:
        await dispatcher.close()
        await task


async def test_each_replica_is_a_process_of_its_own_and_a_killed_one_comes_again():
    dispatcher = Dispatcher(*choose_replicas(count=2, command=CANNED))
    async with running(dispatcher):
        one, two = dispatcher.replicas
        Face.pids |= {one.engine_pid, two.engine_pid}
        assert one.engine_pid != two.engine_pid
        os.kill(one.engine_pid, signal.SIGKILL)
        answers = await asyncio.gather(*(dispatcher.complete(cursor(), str(i)) for i in range(6)))
        assert {answer.text for answer in answers} == {"return 1"}
        while dispatcher.ready_count < 2:
            await asyncio.sleep(0.01)
        Face.pids.add(one.engine_pid)


async def test_where_some_cannot_be_the_others_serve_and_the_reason_is_told():
    one, two = Desk(), Desk()
    dispatcher = Dispatcher(one, two)
    task = asyncio.create_task(dispatcher.run())
    one.open()
    two.fail("no memory is left")
    await settle()
    assert not task.done()
    assert (dispatcher.ready_count, dispatcher.reason) == (1, "no memory is left")
    one.leave.set()
    assert (await dispatcher.complete(cursor(), "x")).text == "return 1"
    one.fail("gone")
    with pytest.raises(ServerError, match="gone"):
        await task


@pytest.mark.parametrize(
    ("nodes", "count", "cores"),
    [([8], 1, 8), ([8], 3, 2), ([4, 2], 2, 2), ([4, 2], 3, 2), ([1, 1], 2, 1)],
)
def test_replicas_share_the_cores_evenly(nodes, count, cores):
    assert cores_of_each(nodes, count) == cores


def test_a_cluster_with_too_few_cores_is_refused():
    with pytest.raises(EngineError, match="3 replicas take a core each; the cluster has 2"):
        cores_of_each([1, 1], 3)


async def told(answer):
    return [piece async for piece in answer]


async def test_an_actor_begins_once_what_nobody_wants_has_ended(monkeypatch):
    desk = Desk()
    monkeypatch.setattr(ReplicaSetup, "opened", lambda setup: desk)
    actor = HostedReplica(ReplicaSetup(None, "wse3", None, 60.0, 1, 1))
    first, second, third = (
        asyncio.create_task(told(actor.answer(number, cursor(f"{number}"), False)))
        for number in (1, 2, 3)
    )
    await settle()
    assert desk.asked == ["1"]
    await actor.give_up(1)
    await actor.give_up(3)
    assert (await first, await third) == (["ret"], [])
    await settle()
    assert desk.asked == ["1", "2"]
    desk.leave.set()
    text, answer = await second
    assert (text, answer.text) == ("ret", "return 1")
    desk.lost = True
    (_, error) = await told(actor.answer(4, cursor(), False))
    assert isinstance(error, EngineNotReadyError)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1:1", "no Ray cluster at 127.0.0.1:1: .*refused"),
        ("127.0.0.1:70000", "no Ray cluster at 127.0.0.1:70000"),
        ("ray://127.0.0.1:1", "run this on one, with HOST:PORT or auto"),
    ],
)
def test_where_no_cluster_is_it_is_said_at_once(address, why):
    with pytest.raises(EngineError, match=why):
        choose_replicas(ray_address=address)


async def test_actors_of_a_cluster_answer_and_a_killed_one_loses_no_request(cluster_address):
    from engine.ray_cluster import connected_ray

    ray = connected_ray(cluster_address)
    setups = [ReplicaSetup(None, "wse3", None, 60.0, number, 1, CANNED) for number in (1, 2)]
    dispatcher, heard = Dispatcher(*(RayReplica(ray, setup) for setup in setups)), []
    async with running(dispatcher):
        assert (await dispatcher.complete(cursor(), "x", heard.append)).text == "return 1"
        assert heard
        assert all("return 1".startswith(text) for text in heard)
        with pytest.raises(PromptError):
            await dispatcher.complete(msgspec.structs.replace(cursor(), max_tokens=100_000), "x")
        ray.kill(dispatcher.replicas[0]._actor, no_restart=False)
        answers = await asyncio.gather(*(dispatcher.complete(cursor(), str(i)) for i in range(6)))
        assert {answer.text for answer in answers} == {"return 1"}
        while dispatcher.ready_count < 2:
            await asyncio.sleep(0.05)
