"""One [[code]] of a FabricProgram → micro-instructions of the cores that run it.

A stream handles a wavelet a cycle at most, arithmetic on it included; what a core does on its own
memory is priced as `cost.vector_instruction` says, bank conflicts included.  Every instruction
takes its overhead first.  Numbers of instructions are lines of the file.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import FabricProgramError
from engine.wafer.cost.vector_instruction import VECTOR_KINDS, body_cycles, has_conflict
from engine.wafer.fabric.fabric_program.instruction_text import (
    OPERATIONS,
    Instruction,
    Number,
    Operand,
    Stream,
    Vector,
)
from engine.wafer.fabric.fabric_program.program_file import Code
from engine.wafer.fabric.fabric_program.program_rectangle import WORD_BYTES, ProgramRectangle
from engine.wafer.fabric.micro import (
    ELEMENTWISE,
    FIRST_ROW,
    LAST_ROW,
    Kind,
    Micro,
    Programs,
    Reduce,
    rate,
)

__all__ = ["CodeLowering"]

Ints = NDArray[np.int64]

_REDUCED = {"fadds": Reduce.ADD_F32, "fmaxs": Reduce.MAX_F32}
_PRICED_AS = {"fadds": "fadds", "fsubs": "fadds", "fmovs": "fadds", "fmuls": "fmacs",
              "fmacs": "fmacs", "fmaxs": "fmacs"}  # fmt: skip
"""The SDK lists additions and moves of fp32 among its SIMD instructions, and neither products nor
maxima: those go one an element."""


@dataclass(slots=True)
class CodeLowering:
    """The instructions of one code, for all its cores at once."""

    low: ProgramRectangle
    code: Code
    cores: Ints
    programs: Programs
    overhead: int = field(init=False)
    task: int = -1

    def __post_init__(self) -> None:
        given = self.low.program.overhead_cycles
        self.overhead = self.low.machine.vector_overhead_cycles if given is None else given

    def add(self) -> None:
        """Add all instructions to the programs.

        Raises:
            FabricProgramError: A core has no route, or an instruction cannot be run.
        """
        for flags, instructions in (
            (FIRST_ROW, self.code.first), (0, self.code.each), (LAST_ROW, self.code.last),
        ):  # fmt: skip
            for instruction in instructions:
                self._instruction(instruction, flags)

    def _instruction(self, instruction: Instruction, flags: int) -> None:
        if instruction.operation == "task":
            self.task = instruction.task
        if self.task >= 0:
            self.low.tasks[instruction.line] = self.task
        if instruction.operation == "task":
            self._emit(
                instruction, Micro.COMPUTE, flags, kind=Kind.NOTHING,
                pipe=self.low.machine.dispatch_cycles,
            )  # fmt: skip
        elif instruction.takes or instruction.gives:
            self._stream(instruction, flags)
        else:
            self._work(instruction, flags)

    def _emit(self, instruction: Instruction, op: Micro, flags: int, **fields: Any) -> None:
        self.programs.add(self.cores, op, flags=flags, instruction=instruction.line, **fields)

    def _refusal(self, instruction: Instruction, text: str) -> FabricProgramError:
        return self.low.program.refusal(instruction.line, text)

    # ── operands ────────────────────────────────────────────────────────────────────────────

    def _place(self, vector: Vector) -> tuple[int, int]:
        """Return the first word of a vector in its core and its elements."""
        first, length = self.low.offsets[vector.name]
        last = length if vector.last is None else vector.last
        return first + vector.first, last - vector.first

    def _elements(self, instruction: Instruction) -> int:
        """Return the length that all vectors of an instruction have, 1 if it has none."""
        operands = (instruction.target, *instruction.sources)
        counts = {self._place(each)[1] for each in operands if isinstance(each, Vector)}
        if len(counts) > 1:
            lengths = " and ".join(str(count) for count in sorted(counts))
            raise self._refusal(instruction, f"vectors of {lengths} elements: take equal parts")
        return counts.pop() if counts else 1

    def _first_word(self, source: Operand, target: int) -> int:
        """Return where a source lies: a stream's in scratch; a number's is not read."""
        if isinstance(source, Vector):
            return self._place(source)[0]
        return self._scratch if isinstance(source, Stream) else target

    def _address(self, offset: int) -> Ints:
        return self.cores * self.low.words + offset

    @property
    def _scratch(self) -> int:
        """First word of the vector that streams work in."""
        return self.low.words - self.low.scratch

    def _channel(self, color: Stream, instruction: Instruction) -> Ints:
        """Return each core's channel of a color.

        Raises:
            FabricProgramError: A core has none.
        """
        numbers = self.low.color_of(color, instruction.line, self.cores)
        found = np.full(self.cores.size, -1, np.int64)
        for number in np.unique(numbers).tolist():
            tables = self.low.network
            mine = numbers == number
            if number in tables.routed:
                channels = tables.inlet(number) if color.gives else tables.outlet(number)
                found[mine] = channels.reshape(-1)[self.cores[mine]]
        if (found < 0).any():
            at = int(np.argmin(found))
            y, x = divmod(int(self.cores[at]), self.low.program.columns)
            missing = 'from = "ramp"' if color.gives else "ramp in `to`"
            raise self._refusal(
                instruction,
                f"core ({x}, {y}) {'gives' if color.gives else 'takes'} color {numbers[at]}, and "
                f"its router has no route for that: add a [[route]] with {missing}",
            )
        return found

    # ── on a core's own memory ──────────────────────────────────────────────────────────────

    def _work(self, instruction: Instruction, flags: int) -> None:
        assert isinstance(instruction.target, Vector)
        count = self._elements(instruction)
        cycles = self._cycles(instruction, count)
        state = "mac" if instruction.operation == "fmacs" else "vector"
        target = self._place(instruction.target)[0]
        self._arithmetic(
            instruction, flags, target, count, instruction.sources,
            **{state: cycles, "pipe": self.overhead},
        )  # fmt: skip

    def _cycles(self, instruction: Instruction, count: int) -> int:
        kind = VECTOR_KINDS[_PRICED_AS[instruction.operation]]
        read = [self._place(each)[0] for each in instruction.sources if isinstance(each, Vector)]
        if instruction.operation == "fmacs" and isinstance(instruction.target, Vector):
            read.append(self._place(instruction.target)[0])
        conflict = any(
            has_conflict(self.low.machine, kind, WORD_BYTES * abs(one - other))
            for k, one in enumerate(read)
            for other in read[:k]
        )
        return body_cycles(self.low.machine, kind, count, conflict=conflict)

    def _arithmetic(
        self, instruction: Instruction, flags: int, target: int, count: int,
        sources: tuple[Operand, ...], **cycles: int,
    ) -> None:  # fmt: skip
        """Add a COMPUTE that works ``sources`` out into ``target``; a stream's lie in scratch."""
        left, right = sources if len(sources) == 2 else (sources[0], sources[0])
        if isinstance(left, Number) and len(sources) == 2:
            if instruction.operation == "fsubs":
                raise self._refusal(instruction, "write the number of fsubs last")
            left, right = right, left
        number = isinstance(right, Number)
        one, other = (self._first_word(each, target) for each in (left, right))
        bits = np.float32(right.value if isinstance(right, Number) else 0.0).view(np.int32)
        self._emit(
            instruction, Micro.COMPUTE, flags, kind=Kind.ELEMENTWISE, a0=self._address(target),
            a1=self._address(one), a2=self._address(other), a3=count,
            a4=ELEMENTWISE.index(OPERATIONS[instruction.operation][0]), a5=int(number), a6=bits,
            **cycles,
        )  # fmt: skip

    # ── with the fabric ─────────────────────────────────────────────────────────────────────

    def _stream(self, instruction: Instruction, flags: int) -> None:
        """Add a stream: what is worked out on the way costs nothing more."""
        if instruction.gives and instruction.takes:
            self._pass_on(instruction, flags)
        elif instruction.gives:
            self._give(instruction, flags)
        elif len(instruction.takes) == 2:
            self._join(instruction, flags)
        else:
            self._take(instruction, flags)

    def _emit_stream(
        self, instruction: Instruction, op: Micro, flags: int, offset: int, pace: float,
        **fields: Any,
    ) -> None:  # fmt: skip
        self._emit(
            instruction, op, flags, setup=self.overhead, address=self._address(offset),
            count=self._elements(instruction), rate=rate(pace), **fields,
        )  # fmt: skip

    def _give(self, instruction: Instruction, flags: int) -> None:
        assert instruction.gives is not None
        (source, *others), count = instruction.sources, self._elements(instruction)
        if isinstance(source, Vector) and not others:
            offset = self._place(source)[0]
        else:
            offset = self._scratch
            self._arithmetic(instruction, flags, offset, count, instruction.sources)
        if instruction.operation == "fmacs":
            raise self._refusal(instruction, "fmacs adds to a vector: give that vector afterwards")
        self._emit_stream(
            instruction, Micro.SEND, flags | instruction.flags, offset,
            self.low.machine.inject_cycles_per_wavelet,
            out=self._channel(instruction.gives, instruction),
        )  # fmt: skip

    def _take(self, instruction: Instruction, flags: int) -> None:
        assert isinstance(instruction.target, Vector)
        target, count = self._place(instruction.target)
        (color,) = instruction.takes
        direct = instruction.operation == "fmovs"
        self._emit_stream(
            instruction, Micro.RECEIVE, flags, target if direct else self._scratch,
            1.0 if direct else self.low.machine.add_fp32_cycles_per_wavelet,
            into=self._channel(color, instruction),
        )  # fmt: skip
        if not direct:
            self._arithmetic(instruction, flags, target, count, instruction.sources)

    def _join(self, instruction: Instruction, flags: int) -> None:
        """Add an instruction that takes from two colors in the same cycle."""
        left, right = instruction.takes
        kind = self._reduced(instruction)
        assert isinstance(instruction.target, Vector)
        self._emit_stream(
            instruction, Micro.JOIN, flags, self._place(instruction.target)[0],
            self.low.machine.add_fp32_cycles_per_wavelet, kind=kind,
            into=self._channel(left, instruction), a0=self._channel(right, instruction),
        )  # fmt: skip

    def _pass_on(self, instruction: Instruction, flags: int) -> None:
        """Add an instruction that takes a stream, adds to it and gives it on."""
        assert instruction.gives is not None
        kind, machine = self._reduced(instruction), self.low.machine
        own = [each for each in instruction.sources if isinstance(each, Vector)]
        if len(own) != 1:
            raise self._refusal(instruction, "a stream that is passed on meets one vector")
        self._emit_stream(
            instruction, Micro.REDUCE_SEND, flags | instruction.flags, self._place(own[0])[0],
            max(machine.inject_cycles_per_wavelet, machine.add_fp32_cycles_per_wavelet), kind=kind,
            into=self._channel(instruction.takes[0], instruction),
            out=self._channel(instruction.gives, instruction),
        )  # fmt: skip

    def _reduced(self, instruction: Instruction) -> Reduce:
        if instruction.operation not in _REDUCED:
            raise self._refusal(
                instruction,
                f"{instruction.operation} takes one stream and gives to a vector: only "
                f"{' and '.join(_REDUCED)} join two streams, or pass one on",
            )
        return _REDUCED[instruction.operation]
