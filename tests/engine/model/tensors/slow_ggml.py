"""GGML's packed formats, decoded one weight at a time from their definition.

A decoder returns weight, level, scale and minimum of every input of one pack, in order.
"""

import struct

import numpy as np

F32 = np.float32


def half(pack, at):
    return F32(struct.unpack_from("<e", bytes(pack), at)[0])


def nibble(octet, upper):
    return int(octet) >> 4 if upper else int(octet) & 15


def word_bit(pack, at, bit):
    return struct.unpack_from("<I", bytes(pack), at)[0] >> bit & 1


def small(pack, *, offset, fifth, at):
    """Blocks of 32: scale, perhaps what is added, perhaps fifth bits, then 16 bytes of halves."""
    found = []
    for i in range(32):
        level = nibble(pack[at + i % 16], upper=i >= 16)
        if fifth is not None:
            level += 16 * word_bit(pack, fifth, i)
        found.append((level - offset, half(pack, 0), None if offset else -half(pack, 2)))
    return found


def six_bits(pack, block):
    """Scale and minimum of a block of Q4_K and Q5_K: ``get_scale_min_k4``."""
    q = [int(octet) for octet in pack[4:16]]
    if block < 4:
        return q[block] & 63, q[block + 4] & 63
    return (
        (q[block + 4] & 15) | ((q[block - 4] >> 6) << 4),
        (q[block + 4] >> 4) | ((q[block] >> 6) << 4),
    )


def super_block(pack, *, fifth, at):
    found = []
    for i in range(256):
        block = i // 32
        level = nibble(pack[at + block // 2 * 32 + i % 32], upper=block % 2)
        if fifth is not None:
            level += 16 * (int(pack[fifth + i % 32]) >> block & 1)
        scale, minimum = six_bits(pack, block)
        found.append((level, half(pack, 0) * F32(scale), half(pack, 2) * F32(minimum)))
    return found


def six_bit_levels(pack):
    found = []
    for i in range(256):
        part, inside = divmod(i, 128)
        quarter, place = divmod(inside, 32)
        low = nibble(pack[part * 64 + (quarter % 2) * 32 + place], upper=quarter >= 2)
        high = int(pack[128 + part * 32 + place]) >> (2 * quarter) & 3
        scale = int(np.int8(pack[192 + i // 16 : 193 + i // 16].view(np.int8)[0]))
        found.append((low + 16 * high - 32, half(pack, 208) * F32(scale), None))
    return found


def eight_bits(pack):
    return [(int(level), half(pack, 0), None) for level in pack[2:].view(np.int8)]


DECODERS = {
    "Q4_0": lambda pack: small(pack, offset=8, fifth=None, at=2),
    "Q4_1": lambda pack: small(pack, offset=0, fifth=None, at=4),
    "Q5_0": lambda pack: small(pack, offset=16, fifth=2, at=6),
    "Q5_1": lambda pack: small(pack, offset=0, fifth=4, at=8),
    "Q8_0": eight_bits,
    "Q4_K": lambda pack: super_block(pack, fifth=None, at=16),
    "Q5_K": lambda pack: super_block(pack, fifth=16, at=48),
    "Q6_K": six_bit_levels,
}
