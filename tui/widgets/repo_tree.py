"""The repository as a tree: without what git ignores, with marks on unsaved files.

Reads a folder when it is opened.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import DirectoryTree
from textual.widgets.directory_tree import DirEntry
from textual.widgets.tree import TreeNode

from engine.repository.ignore import IgnoreRules
from engine.visible_text import visible
from tui.format import count_text, path_text, printable
from tui.visuals.inks import Inks
from tui.widgets.theme_inks import inks_of

__all__ = ["RepoTree"]

MAX_ENTRIES = 1_000
"""Most entries of one folder that are shown; a line tells of the others."""
MAX_DEPTH = 60
"""Folders in folders that can be opened: Textual calls itself for each."""


class RepoTree(DirectoryTree):
    """Files and folders of one repository.

    Posts `DirectoryTree.FileSelected` on Enter on a file, `NewFileRequested` on ``n``.
    """

    DEFAULT_CSS = """
    RepoTree {
        background: $surface;
        border: round $border;
        border-title-color: $foreground 80%;
        padding: 0 0 0 1;
        scrollbar-size-vertical: 1;
        &:focus { border: round $primary; background-tint: $foreground 0%; }
        & > .tree--guides { color: $border; }
        & > .tree--guides-hover { color: $border; }
        & > .tree--guides-selected { color: $border; }
        & > .directory-tree--folder { text-style: none; }
        & > .directory-tree--extension { text-style: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "select_cursor", "open the file; open or close the folder", id="tree.open"
        ),
        Binding("n", "new_file", "new file here", id="tree.new_file"),
        Binding("f", "change('new folder')", "new folder here", id="tree.new_folder"),
        Binding("m", "change('rename')", "rename or move", id="tree.rename"),
        Binding("d,delete", "change('delete')", "delete, to the trash", id="tree.delete"),
        Binding("r", "reload_tree", "read the folders again", id="tree.reload"),
        Binding("escape", "app.focus_editor", "back to the editor", id="tree.leave"),
        Binding(
            "left",
            "close_folder",
            "close the folder, or go to it",
            show=False,
            id="tree.close_folder",
        ),
        Binding("right", "open_folder", "open the folder", show=False, id="tree.open_folder"),
    ]
    HELP: ClassVar[str] = """\
**Repository.** The files that git does not ignore. `Enter` opens a file or a folder. `n` makes a
new file beside the cursor, `f` a folder; `m` renames or moves what is there, and `d` moves it to
the trash, after a question. `r` reads the folders again. ● marks files with unsaved changes, +
those in no commit, ~ those that differ from the last one, · folders with such files."""

    guide_depth = 2
    show_guides = False

    class NewFileRequested(Message):
        """The person wants a new file in ``folder``."""

        def __init__(self, folder: Path) -> None:
            super().__init__()
            self.folder = folder

    class ChangeRequested(Message):
        """The person wants to change what is at ``path``.

        Args:
            what: ``"new folder"``, ``"rename"`` or ``"delete"``.
            path: The file or folder at the cursor; for a new folder, where it will be.
        """

        def __init__(self, what: str, path: Path) -> None:
            super().__init__()
            self.what = what
            self.path = path

    def __init__(self, rules: IgnoreRules, *, id: str | None = None) -> None:
        self._filling = False
        super().__init__(rules.root, id=id)
        self.border_title = Content(path_text(rules.root, rules.root.parent) or "/")
        self.show_root = False
        self.guide_depth = 2
        self.show_guides = False
        self._rules = rules
        self._unsaved: frozenset[Path] = frozenset()
        self._changes: Mapping[Path, str] = {}
        self._changed_folders: frozenset[Path] = frozenset()
        self._open: Path | None = None

    def show_files(self, unsaved: Iterable[Path], current: Path | None) -> None:
        """Mark the files with unsaved changes and the one in the editor."""
        marks = frozenset(unsaved)
        if marks != self._unsaved or current != self._open:
            self._unsaved, self._open = marks, current
            self._clear_line_cache()
            self.refresh()

    async def reveal(self, path: Path) -> None:
        """Open the folders on the way to a file and put the cursor on it."""
        node = self.root
        for name in path.relative_to(self._rules.root).parts:
            await self._add_to_load_queue(node)
            node.expand()
            found = (
                child for child in node.children if child.data and child.data.path.name == name
            )
            child = next(found, None)
            if child is None:
                return  # git ignores it, it was made later, or there are too many beside it
            node = child
            if not node.allow_expand:
                break  # it is the file, or as deep as folders are shown
        self.call_after_refresh(self.move_cursor, node)  # its line is known by then

    def filter_paths(self, paths: Iterable[Path]) -> Iterable[Path]:
        """Drop what git ignores of one folder's entries; runs in the loading thread."""
        entries = {path.name: path for path in paths}
        if not entries:
            return []
        folder = next(iter(entries.values())).parent
        return [entries[name] for name in self._rules.shown(folder, entries)]

    def _populate_node(self, node: TreeNode[DirEntry], content: Iterable[Path]) -> None:
        """Show a folder's entries, as many as a person can look through.

        The tree is laid out once for all of them; Textual does it for each, which takes many
        seconds for thousands.
        """
        paths = list(content)
        self._filling = True
        try:
            super()._populate_node(node, paths[:MAX_ENTRIES])
            if len(paths) > MAX_ENTRIES:
                node.add_leaf(f"… {count_text(len(paths) - MAX_ENTRIES)} more: Ctrl+O finds them")
            if self._depth(node) >= MAX_DEPTH:
                self._end_at(node)
        finally:
            self._filling = False
        self._invalidate()

    def _invalidate(self) -> None:
        """Lay the tree out again, but not in the middle of a change."""
        if not self._filling:
            super()._invalidate()

    def _end_at(self, node: TreeNode[DirEntry]) -> None:
        """Let no folder in a folder be opened, and say so."""
        folders = [child for child in node.children if child.allow_expand]
        for folder in folders:
            folder.allow_expand = False
        if folders:
            node.add_leaf(f"… shown {MAX_DEPTH} folders deep: Ctrl+O finds what is below")

    def _depth(self, node: TreeNode[DirEntry]) -> int:
        """Return how many folders a node is below the root."""
        depth, above = 0, node
        while above.parent is not None:
            depth, above = depth + 1, above.parent
        return depth

    def show_changes(self, changes: Mapping[Path, str]) -> None:
        """Mark the files that differ from the last commit.

        Args:
            changes: ``added``, ``changed`` or ``deleted`` by path.
        """
        self._changes = changes
        self._changed_folders = frozenset(above for path in changes for above in path.parents)
        self._clear_line_cache()
        self.refresh()

    def _change_sign(self, path: Path, inks: Inks) -> tuple[str, str]:
        """Return the sign of a file or folder that differs from the last commit, and its colour."""
        change = self._changes.get(path)
        if change is None:
            return (" ·", inks.host) if path in self._changed_folders else ("", inks.host)
        return (" +", inks.good) if change == "added" else (" ~", inks.host)

    def render_label(self, node: TreeNode[DirEntry], base_style: Style, style: Style) -> Text:
        """Return an arrow and the name; ● behind unsaved files."""
        name = node.label if node.data is None else visible(printable(Path(node.data.path.name)))
        label = Text(str(name), style=style, end="")
        if not self.is_mounted:
            return label
        inks = inks_of(self)
        if node.data is None:  # a remark
            return Text(f"  {node.label}", style=base_style + Style(color=inks.muted), end="")
        if node.allow_expand:
            arrow = "▾ " if node.is_expanded else "▸ "
            sign, ink = self._change_sign(node.data.path, inks)
            label.append(sign, style=Style(color=ink))
            return Text(arrow, style=base_style + Style(color=inks.muted)).append_text(label)
        if node.data.path == self._open:
            label.stylize(Style(color=inks.wafer))
        sign, ink = self._change_sign(node.data.path, inks)
        label.append(sign, style=Style(color=ink))
        if node.data.path in self._unsaved:
            label.append(" ●", style=Style(color=inks.caution))
        return Text("  ", style=base_style).append_text(label)

    def action_new_file(self) -> None:
        """Ask for a new file in the folder at the cursor."""
        self.post_message(self.NewFileRequested(self._folder_here()))

    def action_change(self, what: str) -> None:
        """Ask for a change of what is at the cursor; see `ChangeRequested`."""
        entry = self.cursor_node.data if self.cursor_node is not None else None
        if what == "new folder":
            self.post_message(self.ChangeRequested(what, self._folder_here()))
        elif entry is not None and entry.path != self._rules.root:
            self.post_message(self.ChangeRequested(what, entry.path))

    def _folder_here(self) -> Path:
        """Return the folder at the cursor, or that of the file there."""
        entry = self.cursor_node.data if self.cursor_node is not None else None
        if entry is None:
            return self._rules.root
        return entry.path if self._safe_is_dir(entry.path) else entry.path.parent

    async def action_reload_tree(self) -> None:
        """Read rules and folders again; open folders stay open."""
        self._rules.forget()
        await self.reload()

    def action_close_folder(self) -> None:
        """Close the folder at the cursor; from a file or a closed folder, go to its parent."""
        node = self.cursor_node
        if node is None:
            return
        if node.allow_expand and node.is_expanded:
            node.collapse()
        elif node.parent is not None and node.parent is not self.root:
            self.move_cursor(node.parent)

    def action_open_folder(self) -> None:
        """Open the folder at the cursor."""
        node = self.cursor_node
        if node is not None and node.allow_expand:
            node.expand()


if __name__ == "__main__":

    class Demo(App[None]):
        """The tree of the current folder."""

        def compose(self) -> ComposeResult:
            """Fill the screen with the tree."""
            yield RepoTree(IgnoreRules(Path.cwd()))

    Demo().run()
