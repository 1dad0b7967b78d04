"""A run in a process of its own: its messages, its end, and its priority."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.adapting import child
from engine.adapting.child import AdaptingProcess
from engine.adapting.messages import Adapted, AdaptFailed, AdaptProgress, decode_message
from engine.errors import AdaptCancelledError, AdaptError
from tests.engine.adapting.conftest import write_repository


def test_what_cannot_be_adapted_comes_back_as_its_own_line(tmp_path) -> None:
    root = write_repository(tmp_path / "one", 1)
    process, told = AdaptingProcess(root, private_patterns=("-x.py",)), []
    try:
        with pytest.raises(AdaptError, match="has one file that may be learnt"):
            process.follow(told.append)
    finally:
        process.close()
    assert [progress.stage for progress in told] == ["reading"]


def test_it_ends_by_itself_while_its_input_is_open(tmp_path) -> None:
    command = [sys.executable, "-P", "-m", "engine.adapting", str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        told, complaint = process.stdout.read(), process.stderr.read()
        assert process.wait() == 1, complaint  # the input is still open
    assert b"has no file that may be learnt" in told
    assert complaint == b""


@pytest.fixture
def program(monkeypatch):
    """Return a function after which the process runs some lines of Python instead."""

    def use(text: str) -> None:
        start = child.subprocess.Popen
        monkeypatch.setattr(
            child.subprocess,
            "Popen",
            lambda command, **options: start([sys.executable, "-c", text], **options),
        )

    return use


def test_the_end_of_its_input_stops_it(program) -> None:
    progress = '{"type":"progress","stage":"learning","share":0.5}'
    stopped = '{"type":"failed","message":"stopped","stopped":true}'
    program(f"import sys; print({progress!r}, flush=True); sys.stdin.read(); print({stopped!r})")
    process = AdaptingProcess(Path())
    with pytest.raises(AdaptCancelledError, match="stopped"):
        process.follow(lambda progress: process.stop())
    process.close()


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("import os; os.kill(os.getpid(), 9)", "signal 9"),
        ("raise SystemExit(3)", "exit code 3"),
    ],
)
def test_an_end_without_a_message_is_told(program, text, how) -> None:
    program(text)
    process = AdaptingProcess(Path())
    with pytest.raises(AdaptError, match=f"ended \\({how}\\).*the same command goes on"):
        process.follow(lambda progress: None)
    process.close()


def test_it_has_one_thread_of_numpys_and_our_sources(program, monkeypatch) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "8")
    program(
        'import os, engine; print(\'{"type":"failed","message":"\''
        " + os.environ['OPENBLAS_NUM_THREADS'] + ' ' + engine.__file__ + '\"}')"
    )
    process = AdaptingProcess(Path())
    with pytest.raises(AdaptError, match=f"^1 {os.path.dirname(child.__file__)[:-9]}"):
        process.follow(lambda progress: None)
    process.close()


@pytest.mark.parametrize(
    "message",
    [
        AdaptProgress("learning", 0.5, "step 3"),
        AdaptFailed("no", stopped=True),
        Adapted("n", True, "w", "/p", 9, "/r", {"learnt": 1}, 2, 3, 1, 0.5, [(0, 1.5)], {"a": {}}),
    ],
)
def test_messages_are_read_as_they_were_written(message) -> None:
    import msgspec

    assert decode_message(msgspec.json.encode(message)) == message
