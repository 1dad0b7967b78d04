"""Weight files: checksums, safetensors, and tensors whose every shape and value was checked.

Reads a model folder and never writes to it.  Matrices come out quantised, vectors as float32.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray

from engine.errors import WeightsError
from engine.model.graph import ModelGraph
from engine.model.quantise import QuantTensor, quantise

__all__ = [
    "CHECKSUMS_FILE",
    "WEIGHTS_FILE",
    "Tensor",
    "load_float_tensors",
    "load_tensors",
    "read_checksums",
    "read_file",
    "verify",
]

WEIGHTS_FILE = "model.safetensors"
CHECKSUMS_FILE = "checksums.json"

Tensor = QuantTensor | NDArray[np.float32]

_RESTORE = "restore it from the model's source"
_DTYPES = {"F16": np.float16, "F32": np.float32, "BF16": np.uint16}
_NAMES_SHOWN = 5

# The library has no types of its own.
_deserialize: Callable[[bytes], list[tuple[str, dict[str, Any]]]] = safetensors.deserialize


@dataclass(frozen=True, slots=True)
class _Stored:
    """A tensor as the file has it."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes | bytearray


# ── checksums ───────────────────────────────────────────────────────────────────────────────


def read_checksums(folder: Path) -> dict[str, str] | None:
    """Return the sha256 of a model folder's files by name, or None without a checksums.json.

    Raises:
        WeightsError: checksums.json cannot be read or is not
            ``{"files": {name: 64 hexadecimal digits}}`` with an entry for the weights.
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
    if WEIGHTS_FILE not in files:
        raise WeightsError(f"{path}: has no entry for {WEIGHTS_FILE}; {_RESTORE}")
    return {name: digest.lower() for name, digest in files.items()}


def _is_checksum(entry: tuple[str, object]) -> bool:
    name, digest = entry
    plain = name not in ("", ".", "..") and "/" not in name and "\\" not in name
    hexadecimal = isinstance(digest, str) and set(digest.lower()) <= set("0123456789abcdef")
    return plain and hexadecimal and len(str(digest)) == 64


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
    if name == WEIGHTS_FILE:
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


# ── tensors ─────────────────────────────────────────────────────────────────────────────────


def load_tensors(
    folder: Path, graph: ModelGraph, checksums: Mapping[str, str] | None
) -> dict[str, Tensor]:
    """Return all tensors of a model: matrices quantised, vectors as float32.

    Raises:
        WeightsError: As `read_file`; or the file is no safetensors file, lacks a tensor, has one
            too many, or holds one of another shape, an unknown type, or a value that is not
            finite.  The message names file and tensor.
    """
    return {
        name: _converted(folder / WEIGHTS_FILE, name, stored)
        for name, stored in _read(folder, graph, checksums).items()
    }


def load_float_tensors(
    folder: Path, graph: ModelGraph, checksums: Mapping[str, str] | None
) -> dict[str, NDArray[np.float32]]:
    """Return all tensors of a model as float32, without quantisation: for the fp32 reference.

    Raises:
        WeightsError: As `load_tensors`.
    """
    return {
        name: _finite(folder / WEIGHTS_FILE, name, _array(stored).astype(np.float32))
        for name, stored in _read(folder, graph, checksums).items()
    }


def _read(
    folder: Path, graph: ModelGraph, checksums: Mapping[str, str] | None
) -> dict[str, _Stored]:
    """Return the stored tensors in the graph's order, names, types and shapes checked."""
    path = folder / WEIGHTS_FILE
    data = read_file(folder, WEIGHTS_FILE, checksums)
    try:
        entries = _deserialize(data)
    except safetensors.SafetensorError as error:
        raise WeightsError(f"{path}: not a safetensors file ({error}); {_RESTORE}") from error
    stored = {
        name: _Stored(entry["dtype"], tuple(entry["shape"]), entry["data"])
        for name, entry in entries
    }
    _check_names(path, stored, graph.weights)
    for name, shape in graph.weights.items():
        _check_tensor(path, name, stored[name], shape)
    return {name: stored[name] for name in graph.weights}


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


def _check_tensor(path: Path, name: str, stored: _Stored, shape: tuple[int, ...]) -> None:
    if stored.dtype not in _DTYPES:
        raise WeightsError(
            f"{path}: tensor {name} has type {stored.dtype}; allowed: {', '.join(_DTYPES)}"
        )
    if stored.shape != shape:
        raise WeightsError(
            f"{path}: tensor {name} has shape {stored.shape}, config.json needs {shape}"
        )


def _array(stored: _Stored) -> NDArray[Any]:
    """Return a stored tensor as float16 or float32."""
    raw = np.frombuffer(stored.data, _DTYPES[stored.dtype]).reshape(stored.shape)
    if stored.dtype == "BF16":  # the upper half of a float32, a type that NumPy lacks
        return (raw.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return raw


def _converted(path: Path, name: str, stored: _Stored) -> Tensor:
    array = _array(stored)
    if array.ndim != 2:
        return _finite(path, name, array.astype(np.float32))
    try:
        return quantise(array)
    except WeightsError as error:
        raise WeightsError(f"{path}: tensor {name}: {error}") from error


def _finite(path: Path, name: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
    if not np.isfinite(values).all():
        raise WeightsError(f"{path}: tensor {name}: a value is not finite (NaN or infinite)")
    return values
