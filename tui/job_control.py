"""Job control: the app as a job of a shell, stopped and continued, in a terminal that changes size.

Mends what Textual's driver leaves undone: https://github.com/Textualize/textual/issues/1582 (a
continued app stays blank) and https://github.com/Textualize/textual/pull/6153 (sizes that the
environment names hide the terminal's own).
"""

import asyncio
import os
import signal
import sys
from types import FrameType

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

__all__ = ["forget_stale_size", "paint_when_continued"]


def forget_stale_size() -> None:
    """Drop the size of the terminal from the environment where the terminal itself tells it.

    A shell that exports ``COLUMNS`` and ``LINES`` says how large it was at the start.
    """
    try:
        known = os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1)
    except OSError:
        return
    if known.columns and known.lines:
        for name in ("COLUMNS", "LINES"):
            os.environ.pop(name, None)


def paint_when_continued(app: App[None]) -> None:
    """Let the app draw its whole screen when its process goes on after a stop.  Once it runs."""

    def repaint(app: App[None] = app) -> None:
        app.refresh(layout=True)
        app.screen.refresh(layout=True)

    app.app_resume_signal.subscribe(app, repaint)
    driver = app._driver
    if not isinstance(driver, LinuxDriver):
        return

    loop = asyncio.get_running_loop()

    def continued(number: int, frame: FrameType | None) -> None:
        if driver._must_signal_resume:  # it gave the terminal back before it stopped
            driver._sigcont_application()
        else:  # nobody asked it, as with SIGSTOP: a second start would read every other key
            loop.call_soon_threadsafe(app.call_later, repaint)  # a signal does not wake it

    signal.signal(signal.SIGCONT, continued)
