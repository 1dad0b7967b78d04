"""The picture of a wafer map: which cores, at which scale, coloured by what.  No Textual widget.

Keeps what is drawn and the numbers of its cells, and says which numbers are missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.style import Style
from textual.strip import Strip

from engine.protocol.messages import MachineInfo, RegionInfo, WatchedCores
from engine.visible_text import visible
from tui.visuals import map_colours
from tui.visuals.active_region import ActiveRegion
from tui.visuals.heat_grid import (
    CoreGrid,
    active_blocks,
    by_state,
    cell_codes,
    cells_strip,
    changed_rows,
    enlarged,
    grid_of,
    labelled,
    lay_out,
    read_states,
)
from tui.visuals.inks import Inks
from tui.visuals.map_kinds import MAP_KINDS, MapKind
from tui.visuals.map_window import Scale, coarser, finer, whole_wafer, window_around
from tui.visuals.palette import Palette, palette_for

__all__ = ["MapChoice", "MapPicture", "Wanted"]

Wanted = tuple[str, str]
"""What the engine is asked for of every cell, and the machine; an empty name is this one."""

_STATES = "states"
_MARKED = "marked"


@dataclass(slots=True)
class MapChoice:
    """What a person chose to see."""

    kind: MapKind = MAP_KINDS[0]
    alone: int | None = None
    """The state, or the region, that is shown alone."""
    outlines: bool = True
    compared: str = ""
    """The machine that a change is against; empty: the marked interval."""
    scale: Scale | None = None
    """None: as large as all placed cores fit."""
    centre: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The last picture."""

    palette: Palette
    names: tuple[tuple[int, int, str], ...]
    codes: NDArray[np.int32]
    lines: list[Strip]

    def looks_like(self, palette: Palette, names: object, shape: tuple[int, ...]) -> bool:
        """Whether lines with the same codes are the same lines."""
        return self.palette is palette and self.names == names and self.codes.shape == shape


class MapPicture:
    """The placed cores of a machine in a place of the screen.

    Args:
        machine: The machine with at least one region.
        width: Terminal cells.
        height: Terminal rows.
    """

    def __init__(self, machine: MachineInfo, width: int, height: int) -> None:
        self.machine = machine
        self.chosen = MapChoice()
        self.active: Sequence[ActiveRegion] | None = None
        """Rectangles at work, painted instead of all else."""
        self.states: NDArray[np.uint64] | None = None
        """Cycles by state of every cell in the last interval, (cells, 6)."""
        self._stills: dict[Wanted, NDArray[np.int64]] = {}
        self._drawn: _Drawn | None = None
        self._size = (width, height)
        self.cores: CoreGrid = self._laid_out()

    # ── what part of the wafer ──────────────────────────────────────────────────────────────

    def _laid_out(self) -> CoreGrid:
        chosen, (width, height) = self.chosen, self._size
        if chosen.scale is None:
            return lay_out(self.machine.regions, width, height)
        window = window_around(chosen.centre, chosen.scale, self._wafer, width, height)
        return grid_of(self.machine.regions, window)

    @property
    def _wafer(self) -> tuple[int, int]:
        return self.machine.columns, self.machine.rows

    def _look(self, scale: Scale | None, centre: tuple[int, int]) -> None:
        """Show another part; forget the numbers of cells that are drawn no more."""
        before = self.cores.watched
        self.chosen.scale, self.chosen.centre = scale, centre
        self.cores = self._laid_out()
        if self.cores.watched != before:
            self.states, self._stills = None, {}

    def resize(self, width: int, height: int) -> None:
        """Fit into another size, around the same core."""
        self._size = (width, height)
        self._look(self.chosen.scale, self.chosen.centre)

    def fit(self) -> None:
        """Show all placed cores, as large as they fit."""
        self._look(None, self.chosen.centre)

    def show_whole_wafer(self) -> None:
        """Show all cores of the wafer, placed or not."""
        columns, rows = self._wafer
        self._look(whole_wafer(self._wafer, *self._size), (columns // 2, rows // 2))

    def zoom(self, closer: bool, around: tuple[int, int] | None = None) -> None:
        """Draw cores larger or smaller; the core ``around`` stays where it is."""
        window = self.cores.window
        largest = whole_wafer(self._wafer, *self._size).block
        scale = finer(window.scale) if closer else coarser(window.scale, largest)
        if scale == window.scale:
            return
        middle = window.centre
        if around is not None:
            # Distances to the core that stays shrink as pixels come to stand for fewer cores.
            before = window.scale.block / window.scale.zoom
            ratio = scale.block / scale.zoom / before
            middle = (
                round(around[0] + (middle[0] - around[0]) * ratio),
                round(around[1] + (middle[1] - around[1]) * ratio),
            )
        self._look(scale, middle)

    def pan(self, across: float, down: float) -> None:
        """Move the window by so many pixels; a picture that fits has nowhere to go."""
        window = self.cores.window
        per_pixel = window.scale.block / window.scale.zoom
        x, y = window.centre
        moved = round(x + across * per_pixel), round(y + down * per_pixel)
        self._look(window.scale, moved)

    def centre_on(self, x: int, y: int) -> None:
        """Show a core in the middle, at a scale at which it can be told from its neighbours."""
        window = self.cores.window
        self._look(window.scale if window.scale.block == 1 else Scale(1, 1), (x, y))

    @property
    def fits(self) -> bool:
        """Whether all placed cores are shown, as large as they fit."""
        return self.chosen.scale is None

    # ── numbers ─────────────────────────────────────────────────────────────────────────────

    def take_states(self, cores: WatchedCores | None, cell_states: bytes) -> bool:
        """Take the counters of an interval; False if they are of other cells."""
        if cores != self.cores.watched:
            return False
        self.states = read_states(cell_states)
        return True

    def take_still(self, wanted: Wanted, cores: WatchedCores, values: bytes) -> bool:
        """Take numbers that were asked for; False if they are of other cells."""
        if cores != self.cores.watched:
            return False
        numbers = np.frombuffer(values, "<i8")
        self._stills[wanted] = numbers.reshape(-1, 6) if wanted[0] in _BY_STATE else numbers
        return True

    def forget(self, *what: str) -> None:
        """Forget numbers that hold no more."""
        self._stills = {key: value for key, value in self._stills.items() if key[0] not in what}

    @property
    def wanted(self) -> list[Wanted]:
        """What the colours need and the engine has not told yet."""
        return [each for each in self._needs() if each not in self._stills]

    def _needs(self) -> list[Wanted]:
        chosen = self.chosen
        if chosen.kind.still != _MARKED:
            return [(chosen.kind.still, "")] if chosen.kind.still else []
        if chosen.compared:
            return [(_STATES, ""), (_STATES, chosen.compared)]
        return [(_MARKED, "")]

    def numbers_of(self, cell: int) -> list[int] | None:
        """Return the numbers of one cell that the colours show; None if there are none yet."""
        needs = self._needs()
        if not needs or needs[0] not in self._stills:
            return None
        numbers = self._stills[needs[0]]
        return np.atleast_1d(numbers[cell]).tolist() if len(numbers) > cell else None

    @property
    def largest(self) -> int:
        """The largest number that the colours show; 0 without any."""
        needs = self._needs()
        numbers = self._stills.get(needs[0]) if needs else None
        return int(numbers.max(initial=0)) if numbers is not None else 0

    @property
    def fill(self) -> float | None:
        """The share of SRAM in use over all cores that are drawn; None if it is not known."""
        used = self._stills.get(("sram", ""))
        room = int(self.cores.held.sum()) * self.machine.sram_bytes_per_core
        return None if used is None or not room else int(used.sum()) / room

    # ── colours ─────────────────────────────────────────────────────────────────────────────

    def _blocks(self) -> NDArray[np.uint8]:
        """Return the palette index of every block."""
        if self.active is not None:
            return active_blocks(self.cores, self.active)
        name, alone = self.chosen.kind.name, self.chosen.alone
        if name == "owner":
            return map_colours.owners(self.machine.regions, self.cores, alone)
        if name == "change":
            return self._changes()
        if self.chosen.kind.still:
            return self._amounts(self.chosen.kind.still)
        if self.states is None:
            return self.cores.placed.astype(np.uint8)
        if name == "work":
            return map_colours.work_shares(self.states, self.cores)
        if alone is not None:
            return map_colours.shares_of_state(self.states, self.cores, alone)
        return by_state(self.cores, self.states)

    def _amounts(self, what: str) -> NDArray[np.uint8]:
        values = self._stills.get((what, ""))
        if values is None:
            return self.cores.placed.astype(np.uint8)
        if what == "sram":
            room = self.cores.held * self.machine.sram_bytes_per_core
            return map_colours.amounts(values / np.maximum(room, 1), self.cores, linear=True)
        if what == "age":
            newest = 1 - values / max(1, int(values.max(initial=0)))
            return map_colours.amounts(np.where(values < 0, 0, newest), self.cores, linear=True)
        return map_colours.amounts(values / max(1, int(values.max(initial=0))), self.cores)

    def _changes(self) -> NDArray[np.uint8]:
        compared = self._compared()
        if compared is None:
            return self.cores.placed.astype(np.uint8)
        before, after = (map_colours.share(each, self._changing) for each in compared)
        return map_colours.changes(before, after, self.cores)

    def _compared(self) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
        """Return the states of cells before and now; None as long as one is not known."""
        needs = self._needs()
        before = self._stills.get(needs[-1])
        after = self._stills.get(needs[0]) if self.chosen.compared else self.states
        if before is None or after is None or len(before) != len(after):
            return None
        return before, after.astype(np.int64)

    @property
    def _changing(self) -> Sequence[int]:
        """The states whose shares are compared: all but idle, or the one that is shown alone."""
        return range(5) if self.chosen.alone is None else (self.chosen.alone,)

    def change_of_all(self) -> tuple[float, float] | None:
        """Return the share that is compared over all cells, before and now."""
        compared = self._compared()
        if compared is None:
            return None
        before, after = (
            map_colours.share(each.sum(axis=0)[None], self._changing)[0] for each in compared
        )
        return float(before), float(after)

    def strips(self, inks: Inks, *, dimmed: bool = False) -> list[Strip]:
        """Return the lines of the picture, outlines and names of regions included.

        A line that has not changed is the same object as before.
        """
        palette = palette_for(
            inks.ground, dimmed, self._hues(), inks.text, inks.terminal_ground, inks.few_colours
        )
        pixels = enlarged(self.cores, self._blocks())
        if self.chosen.outlines:
            self._outline(pixels, palette)
        codes = cell_codes(pixels, palette)
        names = self._names() if self.chosen.outlines else ()
        before = self._drawn
        if before is not None and not before.looks_like(palette, names, codes.shape):
            before = None
        changed = range(len(codes)) if before is None else changed_rows(before.codes, codes)
        lines = [Strip.blank(0)] * len(codes) if before is None else list(before.lines)
        style = Style(color=inks.text, bgcolor=None if inks.terminal_ground else inks.ground)
        for row in changed:
            lines[row] = cells_strip(codes[row], palette)
            for _, x, name in (each for each in names if each[0] == row):
                lines[row] = labelled(lines[row], x, name, style)
        self._drawn = _Drawn(palette, names, codes, lines)
        return lines

    def _hues(self) -> tuple[str, ...]:
        if self.active is not None:
            return MAP_KINDS[1].hues
        alone = self.chosen.alone
        if self.chosen.kind.name == "state" and alone is not None:
            return self.chosen.kind.hues if alone < 5 else MAP_KINDS[1].hues
        return self.chosen.kind.hues

    # ── outlines and names of regions ───────────────────────────────────────────────────────

    def _box(self, region: RegionInfo) -> tuple[int, int, int, int]:
        """Return the first and the last pixel of a region, across and down, not clipped."""
        cores = self.cores
        left, top = region.x - cores.x, region.y - cores.y
        right, bottom = left + region.width - 1, top + region.height - 1
        block, zoom = cores.block, cores.zoom
        return (
            left // block * zoom, right // block * zoom + zoom - 1,
            top // block * zoom, bottom // block * zoom + zoom - 1,
        )  # fmt: skip

    def _outline(self, pixels: NDArray[np.uint8], palette: Palette) -> None:
        """Draw the edge of every region that is large enough to have an inside."""
        on_edge = np.zeros(pixels.shape, np.bool_)
        for region in self.machine.regions:
            left, right, top, bottom = self._box(region)
            if min(right - left, bottom - top) + 1 < _OUTLINED:
                continue
            down, across = _clip(top, bottom, pixels.shape[0]), _clip(left, right, pixels.shape[1])
            for x in (left, right):
                if 0 <= x < pixels.shape[1]:
                    on_edge[down, x] = True
            for y in (top, bottom):
                if 0 <= y < pixels.shape[0]:
                    on_edge[y, across] = True
        pixels[on_edge] += palette.outlined

    def _names(self) -> tuple[tuple[int, int, str], ...]:
        """Return the line, the cell and the name of every region whose corner has room for it."""
        found = []
        lines = self.cores.cell_height
        for region in self.machine.regions:
            left, right, top, bottom = self._box(region)
            left, right = max(left, 0), min(right, self.cores.cell_width - 1)
            row = max(top, 0) // 2 + (top >= 0)
            name = f" {visible(region.label)} "
            if right - left > len(name) + 1 and row < min(bottom // 2, lines):
                found.append((row, left + 1, name))
        return tuple(found)


_OUTLINED = 9
"""Pixels of the shorter side from which on a region has an outline: less would be all edge."""
_BY_STATE = (_STATES, _MARKED)


def _clip(first: int, last: int, length: int) -> slice:
    return slice(max(0, first), max(0, min(last + 1, length)))
