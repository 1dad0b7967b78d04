"""The driver asks what the terminal can; its stream survives one that is gone, full or odd."""

import io
import os
import pty
import re
import select
import sys
import tty
from pathlib import Path

import pytest

from scripts.bench_startup import Terminal
from tui.terminal.terminal_driver import TerminalDriver, _Output
from tui.terminal.terminal_input import KEYS_QUERY

APP = """
from textual.app import App
from textual.widgets import Static
from tui.terminal.terminal_driver import TerminalDriver

class Small(App):
    def compose(self):
        yield Static("ready")
    def on_key(self, event):
        self.told = getattr(self, "told", "") + event.key + ","
        self.query_one(Static).update(f"keys {self.told}.")

Small(driver_class=TerminalDriver).run()
"""


class Failing(io.StringIO):
    """A stream whose writes fail."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error: Exception | None = error
        self.tried = 0

    def write(self, text: str) -> int:
        self.tried += 1
        if self.error is not None:
            raise self.error
        return super().write(text)


def output(error: Exception) -> tuple[_Output, Failing, list[str]]:
    stream, told = Failing(error), []
    return _Output(stream, lambda: told.append("lost")), stream, told


@pytest.mark.parametrize("error", [OSError(5, "EIO"), BrokenPipeError(), ValueError("closed")])
def test_a_terminal_that_is_gone_is_told_once_and_not_tried_again(error: Exception) -> None:
    out, stream, told = output(error)
    for _ in range(3):
        out.write("x")
        out.flush()
    assert told == ["lost"]
    assert stream.tried == 1


def test_what_is_no_text_is_not_the_end_of_the_terminal() -> None:
    out, stream, told = output(UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no text"))
    out.write("\ud800")
    stream.error = None
    out.write("x")
    assert stream.getvalue() == "x"
    assert told == []


def test_a_terminal_that_another_program_left_without_waiting_waits_again() -> None:
    end, inner = pty.openpty()
    os.set_blocking(inner, False)
    with open(inner, "w") as stream:
        told: list[str] = []
        out = _Output(stream, lambda: told.append("lost"))

        def stuck() -> None:
            raise BlockingIOError

        out._try(stuck)
        assert os.get_blocking(inner)
        out.write("x")
        out.flush()
        assert os.read(end, 9) == b"x"
    assert told == []
    os.close(end)


class Thread:
    """Takes what the driver leaves to a thread."""

    def __init__(self) -> None:
        self.left: list[str] = []

    def write(self, text: str) -> None:
        self.left.append(text)


def test_what_a_terminal_takes_is_written_at_once_and_nothing_overtakes_what_waits() -> None:
    end, inner = pty.openpty()
    tty.setraw(inner)
    with open(inner, "w") as stream:
        driver = object.__new__(TerminalDriver)
        driver._file, driver._written = _Output(stream, lambda: None), 0
        driver._writer_thread = thread = Thread()  # type: ignore[assignment]
        driver.write("a")
        assert os.read(end, 9) == b"a"
        while select.select([], [inner], [], 0)[1]:  # a terminal that is stopped reads nothing
            os.write(inner, b".")
        driver.write("b")
        assert thread.left == ["b"]
        while select.select([end], [], [], 0)[0]:
            os.read(end, 65_536)
        driver.write("c")  # there is room again, but the thread has not written the other yet
        assert thread.left == ["b", "c"]
        driver._file.write("b")
        driver._file.write("c")
        driver._file.flush()
        driver.write("d")
        assert os.read(end, 2) + os.read(end, 1) == b"bcd"
    os.close(end)


def test_a_terminal_is_asked_whether_it_tells_alt_and_its_answer_holds(tmp_path: Path) -> None:
    here = {"PYTHONPATH": str(Path(__file__).parents[3]), "TERM": "xterm-256color"}
    program = Terminal([sys.executable, "-c", APP], os.environ | here, tmp_path)
    try:
        program.wait_for(re.compile("ready"), "its first screen")
        assert KEYS_QUERY.encode() in program._raw
        program.write(b"\x1be")
        program.wait_for(re.compile(r"keys alt\+e,\."), "Alt and the letter")
        program.write(b"\x1b[?25u\x1be")
        program.wait_for(re.compile(r"escape,e,\."), "Esc and the letter")
    finally:
        program.close()
