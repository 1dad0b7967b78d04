"""Weight files: checksums, safetensors, and tensors whose every shape and value was checked.

Reads a model folder and never writes to it.  Matrices come out quantised, vectors as float32.
The tensors lie in model.safetensors, or in the shards that model.safetensors.index.json names.  A
matrix of type I8 comes with float16 ``NAME.scales`` and is taken as it is.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray

from engine.errors import WeightsError
from engine.model.graph import ModelGraph
from engine.model.tensors.q8 import QUANTISATION_GROUP, QuantTensor, dequantise, quantise

__all__ = [
    "CHECKSUMS_FILE",
    "INDEX_FILE",
    "WEIGHTS_FILE",
    "Tensor",
    "load_float_tensors",
    "load_tensors",
    "read_checksums",
    "read_file",
    "verify",
]

WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
"""Where it is, it says which shard holds which tensor, and WEIGHTS_FILE is not looked at."""
CHECKSUMS_FILE = "checksums.json"

Tensor = QuantTensor | NDArray[np.float32]

_RESTORE = "restore it from the model's source"
_DTYPES = {"F16": np.float16, "F32": np.float32, "BF16": np.uint16}
_QUANTISED = "I8"
_SCALES = ".scales"
_SHARD_SUFFIX = ".safetensors"
_NAMES_SHOWN = 5

# The library has no types of its own.
_deserialize: Callable[[bytes], list[tuple[str, dict[str, Any]]]] = safetensors.deserialize


@dataclass(frozen=True, slots=True)
class _Stored:
    """A tensor as the file has it."""

    path: Path
    """The file."""
    dtype: str
    shape: tuple[int, ...]
    data: bytes | bytearray
    scales: "_Stored | None" = None
    """Of a matrix of type I8 (N, K): F16, shape (N, K // 32)."""


# ── checksums ───────────────────────────────────────────────────────────────────────────────


def read_checksums(folder: Path) -> dict[str, str] | None:
    """Return the sha256 of a model folder's files by name, or None without a checksums.json.

    Raises:
        WeightsError: checksums.json cannot be read or is not
            ``{"files": {name: 64 hexadecimal digits}}`` with an entry for the weights: for
            model.safetensors, or for the index and all its shards; or as `read_file` and for a
            malformed index.
    """
    path = folder / CHECKSUMS_FILE
    if not path.exists():
        return None
    try:
        raw = json.loads(path.read_bytes())
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: not valid JSON ({error}); {_RESTORE}") from error
    files = raw.get("files") if isinstance(raw, dict) else None
    if not isinstance(files, dict) or not all(map(_is_checksum, files.items())):
        raise WeightsError(
            f'{path}: must be {{"files": {{name: sha256 as 64 hexadecimal digits}}}}; {_RESTORE}'
        )
    checksums = {name: digest.lower() for name, digest in files.items()}
    _check_listed(folder, checksums)
    return checksums


def _check_listed(folder: Path, checksums: Mapping[str, str]) -> None:
    """Refuse checksums that leave out a file with weights."""
    wanted = [WEIGHTS_FILE]
    if _is_sharded(folder, checksums):
        wanted = [INDEX_FILE]
        if INDEX_FILE in checksums:
            wanted += sorted(set(_read_index(folder, checksums).values()))
    for name in wanted:
        if name not in checksums:
            raise WeightsError(f"{folder / CHECKSUMS_FILE}: has no entry for {name}; {_RESTORE}")


def _is_checksum(entry: tuple[str, object]) -> bool:
    name, digest = entry
    hexadecimal = isinstance(digest, str) and set(digest.lower()) <= set("0123456789abcdef")
    return _is_plain(name) and hexadecimal and len(str(digest)) == 64


def _is_plain(name: str) -> bool:
    """Tell whether a name is one of a file in the model folder itself."""
    return name not in ("", ".", "..") and "/" not in name and "\\" not in name


def read_file(folder: Path, name: str, checksums: Mapping[str, str] | None) -> bytes:
    """Return a file of a model folder, checked against its checksum where there is one.

    Raises:
        WeightsError: The file is missing or unreadable, or is not the one the checksum belongs
            to; the message says which file, what was expected, what was found and what to do.
    """
    path = folder / name
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file; {_RESTORE}") from None
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error
    if name.endswith(_SHARD_SUFFIX):
        _check_complete(path, data)
    expected = None if checksums is None else checksums.get(name)
    if expected is not None:
        _check_digest(path, data, expected)
    return data


def verify(folder: Path) -> bool:
    """Check every file that a model folder's checksums.json names.

    Returns:
        True: all files are the ones they should be.  False: there is no checksums.json, so
        nothing could be checked (a model of one's own may be without).

    Raises:
        WeightsError: As `read_checksums` and `read_file`.
    """
    checksums = read_checksums(folder)
    if checksums is None:
        return False
    for name in checksums:
        read_file(folder, name, checksums)
    return True


def _check_digest(path: Path, data: bytes, expected: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise WeightsError(
            f"{path}: altered or incomplete: sha256 of its {len(data)} bytes is {found}, "
            f"{CHECKSUMS_FILE} expects {expected}; {_RESTORE}"
        )


def _check_complete(path: Path, data: bytes) -> None:
    """Refuse a file shorter than its own header says: the usual broken download or copy."""
    if len(data) < 8:
        raise WeightsError(f"{path}: truncated: {len(data)} bytes, not even a header; {_RESTORE}")
    header_bytes = int.from_bytes(data[:8], "little")
    needed = 8 + header_bytes
    if needed <= len(data):
        needed += _data_bytes(data[8:needed])
    if len(data) < needed:
        raise WeightsError(
            f"{path}: truncated: {len(data)} bytes, its header needs {needed}; {_RESTORE}"
        )


def _data_bytes(header: bytes) -> int:
    """Return the bytes of tensor data that a header announces; 0 if it makes no sense."""
    try:
        entries = json.loads(header)
        ends = [entry["data_offsets"][1] for key, entry in entries.items() if key != "__metadata__"]
        return max([0, *map(int, ends)])
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return 0  # malformed: safetensors refuses it with its own reason


# ── shards ──────────────────────────────────────────────────────────────────────────────────


def _is_sharded(folder: Path, checksums: Mapping[str, str] | None) -> bool:
    """Tell whether the tensors lie in shards; an index that is listed but lost counts."""
    return (folder / INDEX_FILE).exists() or INDEX_FILE in (checksums or {})


def _read_index(folder: Path, checksums: Mapping[str, str] | None) -> dict[str, str]:
    """Return the shard of every tensor by the tensor's name.

    Raises:
        WeightsError: As `read_file`; or the index is not ``{"weight_map": {tensor: file}}`` with
            safetensors files of the same folder.
    """
    path = folder / INDEX_FILE
    try:
        raw = json.loads(read_file(folder, INDEX_FILE, checksums))
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: not valid JSON ({error}); {_RESTORE}") from error
    where = raw.get("weight_map") if isinstance(raw, dict) else None
    if not isinstance(where, dict) or not where or not all(map(_is_shard, where.values())):
        raise WeightsError(
            f'{path}: must be {{"weight_map": {{tensor: safetensors file}}}}; {_RESTORE}'
        )
    return where


def _is_shard(name: object) -> bool:
    return isinstance(name, str) and _is_plain(name) and name.endswith(_SHARD_SUFFIX)


def _read_shards(folder: Path, checksums: Mapping[str, str] | None) -> dict[str, _Stored]:
    """Return the tensors of all shards by name, each in the shard where the index puts it.

    Raises:
        WeightsError: As `_read_index` and `_read_safetensors`; or a tensor lies elsewhere than
            the index says, or in two shards, or is not in the index.
    """
    where = _read_index(folder, checksums)
    found: dict[str, _Stored] = {}
    for shard in sorted(set(where.values())):
        tensors = _read_safetensors(folder, shard, checksums)
        for name in tensors:
            if name in found:
                raise WeightsError(
                    f"{folder / shard}: tensor {name} is in {found[name].path.name} too; {_RESTORE}"
                )
        found |= tensors
    _check_places(folder / INDEX_FILE, where, found)
    return found


def _check_places(path: Path, where: Mapping[str, str], found: Mapping[str, _Stored]) -> None:
    for name, shard in where.items():
        if name not in found:
            raise WeightsError(f"{path}: tensor {name} is not in {shard}; {_RESTORE}")
        if found[name].path.name != shard:
            raise WeightsError(
                f"{path}: tensor {name} is in {found[name].path.name}, not in {shard}; {_RESTORE}"
            )
    for name in sorted(found.keys() - where.keys()):
        raise WeightsError(
            f"{path}: has no entry for tensor {name} of {found[name].path.name}; {_RESTORE}"
        )


# ── tensors ─────────────────────────────────────────────────────────────────────────────────


def load_tensors(
    folder: Path, graph: ModelGraph, checksums: Mapping[str, str] | None
) -> dict[str, Tensor]:
    """Return all tensors of a model: matrices quantised, vectors as float32.

    Raises:
        WeightsError: As `read_file`; or the file is no safetensors file, lacks a tensor, has one
            too many, or holds one of another shape, an unknown type, or a value that is not
            finite; or the scales of an I8 matrix are missing or wrong; or an index and its
            shards do not fit.  The message names file and tensor.
    """
    return {
        name: _converted(name, stored) for name, stored in _read(folder, graph, checksums).items()
    }


def load_float_tensors(
    folder: Path, graph: ModelGraph, checksums: Mapping[str, str] | None
) -> dict[str, NDArray[np.float32]]:
    """Return all tensors of a model as float32, without quantisation: for the fp32 reference.

    A matrix that the file holds quantised is what its values and scales stand for.

    Raises:
        WeightsError: As `load_tensors`.
    """
    return {
        name: dequantise(_quantised(name, stored))
        if stored.scales is not None
        else _finite(name, stored, _array(stored).astype(np.float32))
        for name, stored in _read(folder, graph, checksums).items()
    }


def _read(
    folder: Path, graph: ModelGraph, checksums: Mapping[str, str] | None
) -> dict[str, _Stored]:
    """Return the stored tensors in the graph's order, names, types and shapes checked."""
    if _is_sharded(folder, checksums):
        path, found = folder / INDEX_FILE, _read_shards(folder, checksums)
    else:
        path = folder / WEIGHTS_FILE
        found = _read_safetensors(folder, WEIGHTS_FILE, checksums)
    quantised = [name for name in graph.weights if name in found and _is_quantised(found[name])]
    _check_names(path, found.keys() - {name + _SCALES for name in quantised}, graph.weights)
    for name, shape in graph.weights.items():
        _check_tensor(name, found[name], shape)
    for name in quantised:
        found[name] = _with_scales(name, found)
    return {name: found[name] for name in graph.weights}


def _read_safetensors(
    folder: Path, file: str, checksums: Mapping[str, str] | None
) -> dict[str, _Stored]:
    """Return the tensors of one file by name, nothing about them checked.

    Raises:
        WeightsError: As `read_file`, or the file is no safetensors file.
    """
    path = folder / file
    data = read_file(folder, file, checksums)
    try:
        entries = _deserialize(data)
    except safetensors.SafetensorError as error:
        raise WeightsError(f"{path}: not a safetensors file ({error}); {_RESTORE}") from error
    return {
        name: _Stored(path, entry["dtype"], tuple(entry["shape"]), entry["data"])
        for name, entry in entries
    }


def _is_quantised(stored: _Stored) -> bool:
    return stored.dtype == _QUANTISED


def _with_scales(name: str, found: Mapping[str, _Stored]) -> _Stored:
    """Return a matrix of type I8 together with its scales, their type and shape checked."""
    matrix, scales = found[name], found.get(name + _SCALES)
    if scales is None:
        raise WeightsError(
            f"{matrix.path}: tensor {name} has type {_QUANTISED} but there is no {name}{_SCALES}"
        )
    rows, columns = matrix.shape
    expected = (rows, columns // QUANTISATION_GROUP)
    if scales.dtype != "F16" or scales.shape != expected:
        raise WeightsError(
            f"{scales.path}: tensor {name}{_SCALES} has type {scales.dtype} and shape "
            f"{scales.shape}, needed: F16 and {expected}"
        )
    return replace(matrix, scales=scales)


def _check_names(path: Path, stored: Iterable[str], wanted: Iterable[str]) -> None:
    found, expected = set(stored), set(wanted)
    missing, unknown = sorted(expected - found), sorted(found - expected)
    if missing:
        hint = ""
        if close := get_close_matches(missing[0], unknown, n=1):
            hint = f"; the file has {close[0]!r}: did you mean that?"
        raise WeightsError(f"{path}: {_counted(missing)} missing{hint}; check config.json")
    if unknown:
        raise WeightsError(
            f"{path}: {_counted(unknown)} not part of the model that config.json describes"
        )


def _counted(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMES_SHOWN]) + (", …" if len(names) > _NAMES_SHOWN else "")
    return f"1 tensor ({shown}) is" if len(names) == 1 else f"{len(names)} tensors ({shown}) are"


def _check_tensor(name: str, stored: _Stored, shape: tuple[int, ...]) -> None:
    allowed = (*_DTYPES, _QUANTISED) if len(shape) == 2 else tuple(_DTYPES)
    if stored.dtype not in allowed:
        raise WeightsError(
            f"{stored.path}: tensor {name} has type {stored.dtype}; allowed: {', '.join(allowed)}"
        )
    if stored.shape != shape:
        raise WeightsError(
            f"{stored.path}: tensor {name} has shape {stored.shape}, config.json needs {shape}"
        )


def _array(stored: _Stored) -> NDArray[Any]:
    """Return a stored tensor as float16 or float32."""
    raw = np.frombuffer(stored.data, _DTYPES[stored.dtype]).reshape(stored.shape)
    if stored.dtype == "BF16":  # the upper half of a float32, a type that NumPy lacks
        return (raw.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return raw


def _quantised(name: str, stored: _Stored) -> QuantTensor:
    """Return a stored matrix of type I8 with its scales, value for value."""
    assert stored.scales is not None
    values = np.frombuffer(stored.data, np.int8).reshape(stored.shape).copy()
    scales = np.frombuffer(stored.scales.data, np.float16).reshape(stored.scales.shape).copy()
    if not np.isfinite(scales).all() or (scales < 0).any():
        raise WeightsError(
            f"{stored.scales.path}: tensor {name}{_SCALES}: a scale is negative or not finite"
        )
    if (values == -128).any():
        raise WeightsError(f"{stored.path}: tensor {name}: a value is -128; lowest allowed: -127")
    try:
        return QuantTensor(values, scales)
    except WeightsError as error:
        raise WeightsError(f"{stored.path}: tensor {name}: {error}") from error


def _converted(name: str, stored: _Stored) -> Tensor:
    if stored.scales is not None:
        return _quantised(name, stored)
    array = _array(stored)
    if array.ndim != 2:
        return _finite(name, stored, array.astype(np.float32))
    try:
        return quantise(array)
    except WeightsError as error:
        raise WeightsError(f"{stored.path}: tensor {name}: {error}") from error


def _finite(name: str, stored: _Stored, values: NDArray[np.float32]) -> NDArray[np.float32]:
    if not np.isfinite(values).all():
        raise WeightsError(f"{stored.path}: tensor {name}: a value is not finite (NaN or infinite)")
    return values
