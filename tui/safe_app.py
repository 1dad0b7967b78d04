"""An app whose own errors cost a notice, or the session, but never unsaved text.

Guards work that is done in the background, ends quietly when the terminal is closed, keeps unsaved
text before an error ends it, and ends within seconds whatever it waits for.  The exit status says
why: 128 and a signal's number, 1 after an error.  What the app does is for the class built on it.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from threading import Timer
from types import FrameType
from typing import Any

from rich.console import RenderableType
from rich.text import Text
from textual._context import active_message_pump
from textual.await_complete import AwaitComplete
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.filter import LineFilter
from textual.message_pump import MessagePump
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import Worker

from engine import paths
from engine.visible_text import visible
from tui.terminal.terminal_driver import TerminalDriver, TerminalLost
from tui.visuals.screen_door import ScreenDoor
from tui.visuals.shared_backgrounds import share_backgrounds
from tui.widgets.key_screen import KeyApp

__all__ = ["SafeApp"]

_log = logging.getLogger(__name__)

_END_SIGNALS = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)
_SIGNALLED = 128
"""Added to a signal's number it is the exit status that shells report for a process it ended."""
_BROKEN = 1
"""The exit status after an error of our own."""
_NOTICE_CHARACTERS = 600
_END_SECONDS = 4.0
"""Time that an ending app has to let go of everything."""


class SafeApp(KeyApp):
    """An app that looks after unsaved text; the class built on it says how in two methods."""

    def __init__(self) -> None:
        super().__init__()
        share_backgrounds()
        self._door = ScreenDoor()
        self._ending = False
        self._deadline: Timer | None = None
        self._old_handlers: dict[int, Any] = {}

    def keep_text_now(self) -> None:
        """Keep unsaved text safe without a pause, because the app is about to end."""
        raise NotImplementedError

    async def end_quietly(self) -> None:
        """Keep unsaved text safe and let go of the engine, because somebody ends the app."""
        raise NotImplementedError

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Let everything that is drawn pass the last door to the terminal."""
        return [*super().get_line_filters(), self._door]

    # ── work in the background ──────────────────────────────────────────────────────────────

    def run_safely(
        self, work: Callable[[], Coroutine[None, None, None]], group: str, exclusive: bool = False
    ) -> Worker[None]:
        """Do something in the background.

        Args:
            work: What to do.
            group: Name of the workers that it belongs to.
            exclusive: Whether it takes the place of the group's other work.
        """
        return self.run_worker(partial(self._survive, work), group=group, exclusive=exclusive)

    async def _survive(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Do some work; an unforeseen error costs a notice, never the text being edited."""
        try:
            await work()
        except Exception as error:
            _log.exception("something in the app failed")
            self.notify(
                f"that failed ({type(error).__name__}); details: {paths.log_file()}",
                severity="error",
                timeout=8,
            )

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a notice for a while; nothing in it, as in file names, is markup or steers.

        The middle of a long one is left out, so that it covers no screen.
        """
        if len(message) > _NOTICE_CHARACTERS:
            half = _NOTICE_CHARACTERS // 2
            message = f"{message[:half]} … {message[-half:]}"
        super().notify(
            visible(message, kept="\n"),
            title=visible(title),
            severity=severity,
            timeout=timeout,
            markup=markup,
        )

    # ── screens ─────────────────────────────────────────────────────────────────────────────

    def pop_screen(self) -> AwaitComplete:
        """Take the top screen away, unless one that is gone already asks for it.

        Of two keys that come at once both may reach a screen that the first one closes; Textual
        would end the app at the second, or take away the screen below.
        """
        if _is_gone(active_message_pump.get(None), self.screen_stack):
            return AwaitComplete()
        return super().pop_screen()

    # ── the end ─────────────────────────────────────────────────────────────────────────────

    def get_driver_class(self) -> type[Driver]:
        """Use our driver where Textual would use that of a terminal."""
        found = super().get_driver_class()
        return TerminalDriver if found is LinuxDriver else found

    def on_mount(self) -> None:
        """Hear it when the terminal is closed or the process is told to end.

        Not through the event loop: it may be waiting for a terminal that does not read.
        """
        loop = asyncio.get_running_loop()

        def told(number: int, frame: FrameType | None) -> None:
            self._end_by_force_later(_SIGNALLED + number)
            loop.call_soon_threadsafe(self._end_soon, _SIGNALLED + number)

        self._old_handlers = {number: signal.signal(number, told) for number in _END_SIGNALS}

    def on_unmount(self) -> None:
        """Leave the signals as they were."""
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)

    def on_terminal_lost(self, message: TerminalLost) -> None:
        """End as after the signal that a closed terminal sends."""
        self._end_by_force_later(_SIGNALLED + signal.SIGHUP)
        self._end_soon(_SIGNALLED + signal.SIGHUP)

    def _end_soon(self, status: int) -> None:
        if not self._ending:
            self._ending = True
            self.run_safely(partial(self._end, status), group="files")

    async def _end(self, status: int) -> None:
        """End at once; unsaved text is offered the next time."""
        try:
            await self.end_quietly()
        finally:
            self.exit(return_code=status)

    def exit(
        self,
        result: None = None,
        return_code: int = 0,
        message: RenderableType | None = None,
    ) -> None:
        """End the app; whatever then still waits for something has a few seconds left."""
        self._end_by_force_later(return_code)
        super().exit(result, return_code, message)

    def _end_by_force_later(self, status: int) -> None:
        """Let the process end in a few seconds, with this status, unless it has by then."""
        if self._driver is None or self._driver.is_headless or self._deadline is not None:
            return
        self._deadline = Timer(_END_SECONDS, self._end_by_force, (status,))
        self._deadline.daemon = True
        self._deadline.start()

    def _end_by_force(self, status: int) -> None:
        """End the process from another thread: the one of the app waits for something for ever."""
        _log.warning("the app did not end within %.0f s", _END_SECONDS)
        try:
            self._keep_text()
            if isinstance(self._driver, TerminalDriver):
                self._driver.let_go()
        finally:
            os._exit(status)

    def _handle_exception(self, error: Exception) -> None:
        """Keep unsaved text safe before an unforeseen error ends the app."""
        _log.critical("the app ends by an unforeseen error", exc_info=error)
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """End with one line: a traceback belongs in the log, and may show private values."""
        self.panic()

    def panic(self, *renderables: RenderableType) -> None:
        """Keep unsaved text safe and end with one line, whatever Textual would print."""
        self._return_code = _BROKEN
        self._end_by_force_later(_BROKEN)
        self._keep_text()
        if renderables:
            _log.critical("the app ends: %s", renderables)
        if not self._exit_renderables:
            words = "unsaved text, but of private files, is offered the next time"
            log = f"details: {visible(str(paths.log_file()))}"
            super().panic(Text(f"spark-tui ended by an error of its own; {words}; {log}"))

    def _keep_text(self) -> None:
        try:
            self.keep_text_now()
        except Exception:
            _log.exception("unsaved text could not be kept safe")


def _is_gone(asker: MessagePump | None, screens: Sequence[Screen[Any]]) -> bool:
    """Return whether a widget, or a screen, belongs to none of the screens."""
    if not isinstance(asker, Widget):
        return False  # the app itself, or work in the background
    return not any(each in screens for each in asker.ancestors_with_self)
