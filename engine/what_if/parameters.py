"""The parameters of a what-if: what values each takes, and what they change.  Prices nothing.

Only `RECTANGLE` and `BLOCKS` depend on the model; the planner's search gives their sizes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log

from msgspec.structs import replace

from engine.errors import EngineError
from engine.protocol.what_if import WhatIfSetup
from engine.wafer.program import machine as machines
from engine.wafer.program.clocks import CLOCKS
from engine.wafer.program.machine import MachineSpec
from engine.wafer_changes import WAVELET_BITS

__all__ = ["PARAMETERS", "Sizes", "Value", "parameter", "values_of"]

_KIB = 1024
_SRAM_KIB = (32, 40, 64, 96, 128, 192)
"""Beside the machine's own; the smallest holds the code and not much more."""
_LINK_BITS = (16, 32, 64, 128)
_WAFERS = (1, 2, 3, 4)
_FASTER_GHZ = (1.5, 2.0)
"""Beside the named clocks.  Assumed: nobody states such a one for these machines."""
_GROUPS = (1, 4, 8, 16, 32, 64)
_ONE_CHAIN = 1 << 12
"""A group that no line is longer than."""
_BLOCKS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
_MOST_SIZES = 9

Sizes = Sequence[tuple[int, int]]
"""(columns, rows) of blocks, by their cores."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a parameter."""

    label: str
    at: float
    """On the axis."""
    setup: WhatIfSetup


@dataclass(frozen=True, slots=True)
class _Parameter:
    """What can be varied."""

    unit: str
    """Of the axis; empty: its values have no measure."""
    values: Callable[[WhatIfSetup, MachineSpec, int, Sizes], list[Value]]
    """Takes the setup, its unchanged machine, the model's layers and the sizes that fit."""


def parameter(name: str) -> _Parameter:
    """Return a parameter by its name.

    Raises:
        EngineError: There is none of this name.
    """
    if name not in PARAMETERS:
        raise EngineError(f"{name!r} cannot be varied: {', '.join(PARAMETERS)} can")
    return PARAMETERS[name]


def values_of(
    name: str, setup: WhatIfSetup, layers: int, sizes: Sizes = ()
) -> tuple[list[Value], int]:
    """Return the values of a parameter in the axis' order, and which of them the setup has.

    Args:
        name: One of `PARAMETERS`.
        setup: Gives all other parameters.
        layers: Of the model.
        sizes: Blocks that fit, as the planner found them.

    Raises:
        EngineError: There is no such parameter or machine.
    """
    found = parameter(name).values(setup, machines.get(setup.machine), layers, sizes)
    chosen = next((n for n, value in enumerate(found) if value.setup == setup), 0)
    return found, chosen


def _changed(setup: WhatIfSetup, **changes: int) -> WhatIfSetup:
    return replace(setup, changes=replace(setup.changes, **changes))


def _machines(setup: WhatIfSetup, _: MachineSpec, __: int, ___: Sizes) -> list[Value]:
    names = [*machines.names(), *([] if setup.machine in machines.names() else [setup.machine])]
    return [
        Value(name.rpartition("/")[2].removesuffix(".toml"), at, replace(setup, machine=name))
        for at, name in enumerate(names)
    ]


def _clocks(setup: WhatIfSetup, spec: MachineSpec, _: int, __: Sizes) -> list[Value]:
    named = {clock.ghz for clock in CLOCKS.values()}
    each = sorted({*named, *_FASTER_GHZ, spec.clock_ghz, setup.clock_ghz})
    return [Value(f"{ghz:g} GHz", ghz, replace(setup, clock_ghz=ghz)) for ghz in each]


def _srams(setup: WhatIfSetup, spec: MachineSpec, _: int, __: Sizes) -> list[Value]:
    each = {kib * _KIB for kib in _SRAM_KIB} | {spec.sram_bytes, setup.changes.sram_bytes} - {0}
    return [
        Value(
            f"{size / _KIB:g} KiB",
            size / _KIB,
            _changed(setup, sram_bytes=0 if size == spec.sram_bytes else size),
        )
        for size in sorted(each)
    ]


def _links(setup: WhatIfSetup, _: MachineSpec, __: int, ___: Sizes) -> list[Value]:
    each = sorted({*_LINK_BITS, setup.changes.link_bits} - {0})
    return [
        Value(f"{bits} bits", bits, _changed(setup, link_bits=0 if bits == WAVELET_BITS else bits))
        for bits in each
    ]


def _wafers(setup: WhatIfSetup, _: MachineSpec, __: int, ___: Sizes) -> list[Value]:
    each = sorted({*_WAFERS, setup.changes.wafers})
    return [Value(str(count), count, _changed(setup, wafers=count)) for count in each]


def _rectangles(setup: WhatIfSetup, _: MachineSpec, __: int, sizes: Sizes) -> list[Value]:
    own = setup.changes.block
    each = sorted({*_spread(sizes), *([own] if own else [])}, key=lambda size: size[0] * size[1])
    free = Value("planner", 0, _changed(setup, columns=0, rows=0))
    return [
        free,
        *(
            Value(f"{c}×{r}", c * r, _changed(setup, columns=c, rows=r))
            for c, r in each
        ),
    ]  # fmt: skip


def _spread(sizes: Sizes) -> list[tuple[int, int]]:
    """Return some of the sizes, spread over the logarithm of their cores; the ends stay."""
    if len(sizes) <= _MOST_SIZES:
        return list(sizes)
    at = [log(columns * rows) for columns, rows in sizes]
    steps = [at[0] + (at[-1] - at[0]) * n / (_MOST_SIZES - 1) for n in range(_MOST_SIZES)]
    return [sizes[min(range(len(sizes)), key=lambda n: abs(at[n] - step))] for step in steps]


def _blocks(setup: WhatIfSetup, _: MachineSpec, layers: int, __: Sizes) -> list[Value]:
    each = sorted({*(n for n in _BLOCKS if n <= layers), setup.changes.blocks} - {0})
    counts = [Value(str(count), count, _changed(setup, blocks=count)) for count in each]
    return [Value("planner", 0, _changed(setup, blocks=0)), *counts]


def _groups(setup: WhatIfSetup, _: MachineSpec, __: int, ___: Sizes) -> list[Value]:
    each = sorted({*_GROUPS, _ONE_CHAIN, setup.changes.group} - {0})
    groups = [
        Value(
            "one chain" if group == _ONE_CHAIN else str(group),
            group,
            _changed(setup, group=group),
        )
        for group in each
    ]
    return [Value("best each", 0, _changed(setup, group=0)), *groups]


PARAMETERS = {
    "machine": _Parameter("", _machines),
    "clock": _Parameter("GHz", _clocks),
    "sram": _Parameter("KiB", _srams),
    "link": _Parameter("bits", _links),
    "rectangle": _Parameter("cores a block", _rectangles),
    "blocks": _Parameter("blocks", _blocks),
    "sums": _Parameter("cores a group", _groups),
    "wafers": _Parameter("wafers", _wafers),
}
"""What can be varied, by name."""
