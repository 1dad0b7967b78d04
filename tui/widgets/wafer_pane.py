"""The wafer pane: the map of the placed cores, with a caption and a legend of cycles by state."""

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from engine.protocol.messages import EngineReady
from tui.app_messages import TelemetryUpdated
from tui.link.engine_state import EngineState, Phase
from tui.screen_layout import PaneRows
from tui.visuals.wafer_cost import REMOTE, price_text
from tui.visuals.wafer_text import caption_text, core_shares, legend_text, state_shares
from tui.widgets.pane import Pane
from tui.widgets.theme_inks import inks_of
from tui.widgets.wafer_map import WaferMap

__all__ = ["WaferPane"]


class WaferPane(Pane):
    """The map with its legend: draws the counters of each interval."""

    DEFAULT_CSS = """
    WaferPane {
        layout: vertical;
        overflow: hidden hidden;
        &:focus-within { border: round $primary; }
        #wafer-caption { height: 1; }
        #wafer-legend { height: 3; }
    }
    """
    NAME = "wafer"
    TITLE = "wafer"
    ROWS = PaneRows(minimum=10)
    DIM_AFTER: ClassVar[float] = 1.5
    """Seconds without cycles after which the picture is one of the past."""
    HELP = """\
**Wafer.** Every placed core of the emulated chip, at its place. A half-block is one core, or a
square of cores if more are placed than fit (the border says which). The *hue* shows what a core
does more than the others: of all states but idle, the one whose share of the core's cycles is
furthest above the mean share over all cores, as a ratio. That need not be the state with the most
cycles, which may be the same one everywhere. The *brightness* shows the share of the interval in
which the core was busy, on a logarithmic scale from 0.1 % (darkest) to all of it (brightest). The
legend gives the share of each state over all cores: multiply–accumulate (MAC), other vector work,
sending and receiving, stalled on a wavelet that has not arrived, stalled on the pipe, idle. To read
the shares of one core, or of one square, point at it with the mouse, or with the arrow keys after
F6. The picture dims when nothing runs. All cycles are wafer time. Where another engine computes,
nothing lies here; the line below says what its tokens would take."""

    def __init__(self) -> None:
        super().__init__()
        self._shares: list[float] | None = None
        self._ready: EngineReady | None = None
        self._price: float | None = None  # of a token, where the model is remote
        self._dim_timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Stack map, caption and legend."""
        yield WaferMap(id="wafer-map")
        yield Static(id="wafer-caption")
        yield Static(id="wafer-legend")

    @property
    def key_target(self) -> Widget:
        """The map, where the arrow keys point at cores."""
        return self.query_one(WaferMap)

    def show_state(self, state: EngineState) -> None:
        """Say what the engine is doing while it has no machine yet."""
        if state.ready is not None:
            return
        note = "the engine is starting" if state.phase is Phase.STARTING else state.detail
        fraction = state.done / state.total if state.total else None
        self.query_one(WaferMap).show_note(note, fraction)

    def show_ready(self, ready: EngineReady) -> None:
        """Show the cores of the machine, all idle."""
        self._shares, self._price = None, None
        self._ready = ready
        if ready.model.remote:
            note = f"{REMOTE}: {ready.model.remote}"
            self.query_one(WaferMap).show_note(note, None)
        self.query_one(WaferMap).show_machine(ready.machine)

    def show_telemetry(self, update: TelemetryUpdated) -> None:
        """Show the counters of an interval; one without cycles dims the last picture."""
        telemetry = update.telemetry
        if self._ready is not None and self._ready.model.remote:
            price = telemetry.throughput.wafer_decode_cycles_per_token
            if price is not None and price != self._price:
                self._price = price
                self._write()
            return
        if self._dim_timer is not None:
            self._dim_timer.stop()
        wafer = self.query_one(WaferMap)
        if telemetry.cell_states:
            self._shares = state_shares(telemetry.states_by_region)
            wafer.show_states(telemetry.cores, telemetry.cell_states)
            self._dim_timer = self.set_timer(self.DIM_AFTER, wafer.dim)
        elif not telemetry.busy:
            wafer.dim()

    def on_wafer_map_changed(self, event: WaferMap.Changed) -> None:
        """Write caption and legend again."""
        event.stop()
        self._write()

    def on_resize(self) -> None:
        """Fit the legend into the new width."""
        self._write()

    def _write(self) -> None:
        wafer, inks = self.query_one(WaferMap), inks_of(self)
        self.border_subtitle = wafer.scale
        place, shares = wafer.pointed_core, self._shares
        region, cycles = (None, None) if place is None else wafer.core_facts(place)
        if place is not None:
            shares = core_shares(cycles)
        width = max(20, self.content_size.width)
        caption = caption_text(place, wafer.block, region, cycles, wafer.core_count, width, inks)
        remote = self._ready is not None and bool(self._ready.model.remote)
        if self._ready is not None and remote:
            caption = price_text(self._ready.machine, self._price, inks)
        shown = wafer.core_count or remote
        self.query_one("#wafer-caption", Static).update(caption if shown else "")
        legend = legend_text(shares, width, inks)
        self.query_one("#wafer-legend", Static).update(legend)


if __name__ == "__main__":
    from tui.demo_engine import demo_ready, demo_update

    class Demo(App[None]):
        """The pane alone, on made-up counters, five times a second."""

        def compose(self) -> ComposeResult:
            """Fill the screen with the pane."""
            yield WaferPane()

        def on_mount(self) -> None:
            """Start the made-up engine."""
            self.step = 0
            self.query_one(WaferPane).show_ready(demo_ready())
            self.set_interval(0.2, self.tick)

        def tick(self) -> None:
            """Show the next interval."""
            self.step += 1
            wafer = self.query_one(WaferMap)
            self.query_one(WaferPane).show_telemetry(demo_update(self.step, wafer.watched))

    Demo().run()
