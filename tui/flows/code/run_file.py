"""Runs the visible file as a program and shows what it says below the editor."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic

from textual.app import App

from tui.flows.code.jumps import Jumps
from tui.running.command import run_command
from tui.running.output import Output, place_said
from tui.running.process import RunningProgram
from tui.widgets.deck import Deck
from tui.widgets.run_pane import RunPane

__all__ = ["RunFile"]

_PAINT_SECONDS = 0.1
"""Output is drawn at most so often."""


class RunFile:
    """The program of one app: one at a time.

    Args:
        app: Shows notices.
        deck: The open files; the pane is below them.
        root: The repository, where programs work.
        jumps: Shows places.
        save: Saves the visible file.
    """

    def __init__(
        self,
        app: App[None],
        deck: Deck,
        root: Path,
        jumps: Jumps,
        save: Callable[[], Awaitable[None]],
    ) -> None:
        self._app = app
        self._deck = deck
        self._root = root
        self._jumps = jumps
        self._save = save
        self._pane: RunPane | None = None
        self._program: RunningProgram | None = None
        self._output = Output()
        self._painting = False

    @property
    def output(self) -> Output:
        """What the last program said."""
        return self._output

    async def run(self) -> None:
        """Save the visible file and run it; stop the program that runs."""
        if self._program is not None:
            await self._program.stop()
            return
        file = self._deck.current
        if file is None:
            self._app.notify("open the file to run first", severity="warning")
            return
        if file.unsaved:
            await self._save()
            if file.unsaved:
                return  # the person was told why it is not saved
        command = run_command(file.path, file.editor.language_name, self._root)
        if isinstance(command, str):
            self._app.notify(command, severity="warning", timeout=6)
            return
        pane = await self._shown()
        self._output = Output()
        pane.begin(self._output)
        pane.say(
            f"{file.path.name} runs",
            here="F5 stops  Esc stops it and closes",
            elsewhere="F5 stops  F6 goes there",
        )
        started = monotonic()
        self._program = program = RunningProgram(command, self._root, self._hear)
        try:
            end = _end_words(await program.run(), stopped=program.stopped)
        except OSError as error:
            end = f"it cannot be started: {error.strerror}"
        finally:
            self._program = None
        self._output.end()
        took = f"{monotonic() - started:.1f} s"
        fix = "  F mends it" if self._output.traceback() else ""
        pane.say(
            f"{file.path.name}: {end}, {took}",
            here=f"Enter opens{fix}  Esc closes",
            elsewhere="F5 again  F6 goes there",
        )
        pane.grown()

    async def stop(self) -> None:
        """Stop the program, if one runs."""
        if self._program is not None:
            await self._program.stop()

    async def close(self) -> None:
        """Stop the program and take the pane away."""
        await self.stop()
        if self._pane is not None:
            self._pane.display = False
        file = self._deck.current
        if file is not None:
            file.editor.focus()

    async def opened(self, row: int) -> None:
        """Show the place that a line names; else that of the last line before it that does."""
        for line in reversed(self._output.lines[: row + 1]):
            place = await asyncio.to_thread(place_said, line, self._root)
            if place is not None:
                await self._jumps.go(place.path, (place.line - 1, place.column - 1))
                return
        self._app.notify("this line names no place in a file", timeout=3)

    async def show_error(self) -> bool:
        """Show the last place in the repository that the last traceback names; say if none is."""
        for line in reversed(self._output.traceback().split("\n")):
            place = await asyncio.to_thread(place_said, line, self._root)
            if place is not None and place.path.resolve().is_relative_to(self._root):
                await self._jumps.go(place.path, (place.line - 1, place.column - 1))
                return True
        self._app.notify("the error names no place in this repository", timeout=4)
        return False

    async def _shown(self) -> RunPane:
        if self._pane is None:
            self._pane = RunPane()
            await self._deck.mount(self._pane)
        self._pane.display = True
        return self._pane

    def _hear(self, text: str) -> None:
        self._output.feed(text)
        if not self._painting and self._pane is not None:
            self._painting = True
            self._pane.set_timer(_PAINT_SECONDS, self._paint)

    def _paint(self) -> None:
        self._painting = False
        if self._pane is not None:
            self._pane.grown()


def _end_words(status: int, *, stopped: bool) -> str:
    if stopped:
        return "stopped"
    if status < 0:
        try:
            return f"ended by {signal.Signals(-status).name}"
        except ValueError:
            return f"ended by signal {-status}"
    return "done" if status == 0 else f"ended with status {status}"
