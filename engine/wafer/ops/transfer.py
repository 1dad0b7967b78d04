"""Moves the residual stream from one region's west line to the next one's, lane by lane.

Lane 0 also carries the rotary angles of the row's position, behind slice 0, and leaves a copy of
all its wavelets at every core of the receiving north line.

Micro-steps: SEND (west line) a slice, row 0 also the angles; RECEIVE (west line) the same, and the
rest of the north line what lane 0 carries.
"""

import numpy as np
from numpy.typing import NDArray

from engine.wafer.cost.ledger import Cost, MicroSteps, longer
from engine.wafer.ops.site import NORTH_BUT_CORNER, WEST, Site
from engine.wafer.program.geometry import Split

__all__ = ["lane_wavelets", "receive_cost", "receive_steps", "send_cost", "send_steps"]


def lane_wavelets(hidden: Split, angles: int) -> NDArray[np.int64]:
    """Return the wavelets of each lane: its slice, on lane 0 also ``angles`` fp32 values."""
    wavelets = np.array(hidden.elements, np.int64)
    wavelets[0] += angles
    return wavelets


def send_steps(micro: MicroSteps, site: Site, hidden: Split, angles: int) -> None:
    """Tell the micro-steps of sending, on the region the vector leaves.

    Args:
        micro: Receives the micro-steps.
        site: That region.
        hidden: How the vector lies along its rows.
        angles: fp32 rotary values that go along row 0.

    Cost:
        dispatch + ⌈(B − 1)·inject⌉ + 1 for the B wavelets of a row
    """
    micro.send(WEST, lane_wavelets(hidden, angles)[:, None])


def send_cost(site: Site, hidden: Split, angles: int) -> Cost:
    """Return the cost of `send_steps` alone."""
    return site.price(send_steps, hidden, angles)


def receive_steps(
    micro: MicroSteps,
    site: Site,
    hidden: Split,
    angles: int,
    hops: NDArray[np.int64],
    link_cycles: int = 0,
    north: NDArray[np.int64] | None = None,
) -> None:
    """Tell the micro-steps of arriving ``hops`` (by row) further on.

    Args:
        micro: Receives the micro-steps.
        site: The region the vector arrives in.
        hidden: How it lies along its rows.
        angles: fp32 rotary values that come along row 0.
        hops: Hops of each lane.
        link_cycles: Cycles that a link between wafers adds.
        north: Hops of lane 0 to each core of the north line; None: it goes on east.

    Cost:
        2·T_R + 1 + hop·hops [+ link] after the first wavelet left, then the stream as it was sent
    """
    wavelets = lane_wavelets(hidden, angles)
    micro.receive(WEST, hops[:, None], wavelets[:, None], link_cycles)
    if angles and site.columns > 1:
        if north is None:
            north = hops[0] + np.arange(site.columns)
        micro.receive(NORTH_BUT_CORNER, north[None, 1:], int(wavelets[0]), link_cycles)


def receive_cost(
    site: Site,
    hidden: Split,
    angles: int,
    hops: NDArray[np.int64],
    link_cycles: int = 0,
    north: NDArray[np.int64] | None = None,
) -> Cost:
    """Return the cost of arriving beyond the time of sending, from lanes that start together."""
    whole = site.price(receive_steps, hidden, angles, hops, link_cycles, north)
    if not site.by_core:  # a tally adds the travel only
        return whole
    return longer(whole, -send_cost(site, hidden, angles).cycles[0])
