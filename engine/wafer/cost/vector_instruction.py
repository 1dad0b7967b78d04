"""Cycles of one vector instruction of a core, from the bytes that it moves and their banks.

Knows nothing of models; whole operations are priced in `engine.wafer.ops`.

A core reads `read_bytes_per_cycle` and writes `write_bytes_per_cycle` of its SRAM, whose successive
`bank_bytes` lie in successive banks.  Two reads of a cycle must be of banks that differ modulo half
the number of banks; otherwise they take a cycle each.  An accumulator that fits `cache_bytes` stays
in the core's cache and moves nothing: assumed, because without it eight fp16 multiply–accumulates
a cycle would need twice the reads that the memory gives.

Sources: Cerebras SDK documentation, appendix on SIMD mode [S12]: widths, reads and banks.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray

from engine.wafer.program.machine import MachineSpec

__all__ = [
    "VECTOR_KINDS",
    "VectorKind",
    "body_cycles",
    "element_cycles",
    "elements_per_cycle",
    "has_conflict",
    "instruction_cycles",
    "memory_rate",
]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class VectorKind:
    """An instruction y ← y ∘ x over vectors, as CSL names it."""

    width: str
    """Field of a machine: elements a cycle where memory and banks allow it."""
    source_bytes: int
    """Bytes of an element of x, read once."""
    sum_bytes: int
    """Bytes of an element of y, read and written."""


VECTOR_KINDS = {
    "fmacs": VectorKind("fmac_fp32", 4, 4),
    "fadds": VectorKind("simd_fp32", 4, 4),
    "fmachs": VectorKind("simd_fp32", 2, 4),
    "fmach": VectorKind("fmac_fp16", 2, 2),
    "mac_int8": VectorKind("mac_int8", 1, 4),
}
"""Multiply–accumulate and addition of fp32, multiply–accumulate of fp16 to fp32 sums, of fp16 and
of int8 to int32 sums; no CSL instruction does the last in SIMD: assumed."""


def elements_per_cycle(machine: MachineSpec, kind: VectorKind, elements: int) -> Fraction:
    """Return the elements a cycle without a bank conflict: the width, or what the memory gives."""
    if elements * kind.sum_bytes > machine.cache_bytes:
        return memory_rate(machine, kind)
    width = Fraction(int(getattr(machine, kind.width)))
    return min(width, Fraction(machine.read_bytes_per_cycle, kind.source_bytes))


def memory_rate(machine: MachineSpec, kind: VectorKind) -> Fraction:
    """Return the elements a cycle whose sums lie in SRAM, however few they are."""
    reads = Fraction(machine.read_bytes_per_cycle, kind.source_bytes + kind.sum_bytes)
    writes = Fraction(machine.write_bytes_per_cycle, kind.sum_bytes)
    return min(Fraction(int(getattr(machine, kind.width))), reads, writes)


def element_cycles(machine: MachineSpec, kind: VectorKind, elements: Ints) -> Ints:
    """Return ⌈elements / rate⌉ of instructions without a conflict, for many lengths, int64."""
    cached = elements * kind.sum_bytes <= machine.cache_bytes
    fast = elements_per_cycle(machine, kind, 0)
    return np.where(cached, _over(elements, fast), _over(elements, memory_rate(machine, kind)))


def _over(elements: Ints, rate: Fraction) -> Ints:
    return -(-elements * rate.denominator // rate.numerator)


def has_conflict(machine: MachineSpec, kind: VectorKind, apart: int) -> bool:
    """Return whether x and y, ``apart`` bytes from each other, are never read in the same cycle.

    The first element of each decides: both go through the banks at the same pace.
    """
    half = max(1, machine.sram_banks // 2)
    x, y = (
        {(start + byte) // machine.bank_bytes % half for byte in range(size)}
        for start, size in ((0, kind.source_bytes), (apart, kind.sum_bytes))
    )
    return bool(x & y)


def instruction_cycles(
    machine: MachineSpec, kind: VectorKind, elements: int, *, conflict: bool = False
) -> int:
    """Return the cycles of one instruction of ``elements`` elements.

    Cost:
        `body_cycles` + vector_overhead_cycles
    """
    return body_cycles(machine, kind, elements, conflict=conflict) + machine.vector_overhead_cycles


def body_cycles(
    machine: MachineSpec, kind: VectorKind, elements: int, *, conflict: bool = False
) -> int:
    """Return the cycles of an instruction's elements alone.

    Cost:
        ⌈elements / rate⌉; twice that with a conflict, unless the accumulator is in the cache
    """
    cached = elements * kind.sum_bytes <= machine.cache_bytes
    cycles = ceil(elements / elements_per_cycle(machine, kind, elements))
    return cycles * (2 if conflict and not cached else 1)
