"""Per-core counters to a picture of half-blocks: two core rows in one row of terminal cells.

Pure: regions and an array in, palette indices and strips out.  A *pixel* is half a terminal
cell; it stands for one core, for a block of cores when there are more cores than pixels, or for
a part of one core when there is room to spare.  Coordinates are (column, row), origin
north-west.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from engine import STATES
from engine.protocol.messages import RegionInfo
from tui.visuals.palette import LEVELS, Palette

__all__ = ["Layout", "grid_strips", "lay_out", "marked", "picture", "read_states"]

STATE_COUNT = len(STATES)
_IDLE = STATE_COUNT - 1
_DECADES = 3.0
"""Brightness spans three decades: 0.1 % of the interval busy is darkest, all of it brightest."""
_ALIKE = 0.99
"""States this near to the one furthest above its mean count as equal to it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where every placed core is drawn."""

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
    unit_of_core: NDArray[np.int32]
    """Index of the block (row-major) of every core, in the order of the telemetry, shape (C,)."""

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


def lay_out(regions: Sequence[RegionInfo], width: int, height: int) -> Layout:
    """Place the regions' bounding box in ``width`` × ``height`` terminal cells.

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
    columns = -(-across // block)
    units = []
    for region in regions:
        unit_x = (np.arange(region.width, dtype=np.int32) + (region.x - west)) // block
        unit_y = (np.arange(region.height, dtype=np.int32) + (region.y - north)) // block
        units.append((unit_y[:, None] * columns + unit_x[None, :]).ravel())
    return Layout(
        x=west,
        y=north,
        block=block,
        zoom=zoom,
        columns=columns,
        rows=-(-down // block),
        unit_of_core=np.concatenate(units).astype(np.int32),
    )


def read_states(core_states: bytes) -> NDArray[np.uint32]:
    """Return the cycles by state of every core, shape (C, 6); reads ``core_states`` in place."""
    return np.frombuffer(core_states, dtype="<u4").reshape(-1, STATE_COUNT)


def picture(layout: Layout, states: NDArray[np.uint32] | None) -> NDArray[np.uint8]:
    """Return palette indices, shape (pixel rows, cells); an even number of rows.

    Hue is the state, idle left out, whose share is largest relative to its mean over all cores:
    what a core does more than others do.  Where several are alike, as between cores that do the
    same, it is the one of them with most cycles.  Brightness is the share of the interval that
    was not idle, on a logarithmic scale.

    Args:
        layout: Where cores are drawn.
        states: Cycles by state, shape (C, 6), cores in the layout's order; None draws all idle.

    Raises:
        ValueError: ``states`` is of other cores than the layout.
    """
    size = layout.columns * layout.rows
    placed = np.bincount(layout.unit_of_core, minlength=size) > 0
    indices = placed.astype(np.uint8)
    if states is not None:
        if len(states) != len(layout.unit_of_core):
            raise ValueError(f"counters of {len(states)} cores, {len(layout.unit_of_core)} placed")
        indices = _coloured(layout, states, size, indices)
    grid = indices.reshape(layout.rows, layout.columns)
    if layout.zoom > 1:
        grid = grid.repeat(layout.zoom, axis=0).repeat(layout.zoom, axis=1)
    if len(grid) % 2:
        grid = np.vstack([grid, np.zeros((1, grid.shape[1]), dtype=np.uint8)])
    return grid


def _coloured(
    layout: Layout, states: NDArray[np.uint32], size: int, indices: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Return ``indices`` with the blocks that did something in the colour of what they did."""
    sums = np.empty((STATE_COUNT, size))
    for state in range(STATE_COUNT):
        sums[state] = np.bincount(layout.unit_of_core, weights=states[:, state], minlength=size)
    busy = sums[:_IDLE].sum(axis=0)
    active = np.flatnonzero(busy)
    share = busy[active] / (busy[active] + sums[_IDLE, active])
    level = np.clip(LEVELS * (1 + np.log10(share) / _DECADES), 0, LEVELS - 1).astype(np.uint8)
    indices[active] = 2 + _hues(sums[:_IDLE])[active] * LEVELS + level
    return indices


def _hues(sums: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the state to colour each block by, shape (B,), from its cycles by state, (S, B)."""
    # A state's share over its mean share: up to a factor of the block, which changes no order,
    # the part of all cycles in that state that the block has.
    parts = sums / np.maximum(sums.sum(axis=1, keepdims=True), 1)
    alike = parts >= _ALIKE * parts.max(axis=0)
    hues: NDArray[np.uint8] = np.where(alike, sums, -1).argmax(axis=0).astype(np.uint8)
    return hues


def grid_strips(pixels: NDArray[np.uint8], palette: Palette) -> list[Strip]:
    """Return one strip per row of cells; runs of equal cells are one segment.

    Args:
        pixels: Palette indices, shape (2 R, W).
        palette: Colours; its cell styles are filled as needed.
    """
    codes = pixels[0::2].astype(np.int32) * len(palette.colours) + pixels[1::2]  # (R, W)
    return [_strip(row, palette) for row in codes]


def _strip(codes: NDArray[np.int32], palette: Palette) -> Strip:
    """Return one row of cells; ``codes`` (W,) as `Palette.cell` wants them."""
    width = len(codes)
    starts = np.concatenate(([0], np.flatnonzero(np.diff(codes)) + 1))
    ends = np.append(starts[1:], width)
    colours = len(palette.colours)
    segments = []
    for start, end, code in zip(
        starts.tolist(), ends.tolist(), codes[starts].tolist(), strict=True
    ):
        upper, lower = divmod(code, colours)
        if upper == 0 and lower != 0:  # no core above: the lower block keeps the background
            style = palette.cell(lower * colours)
            segments.append(Segment("▄" * (end - start), style))
        else:
            glyph = " " if upper == lower else "▀"
            segments.append(Segment(glyph * (end - start), palette.cell(code)))
    return Strip(segments, width)


def marked(strip: Strip, x: int, style: Style) -> Strip:
    """Return ``strip`` with the cell ``x`` drawn as a cursor in ``style``."""
    parts = list(strip.divide([x, x + 1, strip.cell_length]))
    return Strip.join([parts[0], Strip([Segment("◆", style)], 1), *parts[2:]])
