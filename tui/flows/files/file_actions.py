"""The app's commands about files: open, new, save, close, tabs, rename, delete.

A part of the app of its own, mixed into it.  The flows do the work.
"""

from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from engine.repository.ignore import IgnoreRules
from tui.flows.files.file_flows import FileFlows
from tui.flows.files.path_flows import PathFlows
from tui.safe_app import SafeApp
from tui.widgets.deck import Deck
from tui.widgets.editor import Editor
from tui.widgets.repo_tree import RepoTree
from tui.widgets.tab_bar import TabBar

__all__ = ["FileActions"]


class FileActions(SafeApp):
    """What a person can do about files."""

    deck: Deck
    flows: FileFlows
    path_flows: PathFlows
    repo_tree: RepoTree
    rules: IgnoreRules

    @property
    def editor(self) -> Editor | None:
        """The visible editor; None before a file is open."""
        file = self.deck.current
        return None if file is None else file.editor

    @property
    def file_name(self) -> str:
        """The visible file, relative to the repository; empty without one, or outside."""
        file = self.deck.current
        inside = file is not None and file.path.is_relative_to(self.rules.root)
        return file.path.relative_to(self.rules.root).as_posix() if file and inside else ""

    def open_path(self, path: Path, line: int | None = None) -> None:
        """Open a file."""
        self._flow(self.flows.open, path, line)

    def _flow(self, flow: Callable[..., Coroutine[None, None, None]], *arguments: Any) -> None:
        """Run something that may ask questions."""
        self.run_safely(partial(flow, *arguments), group="files")

    def action_go_to_line(self) -> None:
        """Ask for a line and go there."""
        self._flow(self.flows.go_to_line)

    def action_save(self) -> None:
        """Save the visible file."""
        self._flow(self.flows.save)

    def action_save_all(self) -> None:
        """Save every file that has unsaved text."""
        self._flow(self.flows.save_all)

    def action_save_as(self) -> None:
        """Save the visible file under another path."""
        self._flow(self.flows.save_as)

    # ── tabs ────────────────────────────────────────────────────────────────────────────────

    def action_close_file(self) -> None:
        """Close the visible file."""
        self._flow(self.flows.close)

    def action_show_tab(self, step: int) -> None:
        """Show the open file so many tabs to the right, or to the left."""
        self.deck.show_neighbour(step)

    def action_tab(self, number: int) -> None:
        """Show the open file of a tab, from 1."""
        self.deck.show_tab(number - 1)

    def on_tab_bar_close_wanted(self, message: TabBar.CloseWanted) -> None:
        """Close the file whose tab was clicked with the middle button."""
        self._flow(self.flows.close, self.deck.tabs[message.number])

    # ── files and folders as such ───────────────────────────────────────────────────────────

    def action_new_file(self) -> None:
        """Begin a new file."""
        self._flow(self.flows.new)

    def action_new_folder(self) -> None:
        """Make a folder."""
        self.repo_tree.action_change("new folder")

    def action_rename_file(self) -> None:
        """Give the visible file another path."""
        self._flow(self.path_flows.rename)

    def action_delete_file(self) -> None:
        """Move the visible file to the trash."""
        self._flow(self.path_flows.delete)

    def on_repo_tree_new_file_requested(self, event: RepoTree.NewFileRequested) -> None:
        """Begin a file beside the tree's cursor."""
        self._flow(self.flows.new, event.folder)

    def on_repo_tree_change_requested(self, event: RepoTree.ChangeRequested) -> None:
        """Change what is at the tree's cursor."""
        flows: dict[str, Callable[[Path], Coroutine[None, None, None]]] = {
            "new folder": self.path_flows.new_folder,
            "rename": self.path_flows.rename,
            "delete": self.path_flows.delete,
        }
        self._flow(flows[event.what], event.path)
