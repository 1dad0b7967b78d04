"""The throughput pane: tokens per second of this computer and of the wafer, never mixed."""

from collections.abc import Sequence
from dataclasses import replace

from rich.text import Text
from textual.app import App, ComposeResult

from engine.protocol.completion import Completion
from engine.protocol.messages import MachineInfo, ThroughputPoint
from tui.format import clock_text
from tui.visuals.inks import Inks
from tui.visuals.throughput_text import ThroughputView, throughput_text
from tui.widgets.pane import TextPane

__all__ = ["ThroughputPane"]


class ThroughputPane(TextPane):
    """Tokens per second and cycles per token; fed by `TelemetryUpdated` through the app."""

    HELP = """\
**Throughput.** *Host* rows are measured on this computer. *Wafer* rows are emulated: cycles of
the placed program, and tokens per second at the clock that the border names (`--clock`). Prefill is
reading the text around the cursor, decode is writing the suggestion. The columns below are
intervals in which something ran; the newest is on the right."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.border_title = "throughput"
        self._view = ThroughputView()

    def show_machine(self, machine: MachineInfo) -> None:
        """Name the clock that turns cycles into seconds."""
        self.border_subtitle = f"wafer emulated at {clock_text(machine.clock_ghz)}"
        self._update(replace(self._view, clock_ghz=machine.clock_ghz))

    def show_history(self, history: Sequence[ThroughputPoint]) -> None:
        """Show new intervals, oldest first."""
        self._update(replace(self._view, history=history))

    def show_completion(self, completion: Completion) -> None:
        """Show the latencies of the last completion."""
        self._update(replace(self._view, completion=completion))

    def draw(self, width: int, height: int, inks: Inks) -> Text:
        """Return table, last completion and history."""
        return throughput_text(self._view, width, height, inks)

    def _update(self, view: ThroughputView) -> None:
        self._view = view
        self.refresh()


if __name__ == "__main__":
    from tui.demo import demo_completion, demo_history, demo_ready

    class Demo(App[None]):
        """The pane alone, on made-up numbers."""

        def compose(self) -> ComposeResult:
            """Fill the screen with the pane."""
            yield ThroughputPane()

        def on_mount(self) -> None:
            """Give it something to show."""
            pane = self.query_one(ThroughputPane)
            pane.show_machine(demo_ready().machine)
            pane.show_history(demo_history(60))
            pane.show_completion(demo_completion(""))

    Demo().run()
