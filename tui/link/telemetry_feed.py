"""Asks the engine for numbers while a pane is visible, and keeps their history.

No other module asks for numbers.  Counters that arrive in one turn of the event loop become one
message.  Knows no widget.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine.protocol.messages import Telemetry, ThroughputPoint, Unwatch, Watch
from tui.app_messages import TelemetryUpdated

if TYPE_CHECKING:
    from engine.protocol.messages import ClientMessage, WatchedCores

__all__ = ["HISTORY_LENGTH", "TelemetryFeed"]

HISTORY_LENGTH = 512
"""Intervals kept for the history lines: more than the columns of the widest pane."""


class TelemetryFeed:
    """Turns the engine's telemetry into `TelemetryUpdated` messages.

    Args:
        send: Sends a message to the engine; False when there is none.
        post: Delivers a message to the app.
        call_later: Runs a function in the next turn of the event loop.
        interval_ms: Time between two updates while something happens.
    """

    def __init__(
        self,
        *,
        send: "Callable[[ClientMessage], bool]",
        post: Callable[[TelemetryUpdated], Any],
        call_later: Callable[[Callable[[], None]], Any],
        interval_ms: int,
    ) -> None:
        self._send = send
        self._post = post
        self._call_later = call_later
        self._interval_ms = interval_ms
        self._visible = False
        self._paused = False
        self._session = 1
        self._cores: WatchedCores | None = None
        self._latest: Telemetry | None = None
        self._history: deque[ThroughputPoint] = deque(maxlen=HISTORY_LENGTH)

    @property
    def interval_ms(self) -> int:
        """Time between two updates while something happens."""
        return self._interval_ms

    @interval_ms.setter
    def interval_ms(self, value: int) -> None:
        self._interval_ms = value
        if self._watching:
            self._ask()

    def watch(self, visible: bool) -> None:
        """Begin or stop to ask for numbers: panes that nobody sees need none."""
        if visible != self._visible:
            self._visible = visible
            self._ask()

    def pause(self, paused: bool) -> None:
        """Stop to ask for numbers, or go on."""
        if paused != self._paused:
            self._paused = paused
            self._ask()

    @property
    def _watching(self) -> bool:
        return self._visible and not self._paused

    def look_at(self, cores: "WatchedCores | None") -> None:
        """Ask for the numbers of the cores that are drawn, as they are drawn; None: of none."""
        if cores != self._cores:
            self._cores = cores
            if self._watching:
                self._ask()

    def engine_ready(self, session: int) -> None:
        """Tell a new engine, or a new session, what is wanted."""
        if session != self._session:
            self._session = session
            self._history.clear()  # of another model
        if self._watching:
            self._ask()

    def _ask(self) -> None:
        if self._watching:
            self._send(Watch(self._session, self._interval_ms, self._cores))
        else:
            self._send(Unwatch(self._session))

    def received(self, telemetry: Telemetry) -> None:
        """Take counters; post them once the burst they came in is over."""
        if telemetry.session != self._session:
            return
        point = telemetry.throughput
        if point.prefill_tokens or point.decode_tokens:
            self._history.append(point)
        if self._latest is None:
            self._call_later(self._flush)
        self._latest = telemetry

    def _flush(self) -> None:
        """Post the newest counters."""
        telemetry, self._latest = self._latest, None
        if telemetry is not None:
            self._post(TelemetryUpdated(telemetry, tuple(self._history)))
