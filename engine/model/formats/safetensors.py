"""safetensors: one file of the format, read into stored tensors.

Knows the container, not the model: names, types and shapes are as the file has them.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import safetensors

from engine.errors import WeightsError
from engine.model.formats.checksums import (
    RESTORE,
    Checksums,
    check_digest,
    check_listed,
    read_bytes,
)
from engine.model.tensors.stored import SCALES_SUFFIX, Stored

__all__ = ["SUFFIX", "WEIGHTS_FILE", "read_stored", "with_scales"]

WEIGHTS_FILE = "model.safetensors"
SUFFIX = ".safetensors"

_WITH_SCALES = "I8"

# The library has no types of its own.
_deserialize: Callable[[bytes], list[tuple[str, dict[str, Any]]]] = safetensors.deserialize


def read_stored(folder: Path, file: str, checksums: Checksums | None) -> dict[str, Stored]:
    """Return the tensors of one file by name.

    Raises:
        WeightsError: The file is missing, unreadable, truncated or no safetensors file, it is not
            the one its checksum belongs to, or there are checksums but none of it.
    """
    path = folder / file
    check_listed(folder, file, checksums)
    data = read_bytes(path)
    _check_complete(path, data)  # says more about a broken download than its checksum
    check_digest(path, data, checksums)
    try:
        entries = _deserialize(data)
    except safetensors.SafetensorError as error:
        raise WeightsError(f"{path}: not a safetensors file ({error}); {RESTORE}") from error
    return {
        name: Stored(path, name, entry["dtype"], tuple(entry["shape"]), entry["data"])
        for name, entry in entries
    }


def with_scales(found: Mapping[str, Stored]) -> dict[str, Stored]:
    """Return the tensors with the scales of each of type I8 as part of it, where there are any."""
    scales = {
        name: found[name + SCALES_SUFFIX]
        for name, stored in found.items()
        if stored.type == _WITH_SCALES and name + SCALES_SUFFIX in found
    }
    taken = {stored.name for stored in scales.values()}
    return {
        name: replace(stored, scales=scales.get(name))
        for name, stored in found.items()
        if name not in taken
    }


def _check_complete(path: Path, data: bytes) -> None:
    """Refuse a file shorter than its own header says: the usual broken download or copy."""
    if len(data) < 8:
        raise WeightsError(f"{path}: truncated: {len(data)} bytes, not even a header; {RESTORE}")
    header_bytes = int.from_bytes(data[:8], "little")
    needed = 8 + header_bytes
    if needed <= len(data):
        needed += _data_bytes(data[8:needed])
    if len(data) < needed:
        raise WeightsError(
            f"{path}: truncated: {len(data)} bytes, its header needs {needed}; {RESTORE}"
        )


def _data_bytes(header: bytes) -> int:
    """Return the bytes of tensor data that a header announces; 0 if it makes no sense."""
    try:
        entries = json.loads(header)
        ends = [entry["data_offsets"][1] for key, entry in entries.items() if key != "__metadata__"]
        return max([0, *map(int, ends)])
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return 0  # malformed: safetensors refuses it with its own reason
