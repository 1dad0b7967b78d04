"""Targets of a single core: vector instructions with and without a bank conflict."""

from collections.abc import Iterator

from engine.wafer.figures.targets.target import Target, within_cycles
from engine.wafer.figures.vector_question import vector

__all__ = ["vectors"]

VECTOR_ROWS = ((4, 5_130, "operands in different banks"), (8, 10_254, "operands in the same banks"))
"""(bytes between the operands modulo 8, cycles, words) of 5,124 fp32 elements."""


def vectors() -> Iterator[Target]:
    """Row 21: one fp32 vector instruction; its overhead was fitted on WaferLLM, not on these."""
    for apart, cycles, words in VECTOR_ROWS:
        yield Target(
            id=f"21/{words}",
            evidence="A",
            source="measured by third parties (unreviewed)",
            conditions="wse3, one core, 5,124 fp32 multiply–accumulates",
            unit="cycles",
            published=float(cycles),
            analytic=vector("wse3", elements=5_124, apart=apart).cycles,
            reason="arithmetic in a core is not simulated",
            role="held_out",
            bound=within_cycles(1),
        )
