"""A model folder's tensors, checked against its graph: names, types, shapes and values.

Chooses the container, compares what it holds with what the graph needs, and turns each stored
tensor into one that can be read.  Matrices come out in a format the kernels read, vectors as fp32.
"""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

from engine.errors import WeightsError
from engine.model.formats.checksums import Checksums, check_file_digest
from engine.model.formats.safetensors import WEIGHTS_FILE, read_stored, with_scales
from engine.model.formats.shards import INDEX_FILE, is_sharded, read_shards
from engine.model.formats.tensor_checks import counted, finite_floats, quantised
from engine.model.graph import ModelGraph
from engine.model.tensors import FORMATS
from engine.model.tensors.floats import FloatTensor
from engine.model.tensors.stored import Stored
from engine.model.tensors.tensor import Format, Tensor

__all__ = ["Adapt", "load_float_tensors", "load_tensors"]


Adapt = Callable[[Mapping[str, Stored]], dict[str, Stored]]
"""Turns a folder's tensors into those that the graph names."""


def load_tensors(
    folder: Path, graph: ModelGraph, checksums: Checksums | None, adapt: Adapt = dict
) -> dict[str, Tensor]:
    """Return all tensors of a model in the graph's order: matrices quantised, vectors as fp32.

    Args:
        folder: The model's.
        graph: Says which tensors it needs.
        checksums: The folder's, or None.
        adapt: `ModelConfig.adapt` of its family.

    Raises:
        WeightsError: The container cannot be read or is not the one its checksum belongs to;
            it lacks a tensor, has one too many, or holds one of another shape, an unknown type or
            with a value that is not allowed.  The message names file and tensor.
    """
    return {
        name: _loaded(stored)
        for name, stored in _read_checked(folder, graph, checksums, adapt).items()
    }


def load_float_tensors(
    folder: Path, graph: ModelGraph, checksums: Checksums | None, adapt: Adapt = dict
) -> dict[str, FloatTensor]:
    """Return all tensors of a model as float32, for the fp32 reference.

    A matrix that the file holds quantised is what its levels and scales stand for.

    Raises:
        WeightsError: As `load_tensors`.
    """
    return {
        name: finite_floats(_as_stored(stored), stored.where)
        for name, stored in _read_checked(folder, graph, checksums, adapt).items()
    }


# ── against the graph ───────────────────────────────────────────────────────────────────────


def _read_checked(
    folder: Path, graph: ModelGraph, checksums: Checksums | None, adapt: Adapt
) -> dict[str, Stored]:
    """Return the stored tensors in the graph's order, names, types and shapes checked.

    Then the files' checksums: files of the right tensors have the size that the model needs, so
    that no file is read for minutes that could not be the right one.
    """
    path, stored = _read_container(folder, checksums)
    found = adapt(with_scales(stored))
    _check_names(path, found, graph.weights)
    for name, shape in graph.weights.items():
        _check_tensor(found[name], shape)
    for file in sorted({each.path for each in stored.values()}):
        check_file_digest(file, checksums)
    return {name: found[name] for name in graph.weights}


def _read_container(folder: Path, checksums: Checksums | None) -> tuple[Path, dict[str, Stored]]:
    """Return the file that stands for a folder's weights in messages, and its tensors."""
    if is_sharded(folder, checksums):
        return folder / INDEX_FILE, read_shards(folder, checksums)
    return folder / WEIGHTS_FILE, read_stored(folder, WEIGHTS_FILE, checksums)


def _check_names(path: Path, stored: Iterable[str], wanted: Iterable[str]) -> None:
    found, expected = set(stored), set(wanted)
    missing, unknown = sorted(expected - found), sorted(found - expected)
    if missing:
        hint = ""
        if close := get_close_matches(missing[0], unknown, n=1):
            hint = f"; the file has {close[0]!r}: did you mean that?"
        raise WeightsError(f"{path}: {counted(missing)} missing{hint}; check config.json")
    if unknown:
        raise WeightsError(
            f"{path}: {counted(unknown)} not part of the model that config.json describes"
        )


def _check_tensor(stored: Stored, shape: tuple[int, ...]) -> None:
    allowed = [
        kind
        for kind, format in _formats_by_type().items()
        if len(shape) == 2 or not format.is_quantised
    ]
    if stored.type not in allowed:
        raise WeightsError(f"{stored.where} has type {stored.type}; allowed: {', '.join(allowed)}")
    if stored.shape != shape:
        raise WeightsError(f"{stored.where} has shape {stored.shape}, config.json needs {shape}")


def _formats_by_type() -> dict[str, Format]:
    """Return the format that reads each stored type."""
    return {kind: format for format in FORMATS.values() for kind in format.stored_types}


# ── values ──────────────────────────────────────────────────────────────────────────────────


def _as_stored(stored: Stored) -> Tensor:
    """Return a stored tensor in the format the file has it in."""
    return _formats_by_type()[stored.type].read(stored)


def _loaded(stored: Stored) -> Tensor:
    """Return a stored tensor in a format that runs: a vector in fp32, any other matrix in int8."""
    tensor = _as_stored(stored)
    if len(stored.shape) == 1:
        return finite_floats(tensor, stored.where)
    return tensor if tensor.format.runs else quantised(tensor, stored.where)
