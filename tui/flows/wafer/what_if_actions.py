"""The app's command about what-ifs, and what their pane hears and tells.

A part of the app of its own, mixed into it.  Decides nothing: `WhatIfFlow` does.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from engine.protocol.messages import SessionFailed
from tui.app_messages import EngineEvent
from tui.flows.models.model_flow import ModelFlow
from tui.flows.suggestions.ghost_writer import GhostWriter
from tui.flows.wafer.peer_actions import PeerActions
from tui.link.engine_state import EngineState
from tui.widgets.what_if_pane import WhatIfPane

if TYPE_CHECKING:
    from tui.flows.wafer.what_if_flow import WhatIfFlow

__all__ = ["WhatIfActions"]


class WhatIfActions(PeerActions):
    """What a person can change of the wafer."""

    models: ModelFlow
    engine_state: EngineState
    ghost_writer: GhostWriter

    @cached_property
    def what_ifs(self) -> "WhatIfFlow | None":
        """What is priced; None where there is no such pane."""
        from tui.flows.wafer.what_if_flow import WhatIfFlow

        pane = next((pane for pane in self.panes if isinstance(pane, WhatIfPane)), None)
        if pane is None:
            return None
        return WhatIfFlow(self.link, pane, self.set_timer, self.ghost_writer.ask)

    def action_what_if(self) -> None:
        """Price the suggestion that is shown, or the last one; from there, back to the editor."""
        if self.what_ifs is None or len(self.screen_stack) > 1:
            return
        pane = self.panes.query_one(WhatIfPane)
        if pane.has_focus:
            self.parts.focus_editor()
            return
        answer = self.xrays.answer_of(self.shown_ghost)
        self.parts.show_beside(WhatIfPane.NAME, keyboard=False)
        # As with the X-ray: the keyboard follows once the pane has its size.
        self.call_after_refresh(self.parts.show_beside, WhatIfPane.NAME)
        self.what_ifs.look(answer)

    def on_what_if_pane_wanted(self, event: WhatIfPane.Wanted) -> None:
        """Ask for a curve."""
        if self.what_ifs is not None:
            self.what_ifs.ask(event.over, event.setup)

    def on_what_if_pane_not_wanted(self) -> None:
        """Have nothing priced any more."""
        if self.what_ifs is not None:
            self.what_ifs.stop()

    def on_engine_event(self, message: EngineEvent) -> None:
        """Hear that what was applied cannot be opened; all else is the app's."""
        if isinstance(message.event, SessionFailed) and self.what_ifs is not None:
            self.what_ifs.not_applied()

    def on_what_if_pane_applied(self, event: WhatIfPane.Applied) -> None:
        """Open a session so, beside the one that serves."""
        ready = self.engine_state.ready
        if ready is not None and self.what_ifs is not None:
            self.what_ifs.applied()
            self.models.change_machine(ready.model.folder, event.setup)
