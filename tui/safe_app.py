"""An app whose own errors cost a notice, or the session, but never unsaved text.

Guards work that is done in the background, ends quietly when the terminal is closed, and keeps
unsaved text before an error ends it.  What the app does is for the class built on it.
"""

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine, Sequence
from functools import partial

from rich.text import Text
from textual.app import App
from textual.filter import LineFilter
from textual.notifications import SeverityLevel
from textual.worker import Worker

from engine import paths
from engine.visible_text import visible
from tui.visuals.screen_door import ScreenDoor

__all__ = ["SafeApp"]

_log = logging.getLogger(__name__)

_END_SIGNALS = (signal.SIGHUP, signal.SIGTERM)


class SafeApp(App[None]):
    """An app that looks after unsaved text; the class built on it says how in two methods."""

    def __init__(self) -> None:
        super().__init__()
        self._door = ScreenDoor()

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
        """Show a notice for a while; nothing in it, as in file names, is markup or steers."""
        super().notify(
            visible(message, kept="\n"),
            title=visible(title),
            severity=severity,
            timeout=timeout,
            markup=markup,
        )

    # ── the end ─────────────────────────────────────────────────────────────────────────────

    def on_mount(self) -> None:
        """Hear it when the terminal is closed or the process is told to end."""
        for number in _END_SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._told_to_end)

    def on_unmount(self) -> None:
        """Leave the signals as they were."""
        for number in _END_SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)

    def _told_to_end(self) -> None:
        self.run_safely(self._end, group="files")

    async def _end(self) -> None:
        """End at once; unsaved text is offered the next time."""
        try:
            await self.end_quietly()
        finally:
            self.exit()

    def _handle_exception(self, error: Exception) -> None:
        """Keep unsaved text safe before an unforeseen error ends the app."""
        _log.critical("the app ends by an unforeseen error", exc_info=error)
        try:
            self.keep_text_now()
        except Exception:
            _log.exception("unsaved text could not be kept safe")
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """End with one line: a traceback belongs in the log, and may show private values."""
        if not self._exit_renderables:
            words = "unsaved text, but of private files, is offered the next time"
            log = f"details: {paths.log_file()}"
            self.panic(Text(f"spark-tui ended by an error of its own; {words}; {log}"))
