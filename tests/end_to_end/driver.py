"""The real app as a person uses it: keys go in, what is seen is waited for."""

from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any, ClassVar

import pytest
from textual.pilot import Pilot

import tui.app
from engine.protocol.completion import Completion
from engine.protocol.messages import Completed, EngineReady, Welcome
from tui.app import SparkApp
from tui.app_messages import EngineEvent

COLD_SECONDS = 600.0
"""On a fresh clone the kernels are compiled first."""

WARM_SECONDS = 60.0


class WatchedApp(SparkApp):
    """The app, with a record of what the engine said; Textual calls both handlers."""

    CSS_PATH: ClassVar = Path(tui.app.__file__).with_name("app.tcss")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.heard: list[Any] = []
        self.said: list[str] = []
        """The status line after every event of the engine."""

    def on_engine_event(self, message: EngineEvent) -> None:
        self.heard.append(message.event)
        self.call_later(lambda: self.said.append(self.status_text))

    def all_heard(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.heard if isinstance(event, kind)]

    @property
    def engine_pids(self) -> list[int]:
        """The engine processes this app was connected to, the newest last."""
        return [event.pid for event in self.all_heard(Welcome)]

    @property
    def answers(self) -> list[Completion]:
        return [event.completion for event in self.all_heard(Completed)]

    @property
    def status_text(self) -> str:
        return str(self.status.render())


class Keyboard:
    """What a person does: presses keys, and waits for something to be seen."""

    def __init__(self, pilot: Pilot[None], app: WatchedApp) -> None:
        self.app = app
        self._pilot = pilot

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)

    async def write(self, text: str) -> None:
        await self._pilot.press(*text)

    async def until(
        self, condition: Callable[[], object], what: str, seconds: float = WARM_SECONDS
    ) -> None:
        """Wait for ``condition``; fail with what was seen instead."""
        deadline = monotonic() + seconds
        while not condition():
            if monotonic() > deadline:
                pytest.fail(f"no {what} after {seconds:.0f} s; status: {self.app.status_text!r}")
            await self._pilot.pause(0.02)

    async def until_ready(self, engines: int = 1, seconds: float = COLD_SECONDS) -> None:
        """Wait until the ``engines``-th engine process is ready."""
        await self.until(
            lambda: len(self.app.all_heard(EngineReady)) >= engines, "ready engine", seconds
        )

    async def open_in_tree(self, path: Path) -> None:
        """Walk down the tree to ``path``, opening the folders on the way."""
        tree = self.app.repo_tree
        steps = path.relative_to(tree.path).parents
        for target in [*[Path(tree.path) / step for step in reversed(steps)][1:], path]:
            for _ in range(100):
                await self._pilot.pause(0.02)
                node = tree.cursor_node
                if node is not None and node.data is not None and node.data.path == target:
                    break
                await self.press("down")
            else:
                pytest.fail(f"{target} is not in the tree")
            await self.press("enter")
        await self.until(lambda: self.app.editor is not None, f"editor with {path.name}")

    async def go_to_line(self, line: int) -> None:
        """Go to the end of ``line``."""
        await self.press("ctrl+g")
        await self.write(str(line))
        await self.press("enter")
        editor = self.app.editor
        await self.until(lambda: editor.cursor_location[0] == line - 1, f"cursor in line {line}")
        await self.press("end")

    async def ask(self) -> str:
        """Ask for a suggestion; return the ghost text, empty when the model has nothing."""
        before = len(self.app.answers)
        await self.press("ctrl+l")
        await self.until(lambda: len(self.app.answers) > before, "answer of the engine")
        await self._pilot.pause(0.1)
        return self.app.editor.ghost
