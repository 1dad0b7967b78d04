"""Keeps unsaved text safe from a crash, and offers what a crash left behind.

Decides which texts to keep and when.  `tui.files.recovery` writes them.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Coroutine
from pathlib import Path
from threading import Lock
from typing import Any

from tui.files.half_saved import remove_left
from tui.files.recovery import RecoveredText, RecoveryStore
from tui.flows.files.file_dialogs import FileDialogs
from tui.widgets.deck import Deck, OpenFile

__all__ = ["RecoveryFlow"]

_log = logging.getLogger(__name__)

_NAMED_FILES = 3
"""Files with text left behind that a notice names; the others are counted."""

_PAUSE_SECONDS = 0.5
"""Time from a key until its text is kept, while the keys go on: a crash may cost a second."""


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
        self._pause = _PAUSE_SECONDS
        self._at_a_time = asyncio.Lock()
        self._last_word = False
        self._write_lock = Lock()
        self._failing = False

    # ── keep ────────────────────────────────────────────────────────────────────────────────

    def keep_soon(self) -> None:
        """Keep unsaved text safe within a second, also while the keys go on."""
        if self._timer is None:
            self._timer = self._set_timer(self._pause, self._rested)

    def _rested(self) -> None:
        self._timer = None
        self._run(self.keep)

    async def keep(self) -> None:
        """Write unsaved texts that changed to recovery files; remove those no longer needed."""
        async with self._at_a_time:
            began = time.monotonic()
            for file in self._deck:
                if not _is_kept(file):
                    if file.recovery_text is not None:
                        await self._drop(file, file.real)
                elif (text := self._unsafe_text(file)) is not None:
                    await self._keep_one(file, text)
            # A text so large that keeping it takes long, or a slow disk, may cost half the time.
            self._pause = max(_PAUSE_SECONDS, time.monotonic() - began)

    async def _keep_one(self, file: OpenFile, text: str) -> None:
        """Write one recovery file in a thread; say on the screen if that is impossible."""
        try:
            await asyncio.to_thread(self._write, file, text)
        except (OSError, UnicodeError) as error:
            if not self._failing:
                shown = self._dialogs.shown_path(file.path)
                reason = getattr(error, "strerror", None) or str(error)
                self._dialogs.complain(
                    f"{shown} cannot be kept safe from a crash ({reason.lower()}): save it often"
                )
            self._failing = True
            self._note(file, error)
        else:
            self._failing = False

    def keep_now(self) -> None:
        """Write unsaved texts to recovery files without a pause, for an app about to end."""
        self._last_word = True
        for file in self._deck:
            text = self._unsafe_text(file) if _is_kept(file) else None
            if text is not None:
                try:
                    self._write(file, text, last=True)
                except (OSError, UnicodeError) as error:
                    self._note(file, error)

    def make_safe(self, file: OpenFile, text: str) -> None:
        """Keep one text at once, for somebody about to save it.

        Private text is never kept.  Any thread may call.

        Raises:
            OSError: It cannot be kept.
        """
        if file.secret is None and not (
            file.recovery_text == text and self._store.holds(file.real)
        ):
            self._write(file, text)

    async def drop(self, file: OpenFile, path: Path) -> None:
        """Remove the recovery file of ``path``, where ``file`` was kept."""
        async with self._at_a_time:
            await self._drop(file, path)

    async def _drop(self, file: OpenFile, path: Path) -> None:
        file.recovery_text = None
        try:
            await asyncio.to_thread(self._store.remove, path)
        except OSError as error:
            shown = self._dialogs.shown_path(path)
            _log.warning("the recovery file of %s cannot be removed: %s", shown, error)

    def _write(self, file: OpenFile, text: str, *, last: bool = False) -> None:
        """Write one recovery file.

        Args:
            file: The open file.
            text: Its text.
            last: Whether this is the text at the end of the app, after which a thread that still
                holds an older one must not write it.

        Raises:
            OSError: It cannot be written.
            UnicodeError: Nor can this text.
        """
        with self._write_lock:
            if last or not self._last_word:
                self._store.write(file.real, text)
                file.recovery_text = text

    def _unsafe_text(self, file: OpenFile) -> str | None:
        """Return an unsaved text that its recovery file lacks; None if there is none to keep.

        Private text is never kept.
        """
        if file.secret is not None:
            return None
        text = file.editor.text
        return None if text == file.recovery_text and self._store.holds(file.real) else text

    def _note(self, file: OpenFile, error: Exception) -> None:
        """Log that a crash would cost a text."""
        shown = self._dialogs.shown_path(file.path)
        _log.warning("no recovery file for %s: %s", shown, error)

    # ── offer ───────────────────────────────────────────────────────────────────────────────

    async def offer(self, file: OpenFile) -> None:
        """Ask whether unsaved text that a crash left behind should come back.

        Of several texts the newest is offered first, and an older one if that is discarded.  What a
        killed save left beside the file is removed before.
        """
        await asyncio.to_thread(remove_left, file.real.parent)
        try:
            while (found := await asyncio.to_thread(self._store.find, file.real)) is not None:
                answer = "discard"
                if found.text != file.document.text:
                    answer = await self._dialogs.about_left_text(file.path)
                if answer == "later":
                    return  # no window writes there
                if answer == "restore":
                    await self._restore(file, found)
                    return
                await asyncio.to_thread(self._store.forget, found)
        except OSError as error:
            _log.warning("the recovery folder cannot be written: %s", error)

    async def _restore(self, file: OpenFile, found: RecoveredText) -> None:
        """Put the text into the editor; keep it there as this process's own."""
        file.replace_text(found.text)
        await asyncio.to_thread(self.make_safe, file, found.text)
        await asyncio.to_thread(self._store.forget, found)

    async def tell_what_was_left(self, but: Collection[Path] = ()) -> None:
        """Name the files of which unsaved text was left behind.

        Args:
            but: Files that are open, or about to be.
        """
        left = await asyncio.to_thread(self._store.left_behind)
        names = [self._dialogs.shown_path(path) for path in left if path not in but]
        if names:
            more = f" and {len(names) - _NAMED_FILES} more" if len(names) > _NAMED_FILES else ""
            self._dialogs.tell(
                f"unsaved text was left of {', '.join(names[:_NAMED_FILES])}{more}; "
                "opening the file offers it"
            )

    async def clear_folders(self) -> None:
        """Remove what killed saves left beside the files whose text is kept."""
        left = await asyncio.to_thread(self._store.left_behind)
        for folder in dict.fromkeys(path.parent for path in left):
            await asyncio.to_thread(remove_left, folder)


def _is_kept(file: OpenFile) -> bool:
    """Return whether a crash would lose a text that the person wants."""
    return file.unsaved and not file.discarded
