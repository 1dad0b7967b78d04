"""Cycles of one region of a placed model by both tiers, side by side.

By formula: how far the region's instructions move a step on, as `timing` has it.  Simulated: the
region alone, fed over its lanes from the cycle on in which each of them would start.  No cycle
depends on what the weights, the stream and earlier keys and values are; they may all be 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.errors import PredictionError
from engine.model.tensors.tensor import Tensor
from engine.progress import OnProgress, quiet
from engine.wafer.cost.ledger import Ledger
from engine.wafer.fabric.lone_region import sent_to
from engine.wafer.fabric.prepare import prepare_simulator
from engine.wafer.fabric.state import RANKS
from engine.wafer.plan.placed import Placed
from engine.wafer.program.isa import Field, Op
from engine.wafer.timing.schedule import Schedule, schedule

if TYPE_CHECKING:
    from engine.wafer.fabric.lone_runner import LoneRegion, RegionStep

__all__ = ["BothTiers", "RegionCycles", "RegionsCompared"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class BothTiers:
    """Cycles of the same thing by formula and as simulated."""

    analytic: int
    simulated: int

    @property
    def difference(self) -> float:
        """(by formula − simulated) ÷ simulated; 0 where both are 0."""
        return self.analytic / self.simulated - 1 if self.simulated else 0.0

    def plus(self, other: "BothTiers") -> "BothTiers":
        """Return both together."""
        return BothTiers(self.analytic + other.analytic, self.simulated + other.simulated)

    def as_json(self) -> dict[str, object]:
        """Return them as plain values, the difference in percent."""
        return {
            "analytic": self.analytic,
            "simulated": self.simulated,
            "difference_percent": round(100 * self.difference, 2),
        }


@dataclass(frozen=True, slots=True)
class RegionCycles:
    """What a region adds to a step."""

    region: int
    whole: BothTiers
    first_row: BothTiers
    """Of it, until the first row is through."""
    operations: dict[str, BothTiers]
    """Of the first row: how far each operation moves its end; of what the region before sends,
    nothing counts."""
    leaving: Ints
    """When each lane to the next region begins to be sent, as simulated, the first one at 0; int64
    (rows,).  Empty for the head."""
    memory_bytes: int
    """Of the simulation's tables."""


@dataclass(slots=True)
class RegionsCompared:
    """A placed model whose regions are simulated one by one.

    Raises:
        PredictionError: The placement can be priced only.
    """

    placed: Placed
    weights: Mapping[str, Tensor]
    """The model's tensors by name; `BlankWeights` will do for cycles."""
    on_progress: OnProgress = quiet
    _schedule: Schedule = field(init=False)
    _departures: dict[int, Ints] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Run the formulas once, and note when each region is sent its stream."""
        placed = self.placed
        if not placed.placement.runs:
            raise PredictionError(
                "this placement is priced only: the cycle tier takes integer weights and blocks "
                "whose vectors fill them; ask for the analytic tier, or another block"
            )
        compiled, table = placed.compiled, placed.program.instructions

        def hear(region: int, number: int, ledger: Ledger) -> None:
            if table[number, Field.OP] == Op.RECEIVE:
                self._departures[region] = ledger.departures.copy()

        self._schedule = schedule(
            compiled.program, compiled.steps, compiled.sites, by_core=False, hear=hear
        )
        prepare_simulator(placed.machine, self.on_progress)

    def starts(self, index: int) -> Ints:
        """Return by formula when each lane to a region begins to be sent, the first one at 0."""
        departures = self._departures[index]
        return np.asarray(departures - departures.min())

    def region(
        self,
        index: int,
        position: int,
        rows: int,
        starts: Ints | None = None,
        *,
        sent: int | None = None,
    ) -> RegionCycles:
        """Simulate a step of ``rows`` rows at ``position`` in one region.

        Args:
            index: The region's number; of the head, what follows the layers is simulated.
            position: KV rows before the step.
            rows: Rows of the step.
            starts: When each lane begins to be sent, int64 (rows of the region,); None: by formula.
            sent: Cycle of the whole step in which the first row has been sent here: links take
                turns by the number of the cycle, which moves a region's end by a few cycles at
                most.  With it a region takes exactly what it takes in the whole chip.

        Raises:
            PlacementError: The stream comes or goes over a link between wafers.
            FabricError: The fabric cannot finish.
        """
        starts = self._begun(index, starts, sent)
        lone = self.open(index, rows, position + rows, starts)
        lone.position = position
        return self.step(index, lone, rows)[0]

    def open(self, index: int, rows: int, context: int, starts: Ints) -> "LoneRegion":
        """Lower one region.

        Args:
            index: The region's number.
            rows: Most rows of a step.
            context: KV positions to keep memory for.
            starts: Cycle in which each lane begins to be sent, int64 (rows of the region,).

        Raises:
            PlacementError: The stream comes or goes over a link between wafers.
        """
        from engine.wafer.fabric.lone_region import lower_region
        from engine.wafer.fabric.lone_runner import LoneRegion

        placed = self.placed
        self.on_progress(0, 1, f"lowering {placed.program.regions[index].label}")
        lone = lower_region(
            placed.compiled, placed.placement, self.weights, index,
            rows=rows, context=context, starts=starts,
        )  # fmt: skip
        return LoneRegion(lone, rows=rows, context=context)

    def step(self, index: int, lone: "LoneRegion", rows: int) -> tuple[RegionCycles, "RegionStep"]:
        """Run a step of ``rows`` rows in a region that is open, at the position where it stands.

        Raises:
            EngineError: Too many rows or positions.
            FabricError: The fabric cannot finish.
        """
        instructions = self._instructions(index)
        longer = self._longer(index, lone.position, rows)
        interval = self._schedule.regions[index].interval if index < self._head else 0
        moved = self._schedule.latency_by_instruction[instructions]
        first = int(moved.sum() + longer[0])
        expected = first + int(longer[1:].sum()) + (rows - 1) * interval
        lone.expect(expected, self.on_progress, "simulating, cycles")
        done = lone.region_step(rows)
        ended = done.step.ended[0 if index < self._head else rows - 1]
        simulated = int(ended[instructions].max()) - done.came
        cycles = RegionCycles(
            region=index,
            whole=BothTiers(expected, done.cycles),
            first_row=BothTiers(first, simulated),
            operations=self._operations(instructions, moved, int(longer[0]), done, ended),
            leaving=lone.sending_again(done),
            memory_bytes=lone.memory_bytes,
        )
        return cycles, done

    def work(self, index: int) -> tuple[object, ...]:
        """Return what a region does, behind what comes in: equal for those that do the same."""
        region, steps = self.placed.program.regions[index], self.placed.compiled.steps
        named = [id(steps[number]) for number in self._instructions(index)[1:]]
        return (region.width, region.height, *named)

    def _begun(self, index: int, starts: Ints | None, sent: int | None) -> Ints:
        """Return the cycles in which feeders begin."""
        starts = self.starts(index) if starts is None else starts
        if sent is None:
            return starts
        placed = self.placed
        return starts + (sent - sent_to(placed.placement, placed.machine, index, starts)) % RANKS

    @property
    def _head(self) -> int:
        return len(self.placed.program.regions) - 1

    def _instructions(self, index: int) -> Ints:
        """Return the numbers of a region's instructions from its RECEIVE on."""
        table = self.placed.program.instructions
        mine = np.flatnonzero(table[:, Field.REGION] == index)
        return np.asarray(mine[mine >= mine[table[mine, Field.OP] == Op.RECEIVE][0]])

    def _longer(self, index: int, position: int, rows: int) -> Ints:
        """Return by row what its attentions take beyond one KV row in every core."""
        timing = self.placed.timing
        here = timing.attention_regions == index
        return np.asarray(timing.growth(position, rows)[:, here].sum(axis=1))

    def _operations(
        self, instructions: Ints, moved: Ints, longer: int, done: "RegionStep", ended: Ints
    ) -> dict[str, BothTiers]:
        """Return how far each operation moves the first row's end, by both tiers."""
        table = self.placed.program.instructions
        simulated = _moves(ended[instructions], done.came)
        found: dict[str, BothTiers] = {}
        rows = zip(table[instructions, Field.OP], moved, simulated, strict=True)
        for op, analytic, cycles in rows:
            name = Op(op).name.lower()
            both = BothTiers(int(analytic), int(cycles))
            found[name] = found.get(name, BothTiers(0, 0)).plus(both)
        attention = found.get("attention")
        if attention is not None:
            found["attention"] = attention.plus(BothTiers(longer, 0))
        return found


def _moves(ended: Ints, came: int) -> Ints:
    """Return how far each of the instructions moves the end, from ``came`` on; sums to it."""
    reached = np.maximum.accumulate(np.maximum(ended, came))
    return np.asarray(np.diff(reached, prepend=came))
