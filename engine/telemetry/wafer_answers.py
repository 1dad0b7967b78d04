"""Answers to questions about single cores and cells, as messages.

Made only when somebody asks; a question about a large model takes a few seconds at first.
"""

from threading import Lock
from typing import TypeVar

import msgspec
import numpy as np
from msgspec.structs import replace

from engine.errors import EngineError
from engine.protocol.cores import ColorAtCore, CoreMoment, TileOfCore
from engine.protocol.messages import CoreAsked, CoreTold, Still, StillAsked
from engine.telemetry.snapshot import Snapshot, cell_grid
from engine.wafer.anatomy.anatomy import STILLS, Anatomy, CoreAnatomy
from engine.wafer.anatomy.row_program import CoreStep
from engine.wafer.plan.placed import Placed, open_placed
from engine.wafer.program import machine as machines
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.states import STATES
from engine.wafer.timing.blocks import CellGrid
from engine.wafer.timing.counts import Counts
from engine.wafer.timing.row_clock import ends_of_row

__all__ = ["WaferAnswers"]

_MARKED = "marked"
_T = TypeVar("_T")


class WaferAnswers:
    """What a placed model's cores hold, pass on and run, and the same on other machines.

    Any thread may ask.
    """

    def __init__(self, placed: Placed) -> None:
        self._placed = placed
        self._own = Anatomy(placed)
        self._others: dict[str, Anatomy] = {}
        self._lock = Lock()

    def still(self, asked: StillAsked, now: Snapshot, marked: Counts | None) -> Still:
        """Return a number for every cell of a map.

        Args:
            asked: Which.
            now: Says at which position.
            marked: What was run in the interval that was kept; None: none was.

        Raises:
            EngineError: There are no such cells, numbers or machine, or the model does not fit it.
        """
        grid = cell_grid(asked.cores)
        if grid is None or asked.what not in (*STILLS, _MARKED):
            raise EngineError(f"{asked.what!r} of these cells: there is nothing like that to tell")
        position = min(now.position, now.context_length - 1)
        if asked.what != _MARKED:
            anatomy = self._on(asked.machine)
            values = anatomy.still(asked.what, grid, position)
        elif marked is None:
            values = np.zeros(0, np.int64)
        else:
            values = self._placed.view(grid).activity(marked).cells
        return Still(
            asked.request_id, asked.what, asked.cores, asked.machine, position,
            values.astype("<i8").tobytes(), asked.session,
        )  # fmt: skip

    def core(self, asked: CoreAsked, now: Snapshot, last: Counts | None) -> CoreTold:
        """Return all that is known of one core.

        Args:
            asked: Which.
            now: What was run so far.
            last: What was run in the last interval with cycles.

        Raises:
            EngineError: It is not on the wafer.
        """
        machine = self._placed.machine
        if not (0 <= asked.x < machine.columns and 0 <= asked.y < machine.rows):
            raise EngineError(
                f"core {asked.x}, {asked.y}: {machine.name} has columns 0 to "
                f"{machine.columns - 1} and rows 0 to {machine.rows - 1}"
            )
        found = self._own.core(asked.x, asked.y)
        if found is None:
            return self._between_regions(asked)
        told = _told(asked, found, self._states(asked, last), self._states(asked, now.counts))
        return told if asked.position is None else replace(told, clock=self._clock(asked.position))

    def _clock(self, position: int) -> tuple[tuple[int, int], ...]:
        """Return `CoreTold.clock`: where attentions begin and end, and the end of the token."""
        timing = self._placed.timing
        position = min(max(0, position), self._placed.placement.context_length - 1)
        there, plain = ends_of_row(timing, position), np.cumsum(timing.latency_by_instruction)
        attends = np.flatnonzero(timing.program.instructions[:, Field.OP] == Op.ATTENTION)
        picked = np.unique([*(attends - 1), *attends, plain.size - 1])
        return ((0, 0), *zip(there[picked].tolist(), plain[picked].tolist(), strict=True))

    def _between_regions(self, asked: CoreAsked) -> CoreTold:
        passing = tuple(_struct(each, ColorAtCore) for each in self._own.passing(asked.x, asked.y))
        none = [0] * len(STATES)
        return CoreTold(
            asked.request_id, asked.x, asked.y, "", 0, 0, {}, (), passing, (), 0, none, none,
            asked.session,
        )  # fmt: skip

    def _states(self, asked: CoreAsked, counts: Counts | None) -> list[int]:
        """Return the cycles by state of one core."""
        if counts is None:
            return [0] * len(STATES)
        view = self._placed.view(CellGrid(asked.x, asked.y, 1, 1, 1, 1))
        return [int(cycles) for cycles in view.activity(counts).cells[0]]

    def _on(self, machine: str) -> Anatomy:
        """Return the same model on a machine, placed as the planner chooses."""
        if machine in ("", self._placed.machine.name):
            return self._own
        with self._lock:
            if machine not in self._others:
                spec = machines.get(machine)
                formats = self._placed.placement.model.formats.by_tensor
                context = self._placed.placement.context_length
                placed = open_placed(self._placed.graph, spec, context, formats)
                self._others[machine] = Anatomy(placed)
            return self._others[machine]


def _told(
    asked: CoreAsked, core: CoreAnatomy, last_states: list[int], total_states: list[int]
) -> CoreTold:
    return CoreTold(
        request_id=asked.request_id,
        x=asked.x,
        y=asked.y,
        label=core.label,
        row=core.row,
        column=core.column,
        memory=core.memory,
        tiles=tuple(_struct(each, TileOfCore) for each in core.tiles),
        colors=tuple(_struct(each, ColorAtCore) for each in core.colors),
        steps=tuple(map(_moment, core.steps)),
        latency=core.latency,
        last_states=last_states,
        total_states=total_states,
        session=asked.session,
    )


def _struct(found: object, kind: type[_T]) -> _T:
    """Return what the wafer tells as the message of the same fields."""
    return msgspec.convert(found, kind, from_attributes=True)


def _moment(step: CoreStep) -> CoreMoment:
    return CoreMoment(
        step.instruction, step.operation, step.layer, step.kind, step.begin, step.end,
        step.mac, step.vector, step.comm, step.pipe,
        tuple(color.text() for color in step.takes), tuple(color.text() for color in step.gives),
    )  # fmt: skip
