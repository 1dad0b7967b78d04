"""State sums: how far the formulas and the simulation differ in every core's states.

Keeps each step's differences and sums them up at the end; the bounds stand here.
"""

import numpy as np
from numpy.typing import NDArray

from engine.wafer.check.check_report import StateError
from engine.wafer.program.program import Program
from engine.wafer.program.states import STATES, State

__all__ = ["STATE_CYCLES", "STATE_SHARE", "StateSums"]

STATE_SHARE, STATE_CYCLES = 0.06, 20
"""A state's count in a core may differ by this share, or this many cycles for each row of a step;
multiply–accumulate may not differ at all."""

Ints = NDArray[np.int64]


class StateSums:
    """Differences of the states of all placed cores, step by step.

    Args:
        program: Says which cores are placed.
        corner: Wafer coordinates of the simulated rectangle's first core.
        columns: Columns of that rectangle.
    """

    def __init__(self, program: Program, corner: tuple[int, int], columns: int) -> None:
        grids = [
            np.meshgrid(
                np.arange(region.y, region.y + region.height),
                np.arange(region.x, region.x + region.width),
                indexing="ij",
            )
            for region in program.regions
        ]
        self._rows = np.concatenate([rows.ravel() for rows, _ in grids])
        self._columns = np.concatenate([place.ravel() for _, place in grids])
        self._cores = (self._rows - corner[1]) * columns + self._columns - corner[0]
        self._apart: list[NDArray[np.int64]] = []
        self._beyond: list[NDArray[np.bool_]] = []

    def add(self, analytic: tuple[Ints, ...], busy: Ints, cycles: int, rows: int) -> None:
        """Add a step: states by region as `Timing.expand` gives them, and the simulated ones."""
        expected = np.concatenate([region.reshape(-1, len(STATES)) for region in analytic])
        found = np.empty_like(expected)
        found[:, : State.IDLE] = busy[self._cores]
        found[:, State.IDLE] = cycles - found[:, : State.IDLE].sum(axis=1)
        apart = np.abs(expected - found)
        allowed = np.maximum(STATE_SHARE * found, STATE_CYCLES * rows)
        allowed[:, State.MAC] = 0
        self._apart.append(apart)
        self._beyond.append(apart > allowed)

    def errors(self) -> dict[str, StateError]:
        """Return every state's error."""
        if not self._apart:
            return {}
        apart, beyond = np.stack(self._apart), np.stack(self._beyond)
        errors = {}
        for index, name in enumerate(STATES):
            worst = int(apart[:, :, index].max(axis=0).argmax())
            errors[name] = StateError(
                largest=int(apart[:, :, index].max()),
                core=(int(self._columns[worst]), int(self._rows[worst])),
                mean=float(apart[:, :, index].mean()),
                beyond=int(np.count_nonzero(beyond[:, :, index])),
                compared=beyond.shape[0] * beyond.shape[1],
            )
        return errors
