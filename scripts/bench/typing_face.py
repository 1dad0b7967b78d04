"""The app's side of typing, without a screen: its policy and cache on a real engine process.

`Face` presses keys of a page and notes what came of each; what is suggested and when is decided by
`tui.assist`, as in the app.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from engine import EngineClient, EngineDown
from engine.protocol.messages import (
    ClientMessage,
    Complete,
    Completed,
    EngineReady,
    Failed,
    SessionFailed,
    Shutdown,
)
from scripts.bench.typing_keys import Key, Text
from scripts.bench.typing_page import Page
from scripts.bench.typing_passes import Passes
from tui.assist.quick_session import QuickSession
from tui.assist.suggestion_events import NoSuggestion, SuggestionEvent, SuggestionReady
from tui.assist.suggestions import Suggestions
from tui.settings import SuggestionSettings

__all__ = ["Face", "Pace", "served_engine"]

_ANSWER_SECONDS = 120.0
_SEEN_CHARACTERS = 40
"""Of the text before the cursor, to know a key by."""

_GOODBYE_SECONDS = 0.1
"""Until the last message has left."""


def served_engine(options: dict[str, Any]) -> list[str]:
    """Return the command of the engine process with a benchmark's options."""
    return [sys.executable, str(Path(__file__).with_name("served_engine.py")), json.dumps(options)]


@dataclass(frozen=True, slots=True)
class Pace:
    """When the next key is pressed."""

    wait: str = "answer"
    """What a key waits for: the whole ``answer`` to the one before, or its first ``line``."""
    least_seconds: float = 0.0
    """From key to key, at least: it is the engine's idle time."""
    key_seconds: float | None = None
    """From key to key, whatever has come; None: keys wait."""


class Face:
    """One page after the other, typed with suggestions.

    Args:
        model: What `engine.EngineClient` takes.
        settings: The app's.
        options: Of the engine process, for `served_engine`.
        repository: Folder whose other files may be read; None: none are.
        pace: When the next key is pressed.
        second: A small model that is asked first, as the app's setting ``models.second``; None:
            none is.
    """

    def __init__(
        self,
        model: str,
        settings: SuggestionSettings,
        options: dict[str, Any],
        repository: Path | None = None,
        pace: Pace = Pace(),
        second: str | None = None,
    ) -> None:
        self.keys: list[Key] = []
        self.ready: EngineReady | None = None
        self._notes = Path(options["notes"])
        self._pace = pace
        self._second = second
        self._quick: int | None = None
        self._problem: str | None = None
        self._changed = asyncio.Event()
        self._page: Page | None = None
        self._key: Key | None = None
        self._requests: dict[int, Key] = {}
        self._client = EngineClient(
            model=model, on_event=self._on_engine, command=served_engine(options)
        )
        self._suggestions = Suggestions(
            self,
            settings,
            on_event=self._on_event,
            set_timer=self._set_timer,
            repository=str(repository) if repository is not None else None,
        )

    async def __aenter__(self) -> "Face":
        """Connect, and wait until the engine is ready."""
        self._running = asyncio.create_task(self._client.run())
        await self._until(lambda: self.ready is not None, 600.0)
        if self._second is not None:
            self._quick = self._client.open(self._second)
            await self._until(lambda: self._suggestions.quick is not None, 600.0)
        return self

    async def __aexit__(self, *error: object) -> None:
        """End the engine process."""
        self._client.send(Shutdown())
        await asyncio.sleep(_GOODBYE_SECONDS)
        await self._client.close()
        await self._running
        if self._second is None:  # else requests of two sessions are noted
            self._read_notes()

    async def type(self, page: Page, most_keys: int, on_key: Callable[[], None]) -> None:
        """Type a page, or as many keys of it."""
        self._suggestions.changed(None)
        self._page = page
        for number in range(most_keys):
            if not page.target:
                return
            before, shown = page.before, page.ghost
            kind = page.press()
            if not number:  # nothing of this page is in the KV cache
                kind = "cold"
            typed = page.before[len(before) :] if page.before.startswith(before) else ""
            await self._edited(
                {"accept": "after accept"}.get(kind, kind),
                accepted=kind == "accept",
                inside_shown=bool(typed) and shown.startswith(typed) and shown != typed,
            )
            on_key()

    async def cold(self, page: Page) -> Key:
        """Type nothing: ask at a cursor of which the engine knows nothing."""
        self._suggestions.changed(None)
        self._page = page
        return await self._edited("cold", accepted=False, inside_shown=False)

    async def _edited(self, kind: str, *, accepted: bool, inside_shown: bool) -> Key:
        """Tell an edit and wait for what comes of it."""
        page = self._page
        assert page is not None
        key = self._key = Key(kind, monotonic(), before=page.before[-_SEEN_CHARACTERS:])
        self.keys.append(key)
        self._suggestions.edited(page.place, accepted=accepted)
        if key.texts and inside_shown:
            key.source = "shown"
        if self._pace.key_seconds is None:
            await self._until(lambda: self._is_served(key), _ANSWER_SECONDS)
            await self._sleep_until(key.pressed + self._pace.least_seconds)
        else:
            await self._sleep_until(key.pressed + self._pace.key_seconds)
        if key.source != "request" or key.ended is not None or key.has_line:
            key.final = page.ghost
        self._key = None
        return key

    def _is_served(self, key: Key) -> bool:
        """Return whether a key has what the next one waits for."""
        line = self._pace.wait == "line" and key.has_line
        return line or self._suggestions.state == "idle"

    # ── from the suggestions ────────────────────────────────────────────────────────────────

    @property
    def connected(self) -> bool:
        """Whether requests reach the engine."""
        return self._client.connected

    def send(self, message: ClientMessage) -> bool:
        """Pass on a request, noting when."""
        asked = isinstance(message, Complete) and message.session != self._quick
        if asked and self._key is not None:
            self._key.source, self._key.asked = "request", monotonic()
            self._requests[message.request_id] = self._key
        return self._client.send(message)

    def _on_event(self, event: SuggestionEvent) -> None:
        page, key = self._page, self._key
        if isinstance(event, SuggestionReady) and page is not None and event.place == page.place:
            page.show(event.text)
            if key is not None:
                key.texts.append(Text(monotonic(), event.text))
                if event.from_cache:
                    key.source = "cache"
        elif isinstance(event, NoSuggestion) and event.completion is not None and page is not None:
            page.show("")
        self._changed.set()

    def _set_timer(self, seconds: float, callback: Callable[[], None]) -> "_Timer":
        return _Timer(asyncio.get_running_loop().call_later(seconds, callback))

    # ── from the engine ─────────────────────────────────────────────────────────────────────

    def _on_engine(self, event: Any) -> None:
        match event:
            case EngineReady(session=session) if session == self._quick:
                self._suggestions.quick = QuickSession(session, event.model)
                self._changed.set()
                return
            case EngineReady():
                self.ready = event
            case Completed():
                self._completed(event)
            case EngineDown() | SessionFailed() | Failed():
                self._problem = getattr(event, "reason", None) or event.message
        self._suggestions.on_engine(event)
        self._changed.set()

    def _completed(self, event: Completed) -> None:
        key, done = self._requests.get(event.request_id), event.completion
        if key is None:
            return
        key.prompt_tokens = done.prompt_tokens
        key.new_tokens = done.prompt_tokens - done.cached_tokens
        key.completion_tokens = done.completion_tokens
        key.prefill_ms = done.host.prefill_ms
        if done.finish_reason != "cancelled":
            key.ended = monotonic()

    async def _sleep_until(self, time: float) -> None:
        await asyncio.sleep(max(0.0, time - monotonic()))

    async def _until(self, true: Callable[[], bool], seconds: float) -> None:
        """Wait until something holds.

        Raises:
            RuntimeError: The engine failed, or it takes too long.
        """
        deadline = monotonic() + seconds
        while not true():
            if self._problem is not None:
                raise RuntimeError(f"the engine: {self._problem}")
            if monotonic() > deadline:
                raise RuntimeError(f"no answer within {seconds:.0f} s")
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), 1.0)
            except TimeoutError:
                continue

    def _read_notes(self) -> None:
        """Take over what was noted of each request: all are served, in their order."""
        noted = self._notes.read_text(encoding="utf-8") if self._notes.exists() else ""
        for key, line in zip(self._requests.values(), noted.splitlines(), strict=False):
            notes = json.loads(line)
            key.began = notes["began"]
            if "passes" in notes:
                key.passes = Passes(**notes["passes"])


class _Timer:
    """A timer of the event loop that can be stopped."""

    def __init__(self, handle: asyncio.TimerHandle) -> None:
        self._handle = handle

    def stop(self) -> None:
        """Let it never fire."""
        self._handle.cancel()
