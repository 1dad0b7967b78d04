"""Qwen3-1.7B in fp16 as it was served on a physical CS-3, through our planner's costs.

Places the model as it was measured (lab notes, unreviewed) and prices it on a machine; the graph
is passed in.  `engine.wafer.figures.calibration` holds the constants that follow.
"""

from dataclasses import replace

from engine.errors import PlacementError
from engine.model.graph import ModelGraph
from engine.model.tensors import FORMATS, uniform_formats
from engine.model.tensors.floats import FP16
from engine.wafer.figures.fits import ServedFigures
from engine.wafer.figures.priced_model import PricedModel, price
from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.placement import place
from engine.wafer.place.shape import Shape
from engine.wafer.program.machine import MachineSpec

__all__ = ["BLOCK", "DEEP_BLOCK", "DEEP_BLOCKS", "HEAD_COLUMNS", "LONGEST_CONTEXT", "ServedModel"]

BLOCK = (256, 256)
"""Columns and rows of a block of layers."""

HEAD_COLUMNS = 128
"""Columns of the head, as it was measured: 1,188 logits a core."""

DEEP_BLOCK, DEEP_BLOCKS, DEEP_CONTEXT = (64, 256), 28, 18_688
"""The other layout that was measured: a layer a block, and the longest sequence it held."""

LONGEST_CONTEXT = 32_512
"""The longest sequence for which its kernels could be linked in eight blocks."""


class ServedModel:
    """The served model in blocks of 256 × 256 cores; each price is found once.

    Args:
        graph: Qwen3-1.7B, for `LONGEST_CONTEXT` rows of the KV cache.
    """

    def __init__(self, graph: ModelGraph) -> None:
        self._graph = graph
        self.shape = model_shape(graph, uniform_formats(graph.weights, FP16), runs=False)
        """The sizes of its layers, in fp16."""
        self._known: dict[tuple[MachineSpec, int, int, str], PricedModel] = {}

    def priced(
        self,
        machine: MachineSpec,
        blocks: int = 8,
        context: int = LONGEST_CONTEXT,
        dtype: str = FP16.name,
    ) -> PricedModel:
        """Return the model in so many blocks, with room for ``context`` rows, all matrices alike.

        Raises:
            PlacementError: They do not fit.
        """
        key = machine, blocks, context, dtype
        if key not in self._known:
            shape = Shape(*BLOCK, HEAD_COLUMNS, blocks)
            self._known[key] = self._price(machine, shape, context, dtype)
        return self._known[key]

    def deep(self, machine: MachineSpec) -> PricedModel:
        """Return the model in `DEEP_BLOCKS` blocks, in one row where bands and turns do not fit.

        A lane between neighbours is as long in a row as in a band.
        """
        key = machine, DEEP_BLOCKS, DEEP_CONTEXT, FP16.name
        if key not in self._known:
            shape = Shape(*DEEP_BLOCK, HEAD_COLUMNS, DEEP_BLOCKS)
            try:
                priced = self._price(machine, shape, DEEP_CONTEXT, FP16.name)
            except PlacementError:
                columns = DEEP_BLOCKS * DEEP_BLOCK[0] + 2 * BLOCK[0]
                row = replace(machine, columns=columns, fabric_columns=columns)
                priced = self._price(row, shape, DEEP_CONTEXT, FP16.name)
            self._known[key] = priced
        return self._known[key]

    def _price(self, machine: MachineSpec, shape: Shape, context: int, dtype: str) -> PricedModel:
        graph = replace(self._graph, context_length=context)
        formats = uniform_formats(graph.weights, FORMATS[dtype])
        model = model_shape(graph, formats, runs=False)
        return price(graph, machine, place(model, machine, shape, context, runs=False))

    def measure(
        self,
        machine: MachineSpec,
        task_cycles: int,
        sample_cycles: float,
        contexts: tuple[int, ...],
    ) -> ServedFigures:
        """Return what a machine with these two constants would take in eight blocks."""
        spec = replace(machine, task_cycles=task_cycles, sample_cycles_per_logit=sample_cycles)
        model = self.priced(spec)
        cycles = tuple(model.step_cycles(context) for context in contexts)
        return ServedFigures(cycles, model.head_cycles / cycles[0])
