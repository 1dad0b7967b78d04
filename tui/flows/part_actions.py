"""The app's commands about which parts of the screen are visible, and which has the keyboard.

A part of the app of its own, mixed into it.  Decides nothing: `VisibleParts` does.
"""

from textual import events

from tui.flows.visible_parts import VisibleParts
from tui.flows.wafer.pane_manners import PaneManners

__all__ = ["PartActions"]


class PartActions(PaneManners):
    """What a person can show, hide and go to."""

    parts: VisibleParts

    def on_resize(self, event: events.Resize) -> None:
        """Fit the parts into the new size."""
        self.call_later(self.parts.arrange)

    def action_toggle_tree(self) -> None:
        """Show the tree and go to it, or hide it; one over the editor is there for a while."""
        wanted = self.parts.toggle_tree()
        if wanted is not None:
            self.change_setting("editor.tree", wanted)

    def action_toggle_panes(self) -> None:
        """Show or hide the panes."""
        self.change_setting("panes.visible", self.parts.toggle_panes())

    def action_toggle_soft_wrap(self) -> None:
        """Wrap long lines, or let them run out of the view."""
        self.change_setting("editor.soft_wrap", not self.settings.editor.soft_wrap)

    def action_next_pane(self) -> None:
        """Show the next pane alone, or all again."""
        self.parts.next_pane()

    def action_next_area(self) -> None:
        """Move the keyboard on: tree, editor, panes."""
        self.parts.next_area()

    def action_focus_editor(self) -> None:
        """Give the keyboard back to the editor, from a pane that fills the screen too."""
        self.parts.focus_editor()
