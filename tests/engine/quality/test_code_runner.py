"""A program that a model wrote: how it ends, and what it is kept from."""

import sys
import time
from pathlib import Path

import pytest

from engine.quality import code_runner
from engine.quality.code_runner import PASSED, run_program


def test_a_program_that_runs_to_its_end_passes() -> None:
    assert run_program("assert sum(range(5)) == 10\n") == PASSED


@pytest.mark.parametrize(
    ("source", "ended"),
    [
        ("assert 1 == 2", "AssertionError"),
        ("def f(:", "SyntaxError"),
        ("raise SystemExit(0)", "SystemExit"),
        ("x = 'a' * (1 << 34)", "MemoryError"),
        ("import os; os._exit(0)", "killed"),
        ("\0", "SyntaxError"),
    ],
)
def test_any_other_end_is_no_pass(source: str, ended: str) -> None:
    assert run_program(source) == ended


@pytest.mark.parametrize(
    "source",
    [
        "import socket; socket.socket()",
        "import socket; socket.getaddrinfo('localhost', 80)",
        "import os; os.system('true')",
        "import os; os.fork()",
        "import os; os.kill(os.getppid(), 0)",
        "import subprocess; subprocess.run(['true'])",
        "import ctypes; ctypes.CDLL(None)",
    ],
)
def test_no_network_and_no_other_process(source: str) -> None:
    assert run_program(source) == "PermissionError"


def test_files_are_written_in_its_own_folder_alone(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for attack in (
        f"open({str(victim)!r}, 'w')",
        f"open({str(victim)!r}, 'r+')",
        f"import os; os.remove({str(victim)!r})",
        f"import os; os.open({str(victim)!r}, os.O_WRONLY | os.O_TRUNC)",
        f"open('mine', 'w').close(); import os; os.rename('mine', {str(victim)!r})",
        f"import os; os.symlink({str(victim)!r}, 'link'); open('link', 'w')",
    ):
        assert run_program(attack) == "PermissionError", attack
    assert victim.read_text() == "precious"
    assert run_program("open('mine', 'w').write('a'); assert open('mine').read() == 'a'") == PASSED
    assert run_program("open('large', 'wb').write(b'a' * (1 << 22))") == "OSError"


@pytest.mark.parametrize("source", ["while True: pass", "import time; time.sleep(60)"])
def test_time_is_limited(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.setattr(code_runner, "SECONDS", 1)
    assert run_program(source) == "time"


@pytest.mark.skipif(sys.platform != "linux", reason="asks the system past Python's own audit")
def test_a_process_that_escaped_and_holds_the_pipe_is_not_waited_for() -> None:
    escape = (
        "import os, _posixsubprocess as p\n"
        "fds = tuple(sorted(int(n) for n in os.listdir('/proc/self/fd') if int(n) > 2))\n"
        "fds = tuple(n for n in fds if os.path.exists(f'/proc/self/fd/{n}'))\n"
        "read, write = os.pipe()\n"
        "p.fork_exec([b'/bin/sleep', b'5'], [b'/bin/sleep'], True, fds, None, None, -1, -1, -1, -1,"
        " -1, -1, read, write, True, True, -1, None, None, None, -1, None, False)\n"
        "os._exit(0)\n"
    )
    began = time.monotonic()
    run_program(escape)
    assert time.monotonic() - began < 3
