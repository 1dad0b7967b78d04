"""The right column: wafer, throughput, memory; which of them are seen is told from outside."""

from textual.app import ComposeResult
from textual.containers import Vertical

from engine.protocol.completion import Completion
from engine.protocol.messages import EngineReady
from tui.layout import FILL, Parts
from tui.link.engine_state import EngineState
from tui.messages import TelemetryUpdated
from tui.widgets.memory_bars import MemoryPane
from tui.widgets.throughput import ThroughputPane
from tui.widgets.wafer_map import WaferMap, WaferPane

__all__ = ["Panes"]


class Panes(Vertical):
    """Passes the engine's readiness and numbers on to the panes."""

    def compose(self) -> ComposeResult:
        """Stack the panes."""
        yield WaferPane(id="wafer")
        yield ThroughputPane(id="throughput")
        yield MemoryPane(id="memory")

    @property
    def wafer_map(self) -> WaferMap:
        """What takes the keyboard among the panes."""
        return self.query_one(WaferMap)

    def show_parts(self, parts: Parts) -> None:
        """Show the panes that have room."""
        self.query_one(WaferPane).display = parts.wafer
        for pane, rows in (
            (self.query_one(ThroughputPane), parts.throughput),
            (self.query_one(MemoryPane), parts.memory),
        ):
            pane.display = rows != 0
            pane.styles.height = "1fr" if rows == FILL else rows

    def show_state(self, state: EngineState) -> None:
        """Say what the engine is doing where its numbers will be."""
        self.query_one(WaferPane).show_state(state)

    def show_ready(self, ready: EngineReady) -> None:
        """Show the model on its machine."""
        self.query_one(WaferPane).show_machine(ready.machine)
        self.query_one(ThroughputPane).show_machine(ready.machine)
        self.query_one(MemoryPane).show_ready(ready)

    def show_telemetry(self, update: TelemetryUpdated) -> None:
        """Show new numbers."""
        self.query_one(WaferPane).show_telemetry(update.telemetry)
        self.query_one(ThroughputPane).show_history(update.history)
        self.query_one(MemoryPane).show_telemetry(update.telemetry)

    def show_completion(self, completion: Completion) -> None:
        """Show what the last completion took."""
        self.query_one(ThroughputPane).show_completion(completion)
