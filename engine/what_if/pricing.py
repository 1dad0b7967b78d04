"""Prices a suggestion's steps on changed wafers, as sessions opened so would count them.

The planner places the model for each value, and the same formulas give the cycles.  No weights are
read, and nothing runs.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from engine.errors import EngineError
from engine.model.families import read_graph
from engine.model.graph import ModelGraph
from engine.model.load import Formats, read_formats
from engine.model_store.lookup import find_model
from engine.protocol.what_if import (
    WhatIfCurve,
    WhatIfPoint,
    WhatIfQuestion,
    WhatIfSetup,
    WhatIfStep,
)
from engine.wafer.plan.placed import Placed, open_placed
from engine.wafer.plan.planner import plan_shape
from engine.wafer.plan.shape_search import PlanOptions
from engine.wafer.program import machine as machines
from engine.wafer.program.machine import MachineSpec
from engine.what_if.parameters import Sizes, Value, parameter, values_of

__all__ = ["price_what_if"]


def price_what_if(question: WhatIfQuestion) -> Iterator[WhatIfCurve]:
    """Yield the curve after each value that is priced: the setup's own first, then its neighbours.

    Exactness:
        The cycles of ``question.setup`` are those of a session that is opened so.

    Raises:
        EngineError: There is no such model, machine or parameter.  A value that the model does not
            fit is a point with its refusal.
    """
    pricing = _Pricing(question)
    values, chosen = pricing.values()
    points: dict[int, WhatIfPoint] = {}
    for number in sorted(range(len(values)), key=lambda each: abs(each - chosen)):
        points[number] = pricing.point(values[number])
        yield WhatIfCurve(
            over=question.over,
            unit=parameter(question.over).unit,
            tokens=sum(step.used for step in question.steps if step.decode),
            prompt_rows=sum(step.rows for step in question.steps if not step.decode),
            chosen=sorted(points).index(chosen),
            points=[points[each] for each in sorted(points)],
            total=len(values),
        )


class _Pricing:
    """One suggestion, and the model on the machines so far.

    Args:
        question: What is asked.

    Raises:
        EngineError: There is no such model, or it cannot be read.
    """

    def __init__(self, question: WhatIfQuestion) -> None:
        self._question = question
        self._graph, self._formats = _model(question.model)
        self._placed: dict[object, Placed] = {}

    def values(self) -> tuple[list[Value], int]:
        """Return the values of the parameter, and which of them the setup has."""
        setup, over = self._question.setup, self._question.over
        sizes = self._sizes() if over == "rectangle" else ()
        return values_of(over, setup, self._graph.layers, sizes)

    def _sizes(self) -> Sizes:
        """Return the blocks that fit, by their cores; of equals the fastest."""
        setup = self._question.setup
        changes = replace(setup.changes, columns=0, rows=0)
        changes.check()
        options = PlanOptions(
            blocks=changes.blocks or None,
            formats=self._formats,
            runs=changes.wafers == 1,
            wafers=changes.wafers,
            group=changes.group,
        )
        found = plan_shape(self._graph, _spec(setup), None, options).candidates
        fits = sorted((c for c in found if c.shape), key=lambda c: -c.cycles_per_token)
        by_cores = {c.columns * c.rows: (c.columns, c.rows) for c in fits}
        return [by_cores[cores] for cores in sorted(by_cores)]

    def point(self, value: Value) -> WhatIfPoint:
        """Return the suggestion at a value."""
        found = WhatIfPoint(value.label, value.at, value.setup)
        try:
            placed = self._on(value.setup)
        except EngineError as error:
            return replace(found, refusal=str(error))
        return _priced(found, placed, self._question.steps)

    def _on(self, setup: WhatIfSetup) -> Placed:
        """Return the model on a machine.

        Raises:
            EngineError: There is no such machine, or the model does not fit it.
        """
        spec = _spec(setup)
        key = spec, setup.changes
        if key not in self._placed:
            self._placed[key] = open_placed(
                self._graph, spec, None, self._formats, setup.changes, by_core=False
            )
        return self._placed[key]


def _spec(setup: WhatIfSetup) -> MachineSpec:
    """Return the machine of a setup; its clock only where cycles depend on it: between wafers."""
    clock = setup.clock_ghz if setup.changes.wafers > 1 else None
    return machines.get(setup.machine, clock, setup.changes)


def _model(name: str | None) -> tuple[ModelGraph, Formats | None]:
    is_config = name is not None and name.endswith(".json")
    path = Path(str(name)) if is_config else find_model(name)
    if path.is_file() and not is_config:
        return read_formats(path)
    return read_graph(path), None


def _priced(point: WhatIfPoint, placed: Placed, steps: Sequence[WhatIfStep]) -> WhatIfPoint:
    """Return a point with all that the formulas know of it."""
    timing, placement = placed.timing, placed.placement
    cycles = {True: 0, False: 0}
    by_operation: Counter[str] = Counter()
    for step in steps:
        shape = step.position, step.rows, step.logits
        cycles[step.decode] += timing.step_cycles(*shape)
        by_operation.update(timing.cycles_by_operation(*shape))
    *blocks, head = placement.regions
    return replace(
        point,
        prompt_cycles=cycles[False],
        decode_cycles=cycles[True],
        cycles_by_operation={name: count for name, count in by_operation.items() if count},
        cores_used=placed.program.cores_used,
        block=(placement.shape.columns, placement.shape.rows),
        blocks=len(blocks),
        head_columns=head.width,
        sram_bytes=max(region.sram_bytes["max_total"] for region in placement.regions),
        runs=placement.runs,
    )
