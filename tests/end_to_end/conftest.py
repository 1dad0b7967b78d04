"""Folders of its own for the real engine, and a repository to work in."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.driver import WatchedApp


@pytest.fixture
def own_folders(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """State, settings and sockets in a short-lived folder; the kernel cache stays the user's.

    Not `tmp_path`: the path of a socket must be short.
    """
    folder = Path(tempfile.mkdtemp(prefix="spark-"))
    for kind in ("RUNTIME", "STATE", "CONFIG"):
        monkeypatch.setenv(f"SPARK_{kind}_DIR", str(folder / kind.lower()))
    yield folder
    _remove(folder)


def _remove(folder: Path, seconds: float = 10.0) -> None:
    """Remove a folder into which what a killed engine started may write for a moment yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return shutil.rmtree(folder)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with a copy of CPython's json package."""
    root = tmp_path / "repository"
    root.mkdir()
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    shutil.copytree(
        Path(json.__file__).parent, root / "json", ignore=shutil.ignore_patterns("__pycache__")
    )
    return root


@pytest.fixture
def app(own_folders: Path, repository: Path) -> Iterator[WatchedApp]:
    """The app on that repository, not yet running; its engine processes end with the test."""
    app = WatchedApp(repository)
    yield app
    for pid in set(app.engine_pids):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
