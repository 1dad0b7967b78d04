"""Anatomy: all that is known of single cores of a placed model, one core or all of a map's cells.

Made when somebody asks first, which takes a few seconds for a large model; knows no protocol.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from engine.wafer.anatomy.core_colors import (
    CoreColor,
    colors_at,
    lane_colors_at,
    region_colors,
)
from engine.wafer.anatomy.core_memory import USES, core_memory
from engine.wafer.anatomy.held_tiles import TensorPart, held_tiles
from engine.wafer.anatomy.lane_traffic import Lane, lane_traffic, lanes
from engine.wafer.anatomy.link_traffic import LinkTraffic
from engine.wafer.anatomy.row_program import CoreStep, RowPrograms
from engine.wafer.compile.compiler import Compiled, compile_graph
from engine.wafer.place.lanes import row_y
from engine.wafer.plan.placed import Placed
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.program import Region
from engine.wafer.timing.blocks import CellGrid, grid_patches

__all__ = ["STILLS", "Anatomy", "CoreAnatomy"]

Ints = NDArray[np.int64]

STILLS = ("sram", "links", "age", "states")
"""What `Anatomy.still` can tell of every cell."""


@dataclass(frozen=True, slots=True)
class CoreAnatomy:
    """One core of a placed model."""

    region: int
    """Its index."""
    label: str
    row: int
    """As the region counts rows: 0 is the southernmost if it is flipped."""
    column: int
    memory: dict[str, int]
    """Bytes by use."""
    tiles: tuple[TensorPart, ...]
    colors: tuple[CoreColor, ...]
    steps: tuple[CoreStep, ...]
    """What it does for one token, with one KV row in every core."""
    latency: int
    """Cycles of that token."""


class Anatomy:
    """Tells what cores hold, pass on and run.  Any thread; one question after the other."""

    def __init__(self, placed: Placed) -> None:
        self._placed = placed
        self._lock = Lock()
        self._core = lru_cache(maxsize=32)(self._dissect)
        self._colors = lru_cache(maxsize=1)(lambda index: region_colors(self._compiled, index, 1))

    # ── one core ────────────────────────────────────────────────────────────────────────────

    def core(self, x: int, y: int) -> CoreAnatomy | None:
        """Return the core at (column, row) of the wafer; None where no region holds one."""
        with self._lock:
            return self._core(x, y)

    def passing(self, x: int, y: int) -> tuple[CoreColor, ...]:
        """Return the lanes at a router, which may lie in no region."""
        with self._lock:
            return tuple(lane_colors_at(self._regions, self._lanes, x, y))

    def _dissect(self, x: int, y: int) -> CoreAnatomy | None:
        compiled, placement = self._compiled, self._placed.placement
        found = _region_at(compiled.program.regions, x, y)
        if found is None:
            return None
        index, region = found
        row = int(row_y(region, y - region.y)) - region.y  # its own inverse
        column = x - region.x
        memory = self._memory[index][row, column]
        colors = (
            *colors_at(self._colors(index), row, column),
            *lane_colors_at(self._regions, self._lanes, x, y),
        )
        return CoreAnatomy(
            region=index,
            label=region.label,
            row=row,
            column=column,
            memory=dict(zip(USES, memory.tolist(), strict=True)),
            tiles=tuple(held_tiles(compiled.program, placement, index, row, column)),
            colors=colors,
            steps=self._programs.of(index, row, column),
            latency=self._programs.latency,
        )

    # ── cells of a map ──────────────────────────────────────────────────────────────────────

    def still(self, what: str, grid: CellGrid, position: int) -> Ints:
        """Return one of `STILLS` for every cell of a map.

        Args:
            what: ``sram``: bytes, summed over a cell's cores.  ``links``: wavelets that its routers
                hand to neighbours for a token at ``position``, summed.  ``age``: cycles between
                the last work of its latest core and the end of a token, with one KV row in every
                core; −1 without a core.  ``states``: cycles by state of one decoded token at
                ``position``, summed over its cores.
            grid: The cells.
            position: KV rows before the token.

        Returns:
            int64 (cells,), of ``states`` (cells, 6).
        """
        with self._lock:
            found: Callable[[CellGrid, int], Ints] = {
                "sram": self._sram, "links": self._links, "age": self._age, "states": self._states,
            }[what]  # fmt: skip
            return found(grid, position)

    def _sram(self, grid: CellGrid, position: int) -> Ints:
        return self._summed(grid, tuple(each.sum(axis=-1) for each in self._memory))

    def _links(self, grid: CellGrid, position: int) -> Ints:
        cells = self._summed(grid, self._traffic(position))
        return cells + _summed_of_wafer(grid, self._on_lanes)

    def _age(self, grid: CellGrid, position: int) -> Ints:
        none = np.iinfo(np.int64).max
        cells = np.full(grid.cells, none, np.int64)
        for patch in grid_patches(self._regions, grid):
            ages = self._ages[patch.region]
            picked = ages[np.ix_(patch.rows, patch.columns)]
            where = patch.row_cells[:, None] + patch.column_cells[None, :]
            np.minimum.at(cells, where, picked)
        return np.where(cells == none, -1, cells)

    def _states(self, grid: CellGrid, position: int) -> Ints:
        timing = self._placed.timing
        counts = timing.count(np.zeros(1, np.int32), position, 1)
        return self._placed.view(grid).activity(counts).cells

    def _summed(self, grid: CellGrid, by_region: tuple[Ints, ...]) -> Ints:
        """Return values of cores, int64 (H, W) by region, summed over the cells of a map."""
        cells = np.zeros(grid.cells, np.int64)
        for patch in grid_patches(self._regions, grid):
            picked = by_region[patch.region][np.ix_(patch.rows, patch.columns)]
            where = patch.row_cells[:, None] + patch.column_cells[None, :]
            np.add.at(cells, where, picked)
        return cells

    # ── what is made once ───────────────────────────────────────────────────────────────────

    @property
    def _regions(self) -> tuple[Region, ...]:
        return self._placed.program.regions

    @cached_property
    def _compiled(self) -> Compiled:
        placed = self._placed
        return compile_graph(placed.graph, placed.machine, placed.placement, by_core=False)

    @cached_property
    def _programs(self) -> RowPrograms:
        return RowPrograms(self._compiled)

    @cached_property
    def _ages(self) -> tuple[Ints, ...]:
        """Cycles from the last work of every core to the end of a token, by region (H, W)."""
        timing = self._placed.timing
        latency = int(timing.latency_by_instruction.sum())
        return tuple(latency - done for done in timing.done_at())

    @cached_property
    def _memory(self) -> tuple[Ints, ...]:
        """Bytes of every core by use."""
        program, placement = self._compiled.program, self._placed.placement
        return tuple(core_memory(program, placement, i) for i in range(len(program.regions)))

    @cached_property
    def _lanes(self) -> tuple[Lane, ...]:
        return tuple(lanes(self._compiled.program, self._placed.placement))

    @cached_property
    def _on_lanes(self) -> Ints:
        return lane_traffic(self._compiled.program, self._lanes)

    def _traffic(self, position: int) -> tuple[Ints, ...]:
        """Return the wavelets that leave every router of the regions for a token."""
        program = self._compiled.program
        windows = {kind.window for kind in program.attentions}
        seen = {
            window: self._placed.timing.kv_rows(position, 1, window).reshape(-1, 1)
            for window in windows
        }
        every = range(len(program.regions))
        return tuple(_region_traffic(self._compiled, index, seen) for index in every)


def _region_traffic(compiled: Compiled, index: int, seen: Mapping[int, Ints]) -> Ints:
    """Return the wavelets that leave every router of a region for a token.

    Args:
        compiled: The model with its micro-steps.
        index: The region.
        seen: KV rows of its cores by window of the attention, int64 (H, 1).
    """
    site, program = compiled.sites[index], compiled.program
    alike: Counter[tuple[int, int]] = Counter()
    steps = {}
    for number in np.flatnonzero(program.instructions[:, Field.REGION] == index).tolist():
        row, step = program.instructions[number], compiled.steps[number]
        attends = row[Field.OP] == Op.ATTENTION
        window = program.attentions[int(row[Field.VARIANT])].window if attends else -1
        alike[id(step), window] += 1
        steps[id(step), window] = step
    total = np.zeros((site.rows, site.columns), np.int64)
    none = np.zeros((site.rows, 1), np.int64)
    for (step_id, window), times in alike.items():
        head = not program.regions[index].layers
        traffic = LinkTraffic(site, seen.get(window, none), head=head)
        steps[step_id, window].run(traffic, site)
        traffic.end()
        total += traffic.total * times
    return total


def _summed_of_wafer(grid: CellGrid, by_router: Ints) -> Ints:
    """Return values of routers of the wafer, (rows, columns), summed over the cells of a map."""
    cells = np.zeros((grid.rows, grid.columns), np.int64)
    shown = by_router[grid.y : grid.y + grid.height, grid.x : grid.x + grid.width]
    if shown.size:
        down, first = np.unique(np.arange(shown.shape[0]) * grid.rows // grid.height, True)
        across, west = np.unique(np.arange(shown.shape[1]) * grid.columns // grid.width, True)
        by_row = np.add.reduceat(shown, first, axis=0)
        cells[np.ix_(down, across)] = np.add.reduceat(by_row, west, axis=1)
    return cells.ravel()


def _region_at(regions: tuple[Region, ...], x: int, y: int) -> tuple[int, Region] | None:
    for index, region in enumerate(regions):
        if 0 <= x - region.x < region.width and 0 <= y - region.y < region.height:
            return index, region
    return None
