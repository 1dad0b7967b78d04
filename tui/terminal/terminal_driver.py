"""The driver of the terminal: reads what it sends, writes at once, and says when it is gone.

Otherwise it is Textual's, which waits for ever on a terminal that is gone: its thread that writes
dies by the first error, and whoever draws then waits for it.
"""

import logging
import os
import select
import selectors
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from tui.terminal.terminal_input import KEYS_QUERY, TerminalInput

__all__ = ["TerminalDriver", "TerminalLost"]

_log = logging.getLogger(__name__)

_READ_BYTES = 65_536
_REST_SECONDS, _WAITING_SECONDS = 0.1, 0.02
"""Time between two looks at the end of the app; less while something has begun."""
_AT_ONCE_CHARACTERS = 8_192
"""The most that is written without the thread: rows that a key changes, not a whole screen."""
_LEAVE = (
    b"\x1b[<u\x1b[?2004l\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?7h\x1b[?1049l\x1b[?25h"
)
"""No protocol for keys, no pastes, mouse or focus; lines that wrap, the old screen, a cursor."""


class TerminalLost(Message):
    """The terminal is gone: its window was closed, or the connection to it broke."""


class TerminalDriver(LinuxDriver):
    """Textual's driver for a terminal that may send anything, and may go away."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._file: Any = _Output(self._file, self._lost)
        self._written = 0  # times that something was given to be written

    def start_application_mode(self) -> None:
        """Take the terminal over, and ask whether it tells Esc and a key from Alt and the key."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self.input_tty:
            self.write(KEYS_QUERY)
            self.flush()

    def write(self, data: str) -> None:
        """Write something at once if the terminal takes it, else by the thread, which may wait.

        The thread needs the interpreter, which after a paint has more to do: a key's character
        would wait for that.
        """
        at_once = len(data) <= _AT_ONCE_CHARACTERS and self._written == self._file.sent
        self._written += 1
        if at_once and self._file.takes_more():
            self._file.write(data)
            self._file.flush()
        else:
            super().write(data)

    def run_input_thread(self) -> None:
        """Turn what the terminal sends into messages, until the app ends or the terminal does."""
        reader = TerminalInput()
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if not selector.select(_WAITING_SECONDS if reader.waiting else _REST_SECONDS):
                    messages = reader.tick() if reader.waiting else []
                elif (data := self._read()) is None:
                    self._lost()
                    return
                else:
                    messages = reader.feed(data)
                for message in messages:
                    self.process_message(message)

    def _read(self) -> bytes | None:
        """Return what came; None at the end of the terminal."""
        try:
            return os.read(self.fileno, _READ_BYTES) or None
        except BlockingIOError:  # another reader of this terminal was faster
            return b""
        except OSError as error:
            _log.info("the terminal cannot be read: %s", error)
            return None

    def _lost(self) -> None:
        """Tell the app, from any thread, unless it has ended already."""
        with suppress(RuntimeError):
            self.send_message(TerminalLost())

    def let_go(self) -> None:
        """Give the terminal back at once, as well as that goes, because the process is ending."""
        with suppress(OSError, termios.error):
            if self.attrs_before is not None:
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
            os.set_blocking(self._file.fileno(), False)
            with suppress(BlockingIOError):
                os.write(self._file.fileno(), _LEAVE)
            os.set_blocking(self._file.fileno(), True)  # the shell has the same terminal


class _Output:
    """The stream to the terminal; what cannot be written is dropped, and the first time told.

    Args:
        stream: The stream.
        lost: Called when the terminal is gone.
    """

    def __init__(self, stream: TextIO, lost: Callable[[], None]) -> None:
        self._stream = stream
        self._lost = lost
        self._is_lost = False
        self._writes = 0
        self.sent = 0
        """How many of the writes are with the terminal."""

    def write(self, text: str) -> None:
        """Write, while there is a terminal."""
        self._try(lambda: self._stream.write(text))
        self._writes += 1

    def flush(self) -> None:
        """Send what was written."""
        self._try(self._stream.flush)
        self.sent = self._writes

    def takes_more(self) -> bool:
        """Return whether the terminal takes something now; one that is stopped does not."""
        try:
            return bool(select.select([], [self.fileno()], [], 0)[1])
        except (OSError, ValueError):  # it is gone, which who writes will tell
            return False

    def fileno(self) -> int:
        """Return the number of the stream's file."""
        return self._stream.fileno()

    def _try(self, work: Callable[[], object]) -> None:
        if self._is_lost:
            return
        try:
            work()
        except UnicodeError as error:
            _log.warning("something that is no text was not drawn: %s", error)
        except BlockingIOError:  # another program of this terminal left it so
            os.set_blocking(self.fileno(), True)
        except (OSError, ValueError) as error:  # ValueError: the stream is closed
            _log.info("the terminal cannot be written: %s", error)
            self._is_lost = True
            self._lost()
