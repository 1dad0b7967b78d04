"""An editor with its suggestions in a tiny app that stays open, and an engine that obeys.

The app runs in a loop of its own, which moves only while something is done at the desk.  Timers
fire only when `Desk.rest` says that time passes.
"""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.pilot import Pilot

from engine.protocol.messages import Complete, Completed, Failed, PartialText
from tests.tui.painted import Painted
from tests.tui.widgets.conftest import _key
from tui.demo_engine import demo_completion, demo_ready
from tui.flows.suggestions.ghost_writer import GhostWriter
from tui.settings import Settings, SuggestionSettings
from tui.widgets.editor import Editor
from tui.widgets.key_screen import KeyApp

ROOT = Path("/desk")


class DeskApp(KeyApp):
    """The editor, and a writer that hears of it as in the real app."""

    writer: GhostWriter | None = None

    def compose(self) -> ComposeResult:
        yield Editor("", path="a.py")

    def on_editor_edited(self, message: Editor.Edited) -> None:
        if self.writer is not None:
            self.writer.edited(message)

    def on_editor_moved(self, message: Editor.Moved) -> None:
        if self.writer is not None:
            self.writer.moved(message)

    def on_editor_ghost_dismissed(self, message: Editor.GhostDismissed) -> None:
        if self.writer is not None:
            self.writer.dismissed(message)


@dataclass
class ScriptedTimer:
    """A timer that fires when the script says so."""

    callback: Callable[[], None]
    stopped: bool = False

    def stop(self) -> None:
        self.stopped = True


@dataclass
class ScriptedEngine:
    """Keeps requests; answers them when and as it is told.  Each answer names its request."""

    connected: bool = True
    asked: dict[int, Complete] = field(default_factory=dict)

    def send(self, message: Any) -> bool:
        if isinstance(message, Complete):
            self.asked[message.request_id] = message
        return True

    @staticmethod
    def answer(number: int) -> str:
        return f"s{number}(a, b)\n    t{number} = 1"


class Desk:
    """One editor for many tests; `begin` clears it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._context = contextvars.Context()
        self._opened = asyncio.Event()
        self._closing = asyncio.Event()
        self._task = self._loop.create_task(self._main(), context=self._context)
        self._loop.run_until_complete(self._opened.wait())

    async def _main(self) -> None:
        self.app = DeskApp()
        self.painted = Painted(self.app)
        async with self.app.run_test(size=(48, 14)) as pilot:
            self.pilot: Pilot[None] = pilot
            self.editor = self.app.query_one(Editor)
            self.editor.cursor_blink = False
            self.editor.focus()
            await self._settle()
            self._opened.set()
            await self._closing.wait()

    def close(self) -> None:
        self._closing.set()
        self._loop.run_until_complete(self._task)
        self._loop.close()

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Let the app do something, and wait until it is done."""
        self._loop.run_until_complete(
            self._loop.create_task(self._all(work), context=self._context)
        )

    async def _all(self, work: Coroutine[Any, Any, None]) -> None:
        await work
        for _ in range(3):  # a new layout tells sizes, which may call for another
            await self._settle()
            self.painted.paint()

    async def _settle(self) -> None:
        await self._handled()
        if not self.editor.document.is_parsed:  # else a timer would do it
            self.editor.finish_parsing()
            await self._handled()

    async def _handled(self) -> None:
        quiet = 0
        while quiet < 4:
            await asyncio.sleep(0)
            pumps = [self.app, *self.app.screen.walk_children(with_self=True)]
            idle = all(pump._message_queue.empty() for pump in pumps)
            quiet = quiet + 1 if idle else 0
        if self.app._exception is not None:
            raise self.app._exception

    # ── what happens ────────────────────────────────────────────────────────────────────────

    def begin(self, text: str, path: str, *, pairs: bool) -> None:
        """Clear the desk: a text, an engine that has said nothing, no timer."""
        self.engine = ScriptedEngine()
        self.timers: list[ScriptedTimer] = []
        self.do(self._begin(text, path, pairs=pairs))

    async def _begin(self, text: str, path: str, *, pairs: bool) -> None:
        self.app.writer = None
        self.editor.soft_wrap = False
        self.editor.pairs = pairs
        self.editor.load(text, path=path)
        self.editor.focus()
        await self._settle()
        settings = Settings(suggestions=SuggestionSettings(delay_ms=20))
        writer = GhostWriter(
            self.engine,  # type: ignore[arg-type]
            settings,
            root=ROOT,
            set_timer=self._set_timer,
            report=lambda report: None,
        )
        writer.start()
        writer.on_engine(demo_ready())
        writer.look_at(self.editor, ROOT / path, None)
        self.app.writer = writer

    def _set_timer(self, seconds: float, callback: Callable[[], None]) -> ScriptedTimer:
        timer = ScriptedTimer(callback)
        self.timers.append(timer)
        return timer

    def press(self, key: str) -> None:
        self.do(self._press(key))

    async def _press(self, key: str) -> None:
        driver = self.app._driver
        assert driver is not None
        driver.send_message(_key(key).set_sender(self.app))

    def paste(self, text: str) -> None:
        self.do(self._paste(text))

    async def _paste(self, text: str) -> None:
        self.app.post_message(events.Paste(text))

    def rest(self) -> None:
        """Let so much time pass that every timer that is set now fires."""
        self.do(self._rest())

    async def _rest(self) -> None:
        due, self.timers = self.timers, []
        for timer in due:
            if not timer.stopped:
                timer.callback()

    def say(self, message: PartialText | Completed | Failed) -> None:
        self.do(self._say(message))

    async def _say(self, message: PartialText | Completed | Failed) -> None:
        assert self.app.writer is not None
        self.app.writer.on_engine(message)

    def answer(self, number: int, how: str, length: int = 4) -> None:
        """Answer a request: whole, in a piece, as one that failed."""
        text = self.engine.answer(number)
        if how == "piece":
            self.say(PartialText(number, text[:length]))
        elif how == "failed":
            self.say(Failed(number, "out of wafers"))
        else:
            self.say(Completed(number, demo_completion(text)))

    def ask(self) -> None:
        self.do(self._ask())

    async def _ask(self) -> None:
        assert self.app.writer is not None
        self.app.writer.ask()

    def wrap(self) -> None:
        self.do(self._wrap())

    async def _wrap(self) -> None:
        self.editor.soft_wrap = not self.editor.soft_wrap
