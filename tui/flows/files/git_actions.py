"""The action that shows what changed since the last commit, and when git is asked."""

from functools import cached_property, partial
from typing import TYPE_CHECKING

from tui.flows.tool_actions import ToolActions
from tui.widgets.editor import Editor
from tui.widgets.repo_tree import RepoTree
from tui.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from tui.flows.files.git_flow import GitFlow

__all__ = ["GitActions"]

_FIRST_SECONDS = 1.0
"""Git is asked first when the app has painted and connected."""
_POLL_SECONDS = 5.0


class GitActions(ToolActions):
    """An app that shows what git knows."""

    repo_tree: RepoTree
    status: StatusLine

    @cached_property
    def git(self) -> "GitFlow":
        """Follows what git knows."""
        from tui.flows.files.git_flow import GitFlow

        return GitFlow(
            self,
            self.deck,
            self.rules,
            self.jumps,
            run=partial(self.run_safely, group="git-marks", exclusive=True),
            show_branch=lambda branch: self.status.show(branch=branch),
            mark_tree=self.repo_tree.show_changes,
        )

    def on_mount(self) -> None:
        """Ask git now and then."""
        self.set_timer(_FIRST_SECONDS, self._poll_git)
        self.set_interval(_POLL_SECONDS, self._poll_git)

    def _poll_git(self) -> None:
        if self.app_focus:
            self.run_safely(self.git.poll, group="git", exclusive=True)

    def action_show_changes(self) -> None:
        """Show how the visible file differs from the last commit."""
        self.run_safely(self.git.show_changes, group="navigate", exclusive=True)

    def on_deck_changed(self) -> None:
        """Mark the visible file; ask git again after a save."""
        if "git" in vars(self):
            self.git.look_soon()
            self._poll_git()

    def on_editor_edited(self, event: Editor.Edited) -> None:
        """Follow an edit."""
        if "git" in vars(self):
            self.git.look_soon()
