"""A tiny app around one editor: type keys, read the rows of the screen and the messages."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.widgets import Button

from tui.widgets.editor import Editor
from tui.widgets.key_screen import KeyApp


class Harness(KeyApp):
    """One editor, and a button that could take the focus."""

    def __init__(self, editor: Editor) -> None:
        super().__init__()
        self.editor = editor
        self.told: list[tuple[Any, ...]] = []

    def compose(self) -> ComposeResult:
        yield self.editor
        yield Button("other")

    def on_editor_edited(self, message: Editor.Edited) -> None:
        self.told.append(("edited", message.cause))

    def on_editor_moved(self, message: Editor.Moved) -> None:
        self.told.append(("moved",))

    def on_editor_ghost_accepted(self, message: Editor.GhostAccepted) -> None:
        self.told.append(("accepted", message.text, message.kind))

    def on_editor_ghost_dismissed(self, message: Editor.GhostDismissed) -> None:
        self.told.append(("dismissed", message.reason))


class Bench:
    """An editor at work."""

    def __init__(self, app: Harness, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot
        self.editor = app.editor

    @property
    def told(self) -> list[tuple[Any, ...]]:
        return self.app.told

    async def keys(self, *keys: str) -> None:
        """Send keys as fast as a paste into a terminal would, and let them be handled."""
        driver = self.app._driver
        assert driver is not None
        for key in keys:
            driver.send_message(_key(key).set_sender(self.app))
        await self.settle()

    async def settle(self) -> None:
        """Let every message be handled and the text be parsed, without a wait for timers."""
        await self._handled()
        if not self.editor.document.is_parsed:
            self.editor.finish_parsing()
            await self._handled()

    async def _handled(self) -> None:
        quiet = 0
        while quiet < 5:
            await asyncio.sleep(0)
            pumps = [self.app, *self.app.screen.walk_children(with_self=True)]
            idle = all(pump._message_queue.empty() for pump in pumps)
            quiet = quiet + 1 if idle else 0

    async def ghost(self, text: str, at: tuple[int, int] | None = None) -> None:
        """Put the cursor somewhere and show a ghost there; forget what was told so far."""
        if at is not None:
            self.editor.move_cursor(at)
        await self.settle()
        self.told.clear()
        self.editor.ghost = text

    def rows(self) -> list[str]:
        """Return the text of the rows, without gutter and trailing spaces."""
        gutter = self.editor.gutter_width
        return [row[gutter:].rstrip() for row in self.raw_rows()]

    def raw_rows(self) -> list[str]:
        height = self.editor.scrollable_content_region.height
        return [self.editor.render_line(y).text for y in range(height)]

    def style(self, x: int, y: int) -> Style:
        """Return the style of a cell, counted from the start of the text."""
        strip = self.editor.render_line(y).crop(x + self.editor.gutter_width)
        style = next(segment.style for segment in strip if segment.text)
        assert style is not None
        return style


def _key(key: str) -> events.Key:
    """Return the event a terminal's key gives: a character, or a name like ``ctrl+right``."""
    if len(key) == 1:
        name = key if key.isalnum() else unicodedata.name(key).lower().replace(" ", "_")
        return events.Key(name, key)
    last = key.rpartition("+")[2]
    return events.Key(key, last if len(last) == 1 and "alt" in key else None)


Editing = Callable[..., AbstractAsyncContextManager[Bench]]


@pytest.fixture
def editing() -> Editing:
    """Open a text in an editor that has the focus."""

    @asynccontextmanager
    async def open_editor(
        text: str, *, path: str = "a.py", size: tuple[int, int] = (60, 15), **options: Any
    ) -> AsyncIterator[Bench]:
        editor = Editor(text, path=path, **options)
        editor.cursor_blink = False
        app = Harness(editor)
        # The button below the editor takes three rows.
        async with app.run_test(size=(size[0], size[1] + 3)) as pilot:
            editor.focus()
            bench = Bench(app, pilot)
            await bench.settle()
            yield bench

    return open_editor
