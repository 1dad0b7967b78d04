"""What happens to files: open, save, new, changed on disk, quit — with the questions in between.

Each flow is a coroutine that runs in a worker of the app; one runs at a time, so that two
questions never overlap.  Files are read and written in threads by `tui.files.documents`.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.repository.privacy import secret_file
from tui.files.documents import ChangedOnDisk, Document, DocumentError
from tui.files.recovery import RecoveredText, RecoveryStore
from tui.messages import FileMade
from tui.paths import printable
from tui.screens.line_input import LineInputScreen
from tui.screens.question import Answer, QuestionScreen
from tui.settings import Settings
from tui.widgets.deck import Deck, OpenFile

if TYPE_CHECKING:
    from textual.app import App

__all__ = ["FileFlows"]

_log = logging.getLogger(__name__)

_SAVE = Answer("save", "Save", "s")
_DISCARD = Answer("discard", "Discard", "d")
_CANCEL = Answer("cancel", "Cancel", "c")
_MINE = Answer("mine", "Keep mine", "m")
_THEIRS = Answer("theirs", "Load theirs", "t")

_PLACE_CHARACTERS = 40
"""Longest ``line:column``: Python turns no number of thousands of digits into an integer."""


class FileFlows:
    """The flows of one app.

    Args:
        app: Asks the questions and shows the notices.
        deck: The open files.
        root: The repository's folder, where relative paths begin.
        settings: Tab width and privacy patterns.
        store: Where unsaved text survives a crash.
    """

    def __init__(
        self,
        app: "App[None]",
        deck: Deck,
        *,
        root: Path,
        settings: Settings,
        store: RecoveryStore,
    ) -> None:
        self._app = app
        self._deck = deck
        self._root = root
        self._settings = settings
        self._store = store
        self._lock = asyncio.Lock()

    def shown_path(self, path: Path) -> str:
        """Return a path as people read it: relative to the repository where it lies inside."""
        inside = path.is_relative_to(self._root)
        return printable(path.relative_to(self._root) if inside else path)

    # ── open and new ────────────────────────────────────────────────────────────────────────

    async def open(self, path: Path, line: int | None = None, column: int = 1) -> None:
        """Show a file, reading it when it is not open yet."""
        async with self._lock:
            path = await asyncio.to_thread(_in_real_folder, path)
            file = self._deck.find(await asyncio.to_thread(_real, path))
            if file is not None:
                self._deck.show(file)
            else:
                file = await self._read(path)
            if file is not None and line is not None:
                file.editor.go_to(line, column)

    async def new(self, folder: Path | None = None) -> None:
        """Ask for a name, make an empty file (and the folders on the way) and open it."""
        async with self._lock:
            start = "" if folder in (None, self._root) else f"{self.shown_path(folder)}/"
            name = await self._ask_line("new file", start, self._wrong_new_path)
            if name is None:
                return
            path = self._path_of(name)
            try:
                await asyncio.to_thread(_create, path)
            except OSError as error:
                self._fail(f"{name} cannot be created: {error.strerror}")
                return
            self._app.post_message(FileMade())
            await self._read(await asyncio.to_thread(_in_real_folder, path))

    async def _read(self, path: Path) -> OpenFile | None:
        """Open a file in a new editor; say why when that is impossible."""
        try:
            document = await asyncio.to_thread(Document.open, path)
        except DocumentError as error:
            self._fail(str(error))
            return None
        file = await self._deck.add(
            document,
            real=await asyncio.to_thread(_real, path),
            secret=await self._secret(path),
            tab_width=self._settings.editor.tab_width,
        )
        if document.read_only:
            self._app.notify(document.read_only, title="read only", severity="warning")
        await self._offer_recovery(file)
        return file

    async def _offer_recovery(self, file: OpenFile) -> None:
        """Ask whether unsaved text that a crash left behind should come back.

        Of several texts the newest is offered first; an older one when that is discarded.
        """
        try:
            while (found := await asyncio.to_thread(self._store.find, file.real)) is not None:
                answer = "discard"
                if found.text != file.document.text:
                    answer = await self._ask_for_recovery(file)
                if answer == "later":
                    await asyncio.to_thread(self._store.set_aside, found)
                    return
                if answer == "restore":
                    await self._restore(file, found)
                    return
                await asyncio.to_thread(self._store.forget, found)
        except OSError as error:
            _log.warning("the recovery folder cannot be written: %s", error)

    async def _ask_for_recovery(self, file: OpenFile) -> str:
        """Ask what becomes of unsaved text that was left behind."""
        return await self._ask(
            "unsaved text found",
            f"{self.shown_path(file.path)} was being edited when the app ended unexpectedly.\n"
            "Restore the unsaved text? (Ctrl+Z takes it back.)",
            [Answer("restore", "Restore", "r"), _DISCARD, Answer("later", "Ask again later", "l")],
            escape="later",
        )

    async def _restore(self, file: OpenFile, found: RecoveredText) -> None:
        """Put the text into the editor; what is unsaved there is kept as this process's own."""
        _replace_text(file, found.text)
        if file.secret is None:
            await asyncio.to_thread(self._store.write, file.real, found.text)
            file.recovery_text = found.text
            if found.record == self._store.record_of(file.real):
                return  # written over just now
        await asyncio.to_thread(self._store.forget, found)

    async def go_to_line(self) -> None:
        """Ask for ``line`` or ``line:column`` of the file that is seen and go there."""
        async with self._lock:
            file = self._deck.current
            if file is None:
                return
            last = file.editor.document.line_count
            place = await self._ask_line(f"go to line (1–{last})", "", _wrong_place)
            if place is not None:
                line, _, column = place.partition(":")
                file.editor.go_to(int(line), int(column or 1))

    # ── save ────────────────────────────────────────────────────────────────────────────────

    async def save(self) -> None:
        """Save the file that is seen."""
        async with self._lock:
            file = self._deck.current
            if file is not None and await self._save(file):
                self._app.notify(f"saved {self.shown_path(file.path)}", timeout=2)

    async def save_as(self) -> None:
        """Ask for another path and save the file that is seen there; it is that file then."""
        async with self._lock:
            file = self._deck.current
            if file is None:
                return
            name = await self._ask_line(
                "save as", self.shown_path(file.path), self._wrong_save_path
            )
            if name is None:
                return
            path = await asyncio.to_thread(_in_real_folder, self._path_of(name))
            other = self._deck.find(await asyncio.to_thread(_real, path))
            if other is file:
                return
            if other is not None:
                self._fail(f"{self.shown_path(path)} is open here; close it first")
                return
            if path.exists() and not await self._confirm_overwrite(path):
                return
            if await self._write_as(file, path):
                self._app.notify(f"saved {self.shown_path(path)}", timeout=2)

    async def _save(self, file: OpenFile) -> bool:
        """Write a file to its place; ask first when somebody else changed it."""
        try:
            await self._write(file, file.document, overwrite=file.missing)
        except ChangedOnDisk as change:
            return await self._save_over(file, change)
        except DocumentError as error:
            self._fail(str(error))
            return False
        return True

    async def _save_over(self, file: OpenFile, change: ChangedOnDisk) -> bool:
        """Ask whose text stays, and save ours if it is ours."""
        answer = await self._ask(
            f"{change.what} on disk",
            f"{self.shown_path(file.path)} was {change.what} by another program since it was "
            "read here.",
            [_MINE, _CANCEL] if change.what == "deleted" else [_MINE, _THEIRS, _CANCEL],
        )
        if answer == "theirs":
            await self._load_theirs(file)
        if answer != "mine":
            return False
        try:
            await self._write(file, file.document, overwrite=True)
        except DocumentError as error:
            self._fail(str(error))
            return False
        return True

    async def _write_as(self, file: OpenFile, path: Path) -> bool:
        """Write the text to another path, which is the open file from then on."""
        before = file.real
        try:
            await asyncio.to_thread(lambda: path.parent.mkdir(parents=True, exist_ok=True))
            document = await asyncio.to_thread(file.document.copy_to, path)
            await self._write(file, document, overwrite=True)
            real, secret = await asyncio.to_thread(_real, path), await self._secret(path)
        except OSError as error:
            self._fail(f"{path.parent} cannot be made: {error.strerror}")
            return False
        except DocumentError as error:
            self._fail(str(error))
            return False
        self._deck.rename(file, document, real=real, secret=secret)
        self._app.post_message(FileMade())
        await self._drop_recovery(file, before)
        return True

    async def _write(self, file: OpenFile, document: Document, *, overwrite: bool) -> None:
        """Save the editor's text in ``document``; the old content survives a failure."""
        text = file.editor.text
        await asyncio.to_thread(document.save, text, overwrite=overwrite)
        if file.editor.text == text:  # keys pressed while writing stay unsaved
            file.editor.mark_saved()
        file.missing = file.declined = False
        await self._drop_recovery(file, file.real)
        self._deck.note_change()

    # ── other programs ──────────────────────────────────────────────────────────────────────

    async def check_disk(self) -> None:
        """Notice that the file that is seen was changed or deleted by another program."""
        file = self._deck.current
        if file is None or file.missing or file.declined or self._lock.locked():
            return
        async with self._lock:
            try:
                change = await asyncio.to_thread(file.document.change_on_disk)
            except OSError as error:
                # It cannot be read now; if it still cannot be when saving, the person is told.
                _log.info("%s cannot be looked at: %s", file.path, error)
                return
            if change == "deleted":
                self._deleted(file)
            elif change is not None:
                await self._changed(file)

    def _deleted(self, file: OpenFile) -> None:
        """Keep the text of a file that is gone, as unsaved."""
        file.missing = True
        self._deck.note_change()
        self._app.notify(
            f"{self.shown_path(file.path)} was deleted on disk; its text is kept here, "
            "Ctrl+S writes it again",
            severity="warning",
        )

    async def _changed(self, file: OpenFile) -> None:
        """Load the other program's text, or ask when that would lose ours."""
        if not file.editor.modified:
            if await self._load_theirs(file):
                self._app.notify(f"{self.shown_path(file.path)} changed on disk: loaded again")
            return
        answer = await self._ask(
            "changed on disk",
            f"{self.shown_path(file.path)} was changed by another program, and has unsaved changes "
            "here.\nLoading theirs can be undone with Ctrl+Z; keeping yours asks again on save.",
            [_MINE, _THEIRS],
            escape="mine",
        )
        if answer == "theirs":
            await self._load_theirs(file)
        else:
            file.declined = True

    async def _load_theirs(self, file: OpenFile) -> bool:
        """Take the text on disk, as one step that can be undone; ask if keys came in between."""
        before = file.editor.text
        try:
            document = await asyncio.to_thread(Document.open, file.path)
        except DocumentError as error:
            file.declined = True
            self._fail(f"{error}; the text here is kept")
            return False
        secret = await self._secret(file.path)
        if file.editor.text != before:
            await self._changed(file)
            return False
        file.document, file.secret = document, secret
        _replace_text(file, document.text)
        file.editor.mark_saved()
        file.declined = False
        await self._drop_recovery(file, file.real)
        self._deck.note_change()
        return True

    # ── close and quit ──────────────────────────────────────────────────────────────────────

    async def close(self) -> None:
        """Close the file that is seen; ask when it is unsaved."""
        async with self._lock:
            file = self._deck.current
            if file is not None and await self._may_lose([file]):
                await self._deck.close(file)

    async def may_quit(self) -> bool:
        """Ask about unsaved files; True when nothing is lost by quitting."""
        async with self._lock:
            return await self._may_lose(self._deck.unsaved)

    async def _may_lose(self, files: Sequence[OpenFile]) -> bool:
        """Ask what becomes of unsaved files; False keeps everything as it is."""
        unsaved = [file for file in files if file.unsaved]
        if not unsaved:
            return True
        names = "\n".join(f"● {self.shown_path(file.path)}" for file in unsaved[:8])
        more = f"\n… and {len(unsaved) - 8} more" if len(unsaved) > 8 else ""
        answer = await self._ask("unsaved changes", f"{names}{more}", [_SAVE, _DISCARD, _CANCEL])
        if answer == "save":
            for file in unsaved:
                if not await self._save(file):
                    return False
        elif answer == "discard":
            for file in unsaved:
                await self._drop_recovery(file, file.real)
        return answer != "cancel"

    # ── recovery ────────────────────────────────────────────────────────────────────────────

    async def keep_recovery(self) -> None:
        """Write unsaved texts that changed to recovery files; remove those no longer needed."""
        for file in self._deck:
            if not file.editor.modified:
                if file.recovery_text is not None:
                    await self._drop_recovery(file, file.real)
            elif (text := _unsafe_text(file)) is not None:
                await asyncio.to_thread(self._keep, file, text)

    def keep_recovery_now(self) -> None:
        """Write unsaved texts to recovery files without a pause, for an app about to end."""
        for file in self._deck:
            text = _unsafe_text(file) if file.editor.modified else None
            if text is not None:
                self._keep(file, text)

    def _keep(self, file: OpenFile, text: str) -> None:
        """Write one recovery file."""
        try:
            self._store.write(file.real, text)
        except (OSError, UnicodeError) as error:
            # Editing goes on; the log says that a crash would cost this text.
            _log.warning("no recovery file for %s: %s", self.shown_path(file.path), error)
        else:
            file.recovery_text = text

    async def _drop_recovery(self, file: OpenFile, path: Path) -> None:
        """Remove the recovery file of ``path``."""
        file.recovery_text = None
        try:
            await asyncio.to_thread(self._store.remove, path)
        except OSError as error:
            shown = self.shown_path(path)
            _log.warning("the recovery file of %s cannot be removed: %s", shown, error)

    async def _secret(self, path: Path) -> str | None:
        """Return the pattern by which a file is private, also behind a link; None if it is not."""
        extra = self._settings.privacy.extra_patterns
        return await asyncio.to_thread(secret_file, path, extra)

    # ── words with the person ───────────────────────────────────────────────────────────────

    async def _ask(
        self, title: str, text: str, answers: Sequence[Answer], escape: str = "cancel"
    ) -> str:
        return await self._app.push_screen_wait(QuestionScreen(title, text, answers, escape))

    async def _ask_line(self, title: str, value: str, check: Callable[[str], str]) -> str | None:
        return await self._app.push_screen_wait(LineInputScreen(title, value, check))

    async def _confirm_overwrite(self, path: Path) -> bool:
        answer = await self._ask(
            "file exists",
            f"{self.shown_path(path)} exists and would be replaced.",
            [Answer("replace", "Replace", "r"), _CANCEL],
        )
        return answer == "replace"

    def _fail(self, message: str) -> None:
        self._app.notify(message, severity="error", timeout=8)

    def _path_of(self, name: str) -> Path:
        """Return the path a person typed, relative to the repository."""
        return (self._root / Path(name.strip()).expanduser()).absolute()

    def _wrong_new_path(self, name: str) -> str:
        """Return why no file can be made at ``name``; empty when it can."""
        wrong = self._wrong_save_path(name)
        if not wrong and os.path.lexists(self._path_of(name)):
            return "that exists already"
        return wrong

    def _wrong_save_path(self, name: str) -> str:
        """Return why nothing can be saved at ``name``; empty when it can."""
        if not name.strip() or name.strip().endswith("/"):
            return "a file name is missing"
        if "\0" in name:
            return "a path has no NUL character"
        try:
            return "that is a folder" if self._path_of(name).is_dir() else ""
        except RuntimeError:
            return "~ is followed by no known user; ./~ is a name that begins so"
        except OSError as error:
            return (error.strerror or str(error)).lower()


def _wrong_place(text: str) -> str:
    """Return why ``text`` is no line or ``line:column``; empty when it is."""
    line, _, column = text.partition(":")
    right = line.strip().isdecimal() and (not column or column.strip().isdecimal())
    if not right:
        return "a line number, or line:column"
    return "" if len(text) <= _PLACE_CHARACTERS else "no file has that many lines"


def _in_real_folder(path: Path) -> Path:
    """Return a path without ``..`` and linked folders; a link at its end stays, to be shown."""
    return Path(os.path.realpath(path.parent), path.name)


def _real(path: Path) -> Path:
    """Return where a file lies once links are followed; the same for all of its names."""
    return Path(os.path.realpath(path))


def _unsafe_text(file: OpenFile) -> str | None:
    """Return the text of an unsaved file that its recovery file lacks; None for a private one."""
    text = file.editor.text
    return None if file.secret is not None or text == file.recovery_text else text


def _create(path: Path) -> None:
    """Make an empty file and the folders on the way; never empties one that exists."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(exist_ok=False)


def _replace_text(file: OpenFile, text: str) -> None:
    """Put ``text`` into the editor as one step that can be undone; the cursor stays near."""
    editor = file.editor
    row, column = editor.cursor_location
    editor.history.checkpoint()
    editor.replace(text, (0, 0), editor.document.end, maintain_selection_offset=False)
    editor.history.checkpoint()
    editor.go_to(row + 1, column + 1)
