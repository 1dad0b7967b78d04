"""Where tasks are done: a pool of processes here, or a Ray cluster.

Both pass tasks out, replace workers that die, and bring answers back in any order.  Neither is a
scheduler of ours: the first is the standard library's pool, the second is Ray's.
"""

import multiprocessing
import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol, TypeVar

from engine.errors import EngineError
from engine.host_cores import usable_processors
from engine.ray_cluster import ONE_THREAD, connected_ray

__all__ = ["LocalWorkers", "RayWorkers", "Workers", "choose_workers"]

_Task = TypeVar("_Task")
_Answer = TypeVar("_Answer")

AHEAD = 2
"""Tasks passed out for each worker, so that none waits for its next one."""
MOST_DEATHS = 3
"""A task that was under way at so many deaths of workers is given up."""


class Workers(Protocol):
    """Does many tasks with one function."""

    name: str
    """For the provenance of results."""

    def answers(
        self, function: Callable[[_Task], _Answer], tasks: Iterable[_Task]
    ) -> Iterator[tuple[_Task, _Answer]]:
        """Yield each task with its answer, as they come.

        Args:
            function: Importable by name; runs in another process.
            tasks: What it takes; picklable, and no two are equal.

        Raises:
            EngineError: A task cost several workers their lives.
        """
        ...


def choose_workers(count: int | None = None, ray_address: str | None = None) -> Workers:
    """Return a Ray cluster's workers where an address is given, else processes of this computer.

    Args:
        count: Processes; None: one for each core that this process may use.
        ray_address: As of `RayWorkers`.
    """
    if ray_address is not None:
        return RayWorkers(ray_address)
    return LocalWorkers(count or usable_processors())


class LocalWorkers:
    """Processes of this computer.

    Args:
        count: How many.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self.name = f"{count} processes on one computer"

    def answers(
        self, function: Callable[[_Task], _Answer], tasks: Iterable[_Task]
    ) -> Iterator[tuple[_Task, _Answer]]:
        """Yield each task with its answer; what a dead worker had begun is begun anew."""
        left, deaths = deque(tasks), Counter[_Task]()
        while left:
            under_way: dict[Future[_Answer], _Task] = {}
            with _one_thread(), _pool(self._count) as pool:
                try:
                    yield from self._until_broken(pool, function, left, under_way)
                except BrokenProcessPool:
                    lost = [*under_way.values()]
                    _bury(lost, deaths)
                    left.extendleft(reversed(lost))
                finally:
                    pool.shutdown(cancel_futures=True)

    def _until_broken(
        self,
        pool: ProcessPoolExecutor,
        function: Callable[[_Task], _Answer],
        left: deque[_Task],
        under_way: dict[Future[_Answer], _Task],
    ) -> Iterator[tuple[_Task, _Answer]]:
        """Yield answers until all are there; ``under_way`` holds the tasks that have none yet."""
        while left or under_way:
            while left and len(under_way) < AHEAD * self._count:
                under_way[pool.submit(function, left[0])] = left[0]
                left.popleft()
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            # Answers that were ready before a death count.
            for future in sorted(done, key=lambda each: each.exception() is not None):
                answer = future.result()
                yield under_way.pop(future), answer


class RayWorkers:
    """The cores of a Ray cluster; each computer of it has the same version of this program.

    Args:
        address: As `ray.init` takes it: ``auto``, ``HOST:PORT`` or ``ray://HOST:PORT``.

    Raises:
        EngineError: There is no such cluster.
    """

    def __init__(self, address: str) -> None:
        self._ray = connected_ray(address)
        self._count = max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        self.name = f"a Ray cluster of {len(self._ray.nodes())} nodes, {self._count} cores"

    def answers(
        self, function: Callable[[_Task], _Answer], tasks: Iterable[_Task]
    ) -> Iterator[tuple[_Task, _Answer]]:
        """Yield each task with its answer; Ray does anew what a dead worker had begun."""
        ray, left = self._ray, deque(tasks)
        remote = ray.remote(
            num_cpus=1, max_retries=MOST_DEATHS, runtime_env={"env_vars": ONE_THREAD}
        )(function)
        under_way: dict[Any, _Task] = {}
        while left or under_way:
            while left and len(under_way) < AHEAD * self._count:
                task = left.popleft()
                under_way[remote.remote(task)] = task
            done, _ = ray.wait(list(under_way), num_returns=1)
            for reference in done:
                task = under_way.pop(reference)
                try:
                    answer = ray.get(reference)
                except ray.exceptions.WorkerCrashedError:
                    raise EngineError(f"workers died with {task}; it is given up") from None
                yield task, answer


def _bury(lost: list[_Task], deaths: "Counter[_Task]") -> None:
    """Count a death for every task that was under way.

    Raises:
        EngineError: One has met too many.
    """
    deaths.update(lost)
    worst = [task for task in lost if deaths[task] >= MOST_DEATHS]
    if worst:
        raise EngineError(
            f"a worker died {MOST_DEATHS} times while {worst[0]} was under way; what is done is "
            "kept, and the same command goes on"
        )


def _pool(count: int) -> ProcessPoolExecutor:
    # A fork would copy locks of threads that compute.
    return ProcessPoolExecutor(count, multiprocessing.get_context("spawn"))


class _one_thread:
    """Lets processes that are started meanwhile compute with one thread each."""

    def __enter__(self) -> None:
        self._before = {name: os.environ.get(name) for name in ONE_THREAD}
        os.environ.update(ONE_THREAD)

    def __exit__(self, *failure: object) -> None:
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
