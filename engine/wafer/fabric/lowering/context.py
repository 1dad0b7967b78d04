"""Context of lowering, shared by all operations: the instruction at hand and the chip so far.

The modules beside this one hold the functions that lower each operation.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import PlacementError
from engine.model.sum_orders import ReduceOrder
from engine.model.tensors.tensor import Tensor
from engine.wafer.compile.compiler import Compiled
from engine.wafer.fabric.lane_routes import LaneRoutes
from engine.wafer.fabric.layout import Layout, heads_layout
from engine.wafer.fabric.lowering.works import Works
from engine.wafer.fabric.micro import LAST_ROW, Kind, Micro, Programs
from engine.wafer.fabric.network import Network
from engine.wafer.fabric.region import RegionBuilder
from engine.wafer.ops.site import ALONG_ROWS
from engine.wafer.place.lanes import lane_color, lane_colors
from engine.wafer.place.placement import Placement
from engine.wafer.plan.color_use import color_use
from engine.wafer.program.geometry import Split, split
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.program import Scaling

__all__ = ["Ints", "Lowering", "Tap", "bounds", "float_bits"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Tap:
    """Where an observer finds an instruction's result in the trace."""

    instruction: int
    buffer: int
    """Which value of the Program it is."""
    cores: Ints
    """Core of every element, network numbers (n,)."""
    words: Ints
    """Word of the trace of every element, (n,)."""
    elements: Ints
    """Index in the value, (n,)."""


class Lowering:
    """A chip as it grows, instruction by instruction."""

    def __init__(
        self,
        compiled: Compiled,
        placement: Placement,
        tensors: Mapping[str, Tensor],
        rows: int,
        context: int,
    ) -> None:
        program = compiled.program
        self.compiled, self.program = compiled, program
        self.placement, self.tensors = placement, tensors
        if any(region.wafer for region in program.regions):
            raise PlacementError(
                "the simulated chip is one wafer; this placement needs "
                f"{1 + max(region.wafer for region in program.regions)}"
            )
        self.machine = program.machine
        self.rows, self.context = rows, context
        self.head = len(program.regions) - 1
        self.corner, size = self._bounds()
        self.network = Network(self.machine, *size)
        self.programs = Programs(size[0] * size[1])
        self.regions = {index: self._builder(index) for index in self.lowered_regions()}
        self.fills: list[tuple[Ints, int, NDArray[np.int32]]] = []  # cores, address, words
        self.taps: list[Tap] = []
        self.trace_words = 0
        self.host: tuple[Ints, int, Ints] = (np.zeros(0, np.int64), 0, np.zeros(0, np.int64))
        self.angles = placement.model.angles
        self.index = 0
        self.row = program.instructions[0]
        self.told: list[dict[str, NDArray[np.int64]]] = []

    def lowered_regions(self) -> Iterable[int]:
        """Return the numbers of the regions that are lowered: all of the Program's."""
        return range(len(self.program.regions))

    def core_words(self) -> Ints:
        """Return the words of every core's memory, int64 (cores,)."""
        size = np.zeros(self.network.columns * self.network.rows, np.int64)
        for site in self.regions.values():
            size[site.cores(*site.grid())] = site.words
        return size

    def _builder(self, index: int) -> RegionBuilder:
        regions = self.program.regions
        return RegionBuilder(
            regions[index],
            self.corner,
            self.network,
            self.programs,
            color_use(self.compiled, index),
            lane_colors(regions),
        )

    def _bounds(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return the corner and size of the smallest rectangle with all regions and lanes."""
        regions = self.program.regions
        paths = [
            self.placement.lane_path(index, index + 1, row)
            for index in range(len(regions) - 1)
            for row in (0, regions[index].height - 1)
        ]
        corners = [np.array([[r.x, r.y], [r.x + r.width - 1, r.y + r.height - 1]]) for r in regions]
        return bounds([*paths, *corners])

    @property
    def site(self) -> RegionBuilder:
        """The region of the current instruction."""
        return self.regions[int(self.row[Field.REGION])]

    @property
    def along(self) -> int:
        """The axis its source lies along."""
        return int(self.row[Field.ALONG])

    def name(self, field: Field) -> str:
        """Return the name of one of its values."""
        return self.program.buffers[int(self.row[field])].name

    def width(self, field: Field) -> int:
        """Return the width of one of its values."""
        return self.program.buffers[int(self.row[field])].width

    def order(self) -> ReduceOrder:
        """Return its reduction's order."""
        return self.program.orders[int(self.row[Field.ORDER])]

    def scaling(self) -> Scaling:
        """Return its constants; where it has none, those that change nothing."""
        variant = int(self.row[Field.VARIANT])
        return self.program.scalings[variant] if variant >= 0 else Scaling(1.0)

    def split(self, width: int, axis: int) -> Split:
        """Return how a vector lies along an axis of the current region."""
        return split(width, self.site.extent(axis))

    def line(self, axis: int) -> Ints:
        """Return the places along an axis."""
        return np.arange(self.site.extent(axis), dtype=np.int64)

    def value(self, field: Field, words: int) -> int:
        """Return the address of one of its values in the region's cores."""
        return self.site.memory(f"value {self.name(field)}", words)

    def cores(self, axis: int, place: Any) -> tuple[Any, Any]:
        """Return (rows, columns) of places on the home line along an axis."""
        zero = np.zeros_like(np.asarray(place))
        return (place, zero) if axis == ALONG_ROWS else (zero, place)

    def work(self, cells: tuple[Any, Any], kind: Kind, arguments: tuple[Any, ...]) -> None:
        """Append the COMPUTE that the operation tells next, at local (rows, columns)."""
        rows, columns = (np.atleast_1d(np.asarray(part, np.int64)) for part in cells)
        cost = {name: cycles[rows, columns] for name, cycles in self.told.pop(0).items()}
        self.unpriced(cells, kind, arguments, **cost)

    def unpriced(
        self, cells: tuple[Any, Any], kind: Kind, arguments: tuple[Any, ...], **cost: Any
    ) -> None:
        """Append a COMPUTE that no operation tells: the host's words, or part of another."""
        named = {f"a{i}": argument for i, argument in enumerate(arguments)}
        self.site.add(self.site.cores(*cells), Micro.COMPUTE, kind=kind, **named, **cost)

    def tap(self, axis: int, layout: Layout, field: Field = Field.TARGET) -> None:
        """Let an observer see a value of the current instruction on its home line."""
        address = self.value(field, layout.shape[1])
        counts = (layout >= 0).sum(axis=1)
        ends = np.cumsum(counts)
        places = np.flatnonzero(counts)
        cores = self.site.along(axis, places, 0)
        at = self.trace_words + ends[places] - counts[places]
        self.site.add(
            cores, Micro.COMPUTE, kind=Kind.NOTHING, tap=at, tap_from=address,
            tap_count=counts[places],
        )  # fmt: skip
        held = layout >= 0
        self.taps.append(
            Tap(
                self.index,
                int(self.row[field]),
                np.repeat(cores, counts[places]),
                self.trace_words + np.arange(int(ends[-1])),
                layout[held],
            )
        )
        self.trace_words += int(ends[-1])

    def lanes(self, source: int, target: int) -> None:
        """Route all lanes from a region to another."""
        rows = range(self.program.regions[source].height)
        paths = [self.placement.lane_path(source, target, row) for row in rows]
        self.lay_lanes(source, target, paths)

    def lay_lanes(self, source: int, target: int, paths: Sequence[Ints]) -> None:
        """Route lanes from a region to another along these paths, one for each row."""
        colors = self.lane_colors(source, target)
        for color in np.unique(colors):
            ways = LaneRoutes(self.network.columns, self.network.rows, self.corner)
            rows = np.flatnonzero(colors == color).tolist()
            for row in rows:
                ways.walk(paths[row], row)
            if 0 in rows and target < self.head and target in self.regions:
                ways.cover(self.program.regions[target])
            for taken, left, x, y in ways.routes():
                self.network.route(int(color), x, y, taken, left)

    def lane_colors(self, source: int, target: int) -> Ints:
        """Return the color of each lane from a region to another, int64 (rows,)."""
        regions = self.placement.regions
        rows = regions[source].height
        return np.array([lane_color(regions, source, target, row) for row in range(rows)], np.int64)

    def heads_layout(self) -> Layout:
        """Return where queries, keys and values lie on the north line."""
        shape = self.placement.model.attention
        return heads_layout(shape, self.placement.heads, self.site.columns)

    @property
    def attended(self) -> set[str]:
        """Names of the values that an attention reads."""
        table = self.program.instructions
        reads = table[table[:, Field.OP] == Op.ATTENTION, Field.SOURCE]
        return {self.program.buffers[int(index)].name for index in reads}

    def turn_to(self, index: int) -> None:
        """Make an instruction the one at hand."""
        self.index, self.row = index, self.program.instructions[index]
        site = self.site
        site.instruction = index
        site.flags = LAST_ROW if self.row[Field.LAST_ROW] else 0
        site.window = 0
        place = self.compiled.sites[int(self.row[Field.REGION])]
        works = Works(place, head=not site.region.layers)
        self.compiled.steps[index].run(works, place)
        self.told = works.told
        site.begin(works.trees)


def float_bits(number: float) -> int:
    """Return the bits of a number as float32, for an argument of a micro-instruction."""
    return int(np.float32(number).view(np.int32))


def bounds(points: Sequence[Ints]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the corner and size of the smallest rectangle around places, each int64 (n, 2)."""
    places = np.concatenate(points)
    low, high = places.min(axis=0), places.max(axis=0)
    size = high - low + 1
    return (int(low[0]), int(low[1])), (int(size[0]), int(size[1]))
