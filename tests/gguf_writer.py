"""Write GGUF files, version 3: the other end of `engine.model.formats.gguf`.

Chooses no types and quantises nothing: tensors come as packed bytes.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

__all__ = ["Array", "Packed", "write_gguf"]

ALIGNMENT = 32
_VERSION = 3
_CODES = {
    "u8": (0, "<B"), "i8": (1, "<b"), "u16": (2, "<H"), "i16": (3, "<h"), "u32": (4, "<I"),
    "i32": (5, "<i"), "f32": (6, "<f"), "bool": (7, "<?"), "u64": (10, "<Q"), "i64": (11, "<q"),
    "f64": (12, "<d"),
}  # fmt: skip
"""The code of every kind of number, and how `struct` packs it."""
_STRING, _ARRAY = 8, 9


@dataclass(frozen=True, slots=True)
class Array:
    """An array of the metadata; ``kind`` is ``"str"`` or a kind of number: u8 … f64, bool."""

    kind: str
    values: Sequence[object]


@dataclass(frozen=True, slots=True)
class Packed:
    """A tensor's shape, slowest dimension first, its type's code, and its packed bytes."""

    shape: tuple[int, ...]
    code: int
    data: bytes


def write_gguf(path: Path, metadata: Mapping[str, object], tensors: Mapping[str, Packed]) -> None:
    """Write a file.

    Args:
        path: The file; written anew.
        metadata: Texts, truth values, whole numbers (u32, or i64 where they do not fit),
            fractions (f32) and `Array`.
        tensors: By name, in the order in which they lie in the file.
    """
    with path.open("wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", _VERSION, len(tensors), len(metadata)))
        for key, value in metadata.items():
            file.write(_text(key) + _value(value))
        offset = 0
        for name, tensor in tensors.items():
            lengths = tuple(reversed(tensor.shape))
            file.write(_text(name) + struct.pack("<I", len(lengths)))
            file.write(struct.pack(f"<{len(lengths)}QIQ", *lengths, tensor.code, offset))
            offset += _padded(len(tensor.data))
        _pad(file)
        for tensor in tensors.values():
            file.write(tensor.data)
            _pad(file)


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value: object) -> bytes:
    if isinstance(value, Array):
        return struct.pack("<I", _ARRAY) + _elements(value)
    if isinstance(value, str):
        return struct.pack("<I", _STRING) + _text(value)
    kind = _kind(value)
    code, form = _CODES[kind]
    return struct.pack("<I", code) + struct.pack(form, value)


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "u32" if 0 <= value < 1 << 32 else "i64"
    return "f32"


def _elements(array: Array) -> bytes:
    count = struct.pack("<Q", len(array.values))
    if array.kind == "str":
        return struct.pack("<I", _STRING) + count + b"".join(_text(str(v)) for v in array.values)
    code, form = _CODES[array.kind]
    return struct.pack("<I", code) + count + b"".join(struct.pack(form, v) for v in array.values)


def _padded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _pad(file: BinaryIO) -> None:
    file.write(bytes(_padded(file.tell()) - file.tell()))
