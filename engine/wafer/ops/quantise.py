"""Quantising activations: the largest magnitude of each group of 32, a scale, rounded quotients."""

import numpy as np

from engine.wafer import collectives
from engine.wafer.cost import Cost, vector
from engine.wafer.geometry import Split
from engine.wafer.ops.base import DIVIDE_OPERATIONS, Site, home

__all__ = ["cost", "wavelets"]

_INT8_PER_WAVELET = 4


def cost(site: Site, lies: Split, axis: int) -> Cost:
    """Return the cost of quantising a vector on the line where it lies.

    Where a group spans s cores, its magnitudes meet in a chain and the scale comes back.

    Cost:
        vector(k) + [reduce(s, 1) + multicast(s, 1)] + 2·divide per group + (3 + 2)·vector(k)
    """
    machine = site.machine
    ledger = site.ledger()
    cells = home(axis)
    count = site.across(axis, np.asarray(lies.elements, np.int64))
    groups = site.across(axis, np.asarray(lies.groups, np.int64))
    elements, overhead = vector(machine, count)
    ledger.work(cells, vector=elements, pipe=np.where(count > 0, overhead, 0))
    if lies.span > 1:
        line = site.line(axis, cells=cells, length=lies.span, repeat=lies.parts)
        collectives.reduce(ledger, machine, line, lies.span, 1)
        ledger.work(cells, vector=groups * 2 * machine.divide_cycles)
        collectives.multicast(ledger, machine, line, 1)
    else:
        ledger.work(cells, vector=groups * 2 * machine.divide_cycles)
    elements, overhead = vector(machine, count, operations=DIVIDE_OPERATIONS + 2)
    ledger.work(cells, vector=elements, pipe=np.where(count > 0, overhead, 0))
    return ledger.close()


def wavelets(lies: Split) -> int:
    """Return the wavelets of the fullest core's quantised slice: four int8 each, and the scales."""
    return -(-lies.most_elements // _INT8_PER_WAVELET) + max(1, max(lies.groups))
