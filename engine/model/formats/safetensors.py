"""safetensors: one file of the format, read into stored tensors.

Knows the container, not the model: names, types and shapes are as the file has them.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import safetensors

from engine.errors import WeightsError
from engine.model.formats.checksums import RESTORE, Checksums, check_listed
from engine.model.tensors.file_rows import FileRows, TensorFile
from engine.model.tensors.stored import SCALES_SUFFIX, Stored
from engine.plain_files import open_plain

__all__ = ["SUFFIX", "WEIGHTS_FILE", "read_stored", "with_scales"]

WEIGHTS_FILE = "model.safetensors"
SUFFIX = ".safetensors"

_WITH_SCALES = "I8"
_LARGEST_HEADER = 100_000_000
"""Bytes; the library's own limit."""


def read_stored(folder: Path, file: str, checksums: Checksums | None) -> dict[str, Stored]:
    """Return the tensors of one file by name; their rows are read when they are used.

    Raises:
        WeightsError: The file is missing, unreadable, truncated or no safetensors file, or there
            are checksums but none of it.  Whether its bytes are the right ones is checked later
            (`checksums.check_file_digest`): to read all of them costs time.
    """
    path = folder / file
    check_listed(folder, file, checksums)
    size_bytes, header = _read_header(path)
    try:
        with safetensors.safe_open(path, "numpy"):
            pass  # it checks types, shapes, offsets and that they leave no gap
    except (safetensors.SafetensorError, OSError, MemoryError) as error:
        raise WeightsError(f"{path}: not a safetensors file ({error}); {RESTORE}") from error
    entries = {name: entry for name, entry in json.loads(header).items() if name != _METADATA}
    opened, start = TensorFile(path, size_bytes), 8 + len(header)
    return {name: _stored(path, name, entry, opened, start) for name, entry in entries.items()}


_METADATA = "__metadata__"


def _stored(
    path: Path, name: str, entry: Mapping[str, Any], opened: TensorFile, start: int
) -> Stored:
    shape = tuple(entry["shape"])
    begin, end = entry["data_offsets"]
    count = shape[0] if shape else 1
    row_bytes = (end - begin) // count if count else 0
    return Stored(
        path, name, entry["dtype"], shape, FileRows(opened, start + begin, count, row_bytes)
    )


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


def _read_header(path: Path) -> tuple[int, bytes]:
    """Return a file's size and its header; refuse a file shorter than its header says.

    That is the usual broken download or copy, and a checksum would say less.
    """
    try:
        with open_plain(path) as file:
            size_bytes = os.fstat(file.fileno()).st_size
            needed = 8 + int.from_bytes(file.read(8), "little")
            whole = needed <= min(size_bytes, 8 + _LARGEST_HEADER)
            header = file.read(needed - 8) if whole else b""
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file; {RESTORE}") from None
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error
    if size_bytes < 8:
        raise WeightsError(f"{path}: truncated: {size_bytes} bytes, not even a header; {RESTORE}")
    needed += _data_bytes(header)
    if size_bytes < needed:
        raise WeightsError(
            f"{path}: truncated: {size_bytes} bytes, its header needs {needed}; {RESTORE}"
        )
    return size_bytes, header


def _data_bytes(header: bytes) -> int:
    """Return the bytes of tensor data that a header announces; 0 if it makes no sense."""
    try:
        entries = json.loads(header)
        ends = [entry["data_offsets"][1] for key, entry in entries.items() if key != _METADATA]
        return max([0, *map(int, ends)])
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return 0  # malformed: safetensors refuses it with its own reason
