"""FabricProgram: routes, vectors and instructions for a rectangle of cores, read from TOML.

The README beside this module describes the file.  A refusal names the line and the remedy.
Nothing is lowered or run here, and no machine's number is known.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import FabricProgramError
from engine.toml_files import parse_toml, read_toml_text
from engine.wafer.fabric.fabric_program.core_expression import CoreExpression, ExpressionError
from engine.wafer.fabric.fabric_program.instruction_text import (
    Instruction,
    InstructionError,
    Stream,
    Vector,
)
from engine.wafer.fabric.fabric_program.program_page import ProgramPage, Section
from engine.wafer.fabric.network import EAST, MAX_POSITIONS, NORTH, RAMP, SOUTH, WEST, bit

__all__ = ["Code", "FabricProgram", "Named", "RouteRule", "VectorRule", "read_program"]

_MOST_BYTES = 1 << 20
_MOST_CORES = 1 << 12
"""Columns or rows; a machine has fewer."""
_MOST_ITERATIONS = 100_000
_MOST_OVERHEAD = 10_000
_MOST_WORDS = 1 << 16
_MOST_REPEATS = 10_000
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_REPEATED = re.compile(r"(?:(\d{1,9})\s*\*\s*)?(.*)", re.DOTALL)
_GIVEN = ("x", "y", "columns", "rows", "i")
_PORTS = {"east": EAST, "north": NORTH, "west": WEST, "south": SOUTH, "ramp": RAMP}


@dataclass(frozen=True, slots=True)
class Named:
    """A number of every core, by name."""

    name: str
    line: int
    value: CoreExpression


@dataclass(frozen=True, slots=True)
class VectorRule:
    """A vector that every core has."""

    name: str
    line: int
    length: int
    value: CoreExpression
    """What element ``i`` holds at first."""


@dataclass(frozen=True, slots=True)
class RouteRule:
    """What some routers do with a color."""

    line: int
    where: CoreExpression
    color: CoreExpression
    taken: int
    """Ports it is taken from, see `network.bit`."""
    left: int
    position: int
    """Switch position."""


@dataclass(frozen=True, slots=True)
class Code:
    """What some cores run."""

    line: int
    where: CoreExpression
    first: tuple[Instruction, ...]
    """Before the first iteration."""
    each: tuple[Instruction, ...]
    """In every iteration."""
    last: tuple[Instruction, ...]
    """After the last one."""

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """All of them, in order."""
        return (*self.first, *self.each, *self.last)


@dataclass(frozen=True, slots=True)
class FabricProgram:
    """A whole program.  Expressions know ``columns`` and ``rows``, so its size may be replaced."""

    path: Path
    """Where it came from, for messages."""
    machine: str
    columns: int
    rows: int
    iterations: int
    overhead_cycles: int | None
    """Cycles of an instruction before its first element; None: the machine's own."""
    lets: tuple[Named, ...]
    vectors: tuple[VectorRule, ...]
    routes: tuple[RouteRule, ...]
    codes: tuple[Code, ...]
    """A core runs the first one that holds for it."""
    lines: int
    """Lines of the file."""

    def refusal(self, line: int, text: str) -> FabricProgramError:
        """Return the error of a line."""
        return ProgramPage(self.path, "").refusal(line, text)


def read_program(path: Path, text: str | None = None) -> FabricProgram:
    """Return the program of a file.

    Args:
        path: The file.
        text: Its content, where it need not be read.

    Raises:
        FabricProgramError: It cannot be read or is no program; with the line and a remedy.
    """
    text = _content(path) if text is None else text
    try:
        found = parse_toml(text)
    except ValueError as error:
        raise FabricProgramError(f"{path} is no TOML: {error}") from error
    return _Reader(ProgramPage(path, text), found, len(text.splitlines())).program()


def _content(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise FabricProgramError(f"{path} is no file that can be read")
    try:
        return read_toml_text(path, _MOST_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FabricProgramError(f"{path} cannot be read: {reason}") from error


class _Reader:
    """Reads one file, section by section."""

    def __init__(self, page: ProgramPage, found: dict[str, Any], lines: int) -> None:
        self.page, self.lines = page, lines
        self.lets = Section(page, "let", found.pop("let", {}))
        self.memory = Section(page, "memory", found.pop("memory", {}))
        self.routes = self._several("route", found.pop("route", []))
        self.codes = self._several("code", found.pop("code", []))
        self.head = Section(page, "", found)

    def _several(self, name: str, found: Any) -> list[Section]:
        if not isinstance(found, list):
            raise self.page.refusal(self.page.header(name, 0), f"write [[{name}]], not [{name}]")
        return [Section(self.page, name, each, number) for number, each in enumerate(found)]

    def program(self) -> FabricProgram:
        head = self.head
        overhead = None
        if "overhead_cycles" in head.names():
            overhead = head.whole("overhead_cycles", None, 0, _MOST_OVERHEAD)
        program = FabricProgram(
            self.page.path, head.text("machine", "wse3"),
            head.whole("columns", None, 1, _MOST_CORES), head.whole("rows", None, 1, _MOST_CORES),
            head.whole("iterations", 1, 1, _MOST_ITERATIONS), overhead, tuple(self._lets()),
            tuple(self._vectors()), tuple(self._route(each) for each in self.routes),
            tuple(self._code(each) for each in self.codes), self.lines,
        )  # fmt: skip
        head.close(
            "machine, columns, rows, iterations, overhead_cycles, [let], [memory], [[route]], "
            "[[code]]"
        )
        if not program.codes:
            raise self.page.refusal(0, "no [[code]]: nobody does anything")
        _check_names(program)
        return program

    def _lets(self) -> list[Named]:
        found = []
        for name in self.lets.names():
            self._check_name(self.lets, name)
            found.append(Named(name, self.lets.at(name), self._expression(self.lets, name)))
        return found

    def _vectors(self) -> list[VectorRule]:
        found = []
        for name in self.memory.names():
            self._check_name(self.memory, name)
            line, given = self.memory.at(name), self.memory.take(name)
            inner = Section(self.page, f"memory.{name}", given, line=line)
            length = inner.whole("length", 1, 1, _MOST_WORDS)
            value = self._expression(inner, "value", "0")
            inner.close("length and value")
            found.append(VectorRule(name, line, length, value))
        return found

    def _check_name(self, section: Section, name: str) -> None:
        if not _NAME.fullmatch(name) or name in _GIVEN:
            raise section.refusal(name, f"{name!r} is no name for this; use letters, digits and _")

    def _route(self, section: Section) -> RouteRule:
        rule = RouteRule(
            section.line, self._where(section), self._expression(section, "color"),
            self._ports(section, "from"), self._ports(section, "to"),
            section.whole("position", 0, 0, MAX_POSITIONS - 1),
        )  # fmt: skip
        section.close("where, color, from, to and position")
        return rule

    def _ports(self, section: Section, key: str) -> int:
        names = section.text(key).replace(",", " ").split()
        for name in names:
            if name not in _PORTS:
                raise section.refusal(
                    key, f"{name!r} is no port: write some of {', '.join(_PORTS)}"
                )
        if not names:
            raise section.refusal(key, f"no port: write some of {', '.join(_PORTS)}")
        return bit(*{_PORTS[name] for name in names})

    def _code(self, section: Section) -> Code:
        code = Code(
            section.line, self._where(section), self._instructions(section, "first"),
            self._instructions(section, "do"), self._instructions(section, "last"),
        )  # fmt: skip
        section.close("where, first, do and last")
        if not code.instructions:
            raise section.refusal("do", "no instruction: write `do`")
        return code

    def _where(self, section: Section) -> CoreExpression:
        return self._expression(section, "where", "true")

    def _expression(self, section: Section, key: str, default: str | None = None) -> CoreExpression:
        value = section.take(key, default)
        if value is None:
            raise section.refusal(key, f"no `{key}`: write a number or an expression of x and y")
        try:
            return CoreExpression.parse(value)
        except ExpressionError as error:
            raise section.refusal(key, f"{key}: {error}") from error

    def _instructions(self, section: Section, key: str) -> tuple[Instruction, ...]:
        text = section.text(key, "")
        begin = self.page.first_of_block(section.at(key))
        found = []
        for line, content in enumerate(text.splitlines(), begin):
            bare = content.split("#")[0].strip()
            if bare:
                found += self._repeated(bare, line)
        return tuple(found)

    def _repeated(self, text: str, line: int) -> list[Instruction]:
        """Return the instruction of a line, as often as a number and ``*`` before it say."""
        times, text = _REPEATED.fullmatch(text).groups()  # type: ignore[union-attr]
        if times and not 1 <= int(times) <= _MOST_REPEATS:
            raise self.page.refusal(line, f"{times} times: 1 to {_MOST_REPEATS:,}")
        try:
            return [Instruction.parse(text, line)] * int(times or 1)
        except InstructionError as error:
            raise self.page.refusal(line, str(error)) from error


def _check_names(program: FabricProgram) -> None:
    """Refuse vectors and colors that the file does not name, and lengths that do not fit."""
    lengths = {vector.name: vector.length for vector in program.vectors}
    names = {let.name for let in program.lets}
    for code in program.codes:
        for instruction in code.instructions:
            for operand in (instruction.target, *instruction.sources):
                if isinstance(operand, Vector):
                    _check_vector(program, instruction, operand, lengths)
                elif isinstance(operand, Stream) and not _is_color(operand.color, names):
                    raise program.refusal(
                        instruction.line, f"no color {operand.color!r}: name it in [let]"
                    )


def _is_color(color: str, names: set[str]) -> bool:
    return color.isdigit() or color in names


def _check_vector(
    program: FabricProgram, instruction: Instruction, vector: Vector, lengths: dict[str, int]
) -> None:
    if vector.name not in lengths:
        known = ", ".join(lengths) or "none"
        raise program.refusal(instruction.line, f"no vector {vector.name!r}: [memory] has {known}")
    length = lengths[vector.name]
    if vector.last is not None and vector.last > length:
        raise program.refusal(
            instruction.line, f"{vector.name} has {length} elements, {vector.last} are asked for"
        )
