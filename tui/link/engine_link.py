"""The app's end of the connection to the engine: makes the client after the first paint, runs it.

Turns what the client says into `EngineEvent` messages.  Keeps no state of the engine.
"""

import logging
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

from tui.app_messages import EngineEvent

if TYPE_CHECKING:
    from engine import Launch
    from engine.protocol.messages import ClientMessage
    from engine.protocol.what_if import WhatIfSetup
    from tui.app_messages import EngineNews

__all__ = ["ClientMaker", "EngineLink", "LinkedClient", "engine_client"]

_log = logging.getLogger(__name__)


class LinkedClient(Protocol):
    """The part of `engine.EngineClient` that the link uses; tests bring their own."""

    @property
    def connected(self) -> bool:
        """Whether messages reach an engine."""

    async def run(self) -> None:
        """Connect and deliver events until closed."""

    def send(self, message: "ClientMessage") -> bool:
        """Send a message; False when not connected."""

    def open(self, model: str | None, setup: "WhatIfSetup | None" = None) -> int:
        """Ask for a session with a model, on the same machine or another; return its number."""

    def close_session(self, number: int) -> None:
        """Give a session back."""

    async def close(self) -> None:
        """End `run`."""


_FIRST_ASKED = 1 << 32
"""The number of the first request that `EngineLink.next_request` gives; suggestions count from 1.

Both belong to one connection, in which a number stands for one request."""

ClientMaker = Callable[[Callable[["EngineNews"], None]], LinkedClient]
"""Makes a client around the function that takes its events."""


def engine_client(
    *,
    model: str | None = None,
    machine: str = "wse3",
    clock_ghz: float | None = None,
    ahead: "Launch | None" = None,
) -> ClientMaker:
    """Return what makes an `engine.EngineClient`.

    Args:
        model: A model's name or path; None is the default model.
        machine: Name of the emulated machine.
        clock_ghz: Clock that turns cycles into seconds; None is the machine's own.
        ahead: The engine process that `engine.launch_ahead` has started for this client, if any.
    """

    def make(on_event: "Callable[[EngineNews], None]") -> LinkedClient:
        from engine import EngineClient  # after the first paint

        return EngineClient(
            model=model, machine=machine, clock_ghz=clock_ghz, on_event=on_event, ahead=ahead
        )

    return make


class EngineLink:
    """Owns the client, and knows which of its sessions serves the app.

    Args:
        post: Delivers a message to the app.
        make: Makes the client; called once, after the first paint, because it imports
            `engine.client`.
    """

    def __init__(self, post: Callable[[EngineEvent], Any], make: ClientMaker) -> None:
        self._post = post
        self._make = make
        self._client: LinkedClient | None = None
        self.session = 1
        """The session that serves; others are being opened."""
        self._requests = count(_FIRST_ASKED)

    def make_with(self, make: ClientMaker) -> None:
        """Make another client, from the next `run` on."""
        self._make = make

    async def run(self) -> None:
        """Make the client and run it until it is closed; a failure becomes an event."""
        self.session = 1
        try:
            self._client = self._make(self._deliver)
            await self._client.run()
        except Exception as error:
            # Whatever breaks here may cost suggestions, never the text being edited.
            _log.exception("the connection to the engine broke")
            from engine import EngineDown

            self._deliver(EngineDown(reason=str(error), retrying=False))

    @property
    def connected(self) -> bool:
        """Whether messages reach an engine."""
        return self._client is not None and self._client.connected

    def send(self, message: "ClientMessage") -> bool:
        """Send a message; False when no engine takes it."""
        return self._client is not None and self._client.send(message)

    def next_request(self) -> int:
        """Return the number of a request that a person asks for, and no suggestion has."""
        return next(self._requests)

    def open(self, model: str | None, setup: "WhatIfSetup | None" = None) -> int | None:
        """Begin to open a session beside the one that serves; None without a client.

        Args:
            model: Its model.
            setup: The machine; None: the client's.
        """
        return None if self._client is None else self._client.open(model, setup)

    def drop(self, session: int) -> None:
        """Give a session back."""
        if self._client is not None:
            self._client.close_session(session)

    async def close(self) -> None:
        """End the connection."""
        if self._client is not None:
            await self._client.close()

    def _deliver(self, event: "EngineNews") -> None:
        """Pass an event on; one whose numbers cannot be is dropped, or becomes a failure."""
        from engine.protocol.messages import (
            Answered,
            AnswerWave,
            AnswerXray,
            Compared,
            Completed,
            CoreTold,
            EngineReady,
            Failed,
            Rewritten,
            SessionFailed,
            Still,
            WhatIfTold,
        )
        from tui.link.sound_messages import flaw_of

        flaw = flaw_of(event)
        if flaw is None:
            self._post(EngineEvent(event))
            return
        reason = f"the engine sent numbers that cannot be: {flaw}"
        _log.warning("%s (%s)", reason, type(event).__name__)
        match event:
            case EngineReady():
                self._post(EngineEvent(SessionFailed(event.session, reason)))
            case (
                Completed() | Rewritten() | Answered() | AnswerXray() | AnswerWave() | Still()
                | CoreTold() | Compared() | WhatIfTold()
            ):  # fmt: skip
                self._post(EngineEvent(Failed(event.request_id, reason)))
