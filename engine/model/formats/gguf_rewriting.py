"""Writes a GGUF file anew with some of its matrices replaced; all else as it lies in the file.

Knows the container and Q8_0, in which replaced matrices are written; no family, no vocabulary.
Only one matrix is in memory at a time.

Source:
    ggml's specification of the format, ``docs/gguf.md``: header, metadata, what each tensor is
    called, its lengths fastest first, its type and offset, then the tensors, each at a multiple of
    the alignment.
"""

import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from engine.model.formats.gguf import GgufFile, GgufTensor
from engine.model.tensors.floats import FloatTensor
from engine.model.tensors.q8 import QUANTISATION_GROUP, quantise

__all__ = ["MatrixSource", "rewrite_gguf", "rewritten_bytes"]

MatrixSource = Callable[[], NDArray[np.float32]]
"""Returns a matrix, (N, K) with rows as they lie in the file; called once."""

_Q8_0 = 8
"""Its code among the types of tensors."""
_BLOCK = np.dtype([("scale", "<f2"), ("levels", "i1", QUANTISATION_GROUP)])


def rewrite_gguf(source: GgufFile, target: Path, replaced: Mapping[str, MatrixSource]) -> None:
    """Write a file with other matrices of the same shapes, as Q8_0.

    Args:
        source: The file that is rewritten; it stays.
        target: The file to write.
        replaced: What each replaced matrix is, by the name that it has in the file.

    Raises:
        OSError: It cannot be written.
        WeightsError: A matrix cannot be quantised.
    """
    alignment = source.alignment
    tensors = list(source.tensors.values())
    with source.path.open("rb") as original, target.open("wb") as file:
        file.write(original.read(source.metadata_end))
        offset = 0
        for tensor in tensors:
            code = _Q8_0 if tensor.name in replaced else tensor.type.code
            _write_info(file, tensor, code, offset)
            offset += _padded(_size(tensor, replaced), alignment)
        _pad(file, alignment)
        for tensor in tensors:
            matrix = replaced.get(tensor.name)
            file.write(tensor.data.data if matrix is None else _packed(matrix()))
            _pad(file, alignment)


def rewritten_bytes(source: GgufFile, replaced: Mapping[str, object]) -> int:
    """Return about the bytes of the file that `rewrite_gguf` would write: of its tensors."""
    return sum(_size(tensor, replaced) for tensor in source.tensors.values())


def _size(tensor: GgufTensor, replaced: Mapping[str, object]) -> int:
    if tensor.name not in replaced:
        return int(tensor.data.size)
    return int(np.prod(tensor.shape)) // QUANTISATION_GROUP * _BLOCK.itemsize


def _write_info(file: BinaryIO, tensor: GgufTensor, code: int, offset: int) -> None:
    name, lengths = tensor.name.encode(), tuple(reversed(tensor.shape))
    file.write(struct.pack("<Q", len(name)) + name + struct.pack("<I", len(lengths)))
    file.write(struct.pack(f"<{len(lengths)}QIQ", *lengths, code, offset))


def _packed(matrix: NDArray[np.float32]) -> memoryview:
    """Return a matrix as Q8_0: of every 32 weights a scale in fp16, and the levels."""
    whole = quantise(FloatTensor(matrix))
    blocks = np.empty(whole.scales.shape, _BLOCK)
    blocks["scale"] = whole.scales
    blocks["levels"] = whole.values.reshape(*whole.scales.shape, QUANTISATION_GROUP)
    return blocks.data.cast("B")


def _padded(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment


def _pad(file: BinaryIO, alignment: int) -> None:
    file.write(bytes(_padded(file.tell(), alignment) - file.tell()))
