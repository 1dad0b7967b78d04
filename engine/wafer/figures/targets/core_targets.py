"""Targets of a core's arithmetic: vector instructions, and a GEMM's rate and watts."""

from collections.abc import Iterator

from engine.wafer.cost.energy import joules
from engine.wafer.figures import calibration
from engine.wafer.figures.served_rows import PRODUCT_BODY_CYCLES, ROTARY_BODY
from engine.wafer.figures.targets.target import Bound, Target, within, within_cycles
from engine.wafer.figures.vector_question import vector
from engine.wafer.program import machine as machines

__all__ = ["bodies", "gemm", "vectors"]

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


def bodies() -> Iterator[Target]:
    """Row 30: two function bodies of the served prefill, in one core, nothing moved.

    A rotation changes the operands of each instruction, and takes 24 cycles an instruction more
    than one whose operands stay.  Ours leaves that to `task_cycles`.
    """
    spec, constants = machines.get("wse3"), calibration.WSE3_DEDICATED
    instructions, rotary = ROTARY_BODY
    figures = (
        ("product", PRODUCT_BODY_CYCLES, _VECTORS_A_STEP, constants.vector_overhead_cycles, True),
        ("rotary", rotary, instructions, float(spec.vector_overhead_cycles), False),
    )
    for name, published, vectors, overhead, fitted in figures:
        elements = 1 if fitted else 2  # fp16 products come in pairs a cycle, fp32 ones do not
        yield Target(
            id=f"30/{name}",
            evidence="A",
            source="lab notes on a physical CS-3 (unreviewed)",
            conditions=f"wse3, one core, {vectors:g} vector instructions of 2 tokens; descriptors "
            f"{'stepped by the instruction' if fitted else 'loaded for each'}",
            unit="cycles",
            published=published,
            analytic=vectors * (elements + overhead),
            reason="arithmetic in a core is not simulated",
            role="fitted" if fitted else "reference",
            bound=within(0.001) if fitted else None,
        )


_VECTORS_A_STEP = 192
"""(8·16 + 8·8 + 8·48 + 24·8) / 4 instructions: inputs × outputs of a core, four products."""

GEMM_SIZE, GEMM_SIDE = 33_000, 750
GEMM_TERAFLOPS, GEMM_GIGAFLOPS_PER_WATT = 349.0, 79.66


def gemm() -> Iterator[Target]:
    """Row 23: an fp32 GEMM of 33,000² on 750² cores of a CS-2: its rate and its watts.

    The rate is that of a core's products alone, one vector instruction for each pair of an input
    and an output of its tile: more than any kernel reaches.  The kernel that was measured is not
    described.
    """
    spec = machines.get("wse2")
    cores, macs = GEMM_SIDE**2, GEMM_SIZE**3
    tile = GEMM_SIZE // GEMM_SIDE
    instructions = GEMM_SIZE * tile
    cycles = instructions * vector("wse2", elements=tile).cycles
    source = "Journal of Information Processing 34 (2026), p. 132"
    conditions = f"wse2 at {spec.clock_ghz} GHz, fp32, {GEMM_SIZE:,}² on {GEMM_SIDE}² cores"
    yield Target(
        id="23/rate",
        evidence="A",
        source=source,
        conditions=f"{conditions}; ours: products alone, nothing moved",
        unit="FLOP/s",
        published=GEMM_TERAFLOPS * 1e12,
        analytic=2 * macs / (cycles / spec.clock_hz),
        reason="arithmetic in a core is not simulated",
        role="reference",
        bound=Bound("at least published", lambda got, said: got >= said),
    )
    took = round(2 * macs / (GEMM_TERAFLOPS * 1e12) * spec.clock_hz)
    spent = joules(spec, took, macs=macs, cores=cores, wafers=1)
    for name, energy in spent.as_json().items():
        yield Target(
            id=f"23/energy/{name}",
            evidence="A",
            source=source,
            conditions=f"{conditions}; ours: the time that was measured, at our watts",
            unit="FLOP/J",
            published=GEMM_GIGAFLOPS_PER_WATT * 1e9,
            analytic=2 * macs / energy,
            reason="no energy is simulated",
            role="reference" if name == "high" else "fitted",
            bound=None if name == "high" else within(0.01),
        )
