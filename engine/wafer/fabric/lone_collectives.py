"""Collectives for the cycle tier: routes and micro-instructions of one collective on a rectangle.

Every core holds a vector of B words; X is reduced first, along every row, then Y, along the
column that holds the rows' sums.  `lower` sets routes and programs, `run` simulates them;
`line_schedules` has the schedule of each algorithm.  Whole models are lowered elsewhere.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import PlacementError
from engine.wafer.cost.collectives import Collective
from engine.wafer.fabric import simulator
from engine.wafer.fabric.diagnosis import diagnose
from engine.wafer.fabric.line_schedules import (
    REDUCTIONS,
    LineAxis,
    LineSchedule,
    LineStep,
    sum_kind,
)
from engine.wafer.fabric.micro import Micro, Programs, rate
from engine.wafer.fabric.network import EAST, NORTH, RAMP, SOUTH, WEST, Network, bit
from engine.wafer.fabric.simulator import BLOCKED, DONE, Fabric

__all__ = ["Collective", "Result", "lower", "run"]

Words = NDArray[np.int32]

_CYCLE_LIMIT = 10**8
"""More cycles than any collective that is let in can take."""


def _multicast(schedule: LineSchedule) -> None:
    """Multicast from the root along its row both ways, and from there along every column."""
    asked, (cx, cy) = schedule.asked, schedule.asked.root
    columns, rows = asked.columns, asked.rows
    (color,) = schedule.colors(1)
    xs, ys = np.arange(columns), np.arange(rows)
    for x in range(columns):
        aside = (bit(NORTH) if cy > 0 else 0) | (bit(SOUTH) if cy < rows - 1 else 0)
        onward = (bit(EAST) if cx <= x < columns - 1 else 0) | (bit(WEST) if 0 < x <= cx else 0)
        taken = bit(RAMP) if x == cx else bit(WEST) if x > cx else bit(EAST)
        kept = 0 if x == cx else bit(RAMP)
        if aside | onward | kept:
            schedule.network.route(color, x, cy, taken, aside | onward | kept)
    for y in range(rows):
        if y != cy:
            taken, ahead = (NORTH, SOUTH) if y > cy else (SOUTH, NORTH)
            edge = y in (0, rows - 1)
            left = bit(RAMP) if edge else bit(RAMP, ahead)
            schedule.network.route(color, xs, np.full(columns, y), bit(taken), left)
    cores = ys[:, None] * columns + xs[None, :]
    others = cores != cy * columns + cx
    everyone = LineAxis(cores[others][None, :], *_places(others), WEST)
    root = LineAxis(np.array([[cy * columns + cx]]), np.array([[cx]]), np.array([[cy]]), WEST)
    schedule.step(root, 0, Micro.SEND, out=color)
    schedule.step(everyone, 0, Micro.RECEIVE, into=color)


def _places(where: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    y, x = np.nonzero(where)
    return x[None, :], y[None, :]


def _axes(asked: Collective) -> tuple[LineAxis, LineAxis]:
    """Return the lines along X, which are all rows, and along Y, the column of their sums."""
    x, y = np.arange(asked.columns), np.arange(asked.rows)
    column = asked.root[0]
    across, down = np.meshgrid(x, y, indexing="ij")  # (P, R): position along X, line
    along_x = LineAxis(down * asked.columns + across, across, down, WEST)
    place = np.full((asked.rows, 1), column)
    if asked.algorithm == "ring":  # every column goes round
        return along_x, LineAxis((down * asked.columns + across).T, across.T, down.T, NORTH)
    along_y = LineAxis(y[:, None] * asked.columns + place, place, y[:, None], NORTH)
    return along_x, along_y


def lower(asked: Collective, vectors: Words) -> Fabric:
    """Return a fabric at rest with the routes, the programs and every core's vector.

    Args:
        asked: The collective.
        vectors: int32 (rows, columns, B): the words of every core.

    Raises:
        PlacementError: The machine has too few colors for it.
    """
    schedule = LineSchedule(asked, Network(asked.machine, asked.columns, asked.rows))
    if asked.op != "broadcast":
        for axis, groups in zip(_axes(asked), asked.groups, strict=True):
            if axis.length > 1:
                REDUCTIONS[asked.algorithm](schedule, axis, groups)
    if asked.op != "reduce" and asked.algorithm != "ring" and asked.columns * asked.rows > 1:
        _multicast(schedule)
    routes = schedule.network.build()
    programs = Programs(asked.columns * asked.rows)
    for step in schedule.steps:
        _emit(programs, schedule, step)
    program, first = programs.tables()
    return simulator.new_fabric(routes, program, first, vectors.reshape(-1).copy())


def _emit(programs: Programs, schedule: LineSchedule, step: LineStep) -> None:
    asked, network = schedule.asked, schedule.network
    machine = asked.machine
    cores = step.axis.cores[step.position]
    x, y = step.axis.x[step.position], step.axis.y[step.position]
    inject, add = machine.inject_cycles_per_wavelet, asked.add_cycles
    pace = {
        Micro.SEND: inject,
        Micro.RECEIVE: 1.0,
        Micro.REDUCE: add,
        Micro.REDUCE_SEND: max(inject, add),
        Micro.EXCHANGE: max(inject, add),
    }[step.op]
    channels: dict[str, Any] = {}
    if step.into is not None:
        channels["into"] = network.outlet(step.into)[y, x]
    if step.out is not None:
        channels["out"] = network.inlet(step.out)[y, x]
    programs.add(
        cores,
        step.op,
        kind=sum_kind(asked) if step.kind is None else step.kind,
        flags=step.flags,
        setup=machine.dispatch_cycles,
        address=cores * asked.wavelets + step.offset,
        address_2=cores * asked.wavelets + step.offset_2,
        count=asked.wavelets if step.count is None else step.count,
        rate=rate(pace),
        **channels,
    )


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of a simulated collective."""

    cycles: int
    """From the first injection's dispatch to the last result in memory."""
    vectors: Words
    """int32 (rows, columns, B): the words of every core afterwards."""
    fabric: Fabric


def run(asked: Collective, vectors: Words | None = None, *, reverse: bool = False) -> Result:
    """Simulate a collective.

    Args:
        asked: The collective.
        vectors: int32 (rows, columns, B): the words of every core; None means zeros.
        reverse: Visit cores and channels in the opposite order; nothing may change.

    Raises:
        PlacementError: The machine has too few colors for it, or it cannot finish.
    """
    shape = (asked.rows, asked.columns, asked.wavelets)
    fabric = lower(asked, np.zeros(shape, np.int32) if vectors is None else vectors)
    how, cycles = simulator.simulate(fabric, 0, 1, _CYCLE_LIMIT, reverse)
    if how != DONE:
        what = "is blocked" if how == BLOCKED else "does not end"
        raise PlacementError(
            f"{asked.op} by {asked.algorithm} {what} in cycle {cycles}: {diagnose(fabric).text()}"
        )
    return Result(int(cycles), fabric.words.reshape(shape), fabric)
