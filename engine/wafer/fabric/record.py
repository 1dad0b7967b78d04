"""Recorder: moves, runs and waits of a simulation that is watched, noted in flat tables.

Off, the simulator looks at one number and nothing else.  On, it notes what happens at the watched
tiles in tables of a fixed capacity; what does not fit is counted all the same.  Nothing reads a
table back during the simulation, so being watched cannot change a cycle.  Compiled where it runs.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.wafer.jit.decorators import inlined

__all__ = [
    "MOVES", "ROOM", "RUNS", "WAITS", "WAVELET", "MoveField", "Recorder", "RunField", "WaitField",
    "note_move", "note_run", "note_wait",
]  # fmt: skip

MOVES, RUNS, WAITS = range(3)
"""Places in `Recorder.noted`."""

WAVELET, ROOM = 0, 1
"""Reasons to wait: a wavelet has not come; the queue that a core sends into has no room."""


class MoveField:
    """Columns of `Recorder.moves`: a wavelet leaves a queue of a router."""

    CYCLE = 0
    LANDED = 1
    """Cycle in which it had come to the router."""
    WAY = 2
    """A way of `Routes`: where it came from and where it went."""
    VALUE = 3
    CONTROL = 4
    """See `state.CONTROL_BITS`."""
    COUNT = 5


class RunField:
    """Columns of `Recorder.runs`: a core ran a micro-instruction."""

    CORE = 0
    AT = 1
    """Its place in the program of all cores."""
    ROW = 2
    BEGUN = 3
    """Cycle of its fetch."""
    STARTED = 4
    """First cycle after its setup."""
    ENDED = 5
    """One past the last."""
    MAC = 6
    """Cycles of a COMPUTE by state; the rest of it is overhead."""
    VECTOR = 7
    COUNT = 8


class WaitField:
    """Columns of `Recorder.waits`: a core could not go on."""

    CORE = 0
    AT = 1
    FOR = 2
    """`WAVELET` or `ROOM`."""
    FROM = 3
    UNTIL = 4
    FRESH = 5
    """1: in the first instruction of a row's program, which counts as idle."""
    COUNT = 6


class Recorder(NamedTuple):
    """Tables that a simulation fills.  C cores."""

    on: int
    """1: something is watched."""
    watched: NDArray[np.uint8]
    """1 for each tile to note, (C,)."""
    moves: NDArray[np.int32]
    """(capacity, MoveField.COUNT), in the order of cycles."""
    runs: NDArray[np.int32]
    waits: NDArray[np.int32]
    noted: NDArray[np.int64]
    """Number of events of each kind, those beyond the capacity included; (3,)."""

    @classmethod
    def off(cls) -> "Recorder":
        """Return one that watches nothing."""
        return cls.of(np.zeros(1, np.uint8), (0, 0, 0))

    @classmethod
    def of(cls, watched: NDArray[np.uint8], capacity: tuple[int, int, int]) -> "Recorder":
        """Return empty tables.

        Args:
            watched: 1 for each tile to note, (C,).
            capacity: Most moves, runs and waits to keep.
        """
        moves, runs, waits = capacity
        return cls(
            on=int(watched.any()),
            watched=watched,
            moves=np.empty((moves, MoveField.COUNT), np.int32),
            runs=np.empty((runs, RunField.COUNT), np.int32),
            waits=np.empty((waits, WaitField.COUNT), np.int32),
            noted=np.zeros(3, np.int64),
        )


_MOVES, _RUNS, _WAITS = MOVES, RUNS, WAITS


@inlined
def note_move(recorder, router, cycle, landed, way, value, control):
    """Note that a wavelet leaves a queue of a watched router."""
    if recorder.watched[router] == 0:
        return
    at = recorder.noted[_MOVES]
    recorder.noted[_MOVES] = at + 1
    if at >= recorder.moves.shape[0]:
        return
    row = recorder.moves[at]
    row[0], row[1], row[2], row[3], row[4] = cycle, landed, way, value, control


@inlined
def note_run(recorder, core, at, row, begun, started, ended, mac, vector):
    """Note a micro-instruction that a watched core ran."""
    if recorder.watched[core] == 0:
        return
    place = recorder.noted[_RUNS]
    recorder.noted[_RUNS] = place + 1
    if place >= recorder.runs.shape[0]:
        return
    note = recorder.runs[place]
    note[0], note[1], note[2], note[3] = core, at, row, begun
    note[4], note[5], note[6], note[7] = started, ended, mac, vector


@inlined
def note_wait(recorder, core, at, reason, since, until, fresh):
    """Note that a watched core could not go on."""
    if recorder.watched[core] == 0:
        return
    place = recorder.noted[_WAITS]
    recorder.noted[_WAITS] = place + 1
    if place >= recorder.waits.shape[0]:
        return
    note = recorder.waits[place]
    note[0], note[1], note[2] = core, at, reason
    note[3], note[4], note[5] = since, until, fresh
