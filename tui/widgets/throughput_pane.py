"""The throughput pane: tokens per second on this computer and on the wafer, kept apart."""

from dataclasses import replace

from rich.text import Text
from textual.app import App, ComposeResult

from engine.protocol.completion import Completion
from engine.protocol.messages import EngineReady
from tui.app_messages import TelemetryUpdated
from tui.format import clock_text
from tui.screen_layout import PaneRows
from tui.visuals.inks import Inks
from tui.visuals.throughput_text import ThroughputView, throughput_text
from tui.widgets.pane import TextPane

__all__ = ["ThroughputPane"]


class ThroughputPane(TextPane):
    """Tokens per second, cycles per token, and what the last completion took."""

    NAME = "throughput"
    TITLE = "throughput"
    ROWS = PaneRows(by_height=((46, 15), (36, 11), (23, 7)))
    HELP = """\
**Throughput.** *Host* rows are measured on this computer. *Wafer* rows are emulated: cycles of
the placed program, and tokens per second at the clock that the border names (`--clock`). Prefill
reads the text around the cursor; decode writes the suggestion. Where the pane has the screen to
itself, a bar splits the last suggestion's *host* time into its parts, with what guessed tokens and
the cache saved. Each column below is an interval in
which something ran; the newest is on the right. Of a remote model, *host* is what passed on this
computer, the network and the other engine's queue in it, and *wafer* what the same tokens would
take."""

    def __init__(self) -> None:
        super().__init__()
        self._view = ThroughputView()
        self._session = 1

    def show_ready(self, ready: EngineReady) -> None:
        """Name the clock that turns cycles into seconds."""
        clock_ghz = ready.machine.clock_ghz
        remote = bool(ready.model.remote)
        clock = clock_text(clock_ghz)
        self.border_subtitle = (
            f"remote; wafer priced at {clock}" if remote else f"wafer emulated at {clock}"
        )
        if ready.session == self._session:
            self._update(replace(self._view, clock_ghz=clock_ghz, remote=remote))
        else:  # what another model did is no history of this one
            self._session = ready.session
            self._update(ThroughputView(clock_ghz=clock_ghz, remote=remote))

    def show_telemetry(self, update: TelemetryUpdated) -> None:
        """Show new intervals."""
        self._update(replace(self._view, history=update.history))

    def show_completion(self, completion: Completion) -> None:
        """Show the latencies of the last completion; one given up without a token has none."""
        if completion.completion_tokens:
            self._update(replace(self._view, completion=completion))

    def draw(self, width: int, height: int, inks: Inks) -> Text:
        """Return table, last completion and history."""
        return throughput_text(self._view, width, height, inks)

    def _update(self, view: ThroughputView) -> None:
        self._view = view
        self.refresh()


if __name__ == "__main__":
    from tui.demo_engine import demo_completion, demo_ready, demo_update

    class Demo(App[None]):
        """The pane alone, on made-up numbers."""

        def compose(self) -> ComposeResult:
            """Fill the screen with the pane."""
            yield ThroughputPane()

        def on_mount(self) -> None:
            """Give it something to show."""
            pane = self.query_one(ThroughputPane)
            pane.show_ready(demo_ready())
            pane.show_telemetry(demo_update(60))
            pane.show_completion(demo_completion(""))

    Demo().run()
