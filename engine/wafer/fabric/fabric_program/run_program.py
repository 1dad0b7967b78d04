"""Runs a FabricProgram on the cycle tier and tells cycles, lines, wavelets and memory."""

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.errors import FabricProgramError, StuckProgramError
from engine.wafer.fabric import simulator
from engine.wafer.fabric.diagnosis import Diagnosis, diagnose
from engine.wafer.fabric.fabric_program.lower_program import Lowered, lower_program
from engine.wafer.fabric.fabric_program.program_file import FabricProgram
from engine.wafer.fabric.fabric_program.program_rectangle import WORD_BYTES
from engine.wafer.fabric.record import Recorder
from engine.wafer.fabric.simulator import BLOCKED, DONE
from engine.wafer.fabric.state import DUE, LATEST, Totals
from engine.wafer.program.machine import MachineSpec
from engine.wafer.program.states import STATES, State

__all__ = ["LineCycles", "ProgramRun", "run_program"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LineCycles:
    """What a line of the file took, over all cores that run it."""

    line: int
    text: str
    runs: int
    """Iterations that came to it."""
    begin: int
    """First cycle of the first core in the last of them."""
    end: int
    """One past the last cycle of the last core there."""


@dataclass(frozen=True, slots=True)
class ProgramRun:
    """A program that ran to its end."""

    program: FabricProgram
    machine: MachineSpec
    lowered: Lowered
    cycles: int
    """Until the last core finished."""
    finished: Ints
    """Cycle in which each core finished, (rows, columns)."""
    ended: Ints
    """Cycle in which the last core ended each iteration, (iterations,)."""
    seconds: float
    """Of this computer, for the simulation alone."""

    @property
    def cycles_per_iteration(self) -> float | None:
        """Cycles of an iteration in the second half of them; None with fewer than four."""
        half = self.ended.size // 2
        if self.ended.size < 4:
            return None
        return float(self.ended[-1] - self.ended[half - 1]) / (self.ended.size - half)

    def vector(self, name: str) -> NDArray[np.float32]:
        """Return a vector of every core, float32 (rows, columns, length).

        Raises:
            FabricProgramError: The program has no such vector.
        """
        if name not in self.lowered.offsets:
            known = ", ".join(self.lowered.offsets) or "none"
            raise FabricProgramError(f"no vector {name!r}: the program has {known}")
        first, length = self.lowered.offsets[name]
        shape = self.program.rows, self.program.columns, self.lowered.words
        return self.lowered.fabric.reals.reshape(shape)[..., first : first + length]

    def lines(self) -> list[LineCycles]:
        """Return every instruction's line with its cycles."""
        texts = {each.line: each.text for code in self.program.codes for each in code.instructions}
        return [found for line, text in texts.items() if (found := self._line(line, text))]

    def _line(self, line: int, text: str) -> LineCycles | None:
        begun, ended = self.lowered.fabric.begun[:, line], self.lowered.fabric.ended[:, line]
        came = np.flatnonzero(ended > 0)
        if not came.size:
            return None
        last = int(came[-1])
        begin = min(int(begun[last]), int(ended[last]))
        return LineCycles(line, text, came.size, begin, int(ended[last]))

    def states(self) -> dict[str, int]:
        """Return the cycles of all cores by state."""
        counted = self.lowered.fabric.states.sum(axis=0).tolist()
        idle = self.cycles * self.finished.size - sum(counted)
        return dict(zip(STATES, [*counted[: State.IDLE], idle], strict=True))

    def as_json(self, shown: tuple[str, ...] = ()) -> dict[str, object]:
        """Return the run as plain values, with the vectors named in ``shown``."""
        totals, machine = self.lowered.fabric.totals, self.machine
        return {
            "program": str(self.program.path),
            "machine": machine.name,
            "clock_ghz": machine.clock_ghz,
            "columns": self.program.columns,
            "rows": self.program.rows,
            "iterations": self.program.iterations,
            "cycles": self.cycles,
            "cycles_per_iteration": self.cycles_per_iteration,
            "seconds": self.cycles / machine.clock_hz,
            "wavelets": {
                "sent": int(totals[Totals.SENT]),
                "copied": int(totals[Totals.COPIED]),
                "taken": int(totals[Totals.TAKEN]),
            },
            "active_tile_cycles": int(totals[Totals.ACTIVE]),
            "vector_bytes_per_core": self.lowered.words * WORD_BYTES,
            "cycles_by_state": self.states(),
            "lines": [
                {"line": each.line, "text": each.text, "runs": each.runs, "begin": each.begin,
                 "end": each.end}
                for each in self.lines()
            ],
            "memory": {name: self.vector(name).tolist() for name in shown},
            "host_seconds": self.seconds,
        }  # fmt: skip


def run_program(
    program: FabricProgram,
    machine: MachineSpec,
    *,
    iterations: int | None = None,
    recorder: Recorder | None = None,
    reverse: bool = False,
) -> ProgramRun:
    """Run a program from cycle 0 until every core has finished.

    Args:
        program: The program.
        machine: The machine.
        iterations: Another number than the program's.
        recorder: Tables to note events in.
        reverse: Visit cores and channels in the opposite order; nothing may change.

    Raises:
        FabricProgramError: The machine has not what the program asks for.
        StuckProgramError: Some core can never go on.
    """
    if iterations is not None:
        program = replace(program, iterations=iterations)
    lowered = lower_program(program, machine, recorder)
    fabric = lowered.fabric
    began = time.perf_counter()
    how, cycles = simulator.simulate(fabric, 0, program.iterations, LATEST, reverse)
    seconds = time.perf_counter() - began
    if how != DONE:
        raise StuckProgramError(_stuck(program, how, cycles, diagnose(fabric)))
    finished = fabric.cores[:, DUE].astype(np.int64).reshape(program.rows, program.columns)
    return ProgramRun(
        program, machine, lowered, cycles, finished, fabric.ended.max(axis=1), seconds
    )


def _stuck(program: FabricProgram, how: int, cycles: int, found: Diagnosis) -> str:
    """Return one line about a program that did not end: who waits where, and for whom."""
    if how != BLOCKED:
        return f"{program.path}: it did not end within {cycles:,} cycles; ask for fewer iterations"
    text = f"{program.path}: nobody can go on since cycle {cycles}"
    if found.cores:
        core = found.cores[0]
        text = (
            f"{program.path}, line {core.instruction}: core ({core.x}, {core.y}) waits for "
            f"{core.waits_for} on color {core.color} since cycle {core.since}, after "
            f"{core.handled} of {core.wavelets} wavelets, and nobody can go on"
        )
    text += f"; {found.unfinished} cores have not finished"
    if found.circle:
        return (
            f"{text}; they wait in a circle, {' → '.join(found.circle[:4])} …: let one take first"
        )
    ends = ", ".join(found.dead_ends[:2])
    return f"{text}; in vain for {ends}: give as many wavelets as are taken" if ends else text
