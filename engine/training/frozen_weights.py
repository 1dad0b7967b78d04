"""FrozenWeights: a model's tensors as float32 for a walk that moves none of them.

What fits a given room is decoded once and kept; the rest is decoded each time that it is used, so
that a model can be walked whose float32 weights the memory would not hold.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from engine.model.graph import ModelGraph
from engine.model.tensors.tensor import Tensor
from engine.training.pullback import FloatArray

__all__ = ["FrozenWeights", "frozen_bytes"]

_FLOAT_BYTES = 4


def frozen_bytes(graph: ModelGraph) -> int:
    """Return the bytes of all weights in float32."""
    return _FLOAT_BYTES * graph.parameters


class FrozenWeights(Mapping[str, FloatArray]):
    """The tensors of a graph by name.

    Args:
        graph: The model.
        tensors: By name, of any format; may be called from several threads.
        room: Bytes of float32 that may be kept; embedding and head, which are used piece by piece,
            come first, then vectors, then matrices in the graph's order.

    Exactness:
        Whatever is kept, the same bits: what levels and scales stand for.
    """

    def __init__(self, graph: ModelGraph, tensors: Mapping[str, Tensor], room: int) -> None:
        self._tensors = {name: tensors[name] for name in graph.weights}
        self._kept: dict[str, FloatArray] = {}
        ends = {str(node.weight) for node in (graph.nodes[0], graph.nodes[-1])}
        order = sorted(graph.weights, key=lambda name: (name not in ends, len(graph.weights[name])))
        for name in order:
            size = _FLOAT_BYTES * int(np.prod(graph.weights[name]))
            if size <= room:
                self._kept[name] = self._decoded(name)
                room -= size

    def _decoded(self, name: str) -> FloatArray:
        return np.asarray(self._tensors[name].dequantise(), np.float32)

    def __getitem__(self, name: str) -> FloatArray:
        found = self._kept.get(name)
        return self._decoded(name) if found is None else found

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    @property
    def kept_bytes(self) -> int:
        """Bytes of float32 that are kept."""
        return sum(weight.nbytes for weight in self._kept.values())
