"""The app's commands about X-rays, and what their pane hears and tells.

A part of the app of its own, mixed into it.  Decides nothing: `XrayFlow` does.
"""

from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from tui.link.engine_link import EngineLink
from tui.safe_app import SafeApp
from tui.widgets.editor import Editor
from tui.widgets.pane_column import PaneColumn
from tui.widgets.wafer_map import WaferMap
from tui.widgets.xray_pane import XrayPane

if TYPE_CHECKING:
    from tui.flows.wafer.xray_flow import XrayFlow

__all__ = ["XrayActions"]


class PaneParts(Protocol):
    """Shows panes."""

    def show_beside(self, name: str, *, keyboard: bool = True) -> None:
        """Show a pane, and give it the keyboard, or leave that where it is."""

    def focus_editor(self) -> None:
        """Leave a pane."""


class XrayActions(SafeApp):
    """What a person can look into."""

    link: EngineLink
    panes: PaneColumn
    parts: PaneParts

    @property
    def shown_ghost(self) -> str:
        """The suggestion that is shown; empty without one, or without an editor."""
        return ""

    @cached_property
    def xrays(self) -> "XrayFlow":
        """What is looked into."""
        from tui.flows.wafer.xray_flow import XrayFlow

        return XrayFlow(
            self.link,
            next((pane for pane in self.panes if isinstance(pane, XrayPane)), None),
            show_pane=self._show_xray,
            leave=self.parts.focus_editor,
        )

    def _show_xray(self, name: str, *, keyboard: bool = True) -> None:
        """Show the pane and its map; the keyboard follows once both have their size.

        An editor that loses the keyboard asks for sizes: panes that are new then never hear theirs.
        """
        self.parts.show_beside(name, keyboard=False)
        if keyboard:
            self.call_after_refresh(self.parts.show_beside, name)

    def action_xray(self) -> None:
        """Look into the suggestion, or into the last one; from there, back to the editor."""
        if len(self.screen_stack) == 1:
            self.xrays.open(self.shown_ghost)

    def on_editor_ghost_clicked(self, event: Editor.GhostClicked) -> None:
        """Look into the token that was clicked."""
        self.xrays.look(event.editor.ghost, event.place, keyboard=False)

    def on_xray_pane_wave_wanted(self, event: XrayPane.WaveWanted) -> None:
        """Ask for the way of a token."""
        self.xrays.want_wave(event.answer, event.token, simulate=event.simulate)

    def on_xray_pane_wave_not_wanted(self) -> None:
        """Give a simulation up."""
        self.xrays.want_no_wave()

    def on_xray_pane_wave_shown(self, event: XrayPane.WaveShown) -> None:
        """Paint it on the map."""
        for wafer in self.panes.query(WaferMap):
            wafer.show_activity(event.regions)
