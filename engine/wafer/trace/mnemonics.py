"""Names of micro-instructions in a log: ours, and the vendor's mnemonic that comes nearest.

Viewers color a core by the mnemonic's class.  The emulated cores do not run the vendor's
instructions: one micro-instruction stands for a loop or a microthread.
"""

from engine.wafer.fabric.micro import ADDRESSES, Kind, Micro, MicroField, Reduce
from engine.wafer.program.operations import OPERATIONS

__all__ = ["operands", "operation"]

_WORK = {
    Kind[name]: mnemonic for operation in OPERATIONS for name, mnemonic in operation.works.items()
} | {
    Kind.ELEMENTWISE: "FMACS", Kind.CONTRACT: "FMACS", Kind.OUTER: "FMACS", Kind.PEAK: "FMAXS",
    Kind.HOST: "LD32", Kind.NOTHING: "NOP",
}  # fmt: skip
"""Mnemonic of each kind of COMPUTE; the last six belong to no operation of a model."""

_SUM = {
    Reduce.ADD_F32: "FADDS", Reduce.ADD_I32: "ADD32", Reduce.MAX_F32: "FMAXS",
    Reduce.ARGMAX: "FMAXS", Reduce.ADD_F16X2: "FADDH", Reduce.TAKE: "MOV32",
}  # fmt: skip

_MOST_SOURCES = 3


def operation(op: int, kind: int) -> str:
    """Return ``name mnemonic`` of a micro-instruction.

    Example:
        >>> operation(Micro.COMPUTE, Kind.DOT), operation(Micro.REDUCE, Reduce.ADD_F32)
        ('DOT XDP8', 'REDUCE FADDS')
    """
    if op == Micro.COMPUTE:
        return f"{Kind(kind).name} {_WORK[Kind(kind)]}"
    if op in (Micro.SEND, Micro.RECEIVE):
        return f"{Micro(op).name} MOV32"
    return f"{Micro(op).name} {_SUM[Reduce(kind)]}"


def operands(row: list[int], base: int, into: int, out: int) -> str:
    """Return the operand fields of a micro-instruction: colors, and byte addresses in its core.

    Args:
        row: The micro-instruction, by `MicroField`.
        base: Word at which its core's memory begins.
        into: Color it takes from, −1 if none.
        out: Color it gives to, −1 if none.
    """

    def at(field: int) -> str:
        return f"addr16({4 * (row[field] - base) & 0xFFFF:04x})"

    if row[MicroField.OP] == Micro.COMPUTE:
        addresses = ADDRESSES[Kind(row[MicroField.KIND])]
        target, *sources = [at(MicroField.A0 + a) for a in addresses] or ["-"]
        return _fields(target, sources[:_MOST_SOURCES], "-")
    own, count = at(MicroField.ADDRESS), f"{row[MicroField.COUNT]:04x}"
    taken = [f"C{into}"] if into >= 0 else []
    if row[MicroField.OP] in (Micro.RECEIVE, Micro.JOIN):
        return _fields(own, taken, count)
    further = [at(MicroField.ADDRESS_2)] if row[MicroField.OP] == Micro.EXCHANGE else []
    return _fields(f"C{out}" if out >= 0 else own, [own, *taken, *further], count)


def _fields(target: str, sources: list[str], immediate: str) -> str:
    first, second, third = (*sources, "-", "-", "-")[:_MOST_SOURCES]
    return f"Dest:{target} Src0:{first} Src1:{second} Src2:{third} Imm:{immediate}"
