"""The canvas of the wafer map: cores as half-blocks, with a pointer; says what it needs to know.

Draws what `tui.visuals.map_picture` makes and repaints only lines that changed.  Takes no keys.
Imports NumPy with the first machine, after the first paint.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.geometry import Region as ScreenRegion
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from engine.protocol.messages import MachineInfo, RegionInfo, Still, WatchedCores
from engine.visible_text import visible
from tui.visuals.bars import progress_bar
from tui.visuals.inks import Inks
from tui.visuals.map_kinds import MAP_KINDS, MapKind, kind_named
from tui.widgets.theme_inks import inks_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tui.visuals.active_region import ActiveRegion
    from tui.visuals.map_picture import MapChoice, MapPicture

__all__ = ["MapCanvas"]


class MapCanvas(Widget):
    """Cores as pixels; its pane tells it machine and counters."""

    class Viewed(Message, namespace="wafer_map"):
        """Other cores are drawn, or other blocks of them; the engine should count these.

        None: no cores are drawn any more.
        """

        def __init__(self, cores: WatchedCores | None) -> None:
            super().__init__()
            self.cores = cores

    class Changed(Message, namespace="wafer_map"):
        """The picture changed, or the pointer moved to another core."""

    class NumbersWanted(Message, namespace="wafer_map"):
        """The colours need numbers that no counter tells."""

        def __init__(self, cores: WatchedCores, wanted: Sequence[tuple[str, str]]) -> None:
            super().__init__()
            self.cores = cores
            self.wanted = wanted
            """What, and of which machine: see `StillAsked`."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.picture: MapPicture | None = None
        """What is drawn; None before there is a machine and a size."""
        self._machine: MachineInfo | None = None
        self._kept: MapChoice | None = None  # of the machine before
        self._preferred = MAP_KINDS[0], True  # colours and outlines before there is a choice
        self._strips: list[Strip] = []
        self._dimmed = False
        self._pointer: tuple[int, int] | None = None  # (cell, pixel row) in the picture
        self._note = ""
        self._fraction: float | None = None

    # ── what is shown ───────────────────────────────────────────────────────────────────────

    def show_machine(self, machine: MachineInfo) -> None:
        """Draw the cores of a machine, all idle; what the colours mean stays."""
        self._machine = machine if machine.regions else None
        self._pointer = None
        self._kept = self._kept if self.picture is None else self.picture.chosen
        self.picture, self._strips = None, []
        if machine.regions:
            self._begin()
        else:  # nothing lies on the wafer
            self.refresh()
            self.post_message(self.Changed())

    def _begin(self) -> None:
        if self._machine is None or not self.size:
            return
        from tui.visuals.map_picture import MapPicture

        self.picture = MapPicture(self._machine, self.size.width, self.size.height)
        chosen, kept = self.picture.chosen, self._kept
        chosen.kind, chosen.outlines = self._preferred
        if kept is not None:
            chosen.kind, chosen.outlines = kept.kind, kept.outlines
        self._viewed()

    def prefer(self, kind: MapKind, *, outlines: bool) -> None:
        """Look as the person chose, now and on later machines."""
        self._preferred = kind, outlines
        if self.picture is not None and outlines != self.picture.chosen.outlines:
            self.picture.chosen.outlines = outlines
            self._draw()
        if kind is not self.kind:
            self.show_kind(kind)

    @property
    def outlines(self) -> bool:
        """Whether outlines and names of regions are shown."""
        return self._preferred[1] if self.picture is None else self.picture.chosen.outlines

    def show_note(self, note: str, fraction: float | None) -> None:
        """Show a line of text and a bar, as long as there is no machine to draw."""
        self._note, self._fraction = visible(note), fraction
        if self.picture is None:
            self.refresh()

    def show_states(self, cores: WatchedCores | None, cell_states: bytes) -> None:
        """Draw the cycles by state of every block (`Telemetry.cell_states`).

        Those of other cores than are drawn are late: what is drawn was asked for since.
        """
        if self.picture is not None and self.picture.take_states(cores, cell_states):
            self._dimmed = False
            self._draw()

    def show_still(self, still: Still) -> None:
        """Draw numbers that were asked for; those of other cores are late."""
        wanted = still.what, still.machine
        if self.picture is not None and self.picture.take_still(wanted, still.cores, still.values):
            self._draw()

    def numbers_changed(self, *what: str) -> None:
        """Ask again for numbers that hold no more, if the colours need them."""
        if self.picture is not None:
            self.picture.forget(*what)
            self._want_numbers()

    def show_activity(self, regions: "Sequence[ActiveRegion] | None") -> None:
        """Paint rectangles of cores at work instead of the counters; None: the counters again.

        Counters that come meanwhile are kept, and drawn once it ends.
        """
        active = None if regions is None else tuple(regions)
        if self.picture is not None and active != self.picture.active:
            self.picture.active = active
            self._draw()

    def show_kind(self, kind: MapKind) -> None:
        """Colour by something else."""
        if self.picture is not None:
            chosen = self.picture.chosen
            if kind is not chosen.kind and "owner" in (kind.name, chosen.kind.name):
                chosen.alone = None
            chosen.kind = kind
            self._want_numbers()
            self._draw()

    @property
    def activity(self) -> "Sequence[ActiveRegion] | None":
        """The rectangles at work that are painted instead of the counters; None: there are none."""
        return None if self.picture is None else self.picture.active

    def compare_with(self, machine: str) -> None:
        """Colour by what differs: from another machine, or, without a name, from the mark."""
        if self.picture is not None:
            self.picture.chosen.compared = machine
            self.show_kind(kind_named("change"))

    def dim(self) -> None:
        """Show that the picture is one of the past."""
        if not self._dimmed:
            self._dimmed = True
            self._draw()

    @property
    def kind(self) -> MapKind:
        """What the colours mean."""
        return self._preferred[0] if self.picture is None else self.picture.chosen.kind

    @property
    def alone(self) -> int | None:
        """The number of the state or the region that is shown alone; None: all are."""
        return None if self.picture is None else self.picture.chosen.alone

    @property
    def scale(self) -> str:
        """How many cores a pixel stands for, in words; empty before there is a picture."""
        if self.picture is None:
            return ""
        block, zoom = self.picture.cores.window.scale
        if zoom > 1 and not self.picture.fits:
            return f"{zoom}×{zoom} pixels per core"
        return "1 core per pixel" if block == 1 else f"{block}×{block} cores per pixel"

    @property
    def watched(self) -> WatchedCores | None:
        """What is drawn, in the engine's words; None before there is a machine."""
        return None if self.picture is None else self.picture.cores.watched

    @property
    def states(self) -> "NDArray[np.uint64] | None":
        """Cycles by state of every block in the last interval, (blocks, 6); None without any."""
        return None if self.picture is None else self.picture.states

    @property
    def block(self) -> int:
        """Edge of the square of cores that a pixel stands for."""
        return 1 if self.picture is None else self.picture.cores.block

    @property
    def core_count(self) -> int:
        """The number of placed cores; 0 before there is a machine."""
        return 0 if self.picture is None else self.picture.cores.cores

    @property
    def pointed_core(self) -> tuple[int, int] | None:
        """The core under the pointer, (column, row) on the wafer; None if there is none."""
        if self.picture is None or self._pointer is None:
            return None
        return self.picture.cores.core_at(*self._pointer)

    def core_facts(self, place: tuple[int, int]) -> tuple[RegionInfo | None, list[int] | None]:
        """Return what is known of the block of cores whose first one is at a place.

        Returns:
            The region that holds most of it, and the cycles of its cores by state, summed.
        """
        regions = self._machine.regions if self._machine else []
        shares = [_shared(region, place, self.block) for region in regions]
        if self.picture is None or not any(shares):
            return None, None
        region = regions[shares.index(max(shares))]
        cell = self.picture.cores.cell_of(place)
        if self.picture.states is None or cell is None:
            return region, None
        return region, self.picture.states[cell].tolist()

    # ── drawing ─────────────────────────────────────────────────────────────────────────────

    def _viewed(self) -> None:
        """Draw other cores than before; say which, and what of them is not known."""
        if self.picture is not None:
            self._pointer = None
            self.post_message(self.Viewed(self.picture.cores.watched))
            self._want_numbers()
            self._draw()

    @property
    def _shown(self) -> bool:
        """Whether it has a place on the screen: what nobody sees is neither asked nor drawn."""
        return all(each.display for each in self.ancestors_with_self if isinstance(each, Widget))

    def on_show(self) -> None:
        """Catch up with what came while it was hidden."""
        if self.picture is not None:
            self.post_message(self.Viewed(self.picture.cores.watched))
            self._want_numbers()
            self._draw()

    def on_hide(self) -> None:
        """Have no cores counted."""
        self.post_message(self.Viewed(None))

    def _want_numbers(self) -> None:
        if self.picture is not None and self._shown and (wanted := self.picture.wanted):
            self.post_message(self.NumbersWanted(self.picture.cores.watched, wanted))

    def _draw(self) -> None:
        """Make the picture and repaint the lines that changed."""
        if self.picture is None or not self._shown:
            return
        inks = inks_of(self)
        dimmed = self._dimmed and self.picture.active is None
        before, self._strips = self._strips, self.picture.strips(inks, dimmed=dimmed)
        if len(before) != len(self._strips):
            self.refresh()
        else:
            _, top = self._corner
            rows = [y for y, strip in enumerate(self._strips) if strip is not before[y]]
            if rows:
                self.refresh(*(ScreenRegion(0, top + y, self.size.width, 1) for y in rows))
        self.post_message(self.Changed())

    @property
    def _corner(self) -> tuple[int, int]:
        """Cells left of and lines above the picture, which is centred."""
        if self.picture is None:
            return 0, 0
        cores = self.picture.cores
        return (
            max(0, (self.size.width - cores.cell_width) // 2),
            max(0, (self.size.height - cores.cell_height) // 2),
        )

    def render_line(self, y: int) -> Strip:
        """Return one line of the picture."""
        left, top = self._corner
        inks = inks_of(self)
        blank = _ground(inks)
        if self.picture is None:
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
        strip = Strip(Segment.apply_style(segments, _ground(inks)))
        return strip.adjust_cell_length(width, _ground(inks))

    def on_resize(self) -> None:
        """Fit the picture into the new size."""
        self._pointer = None
        if self.picture is None:
            self._begin()
        elif self.size:
            before = self.watched
            self.picture.resize(self.size.width, self.size.height)
            if self.watched != before:
                self._viewed()
            self._draw()

    def _point(self, pointer: tuple[int, int] | None) -> None:
        if pointer != self._pointer:
            self._pointer = pointer
            self.refresh()
            self.post_message(self.Changed())


def _ground(inks: Inks) -> Style:
    """Return the style of what is no core."""
    return Style() if inks.terminal_ground else Style(bgcolor=inks.ground)


def _shared(region: RegionInfo, place: tuple[int, int], block: int) -> int:
    """Return how many cores of a region lie in the block at a place."""
    x, y = place
    across = min(region.x + region.width, x + block) - max(region.x, x)
    down = min(region.y + region.height, y + block) - max(region.y, y)
    return max(0, across) * max(0, down)
