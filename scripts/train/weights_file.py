"""The weights folder: float16 in one file, or int8 in shards, as the engine reads them.

Turns named tensors into files and back; knows nothing of training.  NumPy and safetensors only.

``float16``: ``model.safetensors``, all tensors F16.
``int8``: ``model-00001-of-0000N.safetensors`` and ``model.safetensors.index.json`` with the
``weight_map`` of Hugging Face.  A matrix is stored under its own name as I8, shape (N, K), and its
scales as ``NAME.scales``, F16, shape (N, K // 32): weight = value × scale of its group of 32
inputs, the layout GGUF calls Q8_0.  Vectors are F16.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save

GROUP = 32
SCALES = ".scales"
SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"

LIMIT_BYTES = 16 * 1024 * 1024
"""Largest allowed file; the weights are committed to the repository."""

Tensors = Mapping[str, np.ndarray]


def quantise(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return int8 values, shape (N, K), and float16 scales, shape (N, K // 32).

    s = fp16(max|w| / 127); q = clip(round-half-even(w / s), ±127); bit-exact with
    ``engine.model.tensors.q8``, which a test holds.
    """
    rows, columns = weights.shape
    if columns % GROUP:
        raise ValueError(f"{columns} inputs are no multiple of {GROUP}")
    groups = weights.astype(np.float32).reshape(rows, -1, GROUP)
    scales = (np.abs(groups).max(-1) / np.float32(127)).astype(np.float16)
    divisors = scales.astype(np.float32)
    divisors[divisors == 0] = 1
    levels = np.clip(np.rint(groups / divisors[..., None]), -127, 127)
    return levels.astype(np.int8).reshape(rows, columns), scales


def dequantise(values: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Return the matrix that int8 values and their scales stand for, float32."""
    groups = values.astype(np.float32).reshape(*scales.shape, GROUP)
    return (groups * scales.astype(np.float32)[..., None]).reshape(values.shape)


def stored(tensors: Tensors, dtype: str) -> dict[str, np.ndarray]:
    """Return the tensors as they go into files.

    Raises:
        ValueError: A weight does not fit float16.
    """
    found: dict[str, np.ndarray] = {}
    for name, tensor in tensors.items():
        if dtype == "int8" and tensor.ndim == 2:
            found[name], found[name + SCALES] = quantise(tensor)
        else:
            with np.errstate(over="ignore"):
                found[name] = tensor.astype(np.float16)
    if not all(np.isfinite(t).all() for t in found.values()):
        raise ValueError("a weight is not finite in float16; the checkpoint cannot be exported")
    return found


def shards(tensors: Tensors, limit_bytes: int) -> list[dict[str, np.ndarray]]:
    """Split tensors into groups of about equal size, each below the limit, in order.

    A matrix and its scales stay together.
    """
    units: list[dict[str, np.ndarray]] = []
    for name, tensor in tensors.items():
        if name.endswith(SCALES):
            units[-1][name] = tensor
        else:
            units.append({name: tensor})
    sizes = [sum(tensor.nbytes for tensor in unit.values()) for unit in units]
    usable = limit_bytes - 64 * 1024  # the header of a shard names every tensor in it
    if max(sizes) > usable:
        raise ValueError(f"one tensor has {max(sizes)} bytes, over {usable}")
    count = -(-sum(sizes) // usable)
    while True:
        groups = _filled(units, sizes, max(max(sizes), -(-sum(sizes) // count)), usable)
        if groups is not None:
            return groups
        count += 1


def _filled(
    units: list[dict[str, np.ndarray]], sizes: list[int], target: int, usable: int
) -> list[dict[str, np.ndarray]] | None:
    """Fill groups one after the other up to about a target; None if one grows too large."""
    groups: list[dict[str, np.ndarray]] = [{}]
    filled = 0
    for unit, size in zip(units, sizes, strict=True):
        if filled and filled + size / 2 > target:
            groups.append({})
            filled = 0
        groups[-1] |= unit
        filled += size
        if filled > usable:
            return None
    return groups


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file in one step."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def write(folder: Path, tensors: Tensors, dtype: str, progress: str) -> list[str]:
    """Write the weight files; return their names.  Files of the other layout are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    metadata = {"format": "pt", "progress": progress}
    ready = stored(tensors, dtype)
    if dtype == "float16":
        files = {SINGLE: save(ready, metadata)}
    else:
        groups = shards(ready, LIMIT_BYTES)
        names = [f"model-{i + 1:05}-of-{len(groups):05}.safetensors" for i in range(len(groups))]
        files = {n: save(group, metadata) for n, group in zip(names, groups, strict=True)}
        where = {tensor: n for n, group in zip(names, groups, strict=True) for tensor in group}
        index = {
            "metadata": {"total_size": sum(t.nbytes for t in ready.values())},
            "weight_map": where,
        }
        files[INDEX] = (json.dumps(index, indent=2) + "\n").encode()
    for name, data in files.items():
        if len(data) > LIMIT_BYTES:
            raise ValueError(
                f"{name} would have {len(data)} bytes, over {LIMIT_BYTES}; --dtype int8 is smaller"
            )
        write_whole(folder / name, data)
    for old in folder.glob("model*.safetensors*"):
        if old.name not in files:
            old.unlink()
    return list(files)


def weight_files(folder: Path) -> list[Path]:
    """Return the files with tensors of a weights folder."""
    if (folder / INDEX).exists():
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        return [folder / name for name in sorted(set(index["weight_map"].values()))]
    return [folder / SINGLE]


def digest(folder: Path) -> str:
    """Return the SHA-256 of the `weight_files`, one after the other.

    The same as ``engine.model_store.digests.weights_sha256``, which a test holds.
    """
    total = hashlib.sha256()
    for path in weight_files(folder):
        total.update(path.read_bytes())
    return total.hexdigest()


def read(folder: Path) -> dict[str, np.ndarray]:
    """Return all tensors of a weights folder, float32."""
    found: dict[str, np.ndarray] = {}
    for path in weight_files(folder):
        found |= load_file(path)
    return {
        name: dequantise(tensor, found[name + SCALES])
        if tensor.dtype == np.int8
        else tensor.astype(np.float32)
        for name, tensor in found.items()
        if not name.endswith(SCALES)
    }


def checksums(folder: Path) -> dict[str, dict[str, str]]:
    """Return the contents of checksums.json: every file of a weights folder but it and the card."""
    names = {path.name for path in folder.iterdir() if path.is_file()}
    names -= {"checksums.json", "README.md"}
    return {
        "files": {
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in sorted(names)
        }
    }
