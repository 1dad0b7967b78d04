"""The wafer map: a canvas of cores that zooms and pans by keys, wheel and drag.

What it cannot answer itself it asks its pane for, in messages.
"""

from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message

from engine.protocol.messages import WatchedCores
from tui.visuals.map_kinds import MAP_KINDS
from tui.widgets.map_canvas import MapCanvas
from tui.widgets.map_keys import MAP_KEYS

__all__ = ["WaferMap"]

_PAN_SHARE = 4
"""A key pans by a quarter of what is shown."""


class WaferMap(MapCanvas, can_focus=True):
    """The map as a person uses it."""

    DEFAULT_CSS = """
    WaferMap { height: 1fr; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*MAP_KEYS]

    class Inspected(Message):
        """The person wants to know all about one core."""

        def __init__(self, x: int, y: int) -> None:
            super().__init__()
            self.x, self.y = x, y

    class Asked(Message):
        """The person wants something that takes a question: a place, a mark, another machine."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what
            """``"place"``, ``"mark"`` or ``"machine"``."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._drag: tuple[int, int] | None = None
        self._dragged = False

    # ── what is looked at ───────────────────────────────────────────────────────────────────

    def _look(self, before: WatchedCores | None) -> None:
        if self.watched != before:
            self._viewed()

    def action_zoom(self, closer: bool) -> None:
        """Draw cores larger or smaller, around the pointer."""
        if self.picture is not None:
            before, place = self.watched, self.pointed_core
            self.picture.zoom(closer, place)
            self._look(before)
            if place is not None:
                self._point_at(place)

    def action_pan(self, across: int, down: int) -> None:
        """Look at what lies beside what is shown."""
        if self.picture is not None:
            cores, before = self.picture.cores, self.watched
            step = cores.cell_width // _PAN_SHARE, 2 * cores.cell_height // _PAN_SHARE
            self.picture.pan(across * max(1, step[0]), down * max(1, step[1]))
            self._look(before)

    def action_fit(self) -> None:
        """Show all placed cores."""
        if self.picture is not None:
            before = self.watched
            self.picture.fit()
            self._look(before)

    def action_whole_wafer(self) -> None:
        """Show all cores of the wafer."""
        if self.picture is not None:
            before = self.watched
            self.picture.show_whole_wafer()
            self._look(before)

    def go_to(self, x: int, y: int) -> None:
        """Show a core in the middle and point at it."""
        if self.picture is not None:
            before = self.watched
            self.picture.centre_on(x, y)
            self._look(before)
            self._point_at((x, y))

    # ── what the colours mean ───────────────────────────────────────────────────────────────

    def action_next_kind(self, step: int) -> None:
        """Colour by what comes next."""
        self.show_kind(MAP_KINDS[(MAP_KINDS.index(self.kind) + step) % len(MAP_KINDS)])

    def action_outlines(self) -> None:
        """Show outlines and names of regions, or none."""
        if self.picture is not None:
            self.picture.chosen.outlines = not self.picture.chosen.outlines
            self._draw()

    def action_alone(self, number: int) -> None:
        """Show one state alone, or one region of a map by owner; again, or −1: all."""
        if self.picture is not None:
            chosen = self.picture.chosen
            if number >= 0 and chosen.kind.name not in ("state", "owner", "change"):
                chosen.kind = MAP_KINDS[0]
            chosen.alone = None if number in (-1, chosen.alone) else number
            self._draw()

    def action_ask(self, what: str) -> None:
        """Have the person asked."""
        self.post_message(self.Asked(what))

    def action_inspect(self) -> None:
        """Inspect the core under the pointer; without one, point into the middle first."""
        if self._pointer is None:
            self.action_point(0, 0)
        place = self.pointed_core
        if place is not None:
            self.post_message(self.Inspected(*place))

    # ── pointing ────────────────────────────────────────────────────────────────────────────

    def action_point(self, across: int, down: int) -> None:
        """Move the pointer by whole cores or blocks; the first key puts it into the middle."""
        if self.picture is None:
            return
        cores = self.picture.cores
        width, height = cores.cell_width, cores.rows * cores.zoom
        if self._pointer is None:
            self._point((width // 2, cores.cell_height))
            return
        x = min(max(self._pointer[0] + across * cores.zoom, 0), width - 1)
        y = min(max(self._pointer[1] + down * cores.zoom, 0), height - 1)
        self._point((x, y))

    def _point_at(self, place: tuple[int, int]) -> None:
        """Point at a core, if it is drawn."""
        if self.picture is not None and self.picture.cores.cell_of(place) is not None:
            cores = self.picture.cores
            across, down = place[0] - cores.x, place[1] - cores.y
            self._point((across // cores.block * cores.zoom, down // cores.block * cores.zoom))

    def _pixel_at(self, event: events.MouseEvent) -> tuple[int, int] | None:
        """Return the pixel under the mouse; None beside the picture."""
        left, top = self._corner
        x, y = event.x - left, event.y - top
        if self.picture is None or not 0 <= y < len(self._strips):
            return None
        return (x, 2 * y) if 0 <= x < self.picture.cores.cell_width else None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Point at the core under the mouse; with the button held, drag the picture."""
        if self._drag is None:
            self._point(self._pixel_at(event))
            return
        across, down = self._drag[0] - event.screen_x, 2 * (self._drag[1] - event.screen_y)
        if self.picture is not None and (across or down):
            self._drag, self._dragged = (event.screen_x, event.screen_y), True
            before = self.watched
            self.picture.pan(across, down)
            self._look(before)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin a drag, or a click."""
        if event.button == 1:
            self._drag, self._dragged = (event.screen_x, event.screen_y), False
            self.capture_mouse()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """End a drag; a click without one inspects the core."""
        if self._drag is None:
            return
        self._drag = None
        self.release_mouse()
        if not self._dragged and (pixel := self._pixel_at(event)) is not None:
            self._point(pixel)
            self.action_inspect()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Zoom in at the mouse."""
        self._zoom_at(event, closer=True)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Zoom out at the mouse."""
        self._zoom_at(event, closer=False)

    def _zoom_at(self, event: events.MouseEvent, *, closer: bool) -> None:
        event.stop()
        self._point(self._pixel_at(event))
        self.action_zoom(closer)

    def on_leave(self) -> None:
        """Point at nothing once the mouse is gone."""
        self._point(None)

    def on_blur(self) -> None:
        """Point at nothing once the keyboard is elsewhere."""
        self._point(None)
