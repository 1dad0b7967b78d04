"""Renames, deletes and makes files and folders; asks before, and open files follow.

Text that is nowhere else stays open.  `tui.files.removal` does the work, in threads.
"""

import asyncio
import os
from pathlib import Path

from textual.app import App

from tui.app_messages import PathsChanged
from tui.files.real_paths import in_real_folder, real_path
from tui.files.removal import delete, files_below, move, trash
from tui.flows.files.file_dialogs import FileDialogs
from tui.flows.files.recovery_flow import RecoveryFlow
from tui.widgets.deck import Deck, OpenFile

__all__ = ["PathFlows"]


class PathFlows:
    """What a person does to files and folders as such.

    Args:
        app: Hears of files that are made, moved or gone.
        deck: The open files.
        dialogs: Asks the questions.
        recovery: Keeps unsaved text safe from a crash.
        lock: Held while a question is open, by the flows of files too.
    """

    def __init__(
        self,
        app: App[None],
        deck: Deck,
        dialogs: FileDialogs,
        recovery: RecoveryFlow,
        lock: asyncio.Lock,
    ) -> None:
        self._app = app
        self._deck = deck
        self._dialogs = dialogs
        self._recovery = recovery
        self._lock = lock

    async def new_folder(self, folder: Path | None) -> None:
        """Ask for a name and make a folder, and those on the way."""
        async with self._lock:
            path = await self._dialogs.new_folder_path(folder)
            if path is None:
                return
            try:
                await asyncio.to_thread(lambda: path.mkdir(parents=True))
            except OSError as error:
                self._complain(path, "cannot be made", error)
            else:
                self._app.post_message(PathsChanged())

    async def rename(self, path: Path | None = None) -> None:
        """Ask for another path of a file or folder and move it there.

        Args:
            path: None means the visible file.
        """
        async with self._lock:
            path = self._visible() if path is None else path
            new = None if path is None else await self._dialogs.renamed_path(path)
            if path is None or new is None or new == path:
                return
            new = await asyncio.to_thread(in_real_folder, new)
            moved = [file for file in self._deck if file.path.is_relative_to(path)]
            if not await self._move(path, new, moved):
                return
            for file in moved:
                await self._follow(file, new / file.path.relative_to(path))
            self._app.post_message(PathsChanged())

    async def delete(self, path: Path | None = None) -> None:
        """Ask, and move a file or folder to the trash, or delete it where there is none.

        Args:
            path: None means the visible file.
        """
        async with self._lock:
            path = self._visible() if path is None else path
            if path is None:
                return
            count = await asyncio.to_thread(files_below, path) if os.path.isdir(path) else None
            if await self._dialogs.may_trash(path, count) and await self._remove(path, count):
                for file in [file for file in self._deck if file.path.is_relative_to(path)]:
                    await self._let_go(file)
                self._app.post_message(PathsChanged())

    def _visible(self) -> Path | None:
        file = self._deck.current
        return None if file is None else file.path

    async def _move(self, path: Path, new: Path, moved: list[OpenFile]) -> bool:
        """Move what is on disk; a file that was never saved is nowhere yet."""
        if any(file.path == path and file.document.is_new for file in moved):
            return True
        try:
            await asyncio.to_thread(move, path, new)
        except OSError as error:
            self._complain(path, "cannot be renamed", error)
            return False
        return True

    async def _follow(self, file: OpenFile, new: Path) -> None:
        """Make an open file the one at its new path."""
        before = file.real
        file.document.moved_to(new)
        file.editor.take_path(new)
        real = await asyncio.to_thread(real_path, new)
        self._deck.rename(file, file.document, real=real, secret=file.secret)
        await self._recovery.drop(file, before)
        self._recovery.keep_soon()

    async def _remove(self, path: Path, count: int | None) -> bool:
        """Trash something; where that fails, ask whether to delete it for good."""
        try:
            await asyncio.to_thread(trash, path)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            if not await self._dialogs.may_delete(path, count, reason):
                return False
        else:
            self._app.notify(f"{self._dialogs.shown_path(path)} is in the trash", timeout=4)
            return True
        try:
            await asyncio.to_thread(delete, path)
        except OSError as error:
            self._complain(path, "cannot be deleted", error)
            return False
        return True

    async def _let_go(self, file: OpenFile) -> None:
        """Close a file that is gone, unless its text is nowhere else."""
        if file.editor.modified:
            file.missing = True
            self._recovery.keep_soon()
            self._deck.note_change()
        else:
            await self._deck.close(file)

    def _complain(self, path: Path, what: str, error: OSError) -> None:
        reason = (error.strerror or str(error)).lower()
        self._dialogs.complain(f"{self._dialogs.shown_path(path)} {what}: {reason}")
