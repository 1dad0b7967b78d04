"""Joules of a step from published watts: three readings of the same cycles, none of them measured.

No source divides a wafer's power among cores, memory and links, so nothing here depends on what a
core does in a cycle.
"""

from dataclasses import dataclass

from engine.wafer.program.machine import MachineSpec

__all__ = ["Joules", "joules"]


@dataclass(frozen=True, slots=True)
class Joules:
    """The energy of a step, bounds included."""

    low: float
    """Its operations alone, each as dear as one of the measured GEMM."""
    likely: float
    """Every placed core draws what a core of that GEMM drew, whether it works or waits."""
    high: float
    """Whole systems at their published power: cooling, host interface and unused cores included."""

    def as_json(self) -> dict[str, float]:
        """Return the object that ``wafer plan`` prints."""
        return {"low": self.low, "likely": self.likely, "high": self.high}


def joules(machine: MachineSpec, cycles: int, *, macs: float, cores: int, wafers: int) -> Joules:
    """Return the energy of a step.

    Args:
        machine: Gives the clock and the watts.
        cycles: Of the step.
        macs: Its multiply–accumulates, two operations each.
        cores: Cores that the model is placed on.
        wafers: Systems that they lie on.
    """
    seconds = cycles / machine.clock_hz
    operations = 2 * macs * machine.operation_picojoules * 1e-12
    placed = cores * machine.core_watts * seconds
    return Joules(min(operations, placed), placed, wafers * machine.system_watts * seconds)
