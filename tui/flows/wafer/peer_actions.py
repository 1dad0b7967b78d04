"""The app's command about other machines, and what their pane hears and tells.

A part of the app of its own, mixed into it.  Decides nothing: `PeersFlow` does.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from tui.flows.wafer.xray_actions import XrayActions
from tui.widgets.peers_pane import PeersPane

if TYPE_CHECKING:
    from tui.app_messages import EngineNews
    from tui.flows.wafer.peers_flow import PeersFlow

__all__ = ["PeerActions"]


class PeerActions(XrayActions):
    """What a person can compare."""

    @cached_property
    def _peers(self) -> "PeersFlow | None":
        from tui.flows.wafer.peers_flow import PeersFlow

        pane = next((pane for pane in self.panes if isinstance(pane, PeersPane)), None)
        return None if pane is None else PeersFlow(self.link, pane)

    def action_peers(self) -> None:
        """Show the pane of other machines beside the editor."""
        if self._peers is not None and len(self.screen_stack) == 1:
            self.parts.show_beside(PeersPane.NAME, keyboard=False)

    def on_peers_pane_wanted(self) -> None:
        """Ask for figures."""
        if self._peers is not None:
            self._peers.ask()

    def takes_comparison(self, event: "EngineNews") -> bool:
        """Take what belongs to the pane; return whether it did."""
        return self._peers is not None and self._peers.takes(event)
