"""A GGUF file's tensors for a graph: found by name, checked, and read when they are used.

Matrices of GGML's block types stay in the file and are decoded row by row; float matrices become
int8 here, vectors fp32.  Only vectors and float matrices are read at the start, so scales and
levels of a block type are checked where they are decoded or packed (`BlockTensor.blocks`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import WeightsError
from engine.model.formats.gguf import GgufFile, GgufTensor
from engine.model.formats.tensor_checks import counted, finite_floats, quantised
from engine.model.gguf.architectures import find_architecture
from engine.model.gguf.keys import Keys
from engine.model.gguf.paired_rows import paired_rows
from engine.model.graph import ModelGraph
from engine.model.roles import Role
from engine.model.tensors import packed_formats
from engine.model.tensors.block_tensor import BlockTensor
from engine.model.tensors.file_rows import FileRows, TensorFile
from engine.model.tensors.floats import FLOAT_TYPES, FP32, FloatTensor, stored_floats
from engine.model.tensors.q8 import INT8
from engine.model.tensors.stored import Stored
from engine.model.tensors.tensor import Format, Tensor

__all__ = ["gguf_formats", "load_gguf_floats", "load_gguf_tensors", "places_in_file"]

_HARMLESS = re.compile(r"rope_freqs\.weight|blk\.\d+\.attn_rot_embd\.weight")
"""Tensors that no graph reads: factors of the rotation, which the configuration took over, and
tables of its angles, which old files carry and llama.cpp passes over."""


def load_gguf_tensors(file: GgufFile, graph: ModelGraph) -> dict[str, Tensor]:
    """Return all tensors of a model in the graph's order, in formats that run.

    Raises:
        WeightsError: A tensor is missing, unknown, of another shape or of a type that does not
            run, or a number that was read is not finite; the message names file and tensor.
    """
    found = _find(file, graph)
    return {name: _loaded(each) for name, each in found.items()}


def load_gguf_floats(file: GgufFile, graph: ModelGraph) -> dict[str, FloatTensor]:
    """Return what all tensors of a model stand for, as float32, for the fp32 reference.

    Raises:
        WeightsError: As `load_gguf_tensors`.
    """
    found = _find(file, graph)
    return {name: finite_floats(each.as_stored(), each.where) for name, each in found.items()}


def gguf_formats(file: GgufFile, graph: ModelGraph) -> dict[str, Format]:
    """Return the format in which each tensor would run; reads no tensor.

    Raises:
        WeightsError: As `load_gguf_tensors`, but for numbers.
    """
    return {name: each.runs_as for name, each in _find(file, graph).items()}


def places_in_file(
    file: GgufFile, graph: ModelGraph
) -> dict[str, tuple[str, NDArray[np.int64] | None]]:
    """Return what each tensor of a graph is called in a file, and the file's row of each row.

    None in place of rows: they lie in the same order.
    """
    architecture = find_architecture(Keys(file.path, file.metadata).architecture)
    orders = _row_orders(graph) if architecture.neighbouring_pairs else {}
    return {name: (architecture.tensor(name), orders.get(name)) for name in graph.weights}


# ── one tensor ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Stored:
    """A tensor of the file, ready to be read."""

    path: Path
    tensor: GgufTensor
    rows: FileRows

    @property
    def where(self) -> str:
        """File and tensor, as the beginning of an error message."""
        return f"{self.path}: tensor {self.tensor.name}"

    @property
    def is_matrix(self) -> bool:
        return len(self.tensor.shape) == 2

    @property
    def runs_as(self) -> Format:
        if not self.is_matrix:
            return FP32
        return packed_formats().get(self.tensor.type.name, INT8)

    def as_stored(self) -> Tensor:
        """Return the tensor in the format that the file has it in."""
        kind, shape = self.tensor.type.name, self.tensor.shape
        if kind in FLOAT_TYPES:
            return stored_floats(Stored(self.path, self.tensor.name, kind, shape, self.rows))
        return BlockTensor(packed_formats()[kind], (shape[0], shape[1]), self.rows, self.where)


def _loaded(stored: _Stored) -> Tensor:
    tensor = stored.as_stored()
    if not stored.is_matrix:
        return finite_floats(tensor, stored.where)
    return tensor if tensor.format.is_quantised else quantised(tensor, stored.where)


# ── all of them ─────────────────────────────────────────────────────────────────────────────


def _find(file: GgufFile, graph: ModelGraph) -> dict[str, _Stored]:
    """Return the tensors of a graph by its names, their names, types and shapes checked."""
    places = places_in_file(file, graph)
    _check_names(file, [name for name, _ in places.values()])
    for name, shape in graph.weights.items():
        _check(file.path, file.tensors[places[name][0]], shape)
    opened = TensorFile(file.path, file.size_bytes)
    return {
        name: _stored(opened, file.path, file.tensors[place], order)
        for name, (place, order) in places.items()
    }


def _stored(
    opened: TensorFile, path: Path, tensor: GgufTensor, order: NDArray[np.int64] | None
) -> _Stored:
    count = tensor.shape[0]
    rows = FileRows(opened, tensor.offset, count, tensor.data.size // count, order)
    return _Stored(path, tensor, rows)


def _row_orders(graph: ModelGraph) -> dict[str, NDArray[np.int64]]:
    """Return the order of rows of each tensor that makes queries or keys, weights and biases."""
    turned = {node.inputs[0]: node for node in graph.nodes if node.role is Role.ROTARY}
    orders: dict[str, NDArray[np.int64]] = {}
    for node in graph.nodes:
        if node.role is Role.QKV and (rotary := turned.get(node.output)) is not None:
            order = paired_rows(rotary.integer("heads"), rotary.integer("head_dim"))
            orders |= dict.fromkeys(node.tensors, order)
    return orders


def _check_names(file: GgufFile, wanted: Iterable[str]) -> None:
    expected = set(wanted)
    missing = sorted(expected - set(file.tensors))
    if missing:
        raise WeightsError(f"{file.path}: {counted(missing)} missing; {_SOURCE}")
    unknown = sorted(
        name for name in file.tensors if name not in expected and not _HARMLESS.fullmatch(name)
    )
    if unknown:
        raise WeightsError(
            f"{file.path}: {counted(unknown)} not part of the model that the metadata describes, "
            f"or of a variant that is not supported"
        )


_SOURCE = "the metadata describes another model, or a variant that is not supported"


def _check(path: Path, tensor: GgufTensor, shape: tuple[int, ...]) -> None:
    where = f"{path}: tensor {tensor.name}"
    allowed = list(FLOAT_TYPES) + (list(packed_formats()) if len(shape) == 2 else [])
    if tensor.type.name not in allowed:
        raise WeightsError(
            f"{where} has type {tensor.type.name}; supported here: {', '.join(allowed)}"
        )
    if tensor.shape != shape:
        raise WeightsError(f"{where} has shape {tensor.shape}, the metadata needs {shape}")
