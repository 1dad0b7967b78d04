"""Asks the engine about single cores and cells, and shows its answers; the person is asked here.

Nothing is asked unless the map shows it or a person wants it.
"""

import re
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from textual.app import App

from engine.protocol.messages import (
    CoreAsked,
    CoreTold,
    Failed,
    MachineInfo,
    MarkInterval,
    Still,
    StillAsked,
    WatchedCores,
)
from tui.link.engine_link import EngineLink
from tui.screens.core import CoreScreen
from tui.screens.line_input import LineInputScreen
from tui.widgets.xray_pane import WaveMoment

if TYPE_CHECKING:
    from tui.app_messages import EngineNews

__all__ = ["WaferFlow", "core_place"]

_PLACE = re.compile(r"\s*(\d{1,6})\s*[,; ]\s*(\d{1,6})\s*")


def core_place(text: str, machine: MachineInfo) -> tuple[int, int] | str:
    """Return a core's (column, row) as a person writes it, or what is wrong with the text.

    Example: ``"12, 40"``.
    """
    found = _PLACE.fullmatch(text)
    if found is None:
        return "write a column and a row, like 12, 40"
    x, y = int(found[1]), int(found[2])
    if x < machine.columns and y < machine.rows:
        return x, y
    return f"columns go from 0 to {machine.columns - 1}, rows from 0 to {machine.rows - 1}"


class WaferFlow:
    """Questions about the wafer, in one app.

    Args:
        app: Shows the inspector and asks the person.
        link: The engine.
        run: Runs a coroutine in the background.
        show: Shows numbers of cells.
        refuse: Tells why there are none.
        moment: Tells what the X-ray plays.
    """

    def __init__(
        self,
        app: App[None],
        link: EngineLink,
        *,
        run: Callable[[Callable[[], Coroutine[None, None, None]]], object],
        show: Callable[[Still], None],
        refuse: Callable[[str], None],
        moment: Callable[[], WaveMoment | None],
    ) -> None:
        self._app = app
        self._link = link
        self._run = run
        self._show = show
        self._refuse = refuse
        self._moment = moment
        self._asked: dict[int, object] = {}

    # ── what the map needs ──────────────────────────────────────────────────────────────────

    def ask_numbers(self, cores: WatchedCores, wanted: Sequence[tuple[str, str]]) -> None:
        """Ask for numbers of cells, one question after the other."""
        if wanted:
            (what, machine), *rest = wanted
            number = self._link.next_request()
            self._asked[number] = cores, rest
            self._link.send(StillAsked(self._link.session, number, what, cores, machine))

    def mark(self) -> None:
        """Keep the last interval, to be compared with later ones."""
        self._link.send(MarkInterval(self._link.session))

    # ── what the person wants ───────────────────────────────────────────────────────────────

    def inspect(self, x: int, y: int, machine: MachineInfo) -> None:
        """Show all about one core."""
        sram = machine.sram_bytes_per_core
        self._app.push_screen(CoreScreen((x, y), sram, self._ask_core, self._cycle))

    def follow(self, moment: WaveMoment) -> None:
        """Mark where the inspected core is while the X-ray plays a token."""
        screens = self._app.screen_stack  # empty while the app ends
        if screens and isinstance(screens[-1], CoreScreen):
            screens[-1].show_cycle(moment.cycle)

    def _cycle(self) -> int | None:
        moment = self._moment()
        return None if moment is None else moment.cycle

    def _ask_core(self, x: int, y: int) -> None:
        number = self._link.next_request()
        self._asked[number] = None
        moment = self._moment()
        position = None if moment is None else moment.position
        if not self._link.send(CoreAsked(self._link.session, number, x, y, position)):
            self._tell_inspector("the engine is not there; it is being started again")

    def go_to(self, machine: MachineInfo, then: Callable[[int, int], Any]) -> None:
        """Ask for a core's coordinates, and go there."""

        def wrong(text: str) -> str:
            found = core_place(text, machine)
            return found if isinstance(found, str) else ""

        async def ask() -> None:
            screen = LineInputScreen("Go to a core", "", wrong, "column, row")
            text = await self._app.push_screen_wait(screen)
            found = core_place(text or "", machine)
            if not isinstance(found, str):
                then(*found)

        self._run(ask)

    def compare(self, then: Callable[[str], Any]) -> None:
        """Ask for another machine, and compare with it."""
        from engine import machine_names

        names = machine_names()

        def wrong(text: str) -> str:
            return "" if text.strip() in names else f"machines are {', '.join(names)}"

        async def ask() -> None:
            screen = LineInputScreen("Compare with a machine", "", wrong, ", ".join(names))
            text = await self._app.push_screen_wait(screen)
            if text is not None:
                then(text.strip())

        self._run(ask)

    # ── answers ─────────────────────────────────────────────────────────────────────────────

    def takes(self, event: "EngineNews") -> bool:
        """Take an answer to one of these questions; False if it is none."""
        match event:
            case Still():
                self._take_numbers(event)
            case CoreTold():
                self._asked.pop(event.request_id, None)
                for inspector in self._inspectors:
                    inspector.show_core(event)
            case Failed() if event.request_id in self._asked:
                if self._asked.pop(event.request_id) is None:
                    self._tell_inspector(event.message)
                else:
                    self._refuse(event.message)
            case _:
                return False
        return True

    def _take_numbers(self, still: Still) -> None:
        asked = self._asked.pop(still.request_id, None)
        self._show(still)
        if isinstance(asked, tuple):
            self.ask_numbers(*asked)

    def _tell_inspector(self, message: str) -> None:
        for inspector in self._inspectors:
            inspector.show_problem(message)

    @property
    def _inspectors(self) -> list[CoreScreen]:
        """The open inspector, which another screen may cover; empty: none is open."""
        return [screen for screen in self._app.screen_stack if isinstance(screen, CoreScreen)]
