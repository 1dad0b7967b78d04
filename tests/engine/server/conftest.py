"""Sockets, logs and engine processes of a test of its own."""

import os
import shutil
import signal
import tempfile
from contextlib import suppress

import pytest

from tests.engine.server.faces import Face, wait_until_gone


@pytest.fixture(autouse=True)
def own_folders(monkeypatch):
    """Sockets and logs of a test of its own; the path is short, as a socket's must be."""
    folder = tempfile.mkdtemp(prefix="spark-")
    monkeypatch.setenv("SPARK_RUNTIME_DIR", folder)
    monkeypatch.setenv("SPARK_STATE_DIR", folder)
    Face.pids.clear()
    yield
    for pid in Face.pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    wait_until_gone(Face.pids)
    shutil.rmtree(folder)
