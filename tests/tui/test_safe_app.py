"""The end of an app in a real terminal: its text is kept, it ends soon, and its status says why."""

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import pytest
from textual.binding import Binding
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.safe_app import SafeApp

ROOT = Path(__file__).parents[2]

PROGRAM = """
import sys, time
from pathlib import Path
from textual.widgets import Input
from tui import safe_app
from tui.safe_app import SafeApp

safe_app._END_SECONDS = 0.5

class Small(SafeApp):
    def compose(self):
        yield Input("ready")
    def keep_text_now(self):
        Path("kept").write_text(self.query_one(Input).value)
    async def end_quietly(self):
        self.keep_text_now()
    def key_f3(self):
        self.panic("[red]a panic of Textual's\\x1b]0;x\\x07")
    def key_f4(self):
        self.set_interval(0.001, lambda: self._driver.write("x" * 10_000))
    def key_f5(self):
        self.call_later(self.wait_for_ever)
        self.exit()
    async def wait_for_ever(self):
        time.sleep(60)

app = Small()
app.run()
sys.exit(app.return_code or 0)
"""


class Terminal:
    """A pseudo-terminal with the program in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.end, inner = pty.openpty()
        environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm-256color",
            "SPARK_STATE_DIR": str(folder / "state"),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            cwd=folder,
            env=environment,
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(inner)

    def type_into(self) -> None:
        """Type a letter over what is there, once the program is ready."""
        self.read_until(lambda seen: b"ready" in seen)
        os.write(self.end, b"x")
        self.read_until(lambda seen: b"x" in seen)

    def rest(self) -> bytes:
        """Return all that is drawn until the program ends."""
        return self.read_until(lambda seen: False, seconds=20)

    def read_until(self, enough: Callable[[bytes], object], seconds: float = 30.0) -> bytes:
        """Return what is drawn, up to what is waited for or the terminal's end."""
        seen, deadline = b"", time.monotonic() + seconds
        while not enough(seen) and time.monotonic() < deadline:
            if select.select([self.end], [], [], 0.05)[0]:
                try:
                    seen += os.read(self.end, 65_536)
                except OSError:
                    break
        return seen


def close_window(terminal: Terminal) -> None:
    os.close(terminal.end)


def tell(number: signal.Signals) -> Callable[[Terminal], None]:
    return lambda terminal: os.kill(terminal.process.pid, number)


def press(key: bytes) -> Callable[[Terminal], None]:
    return lambda terminal: os.write(terminal.end, key) and None


def stop_reading(terminal: Terminal) -> None:
    """As a connection that hangs: what is drawn fills the terminal, and then it is told to end."""
    os.write(terminal.end, b"\x1bOS")
    time.sleep(0.4)
    os.kill(terminal.process.pid, signal.SIGTERM)


ENDS: dict[str, tuple[Callable[[Terminal], None], int]] = {
    "closed": (close_window, 128 + signal.SIGHUP),
    "interrupted": (tell(signal.SIGINT), 128 + signal.SIGINT),
    "blocked": (stop_reading, 128 + signal.SIGTERM),
    "panic": (press(b"\x1bOR"), 1),
    "stuck": (press(b"\x1b[15~"), 0),
}


def test_every_end_keeps_the_text_and_says_why(tmp_path: Path) -> None:
    """All at once, because most of the time goes into starting them."""
    terminals = {}
    try:
        for name in ENDS:
            (tmp_path / name).mkdir()
            terminals[name] = Terminal(tmp_path / name)
        for terminal in terminals.values():
            terminal.type_into()
        for name, (how, status) in ENDS.items():
            terminal = terminals[name]
            how(terminal)
            printed = b"" if how in (close_window, stop_reading) else terminal.rest()
            assert terminal.process.wait(timeout=20) == status, name
            assert (terminal.folder / "kept").read_text() == "x", name
            assert b"Traceback" not in printed
            assert b"\x1b]0;" not in printed
            said = b"spark-tui ended by an error of its own" in printed.replace(b"\r\n", b" ")
            assert said == (status == 1), name
    finally:
        for terminal in terminals.values():
            terminal.process.kill()


class Closing(ModalScreen[None]):
    """Closed by any key, twice if two come at once."""

    BINDINGS: ClassVar = [Binding("escape", "dismiss(None)", "close")]

    def compose(self) -> Iterator[Static]:
        yield Static()

    def on_key(self) -> None:
        self.dismiss(None)


@pytest.mark.parametrize(
    ("keys", "below"),
    [("xy", 0), ("xy", 1), (("escape", "escape"), 0), (("x", "escape"), 0)],
    ids=str,
)
@pytest.mark.parametrize("to_widget", [True, False], ids=["to a widget", "to the screen"])
async def test_two_keys_at_once_close_one_screen(
    keys: Sequence[str], below: int, to_widget: bool
) -> None:
    app, closed = SafeApp(), []
    async with app.run_test() as pilot:
        for _ in range(below):
            await app.push_screen(Closing())
        top = Closing()
        await app.push_screen(top, closed.append)
        target = top.query_one(Static) if to_widget else top
        for key in keys:  # the second before the first has been looked at
            event = Key(key, None)
            event._set_forwarded()  # as the app sends it
            target.post_message(event)
        await pilot.pause()
        await pilot.pause()
        assert len(app.screen_stack) == 1 + below
        assert closed == [None]
