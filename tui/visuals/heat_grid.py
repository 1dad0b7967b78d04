"""Turns counters of cells of cores into a picture of half-blocks: two rows per terminal row.

Pure: regions and an array in, palette indices and strips out.  A *pixel* is half a terminal
cell.  It stands for one core, for a block of cores if there are more cores than pixels, or for a
part of a core if there is room to spare.  Coordinates are (column, row), origin north-west.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from engine import STATES
from engine.protocol.messages import RegionInfo, WatchedCores
from tui.visuals.active_region import ActiveRegion
from tui.visuals.map_window import MapWindow, Scale
from tui.visuals.palette import LEVELS, Palette

__all__ = [
    "CoreGrid",
    "active_blocks",
    "by_state",
    "cell_codes",
    "cells_strip",
    "changed_rows",
    "enlarged",
    "grid_of",
    "grid_strips",
    "labelled",
    "lay_out",
    "level_of",
    "marked",
    "picture",
    "read_states",
]

STATE_COUNT = len(STATES)
_IDLE = STATE_COUNT - 1
_DECADES = 3.0
"""Brightness spans three decades: darkest at 0.1 % of the interval busy, brightest at all of it."""
_ALIKE = 0.99
"""A state this near to the one furthest above its mean counts as equal to it."""


@dataclass(frozen=True, slots=True)
class CoreGrid:
    """The places of all placed cores in the picture."""

    x: int
    """Column of the westmost placed core on the wafer."""
    y: int
    """Row of the northmost placed core."""
    block: int
    """Edge of the square of cores that one pixel stands for."""
    zoom: int
    """Edge in pixels of one core; above 1 only when ``block`` is 1."""
    columns: int
    """Blocks from west to east."""
    rows: int
    """Blocks from north to south."""
    held: NDArray[np.int64]
    """How many placed cores each block holds, row by row, shape (rows · columns,)."""
    cores: int
    """How many cores are placed."""

    @property
    def placed(self) -> NDArray[np.bool_]:
        """Which blocks hold a placed core, row by row, shape (rows · columns,)."""
        return self.held > 0

    @property
    def window(self) -> MapWindow:
        """The part of the wafer, without what lies there."""
        return MapWindow(self.x, self.y, Scale(self.block, self.zoom), self.columns, self.rows)

    def of(self, region: RegionInfo) -> NDArray[np.int64]:
        """Return how many cores of a region each block holds, shape (rows · columns,)."""
        return _held(region, self.window).ravel()

    @property
    def watched(self) -> WatchedCores:
        """The cores as the engine is asked for them: one cell for each block."""
        width, height = self.columns * self.block, self.rows * self.block
        return WatchedCores(self.x, self.y, width, height, self.columns, self.rows)

    @property
    def cell_width(self) -> int:
        """Terminal cells from west to east."""
        return self.columns * self.zoom

    @property
    def cell_height(self) -> int:
        """Terminal rows from north to south."""
        return (self.rows * self.zoom + 1) // 2

    def core_at(self, cell_x: int, pixel_y: int) -> tuple[int, int]:
        """Return (column, row) on the wafer of the first core drawn at a pixel."""
        return (
            self.x + cell_x // self.zoom * self.block,
            self.y + pixel_y // self.zoom * self.block,
        )

    def cell_of(self, place: tuple[int, int]) -> int | None:
        """Return the block of the core at (column, row) on the wafer; None if it is not drawn."""
        column, row = (place[0] - self.x) // self.block, (place[1] - self.y) // self.block
        inside = 0 <= column < self.columns and 0 <= row < self.rows
        return row * self.columns + column if inside else None


def lay_out(regions: Sequence[RegionInfo], width: int, height: int) -> CoreGrid:
    """Fit the regions' bounding box into ``width`` × ``height`` terminal cells.

    Args:
        regions: At least one rectangle.
        width: Terminal cells, at least 1.
        height: Terminal rows of two pixels each, at least 1.
    """
    west = min(region.x for region in regions)
    north = min(region.y for region in regions)
    across = max(region.x + region.width for region in regions) - west
    down = max(region.y + region.height for region in regions) - north
    pixels = 2 * height
    block = max(1, -(-across // width), -(-down // pixels))
    zoom = max(1, min(width // across, pixels // down)) if block == 1 else 1
    columns, rows = -(-across // block), -(-down // block)
    return grid_of(regions, MapWindow(west, north, Scale(block, zoom), columns, rows))


def grid_of(regions: Sequence[RegionInfo], window: MapWindow) -> CoreGrid:
    """Return the placed cores in a window of the wafer."""
    block = window.scale.block
    held = np.zeros((window.rows, window.columns), np.int64)
    for region in regions:
        held += _held(region, window)
    return CoreGrid(
        x=window.x,
        y=window.y,
        block=block,
        zoom=window.scale.zoom,
        columns=window.columns,
        rows=window.rows,
        held=held.ravel(),
        cores=sum(region.width * region.height for region in regions),
    )


def _held(region: RegionInfo, window: MapWindow) -> NDArray[np.int64]:
    """Return how many cores of a region each block of a window holds, (rows, columns)."""
    block = window.scale.block
    return np.outer(
        _overlaps(region.y - window.y, region.height, block, window.rows),
        _overlaps(region.x - window.x, region.width, block, window.columns),
    )


def _overlaps(start: int, length: int, block: int, blocks: int) -> NDArray[np.int64]:
    """Return how many of ``length`` cores from ``start`` on lie in each block along one axis."""
    firsts = np.arange(blocks) * block
    shared = np.minimum(firsts + block, start + length) - np.maximum(firsts, start)
    return shared.clip(0)


def read_states(cell_states: bytes) -> NDArray[np.uint64]:
    """Return the cycles by state of every cell, shape (B, 6); reads ``cell_states`` in place."""
    return np.frombuffer(cell_states, dtype="<u8").reshape(-1, STATE_COUNT)


def picture(cores: CoreGrid, states: NDArray[np.uint64] | None) -> NDArray[np.uint8]:
    """Return palette indices, shape (pixel rows, cells); an even number of rows.

    The hue is the state, idle left out, whose share is largest relative to its mean over all
    cores: what a core does more than the others.  Of several equal ones, as between cores that do
    the same, it is the one with the most cycles.  The brightness is the busy share of the
    interval, on a logarithmic scale.

    Args:
        cores: Where to draw them.
        states: Cycles by state of each block, shape (B, 6), row by row; None draws all idle.

    Raises:
        ValueError: ``states`` and ``cores`` are of different numbers of blocks.
    """
    return enlarged(cores, by_state(cores, states))


def by_state(cores: CoreGrid, states: NDArray[np.uint64] | None) -> NDArray[np.uint8]:
    """Return the palette index of every block, as `picture` tells."""
    indices = cores.placed.astype(np.uint8)
    if states is not None:
        if len(states) != len(indices):
            raise ValueError(f"counters of {len(states)} cells, {len(indices)} are drawn")
        indices = _coloured(states, indices)
    return indices


def active_blocks(cores: CoreGrid, active: Sequence[ActiveRegion]) -> NDArray[np.uint8]:
    """Return the palette index of every block: active rectangles bright, all else idle.

    Where several share a block, the strongest colours it.  A rectangle colours every block that it
    touches, so that a single core is never too small to be seen.
    """
    indices = cores.placed.astype(np.uint8).reshape(cores.rows, cores.columns)
    for region in sorted(active, key=lambda each: each.strength):
        level = round(min(max(region.strength, 0.0), 1.0) * (LEVELS - 1))
        indices[_blocks_of(cores, region)] = 2 + level
    return indices.ravel()


def _blocks_of(cores: CoreGrid, region: ActiveRegion) -> tuple[slice, slice]:
    """Return the rows and columns of blocks that a rectangle touches."""
    left, top = region.x - cores.x, region.y - cores.y
    right, bottom = left + region.width, top + region.height
    down = slice(max(0, top) // cores.block, max(0, -(-bottom // cores.block)))
    across = slice(max(0, left) // cores.block, max(0, -(-right // cores.block)))
    return down, across


def enlarged(cores: CoreGrid, indices: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a block's index for every pixel that shows it; an even number of rows."""
    grid = indices.reshape(cores.rows, cores.columns)
    if cores.zoom > 1:
        grid = grid.repeat(cores.zoom, axis=0).repeat(cores.zoom, axis=1)
    if len(grid) % 2:
        grid = np.vstack([grid, np.zeros((1, grid.shape[1]), dtype=np.uint8)])
    return grid


def _coloured(states: NDArray[np.uint64], indices: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return ``indices`` with every busy block in the colour of what it did."""
    sums = states.T.astype(np.float64)
    busy = sums[:_IDLE].sum(axis=0)
    active = np.flatnonzero(busy)
    level = level_of(busy[active] / (busy[active] + sums[_IDLE, active])).astype(np.uint8)
    indices[active] = 2 + _hues(sums[:_IDLE])[active] * LEVELS + level
    return indices


def level_of(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the brightness of shares above 0, from 0 to `LEVELS` − 1, on a logarithmic scale."""
    return np.clip(LEVELS * (1 + np.log10(share) / _DECADES), 0, LEVELS - 1)


def _hues(sums: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the state that colours each block, shape (B,), from the cycles by state, (S, B)."""
    # A state's share over its mean share is, but for a factor of the block that changes no order,
    # the block's part of all cycles in that state.
    parts = sums / np.maximum(sums.sum(axis=1, keepdims=True), 1)
    alike = parts >= _ALIKE * parts.max(axis=0)
    hues: NDArray[np.uint8] = np.where(alike, sums, -1).argmax(axis=0).astype(np.uint8)
    return hues


def cell_codes(pixels: NDArray[np.uint8], palette: Palette) -> NDArray[np.int32]:
    """Return the code of every cell as `Palette.cell` takes it, shape (R, W).

    Args:
        pixels: Palette indices, shape (2 R, W).
        palette: Colours.
    """
    codes: NDArray[np.int32] = pixels[0::2].astype(np.int32) * len(palette.colours) + pixels[1::2]
    return codes


def changed_rows(before: NDArray[np.int32], after: NDArray[np.int32]) -> list[int]:
    """Return the rows in which codes of one shape differ."""
    rows: list[int] = np.flatnonzero((before != after).any(axis=1)).tolist()
    return rows


def grid_strips(pixels: NDArray[np.uint8], palette: Palette) -> list[Strip]:
    """Return one strip per row of cells; a run of equal cells is one segment.

    Args:
        pixels: Palette indices, shape (2 R, W).
        palette: Colours; keeps the cell styles that are made.
    """
    return [cells_strip(row, palette) for row in cell_codes(pixels, palette)]


def cells_strip(codes: NDArray[np.int32], palette: Palette) -> Strip:
    """Return one row of cells; ``codes``, shape (W,), are those of `Palette.cell`."""
    width = len(codes)
    if palette.shaded:
        return _shaded_strip(codes, palette)
    starts = [0, *(np.flatnonzero(codes[1:] != codes[:-1]) + 1).tolist()]
    colours = len(palette.colours)
    segments = []
    runs = zip(starts, [*starts[1:], width], codes[starts].tolist(), strict=True)
    for start, end, code in runs:
        upper, lower = divmod(code, colours)
        if upper == 0 and lower != 0:  # no core above: the lower block keeps the background
            style = palette.cell(lower * colours)
            segments.append(Segment("▄" * (end - start), style))
        else:
            glyph = " " if upper == lower else "▀"
            segments.append(Segment(glyph * (end - start), palette.cell(code)))
    return Strip(segments, width)


def _shaded_strip(codes: NDArray[np.int32], palette: Palette) -> Strip:
    """Return one row of cells whose brightness is that of a character."""
    segments = [Segment(palette.sign(code), palette.cell(code)) for code in codes.tolist()]
    return Strip(Segment.simplify(segments), len(codes))


def marked(strip: Strip, x: int, style: Style) -> Strip:
    """Return ``strip`` with a cursor in ``style`` at the cell ``x``."""
    return labelled(strip, x, "◆", style)


def labelled(strip: Strip, x: int, text: str, style: Style) -> Strip:
    """Return ``strip`` with a text of single cells over it, from the cell ``x`` on."""
    end = x + len(text)
    parts = list(strip.divide([x, end, strip.cell_length]))
    return Strip.join([parts[0], Strip([Segment(text, style)], len(text)), *parts[2:]])
