"""Follows the noted wavelets: where each went, and which moves are the same wavelet's.

A queue is first in, first out, so the k-th wavelet that left it is the k-th that came: moves alone
name every wavelet from where it is first seen on.  Copies of a multicast keep their name.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.wafer.fabric.network import PORT_NAMES, PORTS, Routes
from engine.wafer.fabric.record import MoveField

__all__ = ["Hops", "hops_of"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Hops:
    """n moves of a step."""

    channel: Ints
    """The queue each left, (n,)."""
    departing: list[str]
    """The five slots E, N, W, S, R of each, a space where it did not go."""
    links: tuple[Ints, Ints]
    """(move, link) of every link that was crossed, the ramp included."""
    wavelet: Ints
    """Number of the wavelet, from 0, (n,)."""
    first: NDArray[np.bool_]
    """Whether the wavelet is seen first here, (n,)."""


def hops_of(moves: NDArray[np.int32], routes: Routes) -> Hops:
    """Follow the moves of a step, which began with empty queues.

    Args:
        moves: Rows of `MoveField`, in the order of cycles.
        routes: The tables of the simulation.
    """
    way = moves[:, MoveField.WAY].astype(np.int64)
    channel = routes.way_channel[way].astype(np.int64)
    count = routes.target_count[way].astype(np.int64)
    source = np.repeat(np.arange(way.size), count)
    inside = np.arange(source.size) - np.repeat(np.cumsum(count) - count, count)
    target = routes.target_first[way][source] + inside
    parent = _parents(channel, source, routes.target_channel[target].astype(np.int64))
    first = parent < 0
    return Hops(
        channel=channel,
        departing=_departing(way, routes),
        links=(source, routes.target_link[target].astype(np.int64)),
        wavelet=(np.cumsum(first) - 1)[_roots(parent)],
        first=first,
    )


def _departing(way: Ints, routes: Routes) -> list[str]:
    """Return the slots by move; few ways occur."""
    known, which = np.unique(way, return_inverse=True)
    slots = []
    for one in known:
        first = routes.target_first[one]
        ports = routes.target_link[first : first + routes.target_count[one]] % PORTS
        slots.append("".join(PORT_NAMES[p] if p in ports else " " for p in range(PORTS)))
    return [slots[index] for index in which.tolist()]


def _parents(channel: Ints, source: Ints, target: Ints) -> Ints:
    """Return the move that brought each move's wavelet, −1 where none was noted."""
    arrivals = source[np.argsort(target, kind="stable")]
    brought = np.bincount(target, minlength=int(channel.max(initial=0)) + 1)
    begin = np.cumsum(brought) - brought
    order = np.argsort(channel, kind="stable")
    left = np.bincount(channel)
    rank = np.empty_like(channel)
    rank[order] = np.arange(channel.size) - np.repeat(np.cumsum(left) - left, left)
    known = rank < brought[channel]
    parent = np.full(channel.size, -1, np.int64)
    parent[known] = arrivals[begin[channel[known]] + rank[known]]
    return parent


def _roots(parent: Ints) -> Ints:
    """Return each move's earliest ancestor."""
    root = np.where(parent < 0, np.arange(parent.size), parent)
    while True:
        further = root[root]
        if np.array_equal(further, root):
            return root
        root = further
