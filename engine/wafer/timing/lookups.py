"""Lookups: how much sooner or later a token's row is found than in the head's middle column.

A step is priced for a token in the middle column (`ops.embed`).  Where the token is known, what its
own column makes of the lookup, of the way to the first block and of the waits in the head is here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.model.tensors.tensor import Format
from engine.wafer.compile.compiler import Compiled
from engine.wafer.cost import lines
from engine.wafer.ops import embed
from engine.wafer.ops.transfer import lane_wavelets
from engine.wafer.program.geometry import Split
from engine.wafer.program.isa import Field, Op

__all__ = ["LookupShifts", "lookup_shifts"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LookupShifts:
    """Cycles beyond those of a token in the middle column, by column of the head."""

    entering: Ints
    """Of a step's first row: what EMBED and what RECEIVE take more, int64 (columns, 2)."""
    following: Ints
    """What the other columns wait longer for the next row's number, int64 (columns,)."""


def lookup_shifts(compiled: Compiled) -> LookupShifts:
    """Return the shifts of a compiled model, whose first instruction looks a row up."""
    table, site = compiled.program.instructions, compiled.sites[-1]
    hidden, angles, scaled, format = compiled.steps[0].arguments
    assert isinstance(hidden, Split)
    assert isinstance(angles, int)
    assert isinstance(format, Format)
    compared, at_west = embed.at_west(site, hidden, bool(scaled), format)
    wavelets = lane_wavelets(hidden, angles)
    sent = at_west + site.machine.dispatch_cycles
    lasting = lines.all_lasting(wavelets, site.machine.inject_cycles_per_wavelet)
    embedded = np.maximum(compared, (sent + lasting).max(axis=1))
    number = int(np.flatnonzero(table[:, Field.OP] == Op.RECEIVE)[0])
    arrived = sent + _travels(compiled, number) + lasting
    received = np.maximum(embedded, arrived.max(axis=1))
    taken = np.stack([embedded, received - embedded], axis=1)
    middle = site.columns // 2
    west = at_west.max(axis=1)
    return LookupShifts(taken - taken[middle], west - west[middle])


def _travels(compiled: Compiled, number: int) -> Ints:
    """Return the cycles from each lane's first wavelet until the first block takes it, (rows,).

    Of lane 0 those to the core of the north line that it reaches last.
    """
    machine = compiled.sites[0].machine
    hops, link, north = compiled.steps[number].arguments[2:5]
    farthest = np.array(hops, np.int64)
    if compiled.sites[0].columns > 1:
        farthest[0] = max(farthest[0], int(np.max(np.asarray(north))))
    travel = np.ceil(farthest * machine.hop_cycles).astype(np.int64)
    return np.asarray(travel + lines.travel(machine, 0) + int(str(link)))
