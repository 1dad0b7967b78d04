"""A small app in a pseudo-terminal, stopped, continued and resized as by a shell and a window."""

import fcntl
import importlib.util
import os
import re
import signal
import struct
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

APP = """
from textual.app import App
from textual.widgets import Static
from tui.job_control import forget_stale_size, paint_when_continued

class Small(App):
    def compose(self):
        yield Static("the whole screen", id="words")
    def on_mount(self):
        paint_when_continued(self)
    def on_key(self, event):
        if event.key == "q":
            self.exit()
        self.keys = getattr(self, "keys", "") + event.key
        self.query_one("#words").update(f"keys {self.keys}.")
    def on_resize(self, event):
        self.query_one("#words").update(f"width {event.size.width}.")

forget_stale_size()
Small().run()
"""


def terminal_class() -> Any:
    """Return the class of ``scripts/bench_startup.py`` that runs a program in a terminal."""
    spec = importlib.util.spec_from_file_location("startup", ROOT / "scripts" / "bench_startup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module.Terminal


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Any]:
    environment = os.environ | {
        "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8",
        "COLUMNS": "140", "LINES": "40",
    }  # fmt: skip
    program = terminal_class()([sys.executable, "-c", APP], environment, tmp_path)
    program.wait_for(re.compile(r"width \d+\."), "its first screen")
    yield program
    program.close()


def stop(program: Any, number: signal.Signals) -> None:
    """Stop the program as a shell does, and wait until it has stopped."""
    os.kill(program._pid, number)
    deadline = monotonic() + 10
    while os.waitpid(program._pid, os.WNOHANG | os.WUNTRACED) == (0, 0):
        program._read()
        assert monotonic() < deadline
    program._read()
    program._raw = b""


def test_what_a_shell_and_a_window_do_to_a_running_app(small: Any) -> None:
    """One start for all of it: stopped by SIGTSTP and by SIGSTOP, continued, resized, ended."""
    for number in (signal.SIGTSTP, signal.SIGSTOP):
        stop(small, number)
        os.kill(small._pid, signal.SIGCONT)
        small.wait_for(re.compile(r"width \d+\."), "its screen after it went on")
    fcntl.ioctl(small._fd, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 60, 0, 0))
    small.wait_for(re.compile(r"width 60\."), "the new width, in spite of COLUMNS")
    small.write(b"abcdefgh")
    small.wait_for(re.compile(r"keys abcdefgh\."), "every key")
    small.write(b"q")
    deadline = monotonic() + 10
    while not termios.tcgetattr(small._fd)[3] & termios.ECHO:  # as before the start
        small._read()
        assert monotonic() < deadline
