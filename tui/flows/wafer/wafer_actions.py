"""What the wafer map wants from the app, and its commands in the palette."""

from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import TYPE_CHECKING

from engine.protocol.messages import MachineInfo
from tui.flows.wafer.wafer_flow import WaferFlow
from tui.keymap import key_label
from tui.link.engine_link import EngineLink
from tui.link.engine_state import EngineState
from tui.safe_app import SafeApp
from tui.widgets.map_keys import MAP_KEYS
from tui.widgets.pane_column import PaneColumn
from tui.widgets.wafer_map import WaferMap
from tui.widgets.wafer_pane import WaferPane
from tui.widgets.xray_pane import XrayPane

if TYPE_CHECKING:
    from tui.screens.core import CoreScreen

__all__ = ["WaferActions"]


class WaferActions(SafeApp):
    """An app with a wafer map."""

    link: EngineLink
    panes: PaneColumn
    engine_state: EngineState

    @cached_property
    def wafer(self) -> WaferFlow:
        """Asks the engine about single cores and cells."""
        return WaferFlow(
            self,
            self.link,
            run=partial(self.run_safely, group="wafer"),
            show=lambda still: self.panes.show_still(still),
            refuse=lambda reason: self.notify(reason, severity="warning"),
            moment=lambda: next((pane.moment for pane in self.panes.query(XrayPane)), None),
        )

    @property
    def _machine(self) -> MachineInfo | None:
        ready = self.engine_state.ready
        return None if ready is None else ready.machine

    def on_wafer_map_numbers_wanted(self, message: WaferMap.NumbersWanted) -> None:
        """Ask for what the colours need."""
        self.wafer.ask_numbers(message.cores, message.wanted)

    def on_wafer_map_inspected(self, message: WaferMap.Inspected) -> None:
        """Show all about one core."""
        if self._machine is not None:
            self.wafer.inspect(message.x, message.y, self._machine)

    def on_xray_pane_wave_shown(self, message: XrayPane.WaveShown) -> None:
        """Have the inspected core follow the scrubber."""
        if message.moment is not None:
            self.wafer.follow(message.moment)

    def on_core_screen_scrubbed(self, message: "CoreScreen.Scrubbed") -> None:
        """Move the scrubber of the X-ray, if it plays a token."""
        for pane in self.panes.query(XrayPane):
            if pane.moment is not None:
                pane.scrub(message.how)

    def on_wafer_map_asked(self, message: WaferMap.Asked) -> None:
        """Ask the person for a place or a machine, or mark the moment."""
        pane = self.query_one(WaferPane)
        wafer = pane.query_one(WaferMap)
        match message.what:
            case "place" if self._machine is not None:
                self.wafer.go_to(self._machine, wafer.go_to)
            case "machine" if self._machine is not None:
                self.wafer.compare(wafer.compare_with)
            case "mark":
                self.wafer.mark()
                pane.marked()

    def wafer_commands(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        """Yield what the keys of the map do, for the palette."""
        for binding in MAP_KEYS:
            if binding.id != "map.leave":
                key = key_label(binding.key.partition(",")[0])
                yield (
                    f"Wafer map: {binding.description}",
                    f"{key} on the map",
                    partial(self._on_map, binding.action),
                )

    async def _on_map(self, action: str) -> None:
        """Do what a key of the map does."""
        for wafer in self.query(WaferMap):
            await self.run_action(action, default_namespace=wafer)
