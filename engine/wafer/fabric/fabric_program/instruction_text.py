"""Vector instructions as a person writes them, one a line: ``fadds sum, <east, <west``.

A line is an operation, a destination and one or two sources; an operand is a vector of the core
(``a``, ``a[2:5]``, ``a[0]``), a number, or a color (``<c`` takes wavelets, ``>c`` gives them).
Knows no core and no machine.
"""

import re
from dataclasses import dataclass

from engine.wafer.fabric.micro import ADVANCE, CTRL

__all__ = ["OPERATIONS", "Instruction", "InstructionError", "Number", "Operand", "Stream", "Vector"]

OPERATIONS = {
    "fadds": ("add", 2),
    "fsubs": ("subtract", 2),
    "fmuls": ("multiply", 2),
    "fmacs": ("multiply_add", 2),
    "fmaxs": ("max", 2),
    "fmovs": ("move", 1),
}
"""An operation's name in CSL → what it does to each element (`micro.ELEMENTWISE`), and its number
of sources; all of fp32."""

_TASK = "task"
_FLAGS = {"control": CTRL, "advance": ADVANCE}
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_VECTOR = re.compile(rf"(?P<name>{_NAME})(?:\[(?P<from>\d+)(?P<range>:(?P<to>\d+))?\])?")
_COLOR = re.compile(rf"(?P<way>[<>])\s*(?P<color>{_NAME}|\d+)")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


class InstructionError(Exception):
    """A line is no instruction."""


@dataclass(frozen=True, slots=True)
class Vector:
    """Elements of a vector of the core."""

    name: str
    first: int = 0
    last: int | None = None
    """One past the last element; None: all of them."""


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream from or to the fabric."""

    color: str
    """A name from ``[let]``, or digits."""
    gives: bool


Operand = Vector | Number | Stream


@dataclass(frozen=True, slots=True)
class Instruction:
    """One line."""

    line: int
    """Line of the file."""
    text: str
    operation: str
    """A key of `OPERATIONS`, or ``task``."""
    target: Vector | Stream | None = None
    sources: tuple[Operand, ...] = ()
    flags: int = 0
    task: int = -1

    @classmethod
    def parse(cls, text: str, line: int) -> "Instruction":
        """Return the instruction of a line.

        Raises:
            InstructionError: It is none.
        """
        body, _, flag = text.partition("|")
        name, _, rest = body.strip().partition(" ")
        if name == _TASK:
            return cls(line, text, name, task=_task(rest))
        if name not in OPERATIONS:
            known = ", ".join([*OPERATIONS, _TASK])
            raise InstructionError(f"there is no operation {name!r}: write one of {known}")
        target, *sources = [_operand(part.strip()) for part in rest.split(",")]
        _check(name, target, sources)
        assert not isinstance(target, Number)
        return cls(line, text, name, target, tuple(sources), _flag(flag.strip(), target))

    @property
    def takes(self) -> tuple[Stream, ...]:
        """The streams it takes."""
        return tuple(each for each in self.sources if isinstance(each, Stream))

    @property
    def needs_scratch(self) -> bool:
        """Whether its stream is kept: worked out before it goes, or worked on when it came."""
        if self.gives:
            plain = len(self.sources) == 1 and isinstance(self.sources[0], Vector)
            return not self.takes and not plain
        return len(self.takes) == 1 and self.operation != "fmovs"

    @property
    def gives(self) -> Stream | None:
        """The stream it gives, if any."""
        return self.target if isinstance(self.target, Stream) else None


def _task(text: str) -> int:
    if not text.strip().isdigit():
        raise InstructionError(f"`task {text.strip()}`: write its number, as in `task 9`")
    return int(text)


def _operand(text: str) -> Operand:
    if found := _COLOR.fullmatch(text):
        return Stream(found["color"], found["way"] == ">")
    if _NUMBER.fullmatch(text):
        return Number(float(text))
    if found := _VECTOR.fullmatch(text):
        return _vector(found)
    raise InstructionError(
        f"{text!r} is no operand: write a vector (a, a[0], a[2:5]), a number, <color or >color"
    )


def _vector(found: "re.Match[str]") -> Vector:
    if found["from"] is None:
        return Vector(found["name"])
    first = int(found["from"])
    last = int(found["to"]) if found["range"] else first + 1
    if last <= first:
        raise InstructionError(f"{found[0]!r} holds no element")
    return Vector(found["name"], first, last)


def _check(name: str, target: Operand, sources: list[Operand]) -> None:
    """Refuse what no line of an operation can mean."""
    wanted = OPERATIONS[name][1]
    if len(sources) != wanted:
        raise InstructionError(
            f"{name} has a destination and {wanted} source{'s' * (wanted > 1)}, here {len(sources)}"
        )
    if isinstance(target, Number):
        raise InstructionError(f"{name}: a number is no destination")
    if isinstance(target, Stream) and not target.gives:
        raise InstructionError(f"{name}: the destination gives; write >{target.color}")
    for source in sources:
        if isinstance(source, Stream) and source.gives:
            raise InstructionError(f"{name}: a source takes; write <{source.color}")
    if all(isinstance(source, Number) for source in sources) and name != "fmovs":
        raise InstructionError(f"{name} of numbers alone: write the result")


def _flag(text: str, target: Operand) -> int:
    if not text:
        return 0
    if text not in _FLAGS or not isinstance(target, Stream):
        raise InstructionError(
            f"`| {text}`: only what gives to a color may end with `| control` or `| advance`"
        )
    return _FLAGS[text]
