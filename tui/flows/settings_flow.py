"""Changes settings while the app runs: at once for those who listen, and in the file for later."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path

from tui.files.settings_file import SettingsNotKeptError, keep_settings
from tui.settings import Settings, with_setting

__all__ = ["SettingsFlow"]

_log = logging.getLogger(__name__)


class SettingsFlow:
    """The settings that hold now.

    Args:
        settings: Those at the start.
        file: Where changes are kept; None forgets them with the app.
        notify: Tells the person that a change could not be kept.
        run: Runs work beside the app's.
    """

    def __init__(
        self,
        settings: Settings,
        file: Path | None,
        *,
        notify: Callable[..., None],
        run: Callable[[Callable[[], Coroutine[None, None, None]]], object],
    ) -> None:
        self.now = settings
        self._file = file
        self._notify = notify
        self._run = run
        self._listeners: list[tuple[str, Callable[[], None]]] = []
        self._unwritten: dict[str, object] = {}
        self._writing = asyncio.Lock()

    def listen(self, name: str, told: Callable[[], None]) -> None:
        """Have ``told`` called after each change of a setting or section called ``name``."""
        self._listeners.append((name, told))

    def change(self, name: str, value: object) -> None:
        """Give one setting another value, for now and for later starts.

        Args:
            name: The key, with its section: ``suggestions.delay_ms``.
            value: As a settings file would have it.

        Raises:
            ValueError: It may not have this value; says what it may have.
        """
        changed = with_setting(self.now, name, value)
        if changed == self.now:
            return
        self.now = changed
        if self._file is not None:
            self._unwritten[name] = value
            self._run(self._write)
        for listened, told in self._listeners:
            if name == listened or name.startswith(f"{listened}."):
                told()

    def keep_now(self) -> None:
        """Write what is not written yet; the app ends."""
        if self._unwritten and self._file is not None:
            try:
                keep_settings(self._file, self._unwritten)
            except SettingsNotKeptError as error:
                _log.warning("settings are not kept: %s", error)
            self._unwritten.clear()

    async def _write(self) -> None:
        """Write what is not written yet, in a thread; say so where that fails."""
        async with self._writing:
            changes = dict(self._unwritten)
            if not changes or self._file is None:
                return
            try:
                await asyncio.to_thread(keep_settings, self._file, changes)
            except SettingsNotKeptError as error:
                names = ", ".join(changes)
                self._notify(f"{names} is changed until the app ends: {error}", severity="warning")
            # Only now: if the app ends in between, `keep_now` writes them once more.
            for name, value in changes.items():
                if self._unwritten.get(name) == value:
                    self._unwritten.pop(name, None)
