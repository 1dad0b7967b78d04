"""Opens, saves and closes files, and follows their changes on disk; asks in between.

Each flow is a coroutine that runs in a worker of the app.  One runs at a time, so that two
questions never overlap.  `tui.files.documents` reads and writes files, in threads.
"""

import asyncio
import logging
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from textual.app import App

from engine.repository.secret_files import secret_file
from tui.app_messages import PathsChanged
from tui.files.documents import ChangedOnDisk, Document, DocumentError, SaveError
from tui.files.real_paths import in_real_folder, real_path
from tui.files.recent_files import RecentFiles
from tui.flows.files.file_dialogs import FileDialogs
from tui.flows.files.recovery_flow import RecoveryFlow
from tui.settings import Settings
from tui.widgets.deck import Deck, OpenFile

__all__ = ["FileFlows"]

_log = logging.getLogger(__name__)


class FileFlows:
    """The file flows of one app.

    Args:
        app: Shows notices and hears of new files.
        deck: The open files.
        dialogs: Asks the questions.
        recovery: Keeps unsaved text safe from a crash.
        settings: Tab width and privacy patterns.
        recent: Remembers what was open.
    """

    def __init__(
        self,
        app: App[None],
        deck: Deck,
        dialogs: FileDialogs,
        recovery: RecoveryFlow,
        settings: Settings,
        recent: RecentFiles,
    ) -> None:
        self._app = app
        self._deck = deck
        self._dialogs = dialogs
        self._recovery = recovery
        self._settings = settings
        self._recent = recent
        self.lock = asyncio.Lock()
        """Held while a question is open."""

    # ── open and new ────────────────────────────────────────────────────────────────────────

    async def open(self, path: Path, line: int | None = None, column: int = 1) -> None:
        """Show a file; read it first if it is not open yet."""
        async with self.lock:
            path = await asyncio.to_thread(in_real_folder, path)
            file = self._deck.find(await asyncio.to_thread(real_path, path))
            if file is not None:
                self._deck.show(file)
            else:
                file = await self._read(path)
            if file is not None:
                await asyncio.to_thread(self._recent.add, file.path)
            if file is not None and line is not None:
                file.editor.go_to(line, column)

    async def new(self, folder: Path | None = None) -> None:
        """Ask for a name and open an empty file; nothing is on disk before it is saved."""
        async with self.lock:
            path = await self._dialogs.new_path(folder)
            if path is not None:
                path = await asyncio.to_thread(in_real_folder, path)
                await self._add(Document(path))

    async def _read(self, path: Path) -> OpenFile | None:
        """Open a file in a new editor; say why if that is impossible."""
        try:
            document = await asyncio.to_thread(Document.open, path)
        except DocumentError as error:
            self._dialogs.complain(str(error))
            return None
        file = await self._add(document)
        if document.read_only:
            self._app.notify(document.read_only, title="read only", severity="warning")
        await self._recovery.offer(file)
        return file

    async def _add(self, document: Document) -> OpenFile:
        """Show a document in an editor of its own."""
        return await self._deck.add(
            document,
            real=await asyncio.to_thread(real_path, document.path),
            secret=await self._secret(document.path),
            tab_width=self._settings.editor.tab_width,
        )

    async def tell_what_was_left(self) -> None:
        """Name the files, other than open ones, of which a crash left unsaved text behind."""
        async with self.lock:
            await self._recovery.tell_what_was_left([file.real for file in self._deck])
        await self._recovery.clear_folders()

    async def go_to_line(self) -> None:
        """Ask for ``line`` or ``line:column`` of the visible file and go there."""
        async with self.lock:
            file = self._deck.current
            if file is None:
                return
            place = await self._dialogs.line_and_column(file.editor.document.line_count)
            if place is not None:
                file.editor.go_to(*place)

    # ── save ────────────────────────────────────────────────────────────────────────────────

    async def save(self) -> None:
        """Save the visible file."""
        async with self.lock:
            file = self._deck.current
            if file is not None and await self._save(file):
                self._say_saved(file.path)

    async def save_all(self) -> None:
        """Save all files with unsaved text, as after a replacement in many."""
        async with self.lock:
            saved = [file for file in self._deck.unsaved if await self._save(file)]
            count = f"{len(saved)} file{'' if len(saved) == 1 else 's'}"
            self._app.notify(f"saved {count}" if saved else "nothing is unsaved", timeout=2)

    async def save_as(self) -> None:
        """Ask for another path and save the visible file there; it is that file from then on."""
        async with self.lock:
            file = self._deck.current
            if file is None:
                return
            typed = await self._dialogs.other_path(file.path)
            if typed is None:
                return
            path = await asyncio.to_thread(in_real_folder, typed)
            other = self._deck.find(await asyncio.to_thread(real_path, path))
            if other is file:
                return
            if other is not None:
                shown = self._dialogs.shown_path(path)
                self._dialogs.complain(f"{shown} is open here; close it first")
                return
            if os.path.lexists(path) and not await self._dialogs.may_overwrite(path):
                return
            if await self._write_as(file, path):
                self._say_saved(path)

    def _say_saved(self, path: Path) -> None:
        self._app.notify(f"saved {self._dialogs.shown_path(path)}", timeout=2)

    async def _save(self, file: OpenFile) -> bool:
        """Write a file to its place; ask first if somebody else changed it."""
        try:
            await self._write(file, file.document, overwrite=file.missing)
        except ChangedOnDisk as change:
            return await self._save_over(file, change)
        except DocumentError as error:
            self._dialogs.complain(str(error))
            return False
        return True

    async def _save_over(self, file: OpenFile, change: ChangedOnDisk) -> bool:
        """Ask whose text stays, and save ours if it is ours."""
        answer = await self._dialogs.about_saving_over(file.path, change.what)
        if answer == "theirs":
            await self._load_theirs(file)
        if answer != "mine":
            return False
        try:
            await self._write(file, file.document, overwrite=True)
        except DocumentError as error:
            self._dialogs.complain(str(error))
            return False
        return True

    async def _write_as(self, file: OpenFile, path: Path) -> bool:
        """Write the text to another path, which is the open file from then on."""
        before = file.real
        try:
            await asyncio.to_thread(_make_folder, path.parent)
            document = await asyncio.to_thread(file.document.copy_to, path)
            await self._write(file, document, overwrite=True)
            real, secret = await asyncio.to_thread(real_path, path), await self._secret(path)
        except DocumentError as error:
            self._dialogs.complain(str(error))
            return False
        file.editor.take_path(path)
        self._deck.rename(file, document, real=real, secret=secret)
        await self._recovery.drop(file, before)
        return True

    async def _write(self, file: OpenFile, document: Document, *, overwrite: bool) -> None:
        """Save the editor's text in ``document``; the old content survives a failure."""
        text, is_new = file.editor.text, document.is_new
        if is_new:
            await asyncio.to_thread(_make_folder, document.path.parent)
        make_safe = partial(self._recovery.make_safe, file, text)
        await asyncio.to_thread(document.save, text, overwrite=overwrite, make_safe=make_safe)
        if file.editor.text == text:  # keys pressed while writing stay unsaved
            file.editor.mark_saved()
        file.missing = file.declined = False
        if is_new:
            self._app.post_message(PathsChanged())
        await self._recovery.keep()
        self._deck.note_change()

    # ── other programs ──────────────────────────────────────────────────────────────────────

    async def check_disk(self) -> None:
        """Notice that another program changed or deleted the visible file."""
        file = self._deck.current
        if file is None or file.missing or file.declined or self.lock.locked():
            return
        async with self.lock:
            try:
                change = await asyncio.to_thread(file.document.change_on_disk)
            except OSError as error:
                # It cannot be read now.  If it still cannot on a save, the person is told.
                _log.info("%s cannot be looked at: %s", file.path, error)
                return
            if change == "deleted":
                self._deleted(file)
            elif change is not None:
                await self._changed(file)

    def _deleted(self, file: OpenFile) -> None:
        """Keep the text of a file that is gone, as unsaved."""
        file.missing = True
        self._recovery.keep_soon()
        self._deck.note_change()
        self._app.notify(
            f"{self._dialogs.shown_path(file.path)} was deleted on disk; its text is kept here; "
            "Ctrl+S writes it again",
            severity="warning",
        )

    async def _changed(self, file: OpenFile) -> None:
        """Load the other program's text, or ask if that would lose ours."""
        if not file.editor.modified:
            if await self._load_theirs(file):
                shown = self._dialogs.shown_path(file.path)
                self._app.notify(f"{shown} changed on disk: loaded again")
            return
        if await self._dialogs.about_changed_file(file.path) == "theirs":
            await self._load_theirs(file)
        else:
            file.declined = True

    async def _load_theirs(self, file: OpenFile) -> bool:
        """Load the text on disk as one step that can be undone; ask if keys came in between."""
        before = file.editor.text
        try:
            document = await asyncio.to_thread(Document.open, file.path)
        except DocumentError as error:
            file.declined = True
            self._dialogs.complain(f"{error}; the text here is kept")
            return False
        secret = await self._secret(file.path)
        if file.editor.text != before:
            await self._changed(file)
            return False
        file.document, file.secret = document, secret
        file.replace_text(document.text)
        file.editor.mark_saved()
        file.declined = False
        await self._recovery.drop(file, file.real)
        self._deck.note_change()
        return True

    # ── close and quit ──────────────────────────────────────────────────────────────────────

    async def close(self, file: OpenFile | None = None) -> None:
        """Close a file, or the visible one; ask if it is unsaved."""
        async with self.lock:
            file = file or self._deck.current
            if file is not None and await self._may_lose([file]):
                await self._recovery.keep()  # before it is out of sight: what was undone goes too
                await self._deck.close(file)

    async def may_quit(self) -> bool:
        """Ask about unsaved files; return whether the app may end."""
        async with self.lock:
            may_quit = await self._may_lose(self._deck.unsaved)
            if may_quit:
                await self._recovery.keep()
            return may_quit

    async def _may_lose(self, files: Sequence[OpenFile]) -> bool:
        """Ask what becomes of unsaved files; False leaves everything as it is."""
        unsaved = [file for file in files if file.unsaved]
        if not unsaved:
            return True
        answer = await self._dialogs.about_unsaved([file.path for file in unsaved])
        if answer == "save":
            for file in unsaved:
                if not await self._save(file):
                    return False
        elif answer == "discard":
            for file in unsaved:
                file.discarded = True
        return answer != "cancel"

    async def _secret(self, path: Path) -> str | None:
        """Return the pattern by which a file, or what it links to, is private; None if none."""
        extra = self._settings.privacy.extra_patterns
        return await asyncio.to_thread(secret_file, path, extra)


def _make_folder(folder: Path) -> None:
    """Make a folder and those on the way.

    Raises:
        SaveError: The system refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SaveError(f"{folder} cannot be made: {reason}") from error
