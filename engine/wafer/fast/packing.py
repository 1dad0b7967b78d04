"""Packing a model's tensors into the panels the kernels read, once at load.

Group-32 int8 (N, K) becomes panels of 64 outputs: for each group of 32 inputs eight quads, each
64 outputs × 4 inputs, as unsigned bytes w + 128.  Outputs beyond N are zero weights.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.model.tensors import FORMATS
from engine.model.tensors.tensor import QuantisedTensor, Tensor, float_vector, quantised_matrix
from engine.wafer.fast.kernels.dot import PANEL
from engine.wafer.program.geometry import GROUP
from engine.wafer.program.program import Matrix

__all__ = ["Packed", "pack"]


@dataclass(frozen=True, slots=True)
class Packed:
    """All matrices of a Program, end to end."""

    table: NDArray[np.int64]
    """Per matrix: offset in weights, offset in scales (or vectors), inputs, outputs."""
    weights: NDArray[np.uint8]
    scales: NDArray[np.float32]
    vectors: NDArray[np.float32]


def pack(matrices: tuple[Matrix, ...], tensors: Mapping[str, Tensor]) -> Packed:
    """Pack every matrix of a Program; a tensor used twice is stored once.

    Args:
        matrices: The Program's table of weights.
        tensors: The model's tensors by name.
    """
    rows: list[list[int]] = []
    weights: list[NDArray[np.uint8]] = []
    scales: list[NDArray[np.float32]] = []
    vectors: list[NDArray[np.float32]] = []
    known: dict[tuple[str, ...], list[int]] = {}
    ends = [0, 0, 0]
    for matrix in matrices:
        if matrix.tensors in known:
            rows.append(known[matrix.tensors])
            continue
        if not FORMATS[matrix.format].is_quantised:
            vector = float_vector(tensors, matrix.tensors[0])
            row = [0, ends[2], matrix.inputs, matrix.outputs]
            vectors.append(vector)
            ends[2] += vector.size
        else:
            panels, factors = _panels([quantised_matrix(tensors, name) for name in matrix.tensors])
            row = [ends[0], ends[1], matrix.inputs, matrix.outputs]
            weights.append(panels)
            scales.append(factors)
            ends[0] += panels.size
            ends[1] += factors.size
        known[matrix.tensors] = row
        rows.append(row)
    return Packed(
        np.array(rows, np.int64),
        np.concatenate(weights),
        np.concatenate(scales),
        np.concatenate(vectors),
    )


def _panels(tensors: list[QuantisedTensor]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return flat panels and scales of tensors stacked along N."""
    values = np.concatenate([tensor.values for tensor in tensors])
    factors = np.concatenate([tensor.scales for tensor in tensors]).astype(np.float32)
    n, k = values.shape
    groups, count = k // GROUP, -(-n // PANEL)
    padded = np.full((count * PANEL, k), 128, np.uint8)
    padded[:n] = (values.astype(np.int16) + 128).astype(np.uint8)
    tiles = padded.reshape(count, PANEL, groups, GROUP // 4, 4)
    panels = np.ascontiguousarray(tiles.transpose(0, 2, 3, 1, 4)).reshape(-1)
    spread = np.zeros((count * PANEL, groups), np.float32)
    spread[:n] = factors
    spread = spread.reshape(count, PANEL, groups).transpose(0, 2, 1)
    return panels, np.ascontiguousarray(spread).reshape(-1)
