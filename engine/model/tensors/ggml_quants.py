"""GGML's formats of 4, 5 and 6 bits as rows of the table of formats: Q4_0 … Q5_1, Q4_K, Q5_K, Q6_K.

A decoder turns packs of bytes into levels, scales and minima, all of them at once with NumPy, and
rounds nothing: every scale, fp16 times an integer of at most 8 bits, is exact in fp32.

Source:
    The block structures of ggml (``ggml-common.h``) and what ``ggml-quants.c`` reads from them.
"""

import numpy as np
from numpy.typing import NDArray

from engine.model.tensors.tensor import GROUP, Blocks, Format, Packing

__all__ = ["GGML_FORMATS", "Q4_0", "Q4_1", "Q4_K", "Q5_0", "Q5_1", "Q5_K", "Q6_K"]

_SUPER = 256

Packs = NDArray[np.uint8]
"""Packs of bytes, (B, bytes of a pack)."""


# ── pieces of a pack ────────────────────────────────────────────────────────────────────────


def _half(packs: Packs, at: int) -> NDArray[np.float32]:
    """Return the fp16 at a byte of every pack, float32 (B, 1)."""
    return np.ascontiguousarray(packs[:, at : at + 2]).view(np.float16).astype(np.float32)


def _nibbles(octets: Packs) -> NDArray[np.uint8]:
    """Return the lower halves of bytes (…, n), then the upper ones, (…, 2n)."""
    return np.concatenate([octets & 15, octets >> 4], axis=-1)


def _bits_of_word(packs: Packs, at: int) -> NDArray[np.uint8]:
    """Return the 32 bits of the little-endian word at a byte, the lowest first, (B, 32)."""
    return np.unpackbits(packs[:, at : at + 4], axis=1, bitorder="little")


def _scales_and_minima(packs: Packs) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the 8 scales and the 8 minima of Q4_K and Q5_K packs, float32 (B, 8) each.

    Bytes 0–3 are fp16 factors of both; of the 12 bytes after them, 0–3 hold scales 0–3 and 4–7
    minima 0–3 in their lower 6 bits, and in the upper 2 those of numbers 4–7; 8–11 hold the lower
    4 bits of scales 4–7 in their lower halves, and of minima 4–7 in their upper ones.
    """
    first, second, third = packs[:, 4:8], packs[:, 8:12], packs[:, 12:16]
    scales = np.concatenate([first & 63, (third & 15) | (first >> 6 << 4)], axis=1)
    minima = np.concatenate([second & 63, (third >> 4) | (second >> 6 << 4)], axis=1)
    return (
        _half(packs, 0) * scales.astype(np.float32),
        _half(packs, 2) * minima.astype(np.float32),
    )


# ── decoders ────────────────────────────────────────────────────────────────────────────────


def _decode_q4_0(packs: Packs) -> Blocks:
    """Scale, 16 bytes of levels; 8 is zero."""
    levels = _nibbles(packs[:, 2:]).view(np.int8) - np.int8(8)
    return Blocks(levels, _half(packs, 0), None)


def _decode_q4_1(packs: Packs) -> Blocks:
    """Scale, offset that is added, 16 bytes of levels."""
    return Blocks(_nibbles(packs[:, 4:]).view(np.int8), _half(packs, 0), -_half(packs, 2))


def _decode_q5_0(packs: Packs) -> Blocks:
    """Scale, a word of fifth bits, 16 bytes of lower halves; 16 is zero."""
    levels = _nibbles(packs[:, 6:]) | _bits_of_word(packs, 2) << 4
    return Blocks(levels.view(np.int8) - np.int8(16), _half(packs, 0), None)


def _decode_q5_1(packs: Packs) -> Blocks:
    """Scale, offset that is added, a word of fifth bits, 16 bytes of lower halves."""
    levels = _nibbles(packs[:, 8:]) | _bits_of_word(packs, 4) << 4
    return Blocks(levels.view(np.int8), _half(packs, 0), -_half(packs, 2))


def _decode_q4_k(packs: Packs) -> Blocks:
    """Factors, scales and minima, 4 × 32 bytes: a block in lower halves, the next in upper."""
    levels = _nibbles(packs[:, 16:].reshape(-1, 4, 32)).reshape(-1, _SUPER)
    return Blocks(levels.view(np.int8), *_scales_and_minima(packs))


def _decode_q5_k(packs: Packs) -> Blocks:
    """As Q4_K, with 32 bytes before the levels: bit b of byte i is the fifth of input 32·b + i."""
    fifth = np.unpackbits(packs[:, 16:48, None], axis=2, bitorder="little").transpose(0, 2, 1)
    lower = _nibbles(packs[:, 48:].reshape(-1, 4, 32)).reshape(-1, 8, 32)
    levels = (lower | fifth << 4).reshape(-1, _SUPER)
    return Blocks(levels.view(np.int8), *_scales_and_minima(packs))


def _decode_q6_k(packs: Packs) -> Blocks:
    """2 × 64 bytes of lower halves, 2 × 32 of upper bits, 16 int8 scales, their factor; 32 is zero.

    In each half of the pack, 64 inputs lie in lower halves of bytes and 64 in upper ones; bits 2b
    and 2b + 1 of byte i are the upper bits of input 32·b + i.
    """
    lower = _nibbles(packs[:, :128].reshape(-1, 2, 64)).reshape(-1, 2, 4, 32)
    shifts = np.array([0, 2, 4, 6], np.uint8)[:, None]
    upper = (packs[:, 128:192].reshape(-1, 2, 1, 32) >> shifts) & 3
    levels = (lower | upper << 4).view(np.int8) - np.int8(32)
    scales = np.ascontiguousarray(packs[:, 192:208]).view(np.int8).astype(np.float32)
    return Blocks(levels.reshape(-1, _SUPER), _half(packs, 208) * scales, None)


# ── the table ───────────────────────────────────────────────────────────────────────────────

# Operations of a core, counted for bytes packed as above, many weights to an instruction:
#   lower four bits   1: a mask for one half of a byte, a shift for the other
#   fifth bit         3: a shift to its place, a mask, an OR; the same for the two upper bits
#   zero              1: less 8, 16 or 32, where there are no minima
#   scale, minimum    Q4_K, Q5_K: 1 operation in blocks 0–3, 4 in blocks 4–7, so 2.5 for each
#                     number, then int → fp32 and the factor: 2 · (2.5 + 2) = 9; Q6_K: 2

Q4_0 = Format(
    name="q4_0",
    weight_bits=4,
    block=GROUP,
    block_bits=16,
    input_bytes=1,
    runs=True,
    priced=True,
    packing=Packing("Q4_0", GROUP, 18, _decode_q4_0),
    unpack_operations=2,
)

Q4_1 = Format(
    name="q4_1",
    weight_bits=4,
    block=GROUP,
    block_bits=32,
    input_bytes=1,
    runs=True,
    priced=True,
    packing=Packing("Q4_1", GROUP, 20, _decode_q4_1),
    has_minima=True,
    unpack_operations=1,
)

Q5_0 = Format(
    name="q5_0",
    weight_bits=5,
    block=GROUP,
    block_bits=16,
    input_bytes=1,
    runs=True,
    priced=True,
    packing=Packing("Q5_0", GROUP, 22, _decode_q5_0),
    unpack_operations=5,
)

Q5_1 = Format(
    name="q5_1",
    weight_bits=5,
    block=GROUP,
    block_bits=32,
    input_bytes=1,
    runs=True,
    priced=True,
    packing=Packing("Q5_1", GROUP, 24, _decode_q5_1),
    has_minima=True,
    unpack_operations=4,
)

Q4_K = Format(
    name="q4_k",
    weight_bits=4,
    block=GROUP,
    block_bits=12,
    input_bytes=1,
    runs=True,
    priced=True,
    packing=Packing("Q4_K", _SUPER, 144, _decode_q4_k),
    has_minima=True,
    super_block=_SUPER,
    super_block_bytes=4,
    unpack_operations=1,
    scale_operations=9,
)

Q5_K = Format(
    name="q5_k",
    weight_bits=5,
    block=GROUP,
    block_bits=12,
    input_bytes=1,
    runs=True,
    priced=True,
    packing=Packing("Q5_K", _SUPER, 176, _decode_q5_k),
    has_minima=True,
    super_block=_SUPER,
    super_block_bytes=4,
    unpack_operations=4,
    scale_operations=9,
)

Q6_K = Format(
    name="q6_k",
    weight_bits=6,
    block=16,
    block_bits=8,
    input_bytes=1,
    runs=True,
    priced=True,
    packing=Packing("Q6_K", _SUPER, 210, _decode_q6_k),
    super_block=_SUPER,
    super_block_bytes=2,
    unpack_operations=5,
    scale_operations=2,
)

GGML_FORMATS = (Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K)
"""The formats of this module."""
