"""Replicas on a Ray cluster: actors that each keep an engine process of their own on some computer.

What such an actor does is `EngineReplica`'s; here its answers go over the cluster.  A task that
dies with its actor is lost: Ray starts the actor anew, and `engine.server.dispatcher` asks again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from itertools import count as counted
from typing import Any

from engine.engine_process import SERVER_COMMAND
from engine.errors import EngineError, ServerError
from engine.host_cores import worthwhile_cores
from engine.protocol.asking import AskReply
from engine.protocol.completion import Completion
from engine.protocol.messages import EngineReady, Progress
from engine.ray_cluster import connected_ray, node_cores
from engine.server.replica import EngineNotReadyError, EngineReplica, OnText, TextRequest

__all__ = ["HostedReplica", "RayReplica", "ReplicaSetup", "cores_of_each", "ray_replicas"]

log = logging.getLogger(__name__)

MOST_CALLS = 16
"""Calls of an actor at once: its states, a request, and those that are just ending."""
AGAIN_SECONDS = 1.0
"""Pause before the states of an actor that died are asked for again."""

State = tuple[EngineReady | None, Progress | None, str]


@dataclass(frozen=True, slots=True)
class ReplicaSetup:
    """What an actor needs to keep its engine; without a word of its own as of `EngineReplica`."""

    model: str | None
    """As it is known on the actor's computer."""
    machine: str
    clock_ghz: float | None
    longest_seconds: float
    number: int
    cores: int
    """Of the actor's computer, which are the actor's."""
    command: tuple[str, ...] = SERVER_COMMAND

    def opened(self) -> EngineReplica:
        """Return the engine; it is not started yet."""
        threads = min(self.cores, worthwhile_cores())
        return EngineReplica(
            self.model,
            self.machine,
            self.clock_ghz,
            command=(*self.command, "--threads", str(threads)),
            longest_seconds=self.longest_seconds,
            number=self.number,
        )


class HostedReplica:
    """The actor: a replica whose answers are sent piece by piece.

    Args:
        setup: What it needs.
    """

    def __init__(self, setup: ReplicaSetup) -> None:
        self._replica = setup.opened()
        self._turn = asyncio.Lock()
        self._tasks: dict[int, asyncio.Task[Completion | AskReply]] = {}
        self._enough: set[int] = set()

    async def states(self) -> AsyncIterator[State | EngineError]:
        """Yield the state at each change; ends with the error that leaves no engine."""
        news = asyncio.Event()
        news.set()
        self._replica.on_state = news.set
        run = asyncio.create_task(self._replica.run())
        run.add_done_callback(lambda _: news.set())
        while not run.done():
            await news.wait()
            news.clear()
            yield self._replica.ready, self._replica.progress, self._replica.reason
        error = run.exception()
        yield error if isinstance(error, EngineError) else ServerError(f"the engine ended: {error}")

    async def answer(
        self, number: int, request: TextRequest, automatic: bool
    ) -> AsyncIterator[str | Completion | AskReply | EngineError]:
        """Yield the text as it grows, then the answer or what is wrong with the request."""
        news: asyncio.Queue[str | None] = asyncio.Queue()

        def hear(text: str) -> bool:
            news.put_nowait(text)
            return number in self._enough

        task = asyncio.create_task(self._in_turn(request, hear, automatic))
        task.add_done_callback(lambda _: news.put_nowait(None))
        self._tasks[number] = task
        try:
            while (text := await news.get()) is not None:
                yield text
            if not task.cancelled():
                yield _result(task)
        finally:
            task.cancel()
            del self._tasks[number]
            self._enough.discard(number)

    async def _in_turn(
        self, request: TextRequest, on_text: OnText, automatic: bool
    ) -> Completion | AskReply:
        """Have the engine answer once an earlier request that was given up has ended."""
        async with self._turn:
            return await self._replica.answer(request, on_text, automatic=automatic)

    async def stop(self, number: int) -> None:
        """Have a request end with the text so far."""
        if number in self._tasks:
            self._enough.add(number)
            self._replica.stop()

    async def give_up(self, number: int) -> None:
        """End a request whose answer nobody wants."""
        if (task := self._tasks.get(number)) is not None:
            task.cancel()


class RayReplica:
    """An actor of a cluster; all else is as of `engine.server.replica.Replica`.

    Args:
        ray: The module, connected.
        setup: What the actor needs.
    """

    def __init__(self, ray: Any, setup: ReplicaSetup) -> None:
        self._ray = ray
        self._actor = (
            ray.remote(HostedReplica)
            .options(
                num_cpus=setup.cores,
                max_restarts=-1,
                max_concurrency=MOST_CALLS,
                scheduling_strategy="SPREAD",
            )
            .remote(setup)
        )
        self._numbers = counted(1)
        self._closing = asyncio.Event()
        self.on_state: Callable[[], None] = lambda: None
        self.ready: EngineReady | None = None
        self.progress: Progress | None = None
        self.reason = "the cluster is starting a replica"

    async def run(self) -> None:
        """Follow the actor's state, also that of the one that takes a dead one's place."""
        follow = asyncio.create_task(self._follow())
        closing = asyncio.create_task(self._closing.wait())
        try:
            await asyncio.wait({follow, closing}, return_when=asyncio.FIRST_COMPLETED)
            if follow.done():
                follow.result()
        finally:
            follow.cancel()
            closing.cancel()

    async def close(self) -> None:
        """End the actor, and with it its engine's only client."""
        self._tell(None, None, "")
        self._closing.set()
        self._ray.kill(self._actor)

    async def answer(
        self, request: TextRequest, on_text: OnText, *, automatic: bool = False
    ) -> Completion | AskReply:
        """Return the answer to a request."""
        number = next(self._numbers)
        call = self._actor.answer.options(num_returns="streaming")
        ended = False
        try:
            async for reference in call.remote(number, request, automatic):
                said = await reference
                if not isinstance(said, str):
                    ended = True
                    return _answer(said)
                if on_text(said):
                    self._actor.stop.remote(number)
        except self._ray.exceptions.RayError as error:
            ended = True
            raise EngineNotReadyError(f"a replica was lost: {_first_line(error)}") from None
        finally:
            if not ended:
                self._actor.give_up.remote(number)
        raise EngineNotReadyError("a replica ended without an answer")

    async def _follow(self) -> None:
        """Tell each state.

        Raises:
            EngineError: The actor says that there will be no engine.
        """
        while True:
            try:
                call = self._actor.states.options(num_returns="streaming")
                async for reference in call.remote():
                    said = await reference
                    if isinstance(said, EngineError):
                        self._tell(None, None, str(said))
                        raise said
                    self._tell(*said)
            except self._ray.exceptions.RayError as error:
                log.warning("a replica was lost: %s", _first_line(error))
            self._tell(None, None, "a replica was lost; the cluster starts another")
            await asyncio.sleep(AGAIN_SECONDS)

    def _tell(self, ready: EngineReady | None, progress: Progress | None, reason: str) -> None:
        self.ready, self.progress, self.reason = ready, progress, reason
        self.on_state()


def ray_replicas(
    address: str,
    count: int | None,
    model: str | None,
    machine: str,
    clock_ghz: float | None,
    longest_seconds: float,
) -> list[RayReplica]:
    """Return replicas on a cluster, spread over its computers.

    Args:
        address: As of `connected_ray`, but not ``ray://…``, which carries no streams.
        count: How many; None: one for each computer.
        model: As of `EngineReplica`, on each computer.
        machine: As there.
        clock_ghz: As there.
        longest_seconds: As there.

    Raises:
        EngineError: There is no such cluster, or it has too few cores.
    """
    if address.startswith("ray://"):
        raise EngineError(
            f"{address}: answers that grow need a computer of the cluster; run this on one, with"
            " HOST:PORT or auto"
        )
    ray = connected_ray(address)
    nodes = node_cores(ray)
    count = count or max(1, len(nodes))
    cores = cores_of_each(nodes, count)
    return [
        RayReplica(ray, ReplicaSetup(model, machine, clock_ghz, longest_seconds, number, cores))
        for number in range(1, count + 1)
    ]


def cores_of_each(nodes: Sequence[int], count: int) -> int:
    """Return how many cores each replica gets, evenly over computers.

    Args:
        nodes: Cores of each computer.
        count: Replicas.

    Raises:
        EngineError: There are too few.
    """
    most = max(nodes, default=0)
    for cores in range(most, 0, -1):
        if sum(each // cores for each in nodes) >= count:
            return cores
    raise EngineError(f"{count} replicas take a core each; the cluster has {sum(nodes)}")


def _result(
    task: "asyncio.Task[Completion | AskReply]",
) -> Completion | AskReply | EngineError:
    try:
        return task.result()
    except EngineError as error:
        return error


def _answer(said: Completion | AskReply | EngineError) -> Completion | AskReply:
    if isinstance(said, EngineError):
        raise said
    return said


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
