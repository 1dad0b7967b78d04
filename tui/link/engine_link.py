"""The app's end of the connection to the engine: makes the client after the first paint, runs it.

Turns what the client says into `EngineEvent` messages.  Keeps no state of the engine.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from tui.messages import EngineEvent

if TYPE_CHECKING:
    from engine import EngineDown, EngineStarting
    from engine.protocol.messages import ClientMessage, ServerMessage

    Event = ServerMessage | EngineStarting | EngineDown

__all__ = ["Client", "EngineLink"]

_log = logging.getLogger(__name__)


class Client(Protocol):
    """What the link needs of `engine.EngineClient`; tests and demos bring their own."""

    @property
    def connected(self) -> bool:
        """Whether messages reach an engine."""

    async def run(self) -> None:
        """Connect and deliver events until closed."""

    def send(self, message: "ClientMessage") -> bool:
        """Send a message; False when not connected."""

    async def close(self) -> None:
        """End `run`."""


class EngineLink:
    """Owns the client.

    Args:
        post: Delivers a message to the app.
        make: Builds the client around the function that takes its events; called once, after
            the first paint, because it imports `engine.client`.
    """

    def __init__(
        self,
        post: Callable[[EngineEvent], Any],
        make: "Callable[[Callable[[Event], None]], Client]",
    ) -> None:
        self._post = post
        self._make = make
        self._client: Client | None = None

    async def run(self) -> None:
        """Make the client and run it until it is closed; a failure becomes an event."""
        try:
            self._client = self._make(self._deliver)
            await self._client.run()
        except Exception as error:
            # Whatever breaks here must cost suggestions, never the text being edited.
            _log.exception("the connection to the engine broke")
            from engine import EngineDown

            self._deliver(EngineDown(reason=str(error), retrying=False))

    @property
    def connected(self) -> bool:
        """Whether messages reach an engine."""
        return self._client is not None and self._client.connected

    def send(self, message: "ClientMessage") -> bool:
        """Send a message; False when there is no engine to take it."""
        return self._client is not None and self._client.send(message)

    async def close(self) -> None:
        """End the connection."""
        if self._client is not None:
            await self._client.close()

    def _deliver(self, event: "Event") -> None:
        self._post(EngineEvent(event))
