"""Wafer time of a compiled model: cycles of a step, states of every core, utilisation.

Expands counts of steps into what each core did; runs nothing and knows no text.  All cycles come
from the costs the compiler wrote, so the app, the command line and predictions agree.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.wafer.compiler import Compiled
from engine.wafer.cost import BUSY_STATES, STATES
from engine.wafer.isa import Field, Op
from engine.wafer.ops import embed
from engine.wafer.ops.base import Site
from engine.wafer.placement import Placement

__all__ = ["Activity", "Counts", "Timing"]


@dataclass(frozen=True, slots=True)
class Counts:
    """What was run, as few numbers: enough to expand into every core's states."""

    steps: int
    """Passes over the instruction table."""
    rows: int
    """Rows of all steps together."""
    fullest_kv_rows: int
    """Σ over rows of the KV rows in the fullest core."""
    kv_rows: NDArray[np.int64]
    """Σ over rows of the KV rows in a core, by core row; int64 (rows of the region,)."""
    lookups: NDArray[np.int64]
    """Embedding rows read, by column of the head's region; int64."""

    def plus(self, later: "Counts") -> "Counts":
        """Return both together."""
        return Counts(
            self.steps + later.steps,
            self.rows + later.rows,
            self.fullest_kv_rows + later.fullest_kv_rows,
            self.kv_rows + later.kv_rows,
            self.lookups + later.lookups,
        )

    def since(self, earlier: "Counts") -> "Counts":
        """Return what was run after ``earlier``."""
        return Counts(
            self.steps - earlier.steps,
            self.rows - earlier.rows,
            self.fullest_kv_rows - earlier.fullest_kv_rows,
            self.kv_rows - earlier.kv_rows,
            self.lookups - earlier.lookups,
        )


@dataclass(frozen=True, slots=True)
class Activity:
    """What every placed core did, in wafer cycles."""

    elapsed_cycles: int
    states: tuple[NDArray[np.int64], ...]
    """Per region int64 (H, W, 6), cycles by state; each core's sum to ``elapsed_cycles``."""
    cycles_by_operation: dict[str, int]
    """Sums to ``elapsed_cycles``."""


class Timing:
    """Prices steps of one compiled model."""

    def __init__(self, compiled: Compiled, placement: Placement) -> None:
        """Add up the costs by region and by operation, once."""
        self._program = compiled.program
        self._placement = placement
        table = compiled.program.instructions
        self._cycles = tuple(
            int(table[:, column].sum())
            for column in (Field.CYCLES, Field.CYCLES_ROW, Field.CYCLES_KV)
        )
        self._by_op = {
            op.name.lower(): tuple(
                int(table[table[:, Field.OP] == op, column].sum())
                for column in (Field.CYCLES, Field.CYCLES_ROW, Field.CYCLES_KV)
            )
            for op in Op
        }
        self._busy = [
            sum(
                (
                    cost.states
                    for cost, row in zip(compiled.costs, table, strict=True)
                    if row[Field.REGION] == index
                ),
                np.zeros((3, BUSY_STATES, region.height, region.width), np.int64),
            )
            for index, region in enumerate(compiled.program.regions)
        ]
        head = compiled.program.regions[-1]
        site = Site(compiled.program.machine, head.width, head.height)
        self._owner = embed.owner_share(site, placement.hidden, placement.model.attention.head_dim)
        self._products = sum(  # MACs of all weight products
            compiled.program.matrices[row[Field.WEIGHT]].inputs
            * compiled.program.matrices[row[Field.WEIGHT]].outputs
            for row in table
            if row[Field.OP] == Op.MATMUL
        )

    @property
    def core_rows(self) -> int:
        """Rows of a region: position j of the KV cache lies in core row j mod this."""
        return self._program.kv_order.parts

    def kv_rows(self, position: int, rows: int) -> tuple[int, NDArray[np.int64]]:
        """Return KV rows seen by ``rows`` query rows at ``position`` and after.

        Returns:
            (Σ of the fullest core's, Σ by core row): the query at t sees positions 0 … t.
        """
        last = np.arange(position, position + rows)
        core = np.arange(self.core_rows)
        seen = np.maximum(0, (last[:, None] - core[None, :]) // self.core_rows + 1)
        return int(seen[:, 0].sum()), seen.sum(axis=0)

    def step_cycles(self, position: int, rows: int = 1) -> int:
        """Return the cycles of one step of ``rows`` rows appended at ``position``."""
        fullest, _ = self.kv_rows(position, rows)
        first, row, kv = self._cycles
        return first + (rows - 1) * row + fullest * kv

    def cycles_by_operation(self, position: int, rows: int = 1) -> dict[str, int]:
        """Return the same, by operation."""
        fullest, _ = self.kv_rows(position, rows)
        return {
            name: first + (rows - 1) * row + fullest * kv
            for name, (first, row, kv) in self._by_op.items()
        }

    def mac_utilisation(self, position: int) -> float:
        """Return MACs ÷ (cores used × cycles × MAC rate) of one decode step at ``position``."""
        shape = self._program.attention
        seen = self._program.layers * (position + 1)
        macs = self._products + 2 * shape.heads * shape.head_dim * seen
        peak = self._program.cores_used * self._program.machine.mac_int8
        return float(macs / (peak * self.step_cycles(position)))

    def count(self, tokens: NDArray[np.int32], position: int) -> Counts:
        """Return the counts of one step."""
        fullest, by_row = self.kv_rows(position, tokens.size)
        edges = np.cumsum(self._placement.head_outputs)
        columns = np.searchsorted(edges, tokens, side="right")
        lookups = np.bincount(columns, minlength=edges.size).astype(np.int64)
        return Counts(1, tokens.size, fullest, by_row, lookups)

    def none(self) -> Counts:
        """Return counts of nothing."""
        zeros = np.zeros(self.core_rows, np.int64)
        return Counts(0, 0, 0, zeros, np.zeros(self._placement.shape.head_columns, np.int64))

    def expand(self, counts: Counts) -> Activity:
        """Return what every core did; idle is what is left of the elapsed cycles."""
        more = counts.rows - counts.steps

        def total(cycles: tuple[int, ...]) -> int:
            first, row, kv = cycles
            return counts.steps * first + more * row + counts.fullest_kv_rows * kv

        elapsed = total(self._cycles)
        states = []
        for index, (first, row, kv) in enumerate(self._busy):
            busy = counts.steps * first + more * row + counts.kv_rows[:, None] * kv
            if index == len(self._busy) - 1:
                busy = busy + self._owner[:, :, None] * counts.lookups
            full = np.empty((*busy.shape[1:], len(STATES)), np.int64)
            full[..., :BUSY_STATES] = np.moveaxis(busy, 0, -1)
            full[..., BUSY_STATES] = elapsed - busy.sum(axis=0)
            states.append(full)
        by_operation = {name: total(cycles) for name, cycles in self._by_op.items()}
        return Activity(elapsed, tuple(states), by_operation)
