"""The throughput pane: tokens per second on this computer and on the wafer, kept apart."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
from rich.text import Text
from textual.app import App, ComposeResult

from engine.protocol.completion import Completion
from engine.protocol.messages import EngineReady
from tui.app_messages import TelemetryUpdated
from tui.format import clock_text
from tui.screen_layout import PaneRows
from tui.settings import PaneSettings
from tui.visuals.inks import Inks
from tui.visuals.throughput_text import throughput_text
from tui.visuals.throughput_view import ThroughputView
from tui.visuals.words.throughput_words import throughput_words
from tui.widgets.pane import TextPane

__all__ = ["ThroughputPane"]


class ThroughputPane(TextPane):
    """Tokens per second, cycles per token, and what the last completion took."""

    NAME = "throughput"
    TITLE = "throughput"
    ROWS = PaneRows(by_height=((46, 15), (36, 11), (23, 7)))
    GAUGES = True
    HELP = """\
**Throughput.** *Host* rows are measured on this computer. *Wafer* rows are emulated: cycles of
the placed program, and tokens per second at the clock that the border names (`--clock`). Prefill
reads the text around the cursor; decode writes the suggestion. Where the pane has the screen to
itself, a bar splits the last suggestion's *host* time into its parts, with what guessed tokens and
the cache saved. Each column below is an interval in which something ran; the newest is on the
right, and the caption gives average and peak of those in sight. `v` shows gauges instead: the
newest rate as a part of the largest, with averages. Of a remote model, *host* is what passed on
this computer, the network and the other engine's queue in it, and *wafer* what the same tokens
would take."""

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
            gauges = self._view.gauges
            self._update(ThroughputView(clock_ghz=clock_ghz, remote=remote, gauges=gauges))

    def show_telemetry(self, update: TelemetryUpdated) -> None:
        """Show new intervals."""
        self._update(replace(self._view, history=update.history))

    def show_completion(self, completion: Completion) -> None:
        """Show the latencies of the last completion; one given up without a token has none."""
        if completion.completion_tokens:
            self._update(replace(self._view, completion=completion))

    def prefer(self, settings: PaneSettings) -> None:
        """Show gauges or histories."""
        self._update(replace(self._view, gauges=self.NAME in settings.gauges))

    def words(self) -> str:
        """Return the rates in words."""
        return throughput_words(self._view)

    def values(self) -> Mapping[str, Any]:
        """Return clock, history and the last completion."""
        view = self._view
        found: dict[str, Any] = msgspec.to_builtins(view.completion)
        return {
            "clock_ghz": view.clock_ghz,
            "remote": view.remote,
            "history": msgspec.to_builtins(list(view.history)),
            "completion": found,
        }

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
