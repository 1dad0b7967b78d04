"""Keeps unsaved text safe from a crash, and offers what a crash left behind.

Decides which texts to keep and when.  `tui.files.recovery` writes them.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from tui.files.recovery import RecoveredText, RecoveryStore
from tui.flows.file_dialogs import FileDialogs
from tui.widgets.deck import Deck, OpenFile

__all__ = ["RecoveryFlow"]

_log = logging.getLogger(__name__)

_REST_SECONDS = 2.0
_AT_LATEST_SECONDS = 8.0
"""Typing without a rest after which unsaved text is kept safe all the same."""


class RecoveryFlow:
    """Recovery of the open files.

    Args:
        deck: The open files.
        store: Where texts survive a crash.
        dialogs: Asks whether text that was left behind should come back.
        set_timer: Calls back after a number of seconds; what it returns has ``stop``.
        run: Starts a coroutine function in a worker of the app.
    """

    def __init__(
        self,
        deck: Deck,
        store: RecoveryStore,
        dialogs: FileDialogs,
        *,
        set_timer: Callable[[float, Callable[[], None]], Any],
        run: Callable[[Callable[[], Coroutine[None, None, None]]], None],
    ) -> None:
        self._deck = deck
        self._store = store
        self._dialogs = dialogs
        self._set_timer = set_timer
        self._run = run
        self._timer: Any = None
        self._unsafe_since = 0.0

    # ── keep ────────────────────────────────────────────────────────────────────────────────

    def keep_soon(self) -> None:
        """Keep unsaved text safe after a rest of the keys, or after a while without one."""
        now = time.monotonic()
        if self._timer is None:
            self._unsafe_since = now
        elif now - self._unsafe_since < _AT_LATEST_SECONDS:
            self._timer.stop()
        else:
            return
        self._timer = self._set_timer(_REST_SECONDS, self._rested)

    def _rested(self) -> None:
        self._timer = None
        self._run(self.keep)

    async def keep(self) -> None:
        """Write unsaved texts that changed to recovery files; remove those no longer needed."""
        for file in self._deck:
            if not file.editor.modified:
                if file.recovery_text is not None:
                    await self.drop(file, file.real)
            elif (text := _unsafe_text(file)) is not None:
                await asyncio.to_thread(self._write, file, text)

    def keep_now(self) -> None:
        """Write unsaved texts to recovery files without a pause, for an app about to end."""
        for file in self._deck:
            text = _unsafe_text(file) if file.editor.modified else None
            if text is not None:
                self._write(file, text)

    async def drop(self, file: OpenFile, path: Path) -> None:
        """Remove the recovery file of ``path``, where ``file`` was kept."""
        file.recovery_text = None
        try:
            await asyncio.to_thread(self._store.remove, path)
        except OSError as error:
            shown = self._dialogs.shown_path(path)
            _log.warning("the recovery file of %s cannot be removed: %s", shown, error)

    def _write(self, file: OpenFile, text: str) -> None:
        """Write one recovery file."""
        try:
            self._store.write(file.real, text)
        except (OSError, UnicodeError) as error:
            # Editing goes on; the log says that a crash would cost this text.
            shown = self._dialogs.shown_path(file.path)
            _log.warning("no recovery file for %s: %s", shown, error)
        else:
            file.recovery_text = text

    # ── offer ───────────────────────────────────────────────────────────────────────────────

    async def offer(self, file: OpenFile) -> None:
        """Ask whether unsaved text that a crash left behind should come back.

        Of several texts the newest is offered first, and an older one if that is discarded.
        """
        try:
            while (found := await asyncio.to_thread(self._store.find, file.real)) is not None:
                answer = "discard"
                if found.text != file.document.text:
                    answer = await self._dialogs.about_left_text(file.path)
                if answer == "later":
                    await asyncio.to_thread(self._store.set_aside, found)
                    return
                if answer == "restore":
                    await self._restore(file, found)
                    return
                await asyncio.to_thread(self._store.forget, found)
        except OSError as error:
            _log.warning("the recovery folder cannot be written: %s", error)

    async def _restore(self, file: OpenFile, found: RecoveredText) -> None:
        """Put the text into the editor; keep it there as this process's own."""
        file.replace_text(found.text)
        if file.secret is None:
            await asyncio.to_thread(self._store.write, file.real, found.text)
            file.recovery_text = found.text
            if found.record == self._store.record_of(file.real):
                return  # written over just now
        await asyncio.to_thread(self._store.forget, found)


def _unsafe_text(file: OpenFile) -> str | None:
    """Return an unsaved text that its recovery file lacks; None if there is none to keep.

    Private text is never kept.
    """
    text = file.editor.text
    return None if file.secret is not None or text == file.recovery_text else text
