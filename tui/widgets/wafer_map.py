"""The wafer pane: a heat map of the placed cores and its legend, of all cores or of one.

The map draws lines of half-blocks (`tui.visuals.heat_grid`) and repaints only lines that
changed.  NumPy is imported with the first machine, after the first paint.
"""

import logging
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Region as ScreenRegion
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from engine.protocol.messages import MachineInfo, RegionInfo, Telemetry
from tui.link.engine_state import EngineState, Phase
from tui.visuals.bars import progress_bar
from tui.visuals.inks import Inks
from tui.visuals.palette import palette_for
from tui.visuals.wafer_text import caption_text, core_shares, legend_text, state_shares
from tui.widgets.pane import inks_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tui.visuals.heat_grid import Layout

__all__ = ["WaferMap", "WaferPane"]

_log = logging.getLogger(__name__)


class WaferMap(Widget, can_focus=True):
    """One pixel per core or block of cores; fed with machine and telemetry by its pane."""

    DEFAULT_CSS = """
    WaferMap { height: 1fr; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.focus_editor", "back to the editor", show=False),
        Binding("left", "point(-1, 0)", "core to the west", show=False),
        Binding("right", "point(1, 0)", "core to the east", show=False),
        Binding("up", "point(0, -1)", "core to the north", show=False),
        Binding("down", "point(0, 1)", "core to the south", show=False),
    ]

    class Changed(Message):
        """The picture, or the core pointed at, is another one."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._machine: MachineInfo | None = None
        self._states: NDArray[np.uint32] | None = None
        self._layout: Layout | None = None
        self._pixels: NDArray[np.uint8] | None = None
        self._strips: list[Strip] = []
        self._dimmed = False
        self._pointer: tuple[int, int] | None = None  # (cell, pixel row) in the picture
        self._note = ""
        self._fraction: float | None = None

    # ── what is shown ───────────────────────────────────────────────────────────────────────

    def show_machine(self, machine: MachineInfo) -> None:
        """Draw the cores of a machine, all idle."""
        self._machine = machine
        self._states = None
        self._pointer = None
        self._lay_out()

    def show_note(self, note: str, fraction: float | None) -> None:
        """Show a line of text, and how far it is, as long as there is no machine to draw."""
        self._note, self._fraction = note, fraction
        if self._machine is None:
            self.refresh()

    def show_states(self, core_states: bytes) -> None:
        """Draw the cycles by state of every placed core (`Telemetry.core_states`)."""
        if self._machine is None:
            return
        from tui.visuals.heat_grid import read_states

        states = read_states(core_states)
        placed = sum(region.width * region.height for region in self._machine.regions)
        if len(states) != placed:
            _log.warning("counters of %d cores, but %d are placed", len(states), placed)
            return
        self._states = states
        self._dimmed = False
        self._draw()

    def dim(self) -> None:
        """Show that the picture is one of the past."""
        if not self._dimmed:
            self._dimmed = True
            self._draw()

    @property
    def scale(self) -> str:
        """How many cores one pixel stands for, for a person; empty before there is a picture."""
        if self._layout is None:
            return ""
        block = self._layout.block
        return "1 core per pixel" if block == 1 else f"{block}×{block} cores per pixel"

    @property
    def core_count(self) -> int:
        """How many cores are drawn; 0 before there is a machine."""
        return 0 if self._layout is None else len(self._layout.unit_of_core)

    @property
    def pointed_core(self) -> tuple[int, int] | None:
        """The core under the pointer, (column, row) on the wafer; None when there is none."""
        if self._layout is None or self._pointer is None:
            return None
        return self._layout.core_at(*self._pointer)

    def core_facts(self, place: tuple[int, int]) -> tuple[RegionInfo | None, list[int] | None]:
        """Return the region that holds a core and the core's cycles by state, where known."""
        first = 0
        for region in self._machine.regions if self._machine else ():
            x, y = place[0] - region.x, place[1] - region.y
            if 0 <= x < region.width and 0 <= y < region.height:
                if self._states is None:
                    return region, None
                return region, self._states[first + y * region.width + x].tolist()
            first += region.width * region.height
        return None, None

    # ── drawing ─────────────────────────────────────────────────────────────────────────────

    def _lay_out(self) -> None:
        """Fit the machine's regions into the current size."""
        if self._machine is None or not self._machine.regions or not self.size:
            return
        from tui.visuals.heat_grid import lay_out

        self._layout = lay_out(self._machine.regions, self.size.width, self.size.height)
        self._pixels = None
        self._draw()

    def _draw(self) -> None:
        """Make the picture and repaint the lines that changed."""
        if self._layout is None:
            return
        from tui.visuals.heat_grid import grid_strips, picture

        self._pixels = picture(self._layout, self._states)
        palette = palette_for(inks_of(self).ground, self._dimmed)
        before, self._strips = self._strips, grid_strips(self._pixels, palette)
        if len(before) != len(self._strips):
            self.refresh()
        else:
            _, top = self._corner
            rows = [y for y, strip in enumerate(self._strips) if strip != before[y]]
            if rows:
                self.refresh(*(ScreenRegion(0, top + y, self.size.width, 1) for y in rows))
        self.post_message(self.Changed())

    @property
    def _corner(self) -> tuple[int, int]:
        """Cells left of and lines above the picture, which is centred."""
        if self._layout is None:
            return 0, 0
        return (
            max(0, (self.size.width - self._layout.cell_width) // 2),
            max(0, (self.size.height - self._layout.cell_height) // 2),
        )

    def render_line(self, y: int) -> Strip:
        """Return one line of the picture."""
        left, top = self._corner
        inks = inks_of(self)
        blank = Style(bgcolor=inks.ground)
        if self._layout is None:
            return self._note_line(y - self.size.height // 2, inks)
        if not 0 <= y - top < len(self._strips):
            return Strip.blank(self.size.width, blank)
        strip = self._strips[y - top]
        if self._pointer is not None and self._pointer[1] // 2 == y - top:
            from tui.visuals.heat_grid import marked

            strip = marked(strip, self._pointer[0], Style(color="#ffffff", bgcolor="#000000"))
        blanks = Strip.blank(left, blank)
        return Strip.join([blanks, strip]).adjust_cell_length(self.size.width, blank)

    def _note_line(self, y: int, inks: Inks) -> Strip:
        """Return a line of what is shown before there is a machine; 0 is the middle."""
        width = self.size.width
        text = Text(end="")
        if y == -1:
            text = Text(self._note, style=inks.muted, end="")
        elif y == 0 and self._fraction is not None:
            text = progress_bar(min(width, 24), self._fraction, inks.wafer, inks.faint)
        text.truncate(width, overflow="ellipsis")
        text.pad_left((width - text.cell_len) // 2)
        segments = text.render(self.app.console)
        strip = Strip(Segment.apply_style(segments, Style(bgcolor=inks.ground)))
        return strip.adjust_cell_length(width, Style(bgcolor=inks.ground))

    def on_resize(self) -> None:
        """Fit the picture into the new size."""
        self._pointer = None
        self._lay_out()

    # ── pointing ────────────────────────────────────────────────────────────────────────────

    def action_point(self, across: int, down: int) -> None:
        """Move the pointer by whole cores (or blocks); the first key puts it into the middle."""
        if self._layout is None or self._pixels is None:
            return
        height, width = self._pixels.shape
        if self._pointer is None:
            self._point((width // 2, height // 2))
            return
        zoom = self._layout.zoom
        x = min(max(self._pointer[0] + across * zoom, 0), width - 1)
        y = min(max(self._pointer[1] + down * zoom, 0), self._layout.rows * zoom - 1)
        self._point((x, y))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Point at the core under the mouse."""
        left, top = self._corner
        x, y = event.x - left, event.y - top
        inside = self._layout is not None and 0 <= y < len(self._strips)
        if inside and self._layout is not None and 0 <= x < self._layout.cell_width:
            self._point((x, 2 * y))
        else:
            self._point(None)

    def on_leave(self) -> None:
        """Point at nothing once the mouse is gone."""
        self._point(None)

    def on_blur(self) -> None:
        """Point at nothing once the keyboard is elsewhere."""
        self._point(None)

    def _point(self, pointer: tuple[int, int] | None) -> None:
        if pointer != self._pointer:
            self._pointer = pointer
            self.refresh()
            self.post_message(self.Changed())


class WaferPane(Vertical):
    """The map with its legend; fed by the engine's readiness and its telemetry."""

    DEFAULT_CSS = """
    WaferPane {
        border: round $border;
        border-title-color: $foreground 80%;
        border-subtitle-color: $foreground 50%;
        background: $surface;
        padding: 0 1;
        &:focus-within { border: round $primary; }
        #wafer-caption { height: 1; }
        #wafer-legend { height: 3; }
    }
    """
    DIM_AFTER: ClassVar[float] = 1.5
    """Seconds without cycles after which the picture is one of the past."""
    HELP: ClassVar[str] = """\
**Wafer.** Every placed core of the emulated chip, where it lies on it; a half-block is one core,
or a square of cores when there are more than fit (the border says so). The *hue* is what a core
does more than others: the state, idle left out, whose share is furthest above its mean over all
cores, as a ratio; it need not be the state with most cycles, which may be the same one everywhere.
The *brightness* is the share of the interval in which the core was not idle, on a logarithmic
scale: darkest 0.1 %, brightest all of it. The legend gives the share of each state over all cores,
which is that mean: multiply–accumulate (MAC), other vector work, sending and receiving, stalled on
a wavelet that has not come, stalled on the pipe, idle. The picture dims when nothing runs. Point
with the mouse, or with F6 and the arrow keys, to read the shares of one core instead.
All cycles are wafer time."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.border_title = "wafer"
        self._shares: list[float] | None = None
        self._dim_timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Stack map, caption and legend."""
        yield WaferMap(id="wafer-map")
        yield Static(id="wafer-caption")
        yield Static(id="wafer-legend")

    def show_machine(self, machine: MachineInfo) -> None:
        """Show the cores of a machine, all idle."""
        self._shares = None
        self.query_one(WaferMap).show_machine(machine)

    def show_state(self, state: EngineState) -> None:
        """Say what the engine is doing while it has no machine yet."""
        if state.ready is not None:
            return
        note = "the engine is starting" if state.phase is Phase.STARTING else state.detail
        fraction = state.done / state.total if state.total else None
        self.query_one(WaferMap).show_note(note, fraction)

    def show_telemetry(self, telemetry: Telemetry) -> None:
        """Show the counters of an interval; one without cycles dims the last picture."""
        if self._dim_timer is not None:
            self._dim_timer.stop()
        wafer = self.query_one(WaferMap)
        if telemetry.core_states:
            self._shares = state_shares(telemetry.states_by_region)
            wafer.show_states(telemetry.core_states)
            self._dim_timer = self.set_timer(self.DIM_AFTER, wafer.dim)
        elif not telemetry.busy:
            wafer.dim()

    def on_wafer_map_changed(self, event: WaferMap.Changed) -> None:
        """Write caption and legend anew."""
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
        caption = caption_text(place, region, cycles, wafer.core_count, width, inks)
        self.query_one("#wafer-caption", Static).update(caption if wafer.core_count else "")
        legend = legend_text(shares, width, inks)
        self.query_one("#wafer-legend", Static).update(legend)


if __name__ == "__main__":
    from tui.demo import demo_ready, demo_telemetry

    class Demo(App[None]):
        """The pane alone, on made-up counters, five times a second."""

        def compose(self) -> ComposeResult:
            """Fill the screen with the pane."""
            yield WaferPane()

        def on_mount(self) -> None:
            """Start the made-up engine."""
            self.step = 0
            self.query_one(WaferPane).show_machine(demo_ready().machine)
            self.set_interval(0.2, self.tick)

        def tick(self) -> None:
            """Show the next interval."""
            self.step += 1
            self.query_one(WaferPane).show_telemetry(demo_telemetry(demo_ready(), self.step))

    Demo().run()
