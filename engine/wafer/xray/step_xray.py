"""X-ray of one step of a placed model: what the formulas know of it.  Runs nothing.

Knows neither tokens nor texts: positions and rows in, cycles and counts out.
"""

from dataclasses import dataclass
from functools import cached_property
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from engine.model.tensors import FORMATS
from engine.wafer.compile.compiler import Compiled, compile_graph
from engine.wafer.cost.energy import Joules, joules
from engine.wafer.plan.placed import Placed
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.program import Matrix
from engine.wafer.timing.core_view import CoreView
from engine.wafer.xray.traffic import Sent, TrafficTable
from engine.wafer.xray.visits import Visit, row_start, row_visits
from engine.wafer.xray.wave import RowWave, bands_at

__all__ = ["PlacedXray", "StepShape", "StepXray"]

_KV_BYTES = 2
"""Keys and values are fp16."""


@dataclass(frozen=True, slots=True)
class StepShape:
    """A step as wafer time sees it."""

    position: int
    """KV rows before it."""
    rows: int
    logits: int
    """How many of the last rows have logits."""


@dataclass(frozen=True, slots=True)
class StepXray:
    """What the formulas know of a step."""

    cycles: int
    cycles_by_operation: dict[str, int]
    """Sums to ``cycles``."""
    visits: tuple[Visit, ...]
    """Of the last row, in cycles of the step; the last one ends with it."""
    states: NDArray[np.int64]
    """Cycles of the cores of each region by state, int64 (regions, 6)."""
    sent: Sent
    weight_bytes: int
    """Of all matrices that a row with logits is multiplied by, packed."""
    sram_bytes: int
    """Weights, keys and values that the cores read: the weights once for each row, those of the
    head once for each row with logits."""
    kv_bytes: int
    """Keys and values that the rows attend to, for each of them."""
    macs: int
    joules: Joules


class PlacedXray:
    """X-rays of the steps of a placed model.  Any thread; the first one takes a while.

    Args:
        placed: The model on its machine.
    """

    def __init__(self, placed: Placed) -> None:
        self._placed = placed
        self._lock = Lock()

    @cached_property
    def _compiled(self) -> Compiled:
        placed = self._placed
        return compile_graph(placed.graph, placed.machine, placed.placement, by_core=False)

    @cached_property
    def _traffic(self) -> TrafficTable:
        return TrafficTable(self._compiled)

    @cached_property
    def _regions(self) -> CoreView:
        return self._placed.view(None)

    @cached_property
    def _wave(self) -> RowWave:
        return RowWave.of(self._compiled)

    @cached_property
    def _weight_bytes(self) -> tuple[int, int]:
        """Bytes of the matrices of all layers, and of the head."""
        program = self._placed.program
        table = program.instructions[program.instructions[:, Field.OP] == Op.MATMUL]
        each = [_bytes(program.matrices[number]) for number in table[:, Field.WEIGHT].tolist()]
        head = sum(n for n, last in zip(each, table[:, Field.LAST_ROW], strict=True) if last)
        return sum(each) - head, head

    def step(self, shape: StepShape) -> StepXray:
        """Return the X-ray of a step."""
        placed, timing = self._placed, self._placed.timing
        position, rows, logits = shape.position, shape.rows, shape.logits
        # Which row of the embedding is looked up moves no clock; 0 stands for all.
        counts = timing.count(np.zeros(rows, np.int32), position, logits)
        with self._lock:
            sent = self._traffic.of_step(timing, position, rows, logits)
            states = self._regions.activity(counts).regions
        weights, head = self._weight_bytes
        kv_bytes = self._kv_bytes(position, rows)
        cycles = timing.step_cycles(position, rows, logits)
        start = row_start(timing, position, rows, logits, rows - 1)
        visits = tuple(
            Visit(visit.region, visit.begin + start, visit.end + start)
            for visit in row_visits(timing, position + rows - 1)
        )
        macs = sum(timing.macs(each) for each in range(position, position + rows))
        return StepXray(
            cycles=cycles,
            cycles_by_operation={
                name: each
                for name, each in timing.cycles_by_operation(position, rows, logits).items()
                if each
            },
            visits=visits,
            states=states,
            sent=sent,
            weight_bytes=weights + head,
            sram_bytes=rows * weights + logits * head + kv_bytes,
            kv_bytes=kv_bytes,
            macs=macs,
            joules=joules(
                placed.machine,
                cycles,
                macs=macs,
                cores=placed.program.cores_used,
                wafers=placed.placement.wafers,
            ),
        )

    def bands(self, position: int) -> NDArray[np.int64]:
        """Return the bands of the row at a position: see `wave.bands_at`."""
        with self._lock:
            wave = self._wave
        return bands_at(wave, self._placed.timing, position)

    def _kv_bytes(self, position: int, rows: int) -> int:
        """Return the bytes of keys and values of the positions that the rows see, by layer."""
        program, total = self._placed.program, 0
        table = program.instructions
        for variant in table[table[:, Field.OP] == Op.ATTENTION, Field.VARIANT].tolist():
            kind = program.attentions[variant]
            seen = np.arange(position + 1, position + rows + 1)
            if kind.window:
                seen = np.minimum(seen, kind.window)
            total += 2 * kind.kv_heads * kind.head_dim * _KV_BYTES * int(seen.sum())
        return total


def _bytes(matrix: Matrix) -> int:
    """Return the packed bytes of a matrix."""
    return sum(
        FORMATS[name].sram_bytes(width, matrix.inputs)
        for name, width in zip(matrix.formats, matrix.widths, strict=True)
    )
