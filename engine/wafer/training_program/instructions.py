"""What the cores of a training program do: vector instructions, sums and multicasts along lines.

Every core of a rectangle has the same memory map, so an instruction names words of it once for all
cores that take part.  Says what is done and what it costs; computes nothing, knows no model.

Letters: addresses count fp32 words from the beginning of a core's memory.
"""

from dataclasses import dataclass
from typing import Protocol

from engine.wafer.cost.vector_instruction import VECTOR_KINDS, body_cycles
from engine.wafer.ops.site import (
    DIVIDE_OPERATIONS,
    EXP_OPERATIONS,
    RECIPROCAL_OPERATIONS,
    RSQRT_OPERATIONS,
    Cells,
)
from engine.wafer.program.machine import MachineSpec

__all__ = [
    "CoreWork",
    "Elementwise",
    "LineMulticast",
    "LineSum",
    "Matvec",
    "Peak",
    "RankOne",
    "Total",
    "TrainingInstruction",
    "VectorPart",
]  # fmt: skip

_OPERATIONS = {
    "exp": EXP_OPERATIONS, "rsqrt": RSQRT_OPERATIONS,
    "divide": RECIPROCAL_OPERATIONS + DIVIDE_OPERATIONS,
}  # fmt: skip
"""fp32 operations of an element; all others take one."""


class VectorPart(Protocol):
    """A vector instruction of a core on its own memory."""

    @property
    def multiplies(self) -> bool:
        """Whether its cycles count as multiply–accumulates."""

    def cycles(self, machine: MachineSpec) -> tuple[int, int]:
        """Return (cycles of its elements, overhead of its instructions)."""


@dataclass(frozen=True, slots=True)
class Elementwise:
    """target[i] ← left[i] ∘ right[i], as `fabric.micro.ELEMENTWISE` names ∘."""

    name: str
    target: int
    left: int
    right: int
    count: int
    number: float | None = None
    """What stands for every right[i]."""
    scalar: bool = False
    """The word at ``right`` stands for every right[i]."""

    multiplies = False

    def cycles(self, machine: MachineSpec) -> tuple[int, int]:
        """⌈count / fmac_fp32⌉ and one overhead an operation; a single quotient `divide_cycles`."""
        if self.name == "divide" and self.count == 1:
            return machine.divide_cycles, machine.vector_overhead_cycles
        operations = _OPERATIONS.get(self.name, 1)
        each = -(-self.count // machine.fmac_fp32)
        return operations * each, operations * machine.vector_overhead_cycles


@dataclass(frozen=True, slots=True)
class Matvec:
    """target[i] ← Σ matrix[i·rows_apart + j·columns_apart] · vector[j], j in order from 0 on.

    The sum begins with 0; every product and every sum is rounded.
    """

    target: int
    matrix: int
    vector: int
    outputs: int
    inputs: int
    rows_apart: int
    columns_apart: int

    multiplies = True

    def cycles(self, machine: MachineSpec) -> tuple[int, int]:
        """One fp32 instruction along the longer side for each place of the shorter one."""
        return _rank_cycles(machine, self.outputs, self.inputs)


@dataclass(frozen=True, slots=True)
class RankOne:
    """target[i·apart + j] ← itself + left[i] · right[j]: what a row adds to a gradient."""

    target: int
    left: int
    right: int
    rows: int
    columns: int
    apart: int

    multiplies = True

    def cycles(self, machine: MachineSpec) -> tuple[int, int]:
        """As of `Matvec`."""
        return _rank_cycles(machine, self.rows, self.columns)


@dataclass(frozen=True, slots=True)
class Total:
    """target[0] ← Σ source[i], i in order from 0 on, beginning with 0."""

    target: int
    source: int
    count: int

    multiplies = False

    def cycles(self, machine: MachineSpec) -> tuple[int, int]:
        """One instruction."""
        return -(-self.count // machine.fmac_fp32), machine.vector_overhead_cycles


@dataclass(frozen=True, slots=True)
class Peak:
    """target[0] ← the largest of itself and source[i]."""

    target: int
    source: int
    count: int

    multiplies = False

    def cycles(self, machine: MachineSpec) -> tuple[int, int]:
        """One instruction."""
        return -(-self.count // machine.fmac_fp32), machine.vector_overhead_cycles


def _rank_cycles(machine: MachineSpec, one: int, other: int) -> tuple[int, int]:
    short, long = sorted((one, other))
    each = body_cycles(machine, VECTOR_KINDS["fmacs"], long)
    return short * each, short * machine.vector_overhead_cycles


@dataclass(frozen=True, slots=True)
class CoreWork:
    """One COMPUTE: vector instructions of the same cores, one after the other."""

    cells: Cells
    parts: tuple[VectorPart, ...]


@dataclass(frozen=True, slots=True)
class LineSum:
    """Words of all cores of a line, added (or their largest found) into its first core.

    The order is the Program's `ReduceOrder` of that axis.
    """

    axis: int
    """`site.ALONG_ROWS`: lines from north to south; `ALONG_COLUMNS`: from west to east."""
    cells: Cells
    address: int
    count: int
    largest: bool = False
    length: int = 0
    """Cores of a line, of which several lie end to end; 0: the whole axis is one."""


@dataclass(frozen=True, slots=True)
class LineMulticast:
    """Words of a line's first core, sent to the same place in all others."""

    axis: int
    cells: Cells
    address: int
    count: int
    length: int = 0
    """As of `LineSum`."""


TrainingInstruction = CoreWork | LineSum | LineMulticast
