"""MeshGEMM: a matrix product on P × P cores whose operands move while the sums stay.

Priced only; the sums come in an order that rotates from core to core.
"""

from dataclasses import dataclass
from math import ceil

from engine.wafer.cost.vector_instruction import VECTOR_KINDS, elements_per_cycle
from engine.wafer.program.machine import MachineSpec

__all__ = ["DedicatedConstants", "mesh_link_bytes", "mesh_product", "shift", "vector_cycles"]


@dataclass(frozen=True, slots=True)
class DedicatedConstants:
    """What the formulas leave open, in cycles."""

    vector_overhead_cycles: float
    """c_v: per vector instruction."""
    step_cycles: float
    """c_step: per step of a product: starting two shifts, waiting for both, and the share of norms,
    rotations and activations (under 1 % of a layer)."""
    attention_step_cycles: float
    """c_att: the same per step of an attention's two products."""


def mesh_product(
    machine: MachineSpec,
    constants: DedicatedConstants,
    side: int,
    rows: int,
    inner: int,
    outputs: int,
) -> float:
    """Return the cycles of (M × k)·(k × n), the tiles of each core of P × P, fp16 with fp32 sums.

    Cost:
        P·shift(M·k) + P·(max(k·n·v(M), shift(max(M·k, k·n))) + c_step)
    """
    align = shift(machine, rows * inner)
    moving = shift(machine, max(rows * inner, inner * outputs))
    compute = inner * outputs * vector_cycles(machine, constants, rows)
    return side * (align + max(compute, moving) + constants.step_cycles)


def mesh_link_bytes(side: int, rows: int, inner: int, outputs: int) -> int:
    """Return the bytes times links that `mesh_product` moves on all cores: two links a shift.

    Cost:
        P³ · 2 · 2 bytes · (M·k to align + M·k + k·n)
    """
    return 4 * side**3 * (2 * rows * inner + inner * outputs)


def vector_cycles(machine: MachineSpec, constants: DedicatedConstants, elements: int) -> float:
    """Return v(e) = ⌈e / r⌉ + c_v, r the rate of `fmachs`."""
    rate = elements_per_cycle(machine, VECTOR_KINDS["fmachs"], elements)
    return ceil(elements / rate) + constants.vector_overhead_cycles


def shift(machine: MachineSpec, elements: int) -> float:
    """Return two hops of fp16 numbers, two a wavelet: 2·hop + ⌈e/2·i⌉ + 2·T_R + 1."""
    wavelets = ceil(elements / 2 * machine.inject_cycles_per_wavelet)
    return 2 * machine.hop_cycles + wavelets + 2 * machine.ramp_cycles + 1
