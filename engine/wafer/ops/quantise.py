"""Quantising activations: the largest magnitude of each group of 32, a scale, rounded quotients.

Micro-steps, all on the line where the vector lies: COMPUTE magnitudes → [where a group spans s
cores: REDUCE (maximum) 1 wavelet to the group's first core] → COMPUTE (cores that own groups) the
scales → [multicast 1 wavelet over the group's cores] → COMPUTE rounded quotients.
"""

import numpy as np
from numpy.typing import NDArray

from engine.wafer.cost.ledger import Cost, MicroSteps, vector
from engine.wafer.ops.site import DIVIDE_OPERATIONS, Site, home
from engine.wafer.program.geometry import Split

__all__ = ["cost", "steps", "wavelets", "wavelets_by_core"]

_INT8_PER_WAVELET = 4


def steps(micro: MicroSteps, site: Site, lies: Split, axis: int) -> None:
    """Tell the micro-steps of quantising a vector on the line where it lies.

    Cost:
        vector(k) + [reduce(s, 1) + multicast(s, 1)] + 2·divide per group + (3 + 2)·vector(k)
    """
    machine = site.machine
    cells = home(axis)
    count = site.across(axis, np.asarray(lies.elements, np.int64))
    groups = site.across(axis, np.asarray(lies.groups, np.int64))
    line = site.line(axis, cells=cells, length=lies.span, repeat=lies.parts)
    elements, overhead = vector(machine, count)
    micro.work(cells, vector=elements, pipe=np.where(count > 0, overhead, 0))
    if lies.span > 1:
        micro.reduce(line, lies.span, 1)
    micro.work(cells, vector=groups * 2 * machine.divide_cycles)
    if lies.span > 1:
        micro.multicast(line, 1)
    elements, overhead = vector(machine, count, operations=DIVIDE_OPERATIONS + 2)
    micro.work(cells, vector=elements, pipe=np.where(count > 0, overhead, 0))


def cost(site: Site, lies: Split, axis: int) -> Cost:
    """Return the cost of `steps` alone."""
    return site.price(steps, lies, axis)


def wavelets(lies: Split) -> int:
    """Return the wavelets of the fullest core's quantised slice: four int8 each, and the scales."""
    return -(-lies.most_elements // _INT8_PER_WAVELET) + max(1, max(lies.groups))


def wavelets_by_core(lies: Split) -> NDArray[np.int64]:
    """Return the wavelets each core of the line sends: one length, none from empty cores."""
    return np.where(np.asarray(lies.elements) > 0, wavelets(lies), 0)
