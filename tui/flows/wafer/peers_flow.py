"""Asks the engine for a model's token on other machines, and gives the answer to its pane."""

from typing import TYPE_CHECKING

from engine.protocol.messages import Compare, Compared, Failed
from tui.link.engine_link import EngineLink
from tui.widgets.peers_pane import PeersPane

if TYPE_CHECKING:
    from tui.app_messages import EngineNews

__all__ = ["PeersFlow"]


class PeersFlow:
    """What the pane is told.

    Args:
        link: The connection to the engine.
        pane: Shows it.
    """

    def __init__(self, link: EngineLink, pane: PeersPane) -> None:
        self._link = link
        self._pane = pane
        self._asked = 0

    def ask(self) -> None:
        """Ask for the figures of the model that serves."""
        self._asked = self._link.next_request()
        if not self._link.send(Compare(self._link.session, self._asked)):
            self._pane.say("no engine is connected")

    def takes(self, event: "EngineNews") -> bool:
        """Take what was asked for; return whether it was that."""
        match event:
            case Compared(request_id, comparison):
                if request_id == self._asked:
                    self._pane.show_comparison(comparison)
                return True
            case Failed(request_id, message) if request_id == self._asked:
                self._pane.say(message)
                return True
        return False
