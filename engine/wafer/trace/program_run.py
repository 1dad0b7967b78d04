"""Runs a program that a person wrote, with the simulator made ready first."""

from pathlib import Path
from typing import TYPE_CHECKING

from engine.progress import OnProgress, quiet
from engine.wafer.fabric.prepare import prepare_simulator
from engine.wafer.jit import kernel_cache
from engine.wafer.program import machine as machines

if TYPE_CHECKING:
    from engine.wafer.fabric.fabric_program.run_program import ProgramRun

__all__ = ["run_wafer_program"]


def run_wafer_program(
    path: Path,
    machine: str | None = None,
    clock_ghz: float | None = None,
    *,
    iterations: int | None = None,
    on_progress: OnProgress = quiet,
) -> "ProgramRun":
    """Run the program of a file on the cycle tier.

    Args:
        path: The file; `engine/wafer/fabric/fabric_program/README.md` describes it.
        machine: Another machine than the file names.
        clock_ghz: Another clock than the machine's own.
        iterations: Another number than the file's.
        on_progress: Called with (done, total, label).

    Raises:
        FabricProgramError: The file is no program, or asks for what the machine has not.
        MachineError: The machine is unknown.
        StuckProgramError: Some core can never go on.
    """
    kernel_cache.use()  # before the simulator is imported: numba fixes the folder then
    from engine.wafer.fabric.fabric_program.program_file import read_program
    from engine.wafer.fabric.fabric_program.run_program import run_program

    program = read_program(path)
    spec = machines.get(machine or program.machine, clock_ghz)
    prepare_simulator(spec, on_progress)
    on_progress(0, 1, f"simulating {program.columns} × {program.rows} cores")
    return run_program(program, spec, iterations=iterations)
