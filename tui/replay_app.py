"""The app on a recorded session: everything is shown as it was, and no key changes anything.

Asks no engine and keeps nothing: the files are copies, and numbers are not counted again.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events

from engine.protocol.messages import Telemetry, Watch
from tui.app import SparkApp
from tui.assist.recording.redrawn import redrawn
from tui.assist.recording.session_file import RecordedSession
from tui.flows.replay_flow import ReplayFlow
from tui.settings import Settings, SuggestionSettings

if TYPE_CHECKING:
    from engine.protocol.messages import ClientMessage, WatchedCores
    from engine.protocol.what_if import WhatIfSetup
    from tui.app_messages import EngineNews

__all__ = ["ReplayApp"]

_KEYS = {
    "space": "pause",
    "plus": "faster",
    "equals_sign": "faster",
    "minus": "slower",
    "q": "quit",
    "escape": "quit",
    "ctrl+q": "quit",
}
"""What plays.  No bindings: those for characters give way to an editor."""
_LOOK = frozenset({"f1", "f2", "f3", "ctrl+b"})
"""Keys that do what they always do."""


class _Recorded:
    """Stands where the engine's client stands, and plays what the engine said."""

    connected = True

    def __init__(self, play: "Callable[[Callable[[EngineNews], None]], object]") -> None:
        self._play = play
        self._closed = asyncio.Event()
        self._deliver: Callable[[EngineNews], None] = lambda event: None
        self._cores: WatchedCores | None = None

    def listen(self, deliver: "Callable[[EngineNews], None]") -> "_Recorded":
        """Say everything to ``deliver``."""
        self._deliver = deliver
        return self

    async def run(self) -> None:
        """Play, then stay until the app ends."""
        await self._play(self._say)  # type: ignore[misc]
        await self._closed.wait()

    def send(self, message: "ClientMessage") -> bool:
        """Take a message that nobody answers."""
        if isinstance(message, Watch):
            self._cores = message.cores
        return True

    def _say(self, event: "EngineNews") -> None:
        """Say what was recorded; the wafer in the cells that are drawn now."""
        self._deliver(redrawn(event, self._cores) if isinstance(event, Telemetry) else event)

    def open(self, model: str | None, setup: "WhatIfSetup | None" = None) -> int:
        """Open nothing."""
        return 0

    def close_session(self, number: int) -> None:
        """Close nothing."""

    async def close(self) -> None:
        """End `run`."""
        self._closed.set()


class ReplayApp(SparkApp):
    """Plays a session.

    Args:
        session: What to play.
        root: The folder with copies of its files.
        speed: Recorded seconds that pass in one.
    """

    def __init__(self, session: RecordedSession, root: Path, speed: float = 1.0) -> None:
        self.replay = ReplayFlow(
            session,
            root,
            deck=lambda: self.deck,
            open_file=lambda path: self.flows.open(path),
            show=lambda **fields: self.status.show(**fields),
            speed=speed,
        )
        quiet = Settings(suggestions=SuggestionSettings(automatic=False))
        super().__init__(root, make_client=_Recorded(self.replay.play).listen, settings=quiet)
        self.title = "spark-tui replay"

    async def _connect(self) -> None:
        """Play, with nothing that suggests."""
        self.notify("Space pauses · + faster · - slower · q closes", timeout=6)
        await self.link.run()

    async def on_event(self, event: events.Event) -> None:
        """Let no key and no click through but those that play and look, except on a dialog."""
        playing = len(self.screen_stack) == 1
        if playing and isinstance(event, events.Key):
            action = _KEYS.get(event.key)
            if action is not None:
                await self.run_action(action)
            if event.key not in _LOOK:
                return
        elif playing and isinstance(event, events.Paste | events.MouseDown | events.MouseUp):
            return
        await super().on_event(event)

    def action_pause(self) -> None:
        """Pause, or go on."""
        self.replay.paused = not self.replay.paused

    def action_faster(self) -> None:
        """Play twice as fast."""
        self.replay.faster()

    def action_slower(self) -> None:
        """Play half as fast."""
        self.replay.slower()

    def action_quit(self) -> None:  # type: ignore[override]  # nothing here is to be saved
        """End."""
        self.exit()
