"""The worker's thread, alone."""

from threading import Event

from engine.server.worker import Closing, Worker


class Unclosable:
    """A session that fails where nothing is expected to."""

    def close(self):
        raise RuntimeError("no")


def ends(prepare, *tasks):
    """Return whether the worker says that it has stopped."""
    stopped = Event()
    worker = Worker(prepare, stopped.set)
    for task in tasks:
        worker.submit(task)
    worker.start()
    return stopped.wait(10)


def test_a_worker_that_cannot_begin_says_so(caplog):
    """Otherwise its clients would wait for a session for ever, and the process for them."""

    def fail():
        raise ImportError("libllvm is not there")

    assert ends(fail)
    assert "libllvm is not there" in caplog.text


def test_a_worker_that_fails_between_requests_says_so(caplog):
    assert ends(lambda: None, Closing(Unclosable()))
    assert "the worker failed" in caplog.text
