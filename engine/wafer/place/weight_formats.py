"""The formats of a model's weights on a wafer: one for every matrix, asked for by role or tensor.

A product may stack tensors of several formats, and layers may differ in them: a core must hold the
largest stack.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import ceil, lcm

import numpy as np
from numpy.typing import NDArray

from engine.errors import PlacementError
from engine.model.graph import ModelGraph
from engine.model.roles import Role
from engine.model.tensors import uniform_formats
from engine.model.tensors.q8 import INT8
from engine.model.tensors.tensor import Format
from engine.wafer.ops import matmul
from engine.wafer.program.geometry import GROUP, Split

__all__ = ["WeightFormats"]

_FP32_BYTES = 4


@dataclass(frozen=True, slots=True)
class WeightFormats:
    """Which format each weight of a graph has."""

    by_tensor: Mapping[str, Format]
    """Format of every tensor by name."""
    by_role: Mapping[Role, tuple[tuple[Format, ...], ...]]
    """Formats of the tensors that one product of a role stacks; several where layers differ."""

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
        stacks: defaultdict[tuple[Role, int | None], list[Format]] = defaultdict(list)
        for node in graph.nodes:
            if node.weight is not None and len(graph.weights[node.weight]) == 2:
                stacks[node.role, node.layer].append(by_tensor[node.weight])
        by_role: defaultdict[Role, dict[tuple[Format, ...], None]] = defaultdict(dict)
        for (role, _), stack in stacks.items():
            by_role[role][tuple(stack)] = None
        return cls(by_tensor, {role: tuple(kinds) for role, kinds in by_role.items()})

    @property
    def names(self) -> list[str]:
        """Names of the formats of the matrices."""
        return sorted({format.name for format in self._matrices()})

    @property
    def only_priced(self) -> list[str]:
        """Names of those formats of matrices that no tier can run."""
        return sorted({format.name for format in self._matrices() if not format.runs})

    @property
    def in_groups(self) -> bool:
        """Whether vectors lie on cores in groups of 32: some product rounds them to int8."""
        return any(format.is_quantised for format in self._matrices())

    def stacks(self, role: Role) -> int:
        """Return how many tensors one product of a role stacks."""
        return max((len(stack) for stack in self.by_role.get(role, ())), default=0)

    def unpacked(self, role: Role, outputs: Sequence[NDArray[np.int64]], inputs: Split) -> int:
        """Return the most weights of one tile of a role that a core unpacks to multiply them."""
        most = 0
        for formats in self.by_role.get(role, ()):
            for tile in matmul.stack(formats, outputs):
                if tile.format.unpack_operations:
                    most = max(most, max(tile.outputs) * inputs.most_elements)
        return most

    def _matrices(self) -> Iterator[Format]:
        return (format for role in self.by_role for format in self._of_role(role))

    def _of_role(self, role: Role) -> Iterator[Format]:
        return (format for stack in self.by_role.get(role, ()) for format in stack)

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

    def tile_bytes(self, role: Role, outputs: Sequence[NDArray[np.int64]], inputs: Split) -> int:
        """Return the SRAM bytes of the fullest core's tiles of a role: those of its largest stack.

        Args:
            role: The product.
            outputs: Outputs of each stacked tensor by core of the line they lie along.
            inputs: How the inputs lie along the other line.
        """
        return sum(self.bytes_by_format(role, outputs, inputs).values())

    def bytes_by_format(
        self,
        role: Role,
        outputs: Sequence[NDArray[np.int64]],
        inputs: Split,
        cores: range | None = None,
    ) -> dict[str, int]:
        """Return the bytes of `tile_bytes` by the name of the format they are in.

        Args:
            role: The product.
            outputs: Outputs of each stacked tensor by core of the line they lie along.
            inputs: How the inputs lie along the other line.
            cores: Cores of that line that count; None: all.
        """
        found: dict[str, int] = {}
        by_core = set(zip(*(each.tolist() for each in outputs), strict=True))
        for stack in self.by_role.get(role, ()):
            for widths in by_core:
                for bits in _row_bits(stack, inputs, cores or range(inputs.cores)):
                    used: dict[str, int] = {}
                    for format, n, row in zip(stack, widths, bits, strict=True):
                        used[format.name] = used.get(format.name, 0) + ceil(n * row / 8)
                    found = max(found, used, key=lambda each: sum(each.values()))
        return found

    def partials(self, role: Role, outputs: Sequence[NDArray[np.int64]]) -> int:
        """Return the numbers of a group that spans cores in the fullest of them: see `matmul`."""
        stacks = (matmul.stack(formats, outputs) for formats in self.by_role.get(role, ()))
        return max((int(matmul.partials(tiles).max()) for tiles in stacks), default=0)

    def input_bytes(self, role: Role) -> int:
        """Return the bytes a core keeps for a role's input: fp32, and what the weights meet."""
        return _FP32_BYTES + max((f.input_bytes for f in self._of_role(role)), default=0)


def _period(format: Format) -> int:
    """Return the inputs after which a row of a format's bits begins alike."""
    return lcm(format.super_block or 1, GROUP) if format.is_quantised else 1


@lru_cache(maxsize=4096)
def _row_bits(
    stack: tuple[Format, ...], inputs: Split, cores: range
) -> tuple[tuple[int, ...], ...]:
    """Return the bits of an output in each format of a stack, for ``cores`` that differ in them."""
    here = slice(cores.start, cores.stop)
    first = list(accumulate(inputs.elements, initial=0))[here]
    period = lcm(*(_period(format) for format in stack))
    runs = {
        (size, start % period) for size, start in zip(inputs.elements[here], first, strict=True)
    }
    kinds = {tuple(format.row_bits(*run) for format in stack) for run in runs}
    return tuple(sorted(kinds))
