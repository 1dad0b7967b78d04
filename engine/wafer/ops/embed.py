"""Embedding: the head region looks up a token's row and sends it to the first layers.

The token's number enters at column 0 of every row, the angles of its position at row 0 only.  Each
row carries the number east, and every core compares it with its own slice of the vocabulary.  The
column that holds the token's row dequantises it and sends it to column 0; from there it goes back
along the lanes.

Micro-steps: multicast 1 wavelet along every row → COMPUTE (all) one comparison, in the owner's
column also dequantising → SEND (the owner's column) a slice, RECEIVE (column 0) the same; nothing
where column 0 is the owner → SEND (column 0) the slice, row 0 also the angles.
"""

import numpy as np
from numpy.typing import NDArray

from engine.model.tensors.q8 import INT8
from engine.model.tensors.tensor import Format
from engine.wafer.cost import lines
from engine.wafer.cost.ledger import Cost, Ledger, MicroSteps, vector
from engine.wafer.ops.matmul import unpack_cycles
from engine.wafer.ops.site import ALONG_COLUMNS, WEST, Site
from engine.wafer.ops.transfer import lane_wavelets
from engine.wafer.program.geometry import Split
from engine.wafer.program.machine import MachineSpec
from engine.wafer.program.states import BUSY_STATES, Busy

__all__ = ["at_west", "cost", "dequantising", "owner_share", "steps"]


def steps(
    micro: MicroSteps,
    site: Site,
    hidden: Split,
    angles: int,
    scaled: bool = False,
    format: Format = INT8,
) -> None:
    """Tell the micro-steps of a lookup.

    Args:
        micro: Receives the micro-steps.
        site: The head's region.
        hidden: How the row lies along the region's rows.
        angles: fp32 rotary values of the position.
        scaled: Whether the row is multiplied by a constant.
        format: Format of the embedding.

    Cost (for the middle column c = ⌊C / 2⌋ of C, k = K/P elements):
        multicast(c + 1, 1) + 1 + `dequantising` + [dispatch + travel(c) + ⌈(k − 1)·inject⌉ + 1]
        + send
    """
    micro.multicast(site.line(ALONG_COLUMNS), 1)
    k = np.asarray(hidden.elements, np.int64)
    cycles, pipe = dequantising(site.machine, hidden, scaled, format)
    micro.look_up(site.columns // 2, k[:, None], cycles, pipe)
    micro.send(WEST, lane_wavelets(hidden, angles)[:, None])


def dequantising(
    machine: MachineSpec, hidden: Split, scaled: bool = False, format: Format = INT8
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (cycles, overhead) of the owner's work beyond the comparison, by row, int64.

    Cost (k = K/P elements, [ ] with minima, b blocks, where weights are packed):
        (1 [+ 1] + scaled)·vector(k) + unpacking k weights + scale_operations·vector(b)
    """
    k = np.asarray(hidden.elements, np.int64)
    cycles, overhead = vector(machine, k, operations=1 + format.has_minima + scaled)
    unpacked, waits = unpack_cycles(machine, format, k)
    scales, setup = vector(machine, -(-k // format.block), operations=format.scale_operations)
    return cycles + unpacked + scales, np.where(k > 0, overhead + waits + setup, 0)


def at_west(
    site: Site, hidden: Split, scaled: bool = False, format: Format = INT8
) -> tuple[int, NDArray[np.int64]]:
    """Return when a row that was looked up lies on the west line, by the column that held it.

    Returns:
        (cycle in which the last core has compared, int64 (columns, rows)): from an aligned start,
        by column and row of cores.
    """
    machine = site.machine
    ledger = Ledger(machine, site.rows, site.columns, booked=False)
    ledger.multicast(site.line(ALONG_COLUMNS), 1)
    ledger.work((slice(None), slice(None)), vector=1)
    work, overhead = dequantising(machine, hidden, scaled, format)
    found = ledger.clock.T + work + overhead
    hops = np.array([lines.travel(machine, column) for column in range(site.columns)], np.int64)
    free, dispatch = ledger.clock[:, 0], machine.dispatch_cycles
    starts = np.maximum(free, found + hops[:, None]) + dispatch
    lasting = lines.all_lasting(
        np.asarray(hidden.elements, np.int64), machine.inject_cycles_per_wavelet
    )
    there = np.where(lasting > 0, starts + lasting, free)
    there[0] = found[0]
    return int(ledger.clock.max()), there


def owner_share(
    site: Site, hidden: Split, scaled: bool = False, format: Format = INT8
) -> NDArray[np.int64]:
    """Return the busy cycles that the lookup of one token adds, by the column that holds it.

    Returns:
        int64 (3, 4, H): added to an owner other than column 0; added to column 0 as the owner;
        and, in that case, taken from column 0 again because it receives nothing.
    """
    machine = site.machine
    k = np.asarray(hidden.elements, np.int64)
    share = np.zeros((3, BUSY_STATES, site.rows), np.int64)
    share[:2, Busy.VECTOR], share[:2, Busy.PIPE] = dequantising(machine, hidden, scaled, format)
    if site.columns > 1:
        dispatch = np.where(k > 0, machine.dispatch_cycles, 0)
        share[0, Busy.PIPE] += dispatch
        share[0, Busy.COMM] = lines.all_lasting(k, machine.inject_cycles_per_wavelet)
        share[2, Busy.PIPE] = -dispatch
        share[2, Busy.COMM] = -k
    return share


def cost(
    site: Site, hidden: Split, angles: int, scaled: bool = False, format: Format = INT8
) -> Cost:
    """Return the cost of `steps` alone."""
    return site.price(steps, hidden, angles, scaled, format)
