"""The wafer map: a heat map of the placed cores, with a pointer to one of them.

Draws lines of half-blocks (`tui.visuals.heat_grid`) and repaints only lines that changed.  Imports
NumPy with the first machine, after the first paint.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region as ScreenRegion
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from engine.protocol.messages import MachineInfo, RegionInfo, WatchedCores
from engine.visible_text import visible
from tui.visuals.bars import progress_bar
from tui.visuals.inks import Inks
from tui.visuals.palette import palette_for
from tui.widgets.theme_inks import inks_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tui.visuals.active_region import ActiveRegion
    from tui.visuals.heat_grid import CoreGrid

__all__ = ["WaferMap"]


class WaferMap(Widget, can_focus=True):
    """One pixel per core or block of cores; its pane tells it machine and counters."""

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

    class Viewed(Message):
        """Other cores are drawn, or other blocks of them; the engine should count these."""

        def __init__(self, cores: WatchedCores) -> None:
            super().__init__()
            self.cores = cores

    class Changed(Message):
        """The picture changed, or the pointer moved to another core."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._machine: MachineInfo | None = None
        self._states: NDArray[np.uint64] | None = None
        self._cores: CoreGrid | None = None
        self._pixels: NDArray[np.uint8] | None = None
        self._strips: list[Strip] = []
        self._active: tuple[ActiveRegion, ...] | None = None
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
        if machine.regions:
            self._lay_out()
        else:  # nothing lies on the wafer
            self._cores, self._pixels, self._strips = None, None, []
            self.refresh()
            self.post_message(self.Changed())

    def show_note(self, note: str, fraction: float | None) -> None:
        """Show a line of text and a bar, as long as there are no cores to draw."""
        self._note, self._fraction = visible(note), fraction
        if self._cores is None:
            self.refresh()

    def show_states(self, cores: WatchedCores | None, cell_states: bytes) -> None:
        """Draw the cycles by state of every block (`Telemetry.cell_states`).

        Those of other cores than are drawn are late: what is drawn was asked for since.
        """
        if self._cores is None or cores != self._cores.watched:
            return
        from tui.visuals.heat_grid import read_states

        self._states = read_states(cell_states)
        self._dimmed = False
        self._draw()

    def dim(self) -> None:
        """Show that the picture is one of the past."""
        if not self._dimmed:
            self._dimmed = True
            self._draw()

    def show_activity(self, regions: "Sequence[ActiveRegion] | None") -> None:
        """Paint rectangles of cores at work instead of the counters; None: the counters again.

        Counters that come meanwhile are kept, and drawn once it ends.
        """
        active = None if regions is None else tuple(regions)
        if active != self._active:
            self._active = active
            self._draw()

    @property
    def scale(self) -> str:
        """How many cores a pixel stands for, in words; empty before there is a picture."""
        if self._cores is None:
            return ""
        block = self.block
        return "1 core per pixel" if block == 1 else f"{block}×{block} cores per pixel"

    @property
    def watched(self) -> WatchedCores | None:
        """What is drawn, in the engine's words; None before there is a machine."""
        return None if self._cores is None else self._cores.watched

    @property
    def block(self) -> int:
        """Edge of the square of cores that a pixel stands for."""
        return 1 if self._cores is None else self._cores.block

    @property
    def core_count(self) -> int:
        """The number of cores drawn; 0 before there is a machine."""
        return 0 if self._cores is None else self._cores.cores

    @property
    def pointed_core(self) -> tuple[int, int] | None:
        """The core under the pointer, (column, row) on the wafer; None if there is none."""
        if self._cores is None or self._pointer is None:
            return None
        return self._cores.core_at(*self._pointer)

    def core_facts(self, place: tuple[int, int]) -> tuple[RegionInfo | None, list[int] | None]:
        """Return what is known of the block of cores whose first one is at a place.

        Returns:
            The region that holds most of it, and the cycles of its cores by state, summed.
        """
        regions = self._machine.regions if self._machine else []
        shares = [_shared(region, place, self.block) for region in regions]
        if self._cores is None or not any(shares):
            return None, None
        region = regions[shares.index(max(shares))]
        cell = self._cores.cell_of(place)
        if self._states is None or cell is None:
            return region, None
        return region, self._states[cell].tolist()

    # ── drawing ─────────────────────────────────────────────────────────────────────────────

    def _lay_out(self) -> None:
        """Fit the machine's regions into the current size."""
        if self._machine is None or not self._machine.regions or not self.size:
            return
        from tui.visuals.heat_grid import lay_out

        before = self.watched
        self._cores = lay_out(self._machine.regions, self.size.width, self.size.height)
        self._pixels = None
        if self._cores.watched != before:
            self._states = None
            self.post_message(self.Viewed(self._cores.watched))
        self._draw()

    def _draw(self) -> None:
        """Make the picture and repaint the lines that changed."""
        if self._cores is None:
            return
        from tui.visuals.heat_grid import active_picture, grid_strips, picture

        if self._active is None:
            self._pixels = picture(self._cores, self._states)
        else:
            self._pixels = active_picture(self._cores, self._active)
        dimmed = self._dimmed and self._active is None
        palette = palette_for(inks_of(self).ground, dimmed)
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
        if self._cores is None:
            return 0, 0
        return (
            max(0, (self.size.width - self._cores.cell_width) // 2),
            max(0, (self.size.height - self._cores.cell_height) // 2),
        )

    def render_line(self, y: int) -> Strip:
        """Return one line of the picture."""
        left, top = self._corner
        inks = inks_of(self)
        blank = Style(bgcolor=inks.ground)
        if self._cores is None:
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
        """Return a line of the note shown before there is a machine; 0 is the middle."""
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
        """Move the pointer by whole cores or blocks; the first key puts it into the middle."""
        if self._cores is None or self._pixels is None:
            return
        height, width = self._pixels.shape
        if self._pointer is None:
            self._point((width // 2, height // 2))
            return
        zoom = self._cores.zoom
        x = min(max(self._pointer[0] + across * zoom, 0), width - 1)
        y = min(max(self._pointer[1] + down * zoom, 0), self._cores.rows * zoom - 1)
        self._point((x, y))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Point at the core under the mouse."""
        left, top = self._corner
        x, y = event.x - left, event.y - top
        inside = self._cores is not None and 0 <= y < len(self._strips)
        if inside and self._cores is not None and 0 <= x < self._cores.cell_width:
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


def _shared(region: RegionInfo, place: tuple[int, int], block: int) -> int:
    """Return how many cores of a region lie in the block at a place."""
    x, y = place
    across = min(region.x + region.width, x + block) - max(region.x, x)
    down = min(region.y + region.height, y + block) - max(region.y, y)
    return max(0, across) * max(0, down)
