"""The formats of a model's weights on a wafer: one for every matrix, asked for by role or tensor.

Layers may differ: a role then has several formats, and a core must hold the largest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.errors import PlacementError
from engine.model.graph import ModelGraph
from engine.model.roles import Role
from engine.model.tensors import uniform_formats
from engine.model.tensors.q8 import INT8
from engine.model.tensors.tensor import Format

__all__ = ["WeightFormats"]

_FP32_BYTES = 4


@dataclass(frozen=True, slots=True)
class WeightFormats:
    """Which format each weight of a graph has."""

    by_tensor: Mapping[str, Format]
    """Format of every tensor by name."""
    by_role: Mapping[Role, tuple[Format, ...]]
    """Formats of the matrices of a role, each once; more than one where layers differ."""

    @classmethod
    def of(
        cls, graph: ModelGraph, by_tensor: Mapping[str, Format] | None = None
    ) -> "WeightFormats":
        """Return the formats of a graph's weights.

        Args:
            graph: The model.
            by_tensor: Format of every tensor by name; None: int8 for every matrix.
        """
        if by_tensor is None:
            by_tensor = uniform_formats(graph.weights, INT8)
        by_role: dict[Role, tuple[Format, ...]] = {}
        for node in graph.nodes:
            if node.weight is not None and len(graph.weights[node.weight]) == 2:
                known, format = by_role.get(node.role, ()), by_tensor[node.weight]
                by_role[node.role] = known if format in known else (*known, format)
        return cls(by_tensor, by_role)

    @property
    def names(self) -> list[str]:
        """Names of the formats of the matrices."""
        return sorted({format.name for formats in self.by_role.values() for format in formats})

    @property
    def only_priced(self) -> list[str]:
        """Names of those formats of matrices that no tier can run."""
        return sorted({f.name for formats in self.by_role.values() for f in formats if not f.runs})

    @property
    def in_groups(self) -> bool:
        """Whether vectors lie on cores in groups of 32: some product rounds them to int8."""
        return any(f.is_quantised for formats in self.by_role.values() for f in formats)

    def stacked(self, tensors: Iterable[str]) -> tuple[Format, ...]:
        """Return the formats of tensors that one product serves.

        Raises:
            PlacementError: Some are quantised and others are not.
        """
        formats = {name: self.by_tensor[name] for name in tensors}
        if len({format.input_bytes for format in formats.values()}) != 1:
            listed = ", ".join(f"{name} is {format.name}" for name, format in formats.items())
            raise PlacementError(
                f"one product serves them, so their input must be rounded alike: {listed}"
            )
        return tuple(formats.values())

    def tile_bytes(self, role: Role, outputs: int, inputs: int) -> int:
        """Return the SRAM bytes of a core's tile of a role's largest matrix."""
        formats = self.by_role.get(role, ())
        return max((format.sram_bytes(outputs, inputs) for format in formats), default=0)

    def input_bytes(self, role: Role) -> int:
        """Return the bytes a core keeps for a role's input: fp32, and what the weights meet."""
        formats = self.by_role.get(role, ())
        return _FP32_BYTES + max((format.input_bytes for format in formats), default=0)
