"""Refuses programs that reach outside their cores' memory, routes or accounts, before they run.

The simulator trusts its tables and would write to any address.  So every instruction of every core
is compared here with what the core owns; nothing is run or changed.
"""

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import FabricError
from engine.wafer.fabric.micro import ADDRESSES, RATE_ONE, Kind, Micro, MicroField, Reduce
from engine.wafer.fabric.network import Routes

__all__ = ["check"]

Flags = NDArray[np.bool_]

_TAKING = (Micro.RECEIVE, Micro.REDUCE, Micro.REDUCE_SEND, Micro.EXCHANGE, Micro.JOIN)
_GIVING = (Micro.SEND, Micro.REDUCE_SEND, Micro.EXCHANGE)


def check(
    net: Routes,
    program: NDArray[np.int32],
    first: NDArray[np.int64],
    words: NDArray[np.int32],
    memory: NDArray[np.int64] | None,
    *,
    rows: int,
    trace_words: int,
    instructions: int,
) -> None:
    """Refuse a program that reaches for what is not its core's own.

    Args:
        net: Routes of all colors.
        program: Micro-instructions of all cores.
        first: Each core's first instruction, and the end.
        words: Memory of all cores.
        memory: Word at which each core's memory begins, and the end; None: all may use all.
        rows: Most rows of a step.
        trace_words: Words an observer wants of each row.
        instructions: Instructions of the Program.

    Raises:
        FabricError: An instruction reaches too far; the message names it and its core.
    """
    cores = net.columns * net.rows
    if words.dtype != np.int32 or not words.flags.c_contiguous or not words.flags.writeable:
        raise FabricError("a fabric's memory is one writeable, contiguous array of int32 words")
    if first.size != cores + 1 or first[-1] != len(program):
        raise FabricError(f"programs for {first.size - 1} cores on a fabric of {cores}")
    if rows < 1 or instructions < 1:
        raise FabricError("a fabric keeps accounts of at least one row and one instruction")
    if len(program):
        _Checker(net, program, first).run(words.size, memory, trace_words, instructions)


class _Checker:
    """Compares all instructions with one rule at a time."""

    def __init__(self, net: Routes, program: NDArray[np.int32], first: NDArray[np.int64]) -> None:
        self.net, self.program = net, program
        self.core = np.repeat(np.arange(first.size - 1), np.diff(first))
        self.op = self.column(MicroField.OP)
        self.works = self.op == Micro.COMPUTE
        self.routes = self.op == Micro.ROUTE

    def column(self, field: int) -> NDArray[np.int32]:
        column: NDArray[np.int32] = self.program[:, field]
        return column

    def refuse(self, wrong: Flags, what: str, field: int) -> None:
        """Raise for the first wrong instruction, with the value of ``field``."""
        if not wrong.any():
            return
        at = int(np.argmax(wrong))
        row, column = divmod(int(self.core[at]), self.net.columns)
        named = _name(Micro, int(self.op[at]))
        if self.works[at]:
            named = _name(Kind, int(self.column(MicroField.KIND)[at]))
        number = self.column(MicroField.INSTRUCTION)[at]
        raise FabricError(
            f"core ({column}, {row}): {named}, instruction {number} of the Program: {what} "
            f"({MicroField(field).name} = {self.program[at, field]})"
        )

    def run(
        self, words: int, memory: NDArray[np.int64] | None, trace_words: int, instructions: int
    ) -> None:
        """Apply every rule."""
        self._names()
        self._channels()
        self._switches()
        low: Any = 0 if memory is None else memory[:-1][self.core]
        high: Any = words if memory is None else memory[1:][self.core]
        self._streams(low, high)
        self._arguments(low, high)
        self._accounts(low, high, trace_words, instructions)

    def _names(self) -> None:
        kind = self.column(MicroField.KIND)
        self.refuse(~np.isin(self.op, list(Micro)), "no such micro-instruction", MicroField.OP)
        self.refuse(self.works & ~np.isin(kind, list(Kind)), "no such COMPUTE", MicroField.KIND)
        sums = np.isin(self.op, (Micro.REDUCE, Micro.REDUCE_SEND, Micro.JOIN))
        sums_wrong = sums & ~np.isin(kind, [one for one in Reduce if one != Reduce.TAKE])
        swaps_wrong = (self.op == Micro.EXCHANGE) & ~np.isin(kind, list(Reduce))
        self.refuse(sums_wrong | swaps_wrong, "no such reduction", MicroField.KIND)

    def _channels(self) -> None:
        """Only a core's own queues: routes decide which those are."""
        for ops, field, owner, what in (
            (
                (Micro.JOIN,),
                MicroField.A0,
                self.net.receiver,
                "no route brings this second channel to the core",
            ),
            (
                _TAKING,
                MicroField.INTO,
                self.net.receiver,
                "no route brings this channel to the core",
            ),
            (_GIVING, MicroField.OUT, self.net.sender, "no route takes this channel from the core"),
        ):
            channel = self.column(field)
            there = (channel >= 0) & (channel < owner.size)
            mine = np.zeros(channel.size, bool)
            mine[there] = owner[channel[there]] == self.core[there]
            self.refuse(np.isin(self.op, ops) & ~mine, what, field)

    def _switches(self) -> None:
        """Only switches of a core's own router, and positions that they have."""
        net, switch = self.net, self.column(MicroField.A0)
        routers = net.router[net.switch_channel[net.switch_first[:-1]]]
        there = self.routes & (switch >= 0) & (switch < routers.size)
        mine = np.zeros(switch.size, bool)
        mine[there] = routers[switch[there]] == self.core[there]
        self.refuse(self.routes & ~mine, "no switch of the core's router", MicroField.A0)
        position = self.column(MicroField.A1)
        ends = np.append(net.switch_base[1:], net.switch_next.size)
        size = np.zeros(switch.size, np.int64)
        size[mine] = (ends - net.switch_base)[switch[mine]]
        wrong = self.routes & ((position < 0) | (position >= size))
        self.refuse(wrong, "the switch has no such position", MicroField.A1)

    def _streams(self, low: Any, high: Any) -> None:
        """Words that wavelets come from and go to."""
        count = self.column(MicroField.COUNT).astype(np.int64)
        split = self.column(MicroField.SPLIT)
        at = self.column(MicroField.COUNT_AT)
        moves = ~self.works & ~self.routes
        self.refuse(moves & (self.column(MicroField.RATE) < RATE_ONE),
                    "a core handles at most one wavelet a cycle", MicroField.RATE)  # fmt: skip
        self.refuse(moves & (at >= 0) & ~_inside(at, 1, low, high),
                    "outside the core's memory", MicroField.COUNT_AT)  # fmt: skip
        fixed = moves & (at < 0) & (count > 0)
        cut = fixed & (split >= 0) & (split < count)
        here = np.where(cut, split, count)
        self.refuse(fixed & (here > 0) & ~_inside(self.column(MicroField.ADDRESS), here, low, high),
                    "outside the core's memory", MicroField.ADDRESS)  # fmt: skip
        second = np.where(cut, count - split, count)
        swaps = fixed & (self.op == Micro.EXCHANGE)
        inside = _inside(self.column(MicroField.ADDRESS_2), second, low, high)
        self.refuse((cut | swaps) & ~inside, "outside the core's memory", MicroField.ADDRESS_2)

    def _arguments(self, low: Any, high: Any) -> None:
        """Where a COMPUTE's operands begin."""
        kind = self.column(MicroField.KIND)
        for one, arguments in ADDRESSES.items():
            mine = self.works & (kind == one)
            for argument in arguments if mine.any() else ():
                field = MicroField.A0 + argument
                inside = _inside(self.column(field), 1, low, high)
                self.refuse(mine & ~inside, "outside the core's memory", field)

    def _accounts(self, low: Any, high: Any, trace_words: int, instructions: int) -> None:
        number, tap = self.column(MicroField.INSTRUCTION), self.column(MicroField.TAP)
        self.refuse((number < 0) | (number >= instructions),
                    f"the Program has {instructions}", MicroField.INSTRUCTION)  # fmt: skip
        count = self.column(MicroField.TAP_COUNT)
        taps = (tap >= 0) & (count > 0)
        self.refuse(taps & (tap + count > trace_words),
                    f"observers asked for {trace_words} words", MicroField.TAP)  # fmt: skip
        inside = _inside(self.column(MicroField.TAP_FROM), count, low, high)
        self.refuse(taps & ~inside, "outside the core's memory", MicroField.TAP_FROM)


def _inside(address: NDArray[np.int32], count: Any, low: Any, high: Any) -> Flags:
    """Whether ``count`` words from ``address`` on lie in low … high − 1."""
    inside: Flags = (address >= low) & (address.astype(np.int64) + count <= high)
    return inside


def _name(names: type[IntEnum], number: int) -> str:
    return names(number).name if number in list(names) else f"number {number}"
