"""ProgramRectangle: what a FabricProgram's cores have: numbers, words of memory, routes.

Expressions are worked out for all cores here.  What a machine has not is refused with the line,
the core and the remedy.  Instructions are lowered in `code_lowering`.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import PlacementError
from engine.wafer.fabric.fabric_program.core_expression import CoreExpression, ExpressionError
from engine.wafer.fabric.fabric_program.instruction_text import Operand, Stream, Vector
from engine.wafer.fabric.fabric_program.program_file import FabricProgram, RouteRule
from engine.wafer.fabric.network import OPPOSITE, PORT_NAMES, PORTS, RAMP, STEP, Network
from engine.wafer.program.machine import MachineSpec

__all__ = ["WORD_BYTES", "ProgramRectangle"]

Ints = NDArray[np.int64]

WORD_BYTES = 4

_MOST_WORDS, _MOST_INSTRUCTIONS, _MOST_ACCOUNTS = 1 << 29, 1 << 24, 1 << 26
"""About two gigabytes each at most, of all cores together."""


@dataclass(slots=True)
class ProgramRectangle:
    """The rectangle of one program on one machine."""

    program: FabricProgram
    machine: MachineSpec
    network: Network = field(init=False)
    names: dict[str, NDArray[Any]] = field(init=False)
    """Numbers that expressions know, each over (rows, columns)."""
    offsets: dict[str, tuple[int, int]] = field(init=False)
    words: int = field(init=False)
    scratch: int = field(init=False)
    tasks: dict[int, int] = field(default_factory=dict)
    """Line of an instruction → number of its task."""

    def __post_init__(self) -> None:
        program, machine = self.program, self.machine
        for size, most, what in (
            (program.columns, machine.columns, "columns"),
            (program.rows, machine.rows, "rows"),
        ):
            if size > most:
                raise program.refusal(0, f"{size} {what}; {machine.name} has {most}: use fewer")
        self.network = Network(machine, program.columns, program.rows)
        self._lay_out()
        self._check_size()
        self._name()

    def _check_size(self) -> None:
        """Refuse what this computer's memory is not for."""
        program = self.program
        cores = program.columns * program.rows
        longest = max(len(code.instructions) for code in program.codes)
        for count, most, what in (
            (cores * self.words, _MOST_WORDS, "words of vectors"),
            (cores * longest, _MOST_INSTRUCTIONS, "instructions of cores"),
            (program.iterations * (program.lines + 1), _MOST_ACCOUNTS, "lines of iterations"),
        ):
            if count > most:
                raise program.refusal(
                    0, f"{count:,} {what}; up to {most:,} are simulated: use fewer, or fewer cores"
                )

    # ── numbers and memory ──────────────────────────────────────────────────────────────────

    def _name(self) -> None:
        program = self.program
        y, x = np.indices((program.rows, program.columns))
        self.names = {"x": x, "y": y, "columns": np.asarray(program.columns),
                      "rows": np.asarray(program.rows)}  # fmt: skip
        for let in program.lets:
            self.names[let.name] = self.over(let.value, let.line)

    def over(self, expression: CoreExpression, line: int) -> NDArray[Any]:
        """Return an expression's value at every core, (rows, columns)."""
        shape = self.program.rows, self.program.columns
        try:
            return np.broadcast_to(expression.over(self.names), shape)
        except ExpressionError as error:
            raise self.program.refusal(line, str(error)) from error

    def _lay_out(self) -> None:
        """Give every vector its words, and streams a vector to work in."""
        self.offsets, at = {}, 0
        for vector in self.program.vectors:
            self.offsets[vector.name] = at, vector.length
            at += vector.length
        self.scratch = self._longest_stream()
        self.words = at + self.scratch
        most = self.machine.sram_bytes - self.machine.system_bytes
        if self.words * WORD_BYTES > most:
            raise self.program.refusal(
                self.program.vectors[-1].line,
                f"core (0, 0), as every other, needs {self.words * WORD_BYTES:,} bytes for vectors "
                f"and streams; {self.machine.name} has {most:,} beside the system's: shorten them",
            )

    def _longest_stream(self) -> int:
        """Return the words that streams need to work in."""
        return max(
            (
                self.elements(operand)
                for code in self.program.codes
                for each in code.instructions
                if each.needs_scratch
                for operand in (each.target, *each.sources)
                if operand is not None
            ),
            default=0,
        )

    def elements(self, operand: Operand) -> int:
        """Return the elements of a vector; anything else is as long as the vectors beside it."""
        if not isinstance(operand, Vector):
            return 1
        last = self.offsets[operand.name][1] if operand.last is None else operand.last
        return last - operand.first

    def memory(self) -> NDArray[np.int32]:
        """Return all cores' words as the vectors begin, int32 (rows · columns · words,)."""
        rows, columns = self.program.rows, self.program.columns
        memory = np.zeros((rows, columns, self.words), np.float32)
        whole = {
            name: value[..., None] if value.ndim else value for name, value in self.names.items()
        }
        for vector in self.program.vectors:
            first, length = self.offsets[vector.name]
            try:
                value = vector.value.over(whole | {"i": np.arange(length)})
            except ExpressionError as error:
                raise self.program.refusal(vector.line, str(error)) from error
            memory[..., first : first + length] = value
        return memory.reshape(-1).view(np.int32)

    # ── routes ──────────────────────────────────────────────────────────────────────────────

    def route(self) -> None:
        """Set all routes.

        Raises:
            FabricProgramError: Two routes of a color meet at a router, or one leads nowhere.
        """
        shape = self.program.rows, self.program.columns
        taken: dict[int, NDArray[np.int64]] = {}
        rules: list[tuple[RouteRule, int, Ints, Ints]] = []
        for rule in self.program.routes:
            where = self.over(rule.where, rule.line).astype(bool)
            colors = self._colors(rule.color, rule.line)
            for color in np.unique(colors[where]).tolist():
                y, x = np.nonzero(where & (colors == color))
                self._set(rule, color, x, y)
                taken.setdefault(color, np.zeros(shape, np.int64))[y, x] |= rule.taken
                rules.append((rule, color, x, y))
        for rule, color, x, y in rules:
            self._check_ends(rule, color, x, y, taken[color])

    def _colors(self, expression: CoreExpression, line: int) -> Ints:
        colors = self.over(expression, line)
        if not np.issubdtype(colors.dtype, np.integer):
            raise self.program.refusal(line, f"{expression.text!r} is no whole number: no color")
        return np.asarray(colors, np.int64)

    def _set(self, rule: RouteRule, color: int, x: Ints, y: Ints) -> None:
        """Set one rule's routes, or name the first router that refuses."""
        try:
            self.network.route(color, x, y, rule.taken, rule.left, rule.position)
        except PlacementError as error:
            for one_x, one_y in zip(x.tolist(), y.tolist(), strict=True):
                try:
                    self.network.route(color, one_x, one_y, rule.taken, rule.left, rule.position)
                except PlacementError:
                    where = f"router ({one_x}, {one_y}): {error}; narrow `where`"
                    raise self.program.refusal(rule.line, where) from error
            raise

    def _check_ends(self, rule: RouteRule, color: int, x: Ints, y: Ints, taken: Ints) -> None:
        """Refuse ways that leave the rectangle, or end where nobody takes the color."""
        rows, columns = taken.shape
        for port in range(PORTS):
            if port == RAMP or not rule.left >> port & 1:
                continue
            there_x, there_y = x + STEP[port][0], y + STEP[port][1]
            inside = (there_x >= 0) & (there_x < columns) & (there_y >= 0) & (there_y < rows)
            takes = np.zeros(x.size, bool)
            behind = taken[there_y[inside], there_x[inside]]
            takes[inside] = behind >> OPPOSITE[port] & 1 == 1
            if not takes.all():
                at = int(np.argmin(takes))
                raise self.program.refusal(
                    rule.line,
                    f"color {color} leaves router ({x[at]}, {y[at]}) by its {PORT_NAMES[port]} "
                    "port, and no router there takes it: add a [[route]] there, or narrow `where`",
                )

    def color_of(self, color: Stream, line: int, cores: Ints) -> Ints:
        """Return the number of a color at some cores."""
        if color.color.isdigit():
            return np.full(cores.size, int(color.color), np.int64)
        return self._colors(CoreExpression.parse(color.color), line).reshape(-1)[cores]
