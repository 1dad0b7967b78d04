"""The questions and complaints about files, word for word, and which typed paths will do.

Asks and tells; reads, writes and changes nothing.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from textual.app import App

from engine.protocol.completion import RepositoryStats
from tui.format import count_text, path_text, unread_text
from tui.screens.line_input import LineInputScreen
from tui.screens.question import Choice, QuestionScreen

__all__ = ["FileDialogs"]

_SAVE = Choice("save", "Save", "s")
_DISCARD = Choice("discard", "Discard", "d")
_CANCEL = Choice("cancel", "Cancel", "c")
_MINE = Choice("mine", "Keep mine", "m")
_THEIRS = Choice("theirs", "Load theirs", "t")

_NAMED_FILES = 8
"""Unsaved files that a question names; the others are counted."""
_PLACE_CHARACTERS = 40
"""Longest ``line:column``: Python turns no number of thousands of digits into an integer."""


class FileDialogs:
    """Asks the person about files; every method waits for the answer.

    Args:
        app: Shows questions and notices.
        root: The repository's folder, where relative paths begin.
    """

    def __init__(self, app: App[None], root: Path) -> None:
        self._app = app
        self._root = root
        self._start: Path | None = None  # what stands in the line that is typed
        self._unread_told = False

    def shown_path(self, path: Path) -> str:
        """Return a path as people read it."""
        return path_text(path, self._root)

    def tell(self, message: str) -> None:
        """Say what may be of use; long enough to be read."""
        self._app.notify(message, severity="warning", timeout=12)

    def complain(self, message: str) -> None:
        """Say what went wrong."""
        self._app.notify(message, severity="error", timeout=8)

    def tell_unread(self, stats: RepositoryStats | None) -> None:
        """Say, once, that suggestions do not learn from all files of the repository."""
        unread = "" if stats is None else unread_text(stats.left_out)
        if unread and not self._unread_told:
            self._unread_told = True
            self._app.notify(f"suggestions learn from the nearest files; {unread}", timeout=8)

    # ── questions ───────────────────────────────────────────────────────────────────────────

    async def about_left_text(self, path: Path) -> str:
        """Ask what becomes of unsaved text that a crash left behind.

        Returns:
            ``"restore"``, ``"discard"`` or ``"later"``.
        """
        return await self._ask(
            "unsaved text found",
            f"{self.shown_path(path)} was being edited when the app ended unexpectedly.\n"
            "Restore the unsaved text? (Ctrl+Z undoes that.)",
            [Choice("restore", "Restore", "r"), _DISCARD, Choice("later", "Ask again later", "l")],
            escape="later",
        )

    async def about_saving_over(self, path: Path, what: str) -> str:
        """Ask whose text stays, before a save over a file that somebody else changed.

        Args:
            path: The file.
            what: What they did to it, as `ChangedOnDisk.what` says.

        Returns:
            ``"mine"``, ``"theirs"`` or ``"cancel"``.
        """
        return await self._ask(
            f"{what} on disk",
            f"{self.shown_path(path)} was {what} by another program since it was read here.",
            [_MINE, _CANCEL] if what == "deleted" else [_MINE, _THEIRS, _CANCEL],
        )

    async def about_changed_file(self, path: Path) -> str:
        """Ask whose text stays, when a file with unsaved changes was changed on disk.

        Returns:
            ``"mine"`` or ``"theirs"``.
        """
        return await self._ask(
            "changed on disk",
            f"{self.shown_path(path)} was changed by another program, and has unsaved changes "
            "here.\nCtrl+Z undoes loading theirs; if you keep yours, saving asks again.",
            [_MINE, _THEIRS],
            escape="mine",
        )

    async def about_unsaved(self, paths: Sequence[Path]) -> str:
        """Ask what becomes of files with unsaved changes.

        Returns:
            ``"save"``, ``"discard"`` or ``"cancel"``.
        """
        names = "\n".join(f"● {self.shown_path(path)}" for path in paths[:_NAMED_FILES])
        others = len(paths) - _NAMED_FILES
        more = f"\n… and {others} more" if others > 0 else ""
        return await self._ask("unsaved changes", f"{names}{more}", [_SAVE, _DISCARD, _CANCEL])

    async def may_overwrite(self, path: Path) -> bool:
        """Ask whether another file may be replaced."""
        answer = await self._ask(
            "file exists",
            f"{self.shown_path(path)} exists and would be replaced.",
            [Choice("replace", "Replace", "r"), _CANCEL],
        )
        return answer == "replace"

    async def may_trash(self, path: Path, files: int | None) -> bool:
        """Ask whether a file, or a folder with so many ``files`` in it, may go to the trash."""
        answer = await self._ask(
            "delete",
            f"{self._shown_with_files(path, files)} will be moved to the trash.",
            [Choice("trash", "Move to the trash", "t"), _CANCEL],
        )
        return answer == "trash"

    async def may_delete(self, path: Path, files: int | None, reason: str) -> bool:
        """Ask whether something that cannot be trashed, for a ``reason``, may be deleted."""
        answer = await self._ask(
            "delete for good",
            f"{self._shown_with_files(path, files)} cannot be moved to the trash ({reason}).\n"
            "It can only be deleted for good.",
            [Choice("delete", "Delete for good", "d"), _CANCEL],
        )
        return answer == "delete"

    def _shown_with_files(self, path: Path, files: int | None) -> str:
        shown = self.shown_path(path)
        return shown if files is None else f"{shown}, a folder with {count_text(files)} files,"

    async def _ask(
        self, title: str, text: str, choices: Sequence[Choice], escape: str = "cancel"
    ) -> str:
        return await self._app.push_screen_wait(QuestionScreen(title, text, choices, escape))

    # ── typed lines ─────────────────────────────────────────────────────────────────────────

    async def new_path(self, folder: Path | None) -> Path | None:
        """Ask where a new file will be; None if the person thinks better of it.

        Args:
            folder: Stands in the line at first; None is the repository's.
        """
        self._start = None if folder in (None, self._root) else folder
        start = "" if self._start is None else f"{self.shown_path(self._start)}/"
        return await self._ask_path("new file", start, self._wrong_new_path)

    async def new_folder_path(self, folder: Path | None) -> Path | None:
        """Ask where a new folder will be; None if the person thinks better of it."""
        self._start = None if folder in (None, self._root) else folder
        start = "" if self._start is None else f"{self.shown_path(self._start)}/"
        return await self._ask_path(
            "new folder", start, lambda name: self._wrong_new_path(name.rstrip("/"))
        )

    async def renamed_path(self, path: Path) -> Path | None:
        """Ask where a file or folder will be instead; None if the person gives up."""
        self._start = path

        def wrong(name: str) -> str:
            same = self._path_of(name) == path if name.strip() else False
            return "" if same else self._wrong_new_path(name)

        return await self._ask_path("rename", self.shown_path(path), wrong)

    async def other_path(self, path: Path) -> Path | None:
        """Ask where to save the file at ``path`` instead; None if the person gives up."""
        self._start = path
        return await self._ask_path("save as", self.shown_path(path), self._wrong_path)

    async def line_and_column(self, last: int) -> tuple[int, int] | None:
        """Ask for a line, and perhaps a column, both from 1, of a file of ``last`` lines."""
        place = await self._ask_line(
            f"go to line (1–{last})", "", _wrong_place, "line, or line:column"
        )
        if place is None:
            return None
        line, _, column = place.partition(":")
        return int(line), int(column or 1)

    async def _ask_path(self, title: str, value: str, check: Callable[[str], str]) -> Path | None:
        name = await self._ask_line(title, value, check, "a name, or folder/name")
        return None if name is None else self._path_of(name)

    async def _ask_line(
        self, title: str, value: str, check: Callable[[str], str], hint: str
    ) -> str | None:
        return await self._app.push_screen_wait(LineInputScreen(title, value, check, hint))

    def _path_of(self, name: str) -> Path:
        """Return the path that a person typed, relative to the repository.

        What still stands there of the path that was shown means that path, although some names
        are shown as nobody could type them.
        """
        for known in () if self._start is None else (self._start, self._start.parent):
            shown = self.shown_path(known)
            if name == shown:
                return known
            if name.startswith(f"{shown}/"):
                return known / name.removeprefix(f"{shown}/").strip().lstrip("/")
        return (self._root / Path(name.strip()).expanduser()).absolute()

    def _wrong_new_path(self, name: str) -> str:
        """Return why no file can be made at ``name``; empty if one can."""
        wrong = self._wrong_path(name)
        if not wrong and os.path.lexists(self._path_of(name)):
            return "that exists already"
        return wrong

    def _wrong_path(self, name: str) -> str:
        """Return why nothing can be saved at ``name``; empty if it can."""
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
    """Return why ``text`` is no line or ``line:column``; empty if it is one."""
    line, _, column = text.partition(":")
    right = line.strip().isdecimal() and (not column or column.strip().isdecimal())
    if not right:
        return "a line number, or line:column"
    return "" if len(text) <= _PLACE_CHARACTERS else "no file has that many lines"
