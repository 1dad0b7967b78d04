"""The worker's thread, alone."""

from queue import Queue
from threading import Event
from time import monotonic

import pytest

from engine.protocol.completion import CompletionRequest
from engine.protocol.messages import Complete, Completed
from engine.server.worker import Closing, Job, Worker
from tests.canned import canned_session


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


def test_an_answer_says_how_long_its_request_waited():
    answers = Queue()
    request = Complete(1, 1, CompletionRequest("a.py", "def f():\n    ", "\n"))
    worker = Worker(lambda: None, lambda: None)
    worker.start()
    worker.submit(Job(canned_session("return 1"), request, answers.put, came_at=monotonic() - 5))
    while not isinstance(answer := answers.get(timeout=10), Completed):
        pass
    worker.stop()
    assert answer.completion.host.queue_ms == pytest.approx(5000, abs=2000)
    assert answer.completion.host.trim_ms > 0
