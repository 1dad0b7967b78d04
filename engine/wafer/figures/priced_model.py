"""A whole model on a machine, priced for any context; no weights are read."""

from dataclasses import dataclass

import numpy as np

from engine.model.graph import ModelGraph
from engine.wafer.place.placement import Placement
from engine.wafer.plan.placed import Placed
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.machine import MachineSpec

__all__ = ["PricedModel", "price"]


@dataclass(frozen=True, slots=True)
class PricedModel:
    """A model on a machine, ready to be asked for cycles."""

    placed: Placed
    head_cycles: int
    """Cycles of the instructions after the layers: last norm, vocabulary, choice of a token."""

    def position(self, context: int, rows: int = 1) -> int:
        """Return where ``rows`` tokens begin: at ``context``, or as late as there is room."""
        return min(context, self.placed.placement.context_length - rows)

    def step_cycles(self, context: int, rows: int = 1) -> int:
        """Return the cycles of a step of ``rows`` tokens after ``context`` rows of the cache."""
        return self.placed.timing.step_cycles(self.position(context, rows), rows)

    def cycles_by_operation(self, context: int) -> dict[str, int]:
        """Return the cycles of one token after ``context`` rows of the cache, by operation."""
        return self.placed.timing.cycles_by_operation(self.position(context))


def price(graph: ModelGraph, machine: MachineSpec, placement: Placement) -> PricedModel:
    """Compile and price a model where it lies.

    Raises:
        PlacementError: The graph has a node without a price.
    """
    placed = Placed(graph, machine, placement, by_core=False)
    table = placed.program.instructions
    after = (table[:, Field.LAYER] < 0) & ~np.isin(table[:, Field.OP], (Op.EMBED, Op.RECEIVE))
    return PricedModel(placed, int(table[after, Field.CYCLES].sum()))
