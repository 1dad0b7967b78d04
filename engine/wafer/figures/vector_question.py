"""Cycles of one vector instruction in one core, for any length and any distance of its operands.

Joins `engine.wafer.cost.vector_instruction` with the checks of a question; holds no formula itself.
"""

from engine.errors import PredictionError
from engine.wafer.cost.vector_instruction import (
    VECTOR_KINDS,
    elements_per_cycle,
    has_conflict,
    instruction_cycles,
)
from engine.wafer.figures.prediction import LARGEST_SIZE, Prediction, check_choice, check_size
from engine.wafer.figures.spreads import spread
from engine.wafer.program import machine as machines

__all__ = ["vector"]


def vector(
    machine: str,
    *,
    elements: int,
    kind: str = "fmacs",
    apart: int = 4,
    clock_ghz: float | None = None,
) -> Prediction:
    """Return the cycles of y ← y ∘ x over two vectors in a core's SRAM.

    Args:
        machine: Name of the machine.
        elements: Length of x and of y.
        kind: One of `VECTOR_KINDS`.
        apart: Bytes from the first element of x to that of y; decides about a bank conflict.
        clock_ghz: A clock other than the machine's own.

    Raises:
        MachineError: The machine is unknown.
        PredictionError: A size makes no sense, or a core's SRAM does not hold the vectors.
    """
    spec = machines.get(machine, clock_ghz)
    check_choice("kind", kind, tuple(VECTOR_KINDS))
    check_size("elements", elements, LARGEST_SIZE, "elements")
    asked = VECTOR_KINDS[kind]
    size = asked.source_bytes + asked.sum_bytes
    if elements * size > spec.sram_bytes:
        raise PredictionError(
            f"two vectors of {elements} elements take {elements * size} bytes and a core of "
            f"{spec.name} has {spec.sram_bytes} bytes of SRAM: use at most "
            f"{spec.sram_bytes // size} elements"
        )
    if apart < 0:
        raise PredictionError(f"apart is {apart}: it must be at least 0 bytes")
    conflict = has_conflict(spec, asked, apart)
    facts: dict[str, object] = {
        "kind": kind,
        "elements": elements,
        "apart": apart,
        "bank_conflict": conflict,
        "elements_per_cycle": float(elements_per_cycle(spec, asked, elements)),
    }
    cycles = instruction_cycles(spec, asked, elements, conflict=conflict)
    measured = kind == "fmacs"
    given = spread(spec.name, "vector", measured=measured)
    return Prediction(cycles, "analytic", spec, False, facts, spread=given)
