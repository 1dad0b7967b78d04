"""The wafer pane: the map of the placed cores, with a caption and a legend of cycles by state."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from engine import STATES
from engine.protocol.completion import Completion
from engine.protocol.messages import EngineReady, RegionInfo, Still, Telemetry
from tui.app_messages import TelemetryUpdated
from tui.format import count_text, percent_text
from tui.link.engine_state import EngineState, Phase
from tui.screen_layout import PaneRows
from tui.settings import PaneSettings
from tui.visuals.inks import Inks
from tui.visuals.map_kinds import kind_named
from tui.visuals.map_text import (
    amount_legend,
    change_legend,
    kind_caption,
    owner_entry_at,
    owner_legend,
    value_text,
)
from tui.visuals.state_bars import state_bars
from tui.visuals.telemetry_values import telemetry_values
from tui.visuals.wafer_cost import REMOTE
from tui.visuals.wafer_price import price_text
from tui.visuals.wafer_text import (
    caption_text,
    core_shares,
    legend_text,
    state_at,
    state_shares,
)
from tui.visuals.words.wafer_words import wafer_words
from tui.widgets.map_legend import EntryAt, MapLegend
from tui.widgets.pane import Pane
from tui.widgets.theme_inks import inks_of
from tui.widgets.wafer_map import WaferMap

if TYPE_CHECKING:
    from tui.visuals.map_picture import MapPicture

__all__ = ["WaferPane"]


class StateBars(Widget):
    """A bar of cycles by state for each region."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown: tuple[Sequence[RegionInfo], Sequence[Sequence[int]]] = ([], [])

    def show(self, regions: Sequence[RegionInfo], states: Sequence[Sequence[int]]) -> None:
        """Draw other cycles."""
        self._shown = regions, states
        self.refresh()

    def render(self) -> Text:
        """Draw for the size that the layout gave."""
        width, height = self.size
        return state_bars(*self._shown, width, height, inks_of(self))


class WaferPane(Pane):
    """The map with its legend: draws the counters of each interval."""

    DEFAULT_CSS = """
    WaferPane {
        layout: vertical;
        overflow: hidden hidden;
        &:focus-within { border: round $primary; }
        #wafer-caption { height: 1; }
        #wafer-bars { height: 1fr; display: none; }
        &.gauges #wafer-bars { display: block; }
        &.gauges WaferMap { display: none; }
    }
    """
    NAME = "wafer"
    TITLE = "wafer"
    ROWS = PaneRows(minimum=10)
    GAUGES = True
    DIM_AFTER: ClassVar[float] = 1.5
    """Seconds without cycles after which the picture is one of the past."""
    HELP = """\
**Wafer.** Every placed core of the emulated chip, at its place. A half-block is one core, a square
of cores if more are placed than fit, or a part of a core (the border says which). Outlines and
names are the regions of `spark-tui wafer plan`. After F6 or a click: arrows point, `+` `-` and the
wheel zoom, Shift+arrows and dragging move, `0` shows all placed cores, `w` the whole wafer, Enter
or a click inspects a core, `g` goes to one by its coordinates, `c` colours by something else:

- *state*: the hue shows what a core does more than the others: of all states but idle, the one
  whose share of the core's cycles is furthest above the mean share over all cores, as a ratio. That
  need not be the state with the most cycles, which may be the same one everywhere. The brightness
  is the busy share of the interval, on a logarithmic scale from 0.1 % to all of it. The legend
  gives each state's share over all cores, or over what you point at: multiply–accumulate (MAC),
  other vector work, sending and receiving, stalled on a wavelet that has not arrived, stalled on
  the pipe, idle. Click an entry, or press its number, to see that state alone; `a` shows all.
- *work*: the share of cycles in which cores compute, send or receive.
- *links*: wavelets that routers hand to their neighbours for one token at the present position, by
  formula, relative to the busiest pixel.
- *SRAM*: bytes in use over bytes there are, by the placement.
- *owner*: the region that holds a core.
- *age*: wafer cycles between a core's last work and the end of a token, with one KV row in every
  core, by formula.
- *change*: the share of busy cycles, or of one state, now and at a moment that `m` marked, or on
  another machine (`x`), of one token by formula.

`v` shows gauges instead of the map: a bar for each region, in the order in which a token passes
through them, its cycles by state, and the share that is not idle.

The picture dims when nothing runs. All cycles are wafer time, emulated. Where another engine
computes, nothing lies here; the line below says what its tokens would take."""

    def __init__(self) -> None:
        super().__init__()
        self._shares: list[float] | None = None
        self._ready: EngineReady | None = None
        self._price: float | None = None  # of a token, where the model is remote
        self._dim_timer: Timer | None = None
        self._position = 0  # of the token that stills are about
        self._unmarked = False
        self._worked: Telemetry | None = None  # the last interval with cycles
        self._told: tuple[str, bool] | None = None  # colours and outlines as they are kept

    def compose(self) -> ComposeResult:
        """Stack map, caption and legend."""
        yield WaferMap(id="wafer-map")
        yield StateBars(id="wafer-bars")
        yield Static(id="wafer-caption")
        yield MapLegend(id="wafer-legend")

    @property
    def key_target(self) -> Widget:
        """The map, where the arrow keys point at cores; with gauges the pane itself."""
        return self if self.has_class("gauges") else self.query_one(WaferMap)

    def prefer(self, settings: PaneSettings) -> None:
        """Show gauges or the map, in the colours that the person chose."""
        focused, gauges = self.has_focus_within, self.NAME in settings.gauges
        self._told = settings.colour, settings.outlines
        self.query_one(WaferMap).prefer(kind_named(settings.colour), outlines=settings.outlines)
        if gauges != self.has_class("gauges"):
            self.can_focus = gauges
            self.set_class(gauges, "gauges")
            self._write()
            if focused:
                self.key_target.focus()

    def words(self) -> str:
        """Return what the cores did in words."""
        return wafer_words(self._ready, self._worked)

    def values(self) -> Mapping[str, Any]:
        """Return the last interval with cycles, with its regions."""
        if self._ready is None or self._worked is None:
            return {}
        labels = [region.label for region in self._ready.machine.regions]
        states = [dict(zip(STATES, each, strict=True)) for each in self._worked.states_by_region]
        return {
            **telemetry_values(self._ready, self._worked),
            "states_by_region": dict(zip(labels, states, strict=True)),
        }

    def show_paused(self, paused: bool) -> None:
        """Leave a picture that stands still as bright as it is."""
        super().show_paused(paused)
        if paused and self._dim_timer is not None:
            self._dim_timer.stop()

    def show_state(self, state: EngineState) -> None:
        """Say what the engine is doing while it has no machine yet."""
        if state.ready is not None:
            return
        note = "the engine is starting" if state.phase is Phase.STARTING else state.detail
        fraction = state.done / state.total if state.total else None
        self.query_one(WaferMap).show_note(note, fraction)

    def show_ready(self, ready: EngineReady) -> None:
        """Show the cores of the machine, all idle."""
        self._shares, self._price, self._worked = None, None, None
        self._ready = ready
        if ready.model.remote:
            note = f"{REMOTE}: {ready.model.remote}"
            self.query_one(WaferMap).show_note(note, None)
        self.query_one(WaferMap).show_machine(ready.machine)

    def show_still(self, still: Still) -> None:
        """Show numbers of cells that were asked for."""
        if still.what == "marked" and not still.values:
            self._unmarked = True
        self._position = still.position
        self.query_one(WaferMap).show_still(still)

    def show_completion(self, completion: Completion) -> None:
        """Ask again for what depends on the position."""
        self.query_one(WaferMap).numbers_changed("links", "states")

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
        shares = state_shares(telemetry.states_by_region)
        if shares is not None:
            self._shares, self._worked = shares, telemetry
            if telemetry.cell_states:
                wafer.show_states(telemetry.cores, telemetry.cell_states)
            if self.has_class("gauges"):
                self._write()
            self._dim_timer = self.set_timer(self.DIM_AFTER, wafer.dim)
        elif not telemetry.busy:
            wafer.dim()

    def on_wafer_map_changed(self, event: WaferMap.Changed) -> None:
        """Write caption and legend again; tell what the person chose."""
        event.stop()
        self._write()
        self._tell_choice()

    def on_resize(self) -> None:
        """Fit the legend into the new width."""
        self._write()

    def on_map_legend_chosen(self, event: MapLegend.Chosen) -> None:
        """Show one state, or one region, alone."""
        event.stop()
        self.query_one(WaferMap).action_alone(event.number)

    def marked(self) -> None:
        """Show what changes from now on."""
        self._unmarked = False
        wafer = self.query_one(WaferMap)
        wafer.numbers_changed("marked")
        wafer.compare_with("")

    def _tell_choice(self) -> None:
        """Have colours and outlines kept; a comparison is of this moment only."""
        wafer = self.query_one(WaferMap)
        if self._told is None or wafer.picture is None or wafer.kind.name == "change":
            return
        before, self._told = self._told, (wafer.kind.name, wafer.outlines)
        names = ("panes.colour", "panes.outlines")
        for name, old, new in zip(names, before, self._told, strict=True):
            if old != new:
                self.post_message(self.Chosen(name, new))

    def _write(self) -> None:
        wafer, inks = self.query_one(WaferMap), inks_of(self)
        width = max(20, self.content_size.width)
        if self.has_class("gauges"):
            self._write_gauges(width, inks)
            return
        name = "" if wafer.kind.name == "state" else f"{wafer.kind.name} · "
        self.border_subtitle = f"{name}{wafer.scale}" if wafer.scale else ""
        caption = self._caption(wafer, width, inks)
        self.query_one("#wafer-caption", Static).update(caption, layout=False)  # one line always
        self.query_one(MapLegend).show(*self._legend(wafer, width, inks))

    def _write_gauges(self, width: int, inks: Inks) -> None:
        """Draw the bars of the regions, and the legend of all cores."""
        self.border_subtitle = "cycles by state"
        machine = None if self._ready is None else self._ready.machine
        states = [] if self._worked is None else self._worked.states_by_region
        self.query_one(StateBars).show([] if machine is None else machine.regions, states)
        self.query_one("#wafer-caption", Static).update(
            Text("in the order of a token; on the right the share not idle", style=inks.muted)
        )
        legend = legend_text(self._shares, width, inks)
        self.query_one(MapLegend).show(legend, _no_entry)

    def _caption(self, wafer: WaferMap, width: int, inks: Inks) -> Text:
        """Return what the legend is about: the core under the pointer, or all."""
        if self._ready is not None and self._ready.model.remote:
            return price_text(self._ready.machine, self._price, inks)
        if not wafer.core_count:
            return Text()
        place, picture = wafer.pointed_core, wafer.picture
        if place is None and wafer.kind.name != "state" and picture is not None:
            return kind_caption(wafer.kind, picture.chosen.compared, width, inks)
        region, cycles = (None, None) if place is None else wafer.core_facts(place)
        value = ""
        if place is not None and picture is not None:
            cell = picture.cores.cell_of(place)
            numbers = None if cell is None else picture.numbers_of(cell)
            held = 0 if cell is None else int(picture.cores.held[cell])
            value = value_text(wafer.kind, numbers, held, picture.machine)
        return caption_text(
            place, wafer.block, region, cycles, wafer.core_count, width, inks, value
        )

    def _legend(self, wafer: WaferMap, width: int, inks: Inks) -> tuple[Text, EntryAt]:
        """Return the legend, and where its entries are."""
        kind, picture = wafer.kind, wafer.picture
        if picture is not None and kind.name == "owner":
            regions = picture.machine.regions
            text = owner_legend(regions, wafer.alone, width, inks)
            return text, lambda column, row: owner_entry_at(regions, column, row, width)
        if picture is not None and kind.most:
            return amount_legend(kind, self._facts(wafer, picture), width, inks), _no_entry
        if picture is not None and kind.name == "change":
            changed = picture.change_of_all()
            note = "no moment is marked: press m" if self._unmarked else "nothing to compare yet"
            return change_legend(changed, note, width, inks, kind.hues), _no_entry
        place, shares = wafer.pointed_core, self._shares
        if place is not None:
            shares = core_shares(wafer.core_facts(place)[1])
        text = legend_text(shares, width, inks, wafer.alone)
        return text, lambda column, row: state_at(column, row, width)

    def _facts(self, wafer: WaferMap, picture: "MapPicture") -> list[str]:
        """Return what else is to say of the amounts that are shown."""
        match wafer.kind.name:
            case "work":
                return [self._totals()] if self._shares is not None else []
            case "links":
                busiest = count_text(picture.largest)
                return [f"position {count_text(self._position)}, busiest {busiest} wavelets"]
            case "age":
                return [f"oldest {count_text(picture.largest)} cycles"]
            case "SRAM":
                return [f"{percent_text(picture.fill)} of the cores in sight"]
        return []

    def _totals(self) -> str:
        """Return how much of all cycles was work, and how much waiting."""
        assert self._shares is not None
        waits = self._shares[3] + self._shares[4]
        return f"all cores: {percent_text(sum(self._shares[:3]))} work, {percent_text(waits)} waits"


def _no_entry(column: int, row: int) -> None:
    """No part of such a legend can be clicked."""


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
