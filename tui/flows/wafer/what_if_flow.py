"""What-ifs in the app: which suggestion is priced, and what the engine says.

Asks only while the pane is seen.  Draws nothing.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.protocol.completion import Completion
from engine.protocol.messages import (
    AskWhatIf,
    Cancel,
    EngineReady,
    Failed,
    WhatIfTold,
)
from engine.protocol.what_if import WhatIfSetup
from tui.link.engine_link import EngineLink
from tui.widgets.what_if_pane import WhatIfPane

if TYPE_CHECKING:
    from tui.app_messages import EngineNews

__all__ = ["WhatIfFlow"]

_MOMENT = 0.01
"""Until a suggestion is asked for of a new session: everybody hears of it first."""
_REST_SECONDS = 1.5
"""Until a newer suggestion is priced: while they come one after the other, none is."""


class WhatIfFlow:
    """What is priced.

    Args:
        link: The connection to the engine.
        pane: Shows it.
        set_timer: Calls something after so many seconds.
        suggest: Asks for the suggestion at the cursor.
    """

    def __init__(
        self,
        link: EngineLink,
        pane: WhatIfPane,
        set_timer: Callable[[float, Callable[[], None]], object],
        suggest: Callable[[], None],
    ) -> None:
        self._link = link
        self._pane = pane
        self._set_timer = set_timer
        self._suggest = suggest
        self._applies = False
        self._answer = 0
        self._newest = 0
        self._asked = 0
        self._session = 1

    # ── what the person wants ───────────────────────────────────────────────────────────────

    def look(self, answer: int) -> None:
        """Price an answer; 0: there is none."""
        self._answer = answer
        if answer:
            self._pane.look_anew()
        else:
            self._pane.say("")

    def ask(self, over: str, setup: WhatIfSetup | None) -> None:
        """Ask for a parameter's curve."""
        if not self._answer:
            return
        self._asked = self._link.next_request()
        asked = AskWhatIf(self._link.session, self._asked, self._answer, over, setup)
        if not self._link.send(asked):
            self._pane.say("no engine is connected")

    def applied(self) -> None:
        """Have the suggestion made anew on the wafer that is being opened, once it is ready."""
        self._applies = True
        self._pane.note("is being opened; the suggestion then comes anew")

    def not_applied(self) -> None:
        """Hear that a session cannot be opened: the old one goes on."""
        if self._applies:
            self._applies = False
            self._pane.note("could not be opened; what ran before goes on")

    def stop(self) -> None:
        """Have nothing priced any more."""
        if self._asked:
            self._link.send(Cancel(self._asked))
            self._asked = 0

    # ── what the engine says ────────────────────────────────────────────────────────────────

    def completed(self, completion: Completion) -> None:
        """Remember an answer; price it once the person rests, if the pane is seen."""
        if completion.answer and completion.text:
            self._newest = completion.answer
            if self._seen:
                number = completion.answer
                self._set_timer(_REST_SECONDS, lambda: self._rested(number))

    def _rested(self, answer: int) -> None:
        """Price the newest answer, unless the person looks at another value of an older one."""
        looks = self._pane.shown
        moved = looks.base is not None and looks.setup != looks.base.setup
        if answer == self._newest != self._answer and self._seen and not moved:
            self.look(answer)

    @property
    def _seen(self) -> bool:
        return self._pane.display and self._pane.is_on_screen

    def takes(self, event: "EngineNews") -> bool:
        """Take what was asked for; return whether it was that."""
        match event:
            case EngineReady(session=session) if session != self._session:
                self._session, self._answer, self._newest, self._asked = session, 0, 0, 0
                if self._applies:
                    self._applies = False
                    self._set_timer(_MOMENT, self._suggest)
                return False
            case WhatIfTold(request_id, curve):
                if request_id == self._asked:
                    self._pane.show_curve(curve)
                return True
            case Failed(request_id, message) if request_id == self._asked != 0:
                self._pane.say(message)
                return True
        return False
