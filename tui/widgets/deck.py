"""The open files, each in an editor of its own; one of them is visible.

Undo, cursor and scroll position live in the editors, so switching files loses nothing.  Reads
and writes no file; the flows in `tui.flows` do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from textual.app import ComposeResult
from textual.await_remove import AwaitRemove
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from tui.files.documents import Document
from tui.settings import EditorSettings
from tui.visuals.tab_text import Tab, tab_names
from tui.widgets.editor import Editor
from tui.widgets.tab_bar import TabBar

__all__ = ["Deck", "OpenFile"]

_KEPT = 12
"""Unmodified files kept open beside the visible one; the oldest are closed first."""

_KEYS = (
    ("open a file by name", "Ctrl+O"),
    ("make a new file", "Ctrl+N"),
    ("repository tree", "Ctrl+B"),
    ("all commands", "Ctrl+P"),
    ("help", "F1"),
)
_WELCOME = "[$accent]spark[/]\n\n" + "\n".join(
    f"[$foreground 55%]{words:>19}[/]  {key:<6}" for words, key in _KEYS
)


@dataclass
class OpenFile:
    """A file and the editor it is open in."""

    document: Document
    """The file as it was last read or written."""
    editor: Editor
    real: Path
    """Where the file lies once links are followed: one file is open once, whatever its names."""
    secret: str | None = None
    """Pattern by which the file is private; None if it is not."""
    recovery_text: str | None = None
    """What the recovery file holds; None if there is none."""
    missing: bool = False
    """Whether the file was deleted on disk; the text here is then the only copy."""
    declined: bool = False
    """Whether the person kept their text when the file changed on disk; saving asks again."""

    discarded: bool = False
    """Whether the person threw the unsaved text away; it is not kept for recovery any longer."""

    @property
    def path(self) -> Path:
        """Where the person finds the file; its last part may be a link."""
        return self.document.path

    @property
    def unsaved(self) -> bool:
        """Whether closing the editor would lose text."""
        return self.editor.modified or self.missing

    @property
    def remark(self) -> str | None:
        """What the person should know of the file; None if it is like others."""
        if self.document.read_only:
            return "read only"
        return "new, not on disk" if self.document.is_new else None

    def replace_text(self, text: str) -> None:
        """Put ``text`` into the editor as one step that can be undone; the cursor stays near."""
        row, column = self.editor.cursor_location
        self.editor.history.checkpoint()
        end = self.editor.document.end
        self.editor.replace(text, (0, 0), end, maintain_selection_offset=False)
        self.editor.history.checkpoint()
        self.editor.go_to(row + 1, column + 1)


class Deck(Vertical):
    """Shows one of the open files, or a few words of welcome."""

    DEFAULT_CSS = """
    Deck {
        ContentSwitcher { height: 1fr; }
        #welcome { content-align: center middle; text-align: center; height: 1fr; }
    }
    """

    class Changed(Message):
        """Another file is visible, or the set of unsaved files changed."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._files: dict[Path, OpenFile] = {}  # by the place on disk, the newest seen last
        self._tabs: list[OpenFile] = []  # in the order they were opened
        self._current: OpenFile | None = None
        self._leaving: AwaitRemove | None = None  # what covered the files
        self._count = 0
        self._settings = EditorSettings()

    def follow(self, settings: EditorSettings) -> None:
        """Have the editors wrap lines and pair brackets as the settings say, later ones too."""
        self._settings = settings
        for file in self._files.values():
            self._set_up(file.editor)

    def _set_up(self, editor: Editor) -> None:
        editor.pairs = self._settings.pairs
        if editor.soft_wrap != self._settings.soft_wrap:
            editor.soft_wrap = self._settings.soft_wrap

    def compose(self) -> ComposeResult:
        """Begin without a file."""
        yield TabBar(id="tabs")
        with ContentSwitcher(initial="welcome"):
            yield Static(_WELCOME, id="welcome")

    @property
    def current(self) -> OpenFile | None:
        """The visible file."""
        return self._current

    @property
    def unsaved(self) -> list[OpenFile]:
        """Files whose text is not on disk, in the order they were opened."""
        return [file for file in self._files.values() if file.unsaved]

    def __iter__(self) -> Iterator[OpenFile]:
        return iter(list(self._files.values()))

    @property
    def tabs(self) -> list[OpenFile]:
        """The open files in the order of their tabs."""
        return list(self._tabs)

    def show_neighbour(self, step: int) -> None:
        """Show the file so many tabs to the right (negative: left); round from end to end."""
        if self._current is not None:
            here = self._tabs.index(self._current)
            self.show(self._tabs[(here + step) % len(self._tabs)])

    def show_tab(self, number: int) -> None:
        """Show the file of a tab, from 0; nothing if there is none."""
        if 0 <= number < len(self._tabs):
            self.show(self._tabs[number])

    def on_tab_bar_chosen(self, message: TabBar.Chosen) -> None:
        """Show the file whose tab was clicked."""
        self.show_tab(message.number)

    def find(self, real: Path) -> OpenFile | None:
        """Return the open file at ``real``, a path without links."""
        return self._files.get(real)

    async def add(
        self, document: Document, *, real: Path, secret: str | None, tab_width: int
    ) -> OpenFile:
        """Open a document in an editor of its own and show it."""
        self._count += 1
        editor = Editor(
            document.text,
            path=document.path,
            tab_width=tab_width,
            read_only=document.read_only is not None,
            id=f"file-{self._count}",
        )
        self._set_up(editor)
        file = OpenFile(document, editor, real, secret)
        self._files[real] = file
        self._tabs.append(file)
        await self.query_one(ContentSwitcher).mount(editor)
        self.show(file)
        await self._close_old()
        return file

    def show(self, file: OpenFile) -> None:
        """Bring an open file to the front and give it the keyboard."""
        self._files[file.real] = self._files.pop(file.real)  # the newest is last
        self._current = file
        self.query_one(ContentSwitcher).current = file.editor.id
        file.editor.focus()
        self.note_change()

    def rename(self, file: OpenFile, document: Document, *, real: Path, secret: str | None) -> None:
        """Make an open file another document."""
        self._files.pop(file.real, None)
        file.document, file.real, file.secret = document, real, secret
        self._files[real] = file
        self.note_change()

    async def cover(self, widget: Widget) -> None:
        """Show a widget in place of the files, and give it the keyboard."""
        leaving, self._leaving = self._leaving, None
        if leaving is not None:
            await leaving  # one widget of a name at a time
        self.query_one(ContentSwitcher).display = False
        await self.mount(widget)

    def uncover(self, widget: Widget) -> None:
        """Show the files again in place of a widget that covered them."""
        self._leaving = widget.remove()
        self.query_one(ContentSwitcher).display = True

    def note_change(self) -> None:
        """Say that a file was saved, loaded, renamed or lost."""
        self.show_unsaved()
        self.post_message(self.Changed())

    def show_unsaved(self) -> None:
        """Mark the tabs of unsaved files."""
        names = tab_names([file.path for file in self._tabs])
        tabs = [Tab(name, file.unsaved) for name, file in zip(names, self._tabs, strict=True)]
        here = -1 if self._current is None else self._tabs.index(self._current)
        for bar in self.query(TabBar):  # there is none any more while the app ends
            bar.show_tabs(tabs, here)

    async def close(self, file: OpenFile) -> None:
        """Close a file, whatever it holds, and show the one opened before it."""
        self._files.pop(file.real, None)
        self._tabs.remove(file)
        if file is self._current:
            self._current = None
            self.query_one(ContentSwitcher).current = "welcome"
            if self._files:
                self.show(list(self._files.values())[-1])
        await file.editor.remove()
        self.note_change()

    async def _close_old(self) -> None:
        """Close the oldest unmodified files beyond those worth keeping."""
        spare = [
            file for file in self._files.values() if not file.unsaved and file is not self._current
        ]
        for file in spare[: max(0, len(spare) - _KEPT)]:
            await self.close(file)
