"""A FabricProgram on a machine → the simulated fabric, at rest."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.wafer.fabric import simulator
from engine.wafer.fabric.fabric_program.code_lowering import CodeLowering
from engine.wafer.fabric.fabric_program.program_file import Code, FabricProgram
from engine.wafer.fabric.fabric_program.program_rectangle import ProgramRectangle
from engine.wafer.fabric.micro import Programs
from engine.wafer.fabric.record import Recorder
from engine.wafer.fabric.state import Accounts, Fabric
from engine.wafer.program.machine import MachineSpec

__all__ = ["Lowered", "lower_program"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lowered:
    """A program ready to run."""

    fabric: Fabric
    offsets: dict[str, tuple[int, int]]
    """First word and length of each vector in a core's memory."""
    words: int
    """Words of a core."""
    tasks: dict[int, int]
    """Line of an instruction → number of the task that it belongs to."""


def lower_program(
    program: FabricProgram, machine: MachineSpec, recorder: Recorder | None = None
) -> Lowered:
    """Return a fabric at rest that will run a program.

    Args:
        program: The program.
        machine: The machine, whose name may be another than the file's.
        recorder: Tables to note events in; None: nothing is watched.

    Raises:
        FabricProgramError: The machine has not what the program asks for; with line, core and
            remedy.
    """
    rectangle = ProgramRectangle(program, machine)
    rectangle.route()
    routes = rectangle.network.build()
    cores = program.columns * program.rows
    programs = Programs(cores)
    for code, mine in _shares(rectangle):
        _check_queues(rectangle, code, mine)
        CodeLowering(rectangle, code, mine, programs).add()
    fabric = simulator.new_fabric(
        routes, *programs.tables(), rectangle.memory(), recorder=recorder,
        accounts=Accounts(program.iterations, program.lines + 1),
        memory=rectangle.words * np.arange(cores + 1),
    )  # fmt: skip
    return Lowered(fabric, rectangle.offsets, rectangle.words, rectangle.tasks)


def _shares(rectangle: ProgramRectangle) -> Iterator[tuple[Code, Ints]]:
    """Yield the cores of each code: those that hold for no earlier one."""
    program = rectangle.program
    free = np.ones((program.rows, program.columns), bool)
    for code in program.codes:
        here = free & rectangle.over(code.where, code.line).astype(bool)
        free &= ~here
        yield code, np.flatnonzero(here)


def _check_queues(rectangle: ProgramRectangle, code: Code, cores: Ints) -> None:
    """Refuse cores that take or give more colors than they have queues."""
    machine = rectangle.machine
    for gives, queues in ((False, machine.input_queues), (True, machine.output_queues)):
        streams = [
            (each.line, rectangle.color_of(color, each.line, cores))
            for each in code.instructions
            for color in ((each.gives,) if gives else each.takes)
            if color is not None
        ]
        if not streams or not cores.size:
            continue
        colors = np.sort(np.stack([numbers for _, numbers in streams]), axis=0)
        count = 1 + np.count_nonzero(np.diff(colors, axis=0), axis=0)
        if count.max() > queues - machine.reserved_queues:
            at = int(np.argmax(count))
            y, x = divmod(int(cores[at]), rectangle.program.columns)
            verb = "gives" if gives else "takes"
            raise rectangle.program.refusal(
                code.line,
                f"core ({x}, {y}) {verb} {count[at]} colors; {machine.name} leaves a program "
                f"{queues - machine.reserved_queues} queues: let streams share a color",
            )
