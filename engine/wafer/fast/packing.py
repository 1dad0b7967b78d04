"""Packing a model's tensors into the panels the kernels read, once at load.

`engine.wafer.fast.kernels.dot.panel_layout` says how they lie.  Outputs beyond N are zero weights.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.model.tensors.q8 import QuantTensor
from engine.wafer.fast.kernels.dot.panel_layout import GROUP, PANEL, TILE_BYTES, TileLayout
from engine.wafer.fast.kernels.operands import Panels
from engine.wafer.program.program import Matrix

__all__ = ["Packed", "pack"]


@dataclass(frozen=True, slots=True)
class Packed:
    """All matrices of a Program, end to end."""

    table: NDArray[np.int64]
    """Per matrix: first tile (of a vector, its offset in `vectors`), inputs, outputs."""
    panels: Panels
    vectors: NDArray[np.float32]


def pack(matrices: tuple[Matrix, ...], tensors: Mapping[str, Any], layout: TileLayout) -> Packed:
    """Pack every matrix of a Program; a tensor used twice is stored once.

    Args:
        matrices: The Program's table of weights.
        tensors: The model's tensors by name: `QuantTensor`, or float32 vectors.
        layout: How the kernels want the weights of a tile.
    """
    places: dict[tuple[str, ...], int] = {}
    weights: list[NDArray[np.uint8]] = []
    scales: list[NDArray[np.float32]] = []
    vectors: list[NDArray[np.float32]] = []
    tiles = elements = 0
    for matrix in matrices:
        if matrix.tensors in places:
            continue
        if matrix.kind == "fp32":
            places[matrix.tensors] = elements
            vectors.append(np.asarray(tensors[matrix.tensors[0]], np.float32))
            elements += vectors[-1].size
        else:
            places[matrix.tensors] = tiles
            panels, factors = _panels([tensors[name] for name in matrix.tensors], layout)
            weights.append(panels)
            scales.append(factors)
            tiles += panels.size // TILE_BYTES
    rows = [(places[matrix.tensors], matrix.inputs, matrix.outputs) for matrix in matrices]
    return Packed(
        np.array(rows, np.int64),
        Panels(np.concatenate(weights), np.concatenate(scales)),
        np.concatenate(vectors),
    )


def _panels(
    tensors: list[QuantTensor], layout: TileLayout
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return flat panels and scales of tensors stacked along N."""
    values = np.concatenate([tensor.values for tensor in tensors])
    factors = np.concatenate([tensor.scales for tensor in tensors]).astype(np.float32)
    n, k = values.shape
    groups, count = k // GROUP, -(-n // PANEL)
    padded = np.full((count * PANEL, k), layout.bias, np.uint8)
    padded[:n] = (values.astype(np.int16) + layout.bias).astype(np.uint8)
    tiles = padded.reshape(count, PANEL, groups, GROUP // layout.run, layout.run)
    panels = np.ascontiguousarray(tiles.transpose(0, 2, 3, 1, 4)).reshape(-1)
    spread = np.zeros((count * PANEL, groups), np.float32)
    spread[:n] = factors
    spread = spread.reshape(count, PANEL, groups).transpose(0, 2, 1)
    return panels, np.ascontiguousarray(spread).reshape(-1)
