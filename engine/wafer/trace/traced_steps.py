"""The content of a trace: tokens, the watched cores, and what happened in them.

Plain data, from which every file of a trace is written; either tier can fill it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.wafer.fabric.network import Routes
from engine.wafer.program.program import Program

__all__ = ["CoreTables", "Events", "Logged", "Rectangle", "Trace", "TracedStep"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Cores by wafer coordinates, north-west corner first."""

    x: int
    y: int
    width: int
    height: int

    def __str__(self) -> str:
        """As on the command line."""
        return f"{self.x},{self.y},{self.width},{self.height}"


@dataclass(frozen=True, slots=True)
class CoreTables:
    """The tables of the simulated rectangle, needed to read its events.  C cores."""

    routes: Routes
    program: NDArray[np.int32]
    """Micro-instructions, core by core."""
    first: Ints
    """Each core's first, (C + 1,)."""
    base: Ints
    """Word at which each core's memory begins, (C,)."""
    lane_colors: int
    """Colors below this one are lanes'."""
    tasks: Ints | None = None
    """Number of the task of each instruction; None: the instruction's own number."""


@dataclass(frozen=True, slots=True)
class Events:
    """The events noted in one step: see `fabric.record` for the columns."""

    moves: NDArray[np.int32]
    runs: NDArray[np.int32]
    waits: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class TracedStep:
    """One token."""

    position: int
    cycles: int
    start: int
    """Cycle of the trace with which it begins."""
    moved: Ints
    """How far each instruction of the Program moves the end of the step; sums to `cycles`."""
    begun: Ints | None
    """First cycle of each instruction; None on the fast tier."""
    ended: Ints
    """One past the last; on the fast tier where its share of the step ends."""
    states: Ints
    """Cycles of all cores of the window by state, (6,)."""
    active: int
    """Tile-cycles in which a simulated tile did something; 0 on the fast tier."""
    events: Events | None


class Logged(Protocol):
    """What a log tells: the same fields as a `Trace` has."""

    @property
    def machine_name(self) -> str:
        """The machine."""

    @property
    def subject(self) -> str:
        """What ran, in words."""

    @property
    def window(self) -> Rectangle:
        """The watched cores."""

    @property
    def corner(self) -> tuple[int, int]:
        """Wafer coordinates of the first core of the simulated rectangle."""

    @property
    def columns(self) -> int:
        """Columns of the simulated rectangle."""

    @property
    def rows(self) -> int:
        """Rows of it."""

    @property
    def steps(self) -> Sequence[TracedStep]:
        """The steps, one after the other."""

    @property
    def tables(self) -> CoreTables | None:
        """None where no event is known."""

    @property
    def simulated_seconds(self) -> float:
        """Of this computer."""

    @property
    def cycles(self) -> int:
        """Cycles of all steps."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Some tokens of a model on a machine."""

    tier: str
    """``cycle`` or ``fast``."""
    program: Program
    window: Rectangle
    corner: tuple[int, int]
    """Wafer coordinates of the first core of the simulated rectangle."""
    columns: int
    rows: int
    """Rows of the simulated rectangle."""
    steps: tuple[TracedStep, ...]
    states: Ints
    """Cycles of every core of the window by state, int64 (H, W, 6)."""
    links: Ints | None
    """Wavelets by port (E, N, W, S, ramp), int64 (H, W, 5); None on the fast tier."""
    tables: CoreTables | None
    """None on the fast tier."""
    init_seconds: float
    simulated_seconds: float

    @property
    def machine_name(self) -> str:
        """The machine of the Program."""
        return self.program.machine.name

    @property
    def subject(self) -> str:
        """The Program and its model."""
        return f"program {self.program.hash}, model {self.program.model}"

    @property
    def cycles(self) -> int:
        """Cycles of all steps."""
        return sum(step.cycles for step in self.steps)

    def region_map(self) -> Ints:
        """Return the region of every core of the window, −1 for none; int64 (H, W)."""
        found = np.full((self.window.height, self.window.width), -1, np.int64)
        for index, region in enumerate(self.program.regions):
            rows = slice(max(0, region.y - self.window.y), region.y + region.height - self.window.y)
            columns = slice(
                max(0, region.x - self.window.x), region.x + region.width - self.window.x
            )
            if region.wafer == 0 and rows.stop > 0 and columns.stop > 0:
                found[rows, columns] = index
        return found
