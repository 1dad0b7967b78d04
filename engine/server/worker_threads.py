"""WorkerThreads: one thread for all that computes here, one that waits for engines elsewhere.

So a model on the wafer never waits for a network.  Decides which thread a task belongs to.
"""

from collections.abc import Callable

from engine.server.worker import Closing, Job, Opening, Worker

__all__ = ["WorkerThreads"]


class WorkerThreads:
    """Takes tasks, each to its thread.

    Args:
        prepare: As of `Worker`, in the thread that computes.
        on_stopped: Called once both have done all tasks before `stop`.
    """

    def __init__(self, prepare: Callable[[], None], on_stopped: Callable[[], None]) -> None:
        self._local = Worker(prepare, on_stopped)
        self._remote = Worker(lambda: None, self._local.stop)

    def start(self) -> None:
        """Begin with the tasks."""
        self._local.start()
        self._remote.start()

    def submit(self, task: Job | Opening | Closing) -> None:
        """Queue a task behind those of its thread.  Any thread."""
        (self._remote if task.remote else self._local).submit(task)

    def serving(self) -> Job | None:
        """Return the request that is being computed here."""
        return self._local.serving

    def stop(self) -> None:
        """End after the tasks submitted so far.  Any thread."""
        self._remote.stop()
