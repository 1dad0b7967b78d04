"""Targets of programs as a person writes them: published stencils and a published reduction.

The programs are the worked examples of `engine/wafer/programs`, run by the cycle tier alone: no
formula prices them.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from engine.wafer.figures.measured_rows import SIMULATED_REDUCTIONS, STENCIL_ROWS, StencilRow
from engine.wafer.figures.targets.target import Target, within
from engine.wafer.jit import kernel_cache
from engine.wafer.program import machine as machines

if TYPE_CHECKING:
    from engine.wafer.fabric.fabric_program.program_file import FabricProgram

__all__ = ["reductions", "stencils"]

PROGRAMS = Path(__file__).parents[2] / "programs"

_FEW, _MANY, _CORE = 2, 4, 1
"""As published: two and four iterations, seen from the core in column 1 of row 1."""

_STENCIL_BOUNDS = {"wse2": 0.10, "wse3": 0.25}
"""WSE-3 misses by a fifth where cores wait for each other: there a wavelet takes 5 cycles more
from one core's instruction to the next one's than ramps and hop explain.  No source says where:
`fabric/fabric_program/README.md`."""


@cache
def _program(name: str) -> "FabricProgram":
    kernel_cache.use()  # before the simulator is imported: numba fixes the folder then
    from engine.wafer.fabric.fabric_program.program_file import read_program

    return read_program(PROGRAMS / name)


def stencils() -> Iterator[Target]:
    """Row 31: cycles of an iteration, by number of cores."""
    for row in STENCIL_ROWS:
        yield Target(
            id=f"31/{row.machine}/{row.side}×{row.side}",
            evidence="A",
            source="Cerebras' simulator (github.com/Jorineg/cerebras)",
            conditions=f"{row.machine}, five-point stencil, {row.side} × {row.side} cores, one "
            "element each: cycles an iteration; published without fractions",
            unit="cycles",
            published=float(row.cycles),
            simulated=_stencil_cycles(row),
            role="fitted" if row.fitted else "held_out",
            bound=within(_STENCIL_BOUNDS[row.machine]),
        )


def _stencil_cycles(row: StencilRow) -> float:
    from engine.wafer.fabric.fabric_program.run_program import run_program

    program = replace(_program(f"stencil-{row.machine}.toml"), columns=row.side, rows=row.side)
    spec = machines.get(row.machine)
    few, many = (run_program(program, spec, iterations=count) for count in (_FEW, _MANY))
    ended = int(many.finished[_CORE, _CORE]) - int(few.finished[_CORE, _CORE])
    return ended / (_MANY - _FEW)


def reductions() -> Iterator[Target]:
    """Row 32: the published chain, written as a program."""
    from engine.wafer.fabric.fabric_program.run_program import run_program

    (published,) = (row for row in SIMULATED_REDUCTIONS if row.algorithm == "chain")
    program = _program("chain-reduce.toml")
    spec = machines.get(program.machine)
    yield Target(
        id="32/chain",
        evidence="A",
        source="Cerebras' simulator (github.com/pr0f3ss/SpMM_Cerebras)",
        conditions="wse2, reduce, 512 cores, 4,096 wavelets, as a program",
        unit="cycles",
        published=float(published.cycles),
        simulated=float(run_program(program, spec).cycles),
        role="held_out",
        bound=within(0.01),
    )
