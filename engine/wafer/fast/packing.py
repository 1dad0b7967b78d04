"""Packing a model's tensors into the panels the kernels read, once at load.

`engine.wafer.fast.kernels.dot.panel_layout` says how they lie.  Outputs beyond N are zero weights.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import WeightsError
from engine.model.tensors import FORMATS
from engine.model.tensors.tensor import (
    Blocks,
    QuantisedTensor,
    Tensor,
    float_vector,
    quantised_matrix,
)
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


def pack(matrices: tuple[Matrix, ...], tensors: Mapping[str, Tensor], layout: TileLayout) -> Packed:
    """Pack every matrix of a Program; a tensor used twice is stored once.

    Args:
        matrices: The Program's table of weights.
        tensors: The model's tensors by name.
        layout: How the kernels want the weights of a tile.

    Raises:
        WeightsError: A tensor has another format than the Program was compiled for.
    """
    places: dict[tuple[str, ...], int] = {}
    weights: list[NDArray[np.uint8]] = []
    scales: list[NDArray[np.float32]] = []
    vectors: list[NDArray[np.float32]] = []
    tiles = elements = 0
    for matrix in matrices:
        if matrix.tensors in places:
            continue
        _check_formats(matrix, tensors)
        if FORMATS[matrix.formats[0]].is_quantised:
            places[matrix.tensors] = tiles
            stacked = [quantised_matrix(tensors, name) for name in matrix.tensors]
            panels, factors = _panels(stacked, layout)
            weights.append(panels)
            scales.append(factors)
            tiles += panels.size // TILE_BYTES
        else:
            places[matrix.tensors] = elements
            vectors += [float_vector(tensors, name) for name in matrix.tensors]
            elements += matrix.inputs
    rows = [(places[matrix.tensors], matrix.inputs, matrix.outputs) for matrix in matrices]
    return Packed(
        np.array(rows, np.int64),
        Panels(np.concatenate(weights), np.concatenate(scales)),
        np.concatenate(vectors),
    )


def _check_formats(matrix: Matrix, tensors: Mapping[str, Tensor]) -> None:
    for name, wanted in zip(matrix.tensors, matrix.formats, strict=True):
        found = tensors[name].format.name
        if found != wanted:
            raise WeightsError(f"tensor {name} is {found}, the Program reads {wanted}")


def _panels(
    tensors: list[QuantisedTensor], layout: TileLayout
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return flat panels and scales of tensors stacked along N."""
    blocks = [_plain_blocks(tensor) for tensor in tensors]
    values = np.concatenate([block.levels for block in blocks])
    factors = np.concatenate([block.scales for block in blocks])
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


def _plain_blocks(tensor: QuantisedTensor) -> Blocks:
    """Return all blocks of a tensor, whose groups are the kernels': 32 inputs, no minima."""
    format = tensor.format
    if format.block != GROUP or format.has_minima:
        raise WeightsError(f"the kernels read no {format.name} yet")
    return tensor.blocks()
