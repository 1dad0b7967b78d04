"""GGUF files: metadata and mapped tensors, and nothing else.

Knows the container: where each value and each tensor's bytes lie, and what a malformed file looks
like.  Knows no model family, no tokenizer and no arithmetic of a tensor type; the bytes of a
tensor stay where they are, in the mapped file.  Values of the metadata are decoded when they are
asked for: a vocabulary of 150,000 pieces costs a walk over its lengths, not as many objects.

Source:
    ggml's specification of the format, ``docs/gguf.md``, versions 2 and 3 (version 1 has 32-bit
    lengths and is no longer written), little-endian.
"""

import mmap
import struct
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from engine.errors import WeightsError
from engine.model.formats.ggml_types import GgmlType, ggml_type
from engine.plain_files import open_plain

__all__ = ["GgufFile", "GgufTensor", "Strings", "Value", "read_gguf"]

MAGIC = b"GGUF"
VERSIONS = (2, 3)
DEFAULT_ALIGNMENT = 32
MOST_DIMENSIONS = 4
"""ggml's own limit."""
LONGEST_NAME = 1 << 16
"""Bytes of a key or a tensor's name; longer is a slip in the file, not a name."""

_RESTORE = "restore it from the model's source"
_STRING, _ARRAY, _BOOL = 8, 9, 7
_NUMBERS: Mapping[int, np.dtype[Any]] = {
    0: np.dtype("u1"), 1: np.dtype("i1"), 2: np.dtype("<u2"), 3: np.dtype("<i2"),
    4: np.dtype("<u4"), 5: np.dtype("<i4"), 6: np.dtype("<f4"), 7: np.dtype("?"),
    10: np.dtype("<u8"), 11: np.dtype("<i8"), 12: np.dtype("<f8"),
}  # fmt: skip
"""NumPy's type of every kind of number, by its code in the file."""

_U32, _U64 = struct.Struct("<I"), struct.Struct("<Q")
_SMALLEST_STRING = _U64.size
_SMALLEST_PAIR = _U64.size + _U32.size + 1
_SMALLEST_TENSOR = _U64.size + 2 * _U32.size + _U64.size


class Strings(Sequence[str]):
    """An array of strings in the file; each is decoded when it is asked for.

    Bytes that are no UTF-8 come out as replacement characters; `raw` gives them as they are.
    """

    def __init__(
        self, data: memoryview, starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> None:
        self._data = data
        self._starts = starts
        self._ends = ends

    def __len__(self) -> int:
        return int(self._starts.size)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        """Return one string, or a list of those in a slice."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return self.raw(index).decode("utf-8", "replace")

    def __iter__(self) -> Iterator[str]:
        """Yield every string in order."""
        data = self._data
        for start, end in zip(self._starts.tolist(), self._ends.tolist(), strict=True):
            yield str(data[start:end], "utf-8", "replace")

    def texts(self) -> list[str]:
        """Return every string in order, as iterating does; ten times as fast."""
        if not len(self):
            return []
        first = int(self._starts[0])
        joined = np.array(self._data[first : int(self._ends[-1])])
        starts = self._starts[1:] - first
        kept = np.ones(joined.size, bool)
        kept[(starts[:, None] - np.arange(2, 1 + _U64.size)).reshape(-1)] = False
        joined[starts - 1] = 0  # of a length, one byte stays to part the strings
        together = joined[kept]
        if np.count_nonzero(together == 0) != starts.size:  # a string has such a byte itself
            return list(self)
        return together.tobytes().decode("utf-8", "replace").split("\0")

    def raw(self, index: int) -> bytes:
        """Return the bytes of one string."""
        return bytes(self._data[int(self._starts[index]) : int(self._ends[index])])


Value = int | float | bool | str | NDArray[np.generic] | Strings
"""A value of the metadata; arrays of numbers are mapped, read-only."""


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """A tensor as it lies in the file."""

    name: str
    shape: tuple[int, ...]
    """Slowest dimension first, as NumPy counts: (N, K) for a matrix of N outputs, K inputs."""
    type: GgmlType
    offset: int
    """Where its bytes begin in the file."""
    data: NDArray[np.uint8]
    """Its bytes, mapped and read-only; row after row, blocks along the last dimension."""


@dataclass(frozen=True, slots=True)
class GgufFile:
    """Everything a file holds; its arrays stay valid as long as somebody refers to them."""

    path: Path
    version: int
    size_bytes: int
    metadata: Mapping[str, Value]
    tensors: Mapping[str, GgufTensor]
    metadata_end: int
    """Where the metadata ends, and what is said of tensors begins."""
    alignment: int
    """Bytes of which every tensor's place is a multiple."""


def read_gguf(path: Path) -> GgufFile:
    """Map a file and return its metadata and tensors.

    Every length is checked against what is left of the file before anything is made of it, so that
    a malformed file costs no memory beyond its own size.

    Raises:
        WeightsError: The file is missing, unreadable, truncated or malformed, or has a tensor of
            a type nobody knows; the message names the file and the place.
    """
    try:
        with open_plain(path) as file:
            size = file.seek(0, 2)
            if size < len(MAGIC):
                raise WeightsError(f"{path}: {size} bytes are no GGUF file; {_RESTORE}")
            mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file") from None
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        return _Reader(path, memoryview(mapped)).read()
    except _Malformed as error:
        raise WeightsError(f"{path}: {error}; {_RESTORE}") from None


class _Malformed(Exception):
    """What is wrong with a file, without the file's name."""


class _Reader:
    """Walks once over the head of a file."""

    def __init__(self, path: Path, data: memoryview) -> None:
        self._path = path
        self._data = data
        self._bytes = np.frombuffer(data, np.uint8)
        self._at = 0

    def read(self) -> GgufFile:
        """Return the whole file."""
        if bytes(self._data[: len(MAGIC)]) != MAGIC:
            raise _Malformed(f"begins with {bytes(self._data[:4])!r}; a GGUF file begins {MAGIC!r}")
        self._at = len(MAGIC)
        version = self._u32("the version")
        if version not in VERSIONS:
            raise _Malformed(self._wrong_version(version))
        tensors = self._count("tensors", _SMALLEST_TENSOR)
        pairs = self._count("metadata pairs", _SMALLEST_PAIR)
        metadata = self._metadata(pairs)
        metadata_end, alignment = self._at, _alignment(metadata)
        infos = [self._info() for _ in range(tensors)]
        return GgufFile(
            path=self._path,
            version=version,
            size_bytes=len(self._data),
            metadata=MappingProxyType(metadata),
            tensors=MappingProxyType(self._tensors(infos, alignment)),
            metadata_end=metadata_end,
            alignment=alignment,
        )

    # ── numbers and strings ─────────────────────────────────────────────────────────────────

    def _skip(self, size: int, what: str) -> int:
        """Return where the next ``size`` bytes begin, and step over them."""
        start = self._at
        if size > len(self._data) - start:
            raise _Malformed(
                f"truncated: {what} at byte {start} needs {size} bytes, "
                f"{len(self._data) - start} are left"
            )
        self._at = start + size
        return start

    def _u32(self, what: str) -> int:
        (value,) = _U32.unpack_from(self._data, self._skip(_U32.size, what))
        return int(value)

    def _u64(self, what: str) -> int:
        (value,) = _U64.unpack_from(self._data, self._skip(_U64.size, what))
        return int(value)

    def _count(self, what: str, smallest: int) -> int:
        """Return a number of things, each of which takes at least ``smallest`` bytes."""
        count = self._u64(f"the number of {what}")
        if count > (len(self._data) - self._at) // smallest:
            raise _Malformed(
                f"truncated: {count} {what} are announced, more than the file can hold"
            )
        return count

    def _name(self, what: str) -> str:
        length = self._u64(f"the length of {what}")
        if length > LONGEST_NAME:
            raise _Malformed(f"{what} at byte {self._at} is {length} bytes long")
        start = self._skip(length, what)
        try:
            return str(self._data[start : start + length], "utf-8")
        except UnicodeDecodeError:
            raise _Malformed(f"{what} at byte {start} is no UTF-8 text") from None

    # ── metadata ────────────────────────────────────────────────────────────────────────────

    def _metadata(self, pairs: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for _ in range(pairs):
            key = self._name("a metadata key")
            if key in found:
                raise _Malformed(f"metadata key {key!r} occurs twice")
            found[key] = self._value(key, self._u32(f"the type of {key}"))
        return found

    def _value(self, key: str, kind: int) -> Value:
        if kind == _STRING:
            return self._text(key)
        if kind == _ARRAY:
            return self._array(key)
        value = self._numbers(key, kind, 1)[0]
        if kind == _BOOL:
            return bool(value)
        return float(value) if np.issubdtype(value.dtype, np.floating) else int(value)

    def _text(self, key: str) -> str:
        length = self._u64(f"the length of {key}")
        start = self._skip(length, key)
        return str(self._data[start : start + length], "utf-8", "replace")

    def _numbers(self, key: str, kind: int, count: int) -> NDArray[np.generic]:
        dtype = _NUMBERS.get(kind)
        if dtype is None:
            raise _Malformed(f"metadata {key!r} has type {kind}, which no version of GGUF knows")
        start = self._skip(count * dtype.itemsize, key)
        if kind == _BOOL and self._bytes[start : self._at].max(initial=0) > 1:
            raise _Malformed(f"metadata {key!r} holds a truth value that is neither 0 nor 1")
        return np.frombuffer(self._data, dtype, count, start)

    def _array(self, key: str) -> Value:
        kind = self._u32(f"the element type of {key}")
        if kind == _ARRAY:
            raise _Malformed(f"metadata {key!r} is an array of arrays, which no model has")
        if kind == _STRING:
            return self._strings(key)
        dtype = _NUMBERS.get(kind)
        count = self._count(f"elements of {key}", 1 if dtype is None else dtype.itemsize)
        return self._numbers(key, kind, count)

    def _strings(self, key: str) -> Strings:
        """Walk over the lengths of an array of strings."""
        count = self._count(f"strings of {key}", _SMALLEST_STRING)
        data, at, walked = self._data, self._at, array("q")
        unpack, width, add = _U64.unpack_from, _U64.size, walked.append
        try:
            for _ in range(count):
                at += width + unpack(data, at)[0]
                add(at)
        except (struct.error, OverflowError):  # the next one begins beyond the end
            at = len(data) + 1
        ends = np.frombuffer(walked, np.int64)
        if at > len(data):
            number = int(np.searchsorted(ends, len(data), side="right"))
            raise _Malformed(f"truncated: string {number} of {key} lies beyond the end")
        starts = np.empty(count, np.int64)
        starts[:1] = self._at
        starts[1:] = ends[:-1]
        starts += width
        self._at = at
        return Strings(data, starts, ends)

    # ── tensors ─────────────────────────────────────────────────────────────────────────────

    def _info(self) -> "_Info":
        name = self._name("a tensor's name")
        dimensions = self._u32(f"the number of dimensions of {name}")
        if not 1 <= dimensions <= MOST_DIMENSIONS:
            raise _Malformed(f"tensor {name!r} has {dimensions} dimensions; 1 to 4 are possible")
        lengths = [self._u64(f"a dimension of {name}") for _ in range(dimensions)]
        code = self._u32(f"the type of {name}")
        return _Info(name, tuple(reversed(lengths)), code, self._u64(f"the offset of {name}"))

    def _tensors(self, infos: list["_Info"], alignment: int) -> dict[str, GgufTensor]:
        first = -(-self._at // alignment) * alignment
        found: dict[str, GgufTensor] = {}
        ends: list[tuple[int, int, str]] = []
        for info in infos:
            if info.name in found:
                raise _Malformed(f"tensor {info.name!r} occurs twice")
            tensor = self._tensor(info, first, alignment)
            ends.append((info.offset, info.offset + tensor.data.size, info.name))
            found[info.name] = tensor
        _refuse_overlaps(sorted(ends))
        return found

    def _tensor(self, info: "_Info", first: int, alignment: int) -> GgufTensor:
        kind = ggml_type(info.code)
        if kind is None:
            raise _Malformed(f"tensor {info.name!r} has type {info.code}, which nobody knows")
        if 0 in info.shape or info.shape[-1] % kind.block_values:
            raise _Malformed(
                f"tensor {info.name!r} has shape {info.shape}; a row of {kind.name} holds "
                f"a multiple of {kind.block_values} values"
            )
        values = 1
        for length in info.shape:
            values *= length
        size = values // kind.block_values * kind.block_bytes
        if info.offset % alignment:
            raise _Malformed(f"tensor {info.name!r} begins at {info.offset}, off {alignment} bytes")
        start = first + info.offset
        if size > len(self._data) - start:
            raise _Malformed(
                f"truncated: tensor {info.name!r} needs {size} bytes at {start}, the file ends at "
                f"{len(self._data)}"
            )
        return GgufTensor(info.name, info.shape, kind, start, self._bytes[start : start + size])

    @staticmethod
    def _wrong_version(version: int) -> str:
        swapped = int.from_bytes(version.to_bytes(4, "little"), "big")
        if swapped in VERSIONS:
            return f"version {swapped} in big-endian order; little-endian files are read"
        return f"version {version} of GGUF; versions {VERSIONS[0]} and {VERSIONS[1]} are read"


@dataclass(frozen=True, slots=True)
class _Info:
    """What the head of a file says of a tensor."""

    name: str
    shape: tuple[int, ...]
    code: int
    offset: int


def _alignment(metadata: Mapping[str, Value]) -> int:
    value = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _Malformed(f"general.alignment is a {type(value).__name__}, not a number")
    if value.bit_count() != 1 or not 8 <= value <= 1 << 20:
        raise _Malformed(f"general.alignment is {value}; a power of two from 8 is needed")
    return value


def _refuse_overlaps(spans: list[tuple[int, int, str]]) -> None:
    """Refuse tensors that share bytes: many over few bytes would cost more than the file."""
    for (_, end, name), (start, _, other) in pairwise(spans):
        if start < end:
            raise _Malformed(f"tensors {name!r} and {other!r} share bytes")
