"""X-rays of suggestions in the app: which answer and token is looked at, and what the engine says.

Asks only while the pane is seen.  Draws nothing.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from engine.protocol.completion import Completion
from engine.protocol.messages import (
    AnswerWave,
    AnswerXray,
    Cancel,
    EngineReady,
    Failed,
    LookInto,
    Simulating,
)
from engine.protocol.xray import Xray
from tui.link.engine_link import EngineLink
from tui.widgets.xray_pane import XrayPane

if TYPE_CHECKING:
    from tui.app_messages import EngineNews

__all__ = ["XrayFlow"]

_REMEMBERED = 16
"""Answers whose text is remembered here: as many as the engine can look into."""


class ShowPane(Protocol):
    """Shows a pane beside the editor."""

    def __call__(self, name: str, *, keyboard: bool = True) -> None:
        """Show it, and give it the keyboard or not."""


class XrayFlow:
    """What is looked into.

    Args:
        link: The connection to the engine.
        pane: Shows it; None where there is no such pane.
        show_pane: Shows a pane beside the editor; gives it the keyboard unless told not to.
        leave: Gives the keyboard back to the editor.
    """

    def __init__(
        self,
        link: EngineLink,
        pane: XrayPane | None,
        *,
        show_pane: "ShowPane",
        leave: Callable[[], None],
    ) -> None:
        self._link = link
        self._pane = pane
        self._show_pane = show_pane
        self._leave = leave
        self._answers: deque[tuple[int, str]] = deque(maxlen=_REMEMBERED)
        self._asked = 0
        self._session = 1
        self._place = 0
        self._follows = True

    # ── what the person wants ───────────────────────────────────────────────────────────────

    def open(self, ghost: str) -> None:
        """Look into the suggestion that is shown, or else the last one; from the pane, go back."""
        if self._pane is None:
            return
        if self._pane.has_focus:
            self._leave()
        else:
            self.look(ghost, 0)

    def look(self, ghost: str, place: int, *, keyboard: bool = True) -> None:
        """Look at the token of a suggestion that says a character of it.

        Args:
            ghost: The suggestion as it is shown, what was typed of it left out.
            place: Number of the character in it.
            keyboard: Whether the pane gets the keyboard, which takes the suggestion away.
        """
        if self._pane is None:
            return
        answer, skipped = self._said_by(ghost)
        self._show_pane(XrayPane.NAME, keyboard=keyboard)
        self._follows = not ghost
        self._ask(answer, skipped + place)

    def want_wave(self, answer: int, token: int, *, simulate: bool) -> None:
        """Ask for the way of a token over the wafer, by formula or as the cycle tier has it."""
        number = self._link.next_request()
        self._send(LookInto(self._link.session, number, answer, token, simulate))

    def want_no_wave(self) -> None:
        """Wait for no simulation any more."""
        self._link.send(Cancel(self._asked))

    def answer_of(self, ghost: str) -> int:
        """Return the answer that a suggestion shows, or the last one; 0: there is none."""
        return self._said_by(ghost)[0]

    def _said_by(self, ghost: str) -> tuple[int, int]:
        """Return the newest answer that ends in a ghost, and the characters before that."""
        for number, text in reversed(self._answers):
            if ghost and text.endswith(ghost):
                return number, len(text) - len(ghost)
        return (self._answers[-1][0] if self._answers else 0), 0

    def _ask(self, answer: int, place: int) -> None:
        assert self._pane is not None
        self._place = place
        if not answer:
            self._pane.say("")
        elif self._pane.shown is not None and self._pane.shown.answer == answer:
            self._pane.look_at(_token_at(self._pane.shown, place))
        else:
            self._send(LookInto(self._link.session, self._link.next_request(), answer))

    def _send(self, message: LookInto) -> None:
        self._asked = message.request_id
        if not self._link.send(message) and self._pane is not None:
            self._pane.say("no engine is connected")

    # ── what the engine says ────────────────────────────────────────────────────────────────

    def newest(self) -> None:
        """Look into the newest answer of the session, whoever asked for it, where that is seen."""
        if self._seen and self._follows:
            self._place = 0
            self._send(LookInto(self._link.session, self._link.next_request(), 0))

    def completed(self, completion: Completion) -> None:
        """Remember an answer; look into it if the person looks at the newest."""
        if not completion.answer:
            return
        self._answers.append((completion.answer, completion.text))
        if self._seen and self._follows and completion.text:
            self._ask(completion.answer, 0)

    @property
    def _seen(self) -> bool:
        return self._pane is not None and self._pane.display and self._pane.is_on_screen

    def takes(self, event: "EngineNews") -> bool:
        """Take what belongs to an X-ray; return whether it did."""
        match event:
            case EngineReady(session=session) if session != self._session:
                self._session = session
                self._answers.clear()
                if self._pane is not None:
                    self._pane.say("")
                return False
            case AnswerXray() | AnswerWave() | Simulating() | Failed() if (
                event.request_id == self._asked
            ):
                self._show(event)
                return True
            case AnswerXray() | AnswerWave() | Simulating():
                return True  # of something that is looked at no more
        return False

    def _show(self, event: AnswerXray | AnswerWave | Simulating | Failed) -> None:
        assert self._pane is not None  # it asked
        match event:
            case AnswerXray(xray=xray):
                self._pane.show_xray(xray, _token_at(xray, self._place))
            case AnswerWave(token=token, wave=wave):
                self._pane.show_wave(token, wave)
            case Simulating(done=done, total=total, label=label):
                self._pane.show_progress(done, total, label)
            case Failed(message=message) if self._pane.shown is not None:
                self._pane.say_failed(message)
            case Failed(message=message):
                self._pane.say(message)


def _token_at(xray: Xray, place: int) -> int:
    """Return the token that says a character of the text; the last one where none does."""
    ends: Sequence[int] = [token.end for token in xray.tokens]
    return next((number for number, end in enumerate(ends) if end > place), len(ends) - 1)
