"""Shards: a model's tensors in several safetensors files, and the index of which is where."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from engine.errors import WeightsError
from engine.model.formats.checksums import (
    RESTORE,
    Checksums,
    check_listed,
    is_plain_name,
    read_file,
)
from engine.model.formats.safetensors import SUFFIX, read_stored
from engine.model.tensors.stored import Stored

__all__ = ["INDEX_FILE", "is_sharded", "read_shards"]

INDEX_FILE = "model.safetensors.index.json"
"""``{"weight_map": {tensor: file}}``, as Hugging Face writes it."""


def is_sharded(folder: Path, checksums: Checksums | None) -> bool:
    """Tell whether the tensors lie in shards; an index that is lost counts, if it was listed."""
    return os.path.lexists(folder / INDEX_FILE) or INDEX_FILE in (checksums or {})


def read_shards(folder: Path, checksums: Checksums | None) -> dict[str, Stored]:
    """Return the tensors of all shards by name, each in the shard where the index puts it.

    Raises:
        WeightsError: As `read_file` for the index and `safetensors.read_stored` for a shard, which
            leaves the checksum of its bytes to be checked later; the index is malformed or names a
            file outside the folder; a tensor lies elsewhere than the index says, or in two shards,
            or is not in the index.
    """
    where = _read_index(folder, checksums)
    found: dict[str, Stored] = {}
    for shard in sorted(set(where.values())):
        tensors = read_stored(folder, shard, checksums)
        for name in tensors:
            if name in found:
                raise WeightsError(
                    f"{folder / shard}: tensor {name} is in {found[name].path.name} too; {RESTORE}"
                )
        found |= tensors
    _check_places(folder / INDEX_FILE, where, found)
    return found


def _read_index(folder: Path, checksums: Checksums | None) -> dict[str, str]:
    """Return the shard of every tensor by the tensor's name."""
    path = folder / INDEX_FILE
    check_listed(folder, INDEX_FILE, checksums)
    try:
        raw = json.loads(read_file(folder, INDEX_FILE, checksums))
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: not valid JSON ({error}); {RESTORE}") from error
    where = raw.get("weight_map") if isinstance(raw, dict) else None
    if not isinstance(where, dict) or not where or not all(map(_is_shard, where.values())):
        raise WeightsError(
            f'{path}: must be {{"weight_map": {{tensor: safetensors file}}}}; {RESTORE}'
        )
    return where


def _is_shard(name: object) -> bool:
    return isinstance(name, str) and is_plain_name(name) and name.endswith(SUFFIX)


def _check_places(path: Path, where: Mapping[str, str], found: Mapping[str, Stored]) -> None:
    for name, shard in where.items():
        if name not in found:
            raise WeightsError(f"{path}: tensor {name} is not in {shard}; {RESTORE}")
        if found[name].path.name != shard:
            raise WeightsError(
                f"{path}: tensor {name} is in {found[name].path.name}, not in {shard}; {RESTORE}"
            )
    for name in sorted(found.keys() - where.keys()):
        raise WeightsError(
            f"{path}: has no entry for tensor {name} of {found[name].path.name}; {RESTORE}"
        )
