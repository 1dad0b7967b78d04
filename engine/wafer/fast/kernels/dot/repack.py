"""GGML's blocks of a range of rows into panels, for the storages that keep their levels and scales.

Bits are moved, nothing is rounded.  Words are of four levels, as they lie in a block: word i holds
the inputs 4i … 4i + 3.  Every packer has the arguments of `repack_blocks` and returns 0 where a
scale or a minimum is not finite or a level is −128, else 1.

Source:
    The block structures of ggml (``ggml-common.h``).
"""

import numpy as np

from engine.wafer.fast.kernels.dot.panel_layout import PANEL, STRIP
from engine.wafer.fast.kernels.operands import Bytes, Places, TileSizes
from engine.wafer.jit.decorators import helper, kernel

__all__ = ["repack_blocks", "repack_bytes", "repack_sixteens", "repack_supers"]

_LOW, _ONES, _THREES = np.uint32(0x0F0F0F0F), np.uint32(0x01010101), np.uint32(0x03030303)
_ONE, _TWO, _FOUR = np.uint32(1), np.uint32(2), np.uint32(4)
_WORDS = STRIP  # of a line; a word is four levels of one output


@helper
def _word(raw, at):
    """Return the word at an even number of halves; blocks begin at even bytes only."""
    return np.uint32(raw[at]) | (np.uint32(raw[at + 1]) << np.uint32(16))


@helper
def _strip(sizes, tile, n):
    """Return the word where the levels of an output begin in a tile."""
    return (tile + sizes.scales + n // STRIP * sizes.strip) // 4 + n % STRIP


@helper
def _is_finite(half):
    return (half & 0x7C00) != 0x7C00


@helper
def _spread(bits, quad):
    """Return four of 32 bits, those of a quad's inputs, as the fifth bits of a word's levels."""
    four = (bits >> np.uint32(4 * quad)) & np.uint32(15)
    return ((four * np.uint32(0x00204081)) & _ONES) << _FOUR  # bit i to bit 8i


@helper
def _line(bits, even, odd):
    """Return a word of a line of two quads of an output, as `level_code` says they lie."""
    return (even & _LOW) | (((odd >> (bits - _FOUR)) & _LOW) << _FOUR)


@helper
def _fifth(even, odd):
    """Return what lies in the plane of a pair of quads with 5 bits, at its lowest place."""
    return (odd & _ONES) | (((even >> _FOUR) & _ONES) << _ONE)


@helper
def _upper(even, odd):
    """Return the same for 6 bits."""
    return (odd & _THREES) | (((even >> _FOUR) & _THREES) << _TWO)


@kernel
def repack_blocks(raw: Bytes, weights: Bytes, starts: Places, sizes: TileSizes) -> int:
    """Q4_0, Q4_1, Q5_0, Q5_1: an fp16 scale, an fp16 offset, a word of fifth bits, 16 bytes.

    The offset is added to a weight: its negative is the minimum.

    Args:
        raw: Rows of blocks, one after the other.
        weights: Where panels go.
        starts: The first byte of the panel of rows 64p … 64p + 63, for each p; a multiple of 64.
        sizes: Of a row and of a tile.
    """
    halves, to_halves, to_words = (
        raw.view(np.uint16),
        weights.view(np.uint16),
        weights.view(np.uint32),
    )
    fifth_at = 2 if sizes.minima else 1
    levels_at = fifth_at + (2 if sizes.bits == 5 else 0)
    block = levels_at + 8
    groups = sizes.row // (2 * block)
    fine = 1
    for p in range(starts.size):
        rows = min(PANEL, raw.size // sizes.row - p * PANEL)
        for g in range(groups):
            tile = starts[p] + (groups - 1 - g) * sizes.tile
            for n in range(rows):
                at = (p * PANEL + n) * (sizes.row // 2) + g * block
                scale_at = tile // 2 + n
                to_halves[scale_at] = halves[at]
                if not _is_finite(halves[at]):
                    fine = 0
                if sizes.minima:
                    to_halves[scale_at + PANEL] = halves[at + 1] ^ 0x8000
                    if not _is_finite(halves[at + 1]):
                        fine = 0
                to = _strip(sizes, tile, n)
                bits, plane = np.uint32(sizes.bits), np.uint32(0)
                fifth = _word(halves, at + fifth_at) if sizes.bits == 5 else np.uint32(0)
                for pair in range(4):
                    words_at, half = at + levels_at + pair % 2 * 4, np.uint32(pair // 2 * 4)
                    even = (_word(halves, words_at) >> half) & _LOW
                    odd = (_word(halves, words_at + 2) >> half) & _LOW
                    if sizes.bits == 5:
                        even |= _spread(fifth, 2 * pair)
                        odd |= _spread(fifth, 2 * pair + 1)
                        plane |= _fifth(even, odd) << np.uint32(2 * pair)
                    to_words[to + pair * _WORDS] = _line(bits, even, odd)
                if sizes.bits == 5:
                    to_words[to + 4 * _WORDS] = plane
    return fine


@kernel
def repack_bytes(raw: Bytes, weights: Bytes, starts: Places, sizes: TileSizes) -> int:
    """Q8_0: an fp16 scale, 32 signed bytes, which become unsigned."""
    halves, to_halves, to_words = (
        raw.view(np.uint16),
        weights.view(np.uint16),
        weights.view(np.uint32),
    )
    block = 17
    groups = sizes.row // (2 * block)
    fine = 1
    for p in range(starts.size):
        rows = min(PANEL, raw.size // sizes.row - p * PANEL)
        for g in range(groups):
            tile = starts[p] + (groups - 1 - g) * sizes.tile
            for n in range(rows):
                at = (p * PANEL + n) * (sizes.row // 2) + g * block
                to_halves[tile // 2 + n] = halves[at]
                to, zeros = _strip(sizes, tile, n), np.uint32(0)
                for quad in range(8):
                    word = np.uint32(_word(halves, at + 1 + 2 * quad) ^ 0x80808080)
                    zeros |= np.uint32((word - 0x01010101) & ~word & 0x80808080)  # of −128
                    to_words[to + quad * _WORDS] = word
                if zeros != 0 or not _is_finite(halves[at]):
                    fine = 0
    return fine


@helper
def _scale_and_minimum(raw, at, group):
    """Return the integers of a group out of the 12 bytes that Q4_K and Q5_K have for eight."""
    if group < 4:
        return raw[at + group] & 63, raw[at + group + 4] & 63
    upper = group - 4
    scale = (raw[at + group + 4] & 15) | ((raw[at + upper] >> 6) << 4)
    return scale, (raw[at + group + 4] >> 4) | ((raw[at + group] >> 6) << 4)


@kernel
def repack_supers(raw: Bytes, weights: Bytes, starts: Places, sizes: TileSizes) -> int:
    """Q4_K, Q5_K: fp16 factors of scales and minima, their integers, (fifth bits,) 128 bytes."""
    halves, to_halves, to_words = (
        raw.view(np.uint16),
        weights.view(np.uint16),
        weights.view(np.uint32),
    )
    levels_at = 48 if sizes.bits == 5 else 16
    block = levels_at + 128
    supers = sizes.row // block
    fine = 1
    for p in range(starts.size):
        rows = min(PANEL, raw.size // sizes.row - p * PANEL)
        for s in range(supers):
            header = starts[p] + (supers - 1 - s) * (sizes.header + 8 * sizes.tile)
            for n in range(rows):
                at = (p * PANEL + n) * sizes.row + s * block
                for i in range(2):
                    factor = halves[at // 2 + i]
                    to_halves[header // 2 + i * PANEL + n] = factor
                    if not _is_finite(factor):
                        fine = 0
                for group in range(8):
                    tile = header + sizes.header + (7 - group) * sizes.tile
                    to = _strip(sizes, tile, n)
                    scale, minimum = _scale_and_minimum(raw, at + 4, group)
                    weights[tile + n] = scale
                    weights[tile + PANEL + n] = minimum
                    bits, plane = np.uint32(sizes.bits), np.uint32(0)
                    half, place = np.uint32(group % 2 * 4), np.uint32(group)
                    words_at = (at + levels_at + group // 2 * 32) // 2
                    for pair in range(4):
                        even = (_word(halves, words_at + 4 * pair) >> half) & _LOW
                        odd = (_word(halves, words_at + 4 * pair + 2) >> half) & _LOW
                        if sizes.bits == 5:
                            fifth_at = (at + 16) // 2 + 4 * pair
                            even |= ((_word(halves, fifth_at) >> place) & _ONES) << _FOUR
                            odd |= ((_word(halves, fifth_at + 2) >> place) & _ONES) << _FOUR
                            plane |= _fifth(even, odd) << np.uint32(2 * pair)
                        to_words[to + pair * _WORDS] = _line(bits, even, odd)
                    if sizes.bits == 5:
                        to_words[to + 4 * _WORDS] = plane
    return fine


@kernel
def repack_sixteens(raw: Bytes, weights: Bytes, starts: Places, sizes: TileSizes) -> int:
    """Q6_K: 128 bytes of lower bits, 64 of upper ones, 16 signed scales, their fp16 factor."""
    halves, to_halves, to_words = (
        raw.view(np.uint16),
        weights.view(np.uint16),
        weights.view(np.uint32),
    )
    block, scales_at = 210, 192
    supers = sizes.row // block
    fine = 1
    for p in range(starts.size):
        rows = min(PANEL, raw.size // sizes.row - p * PANEL)
        for s in range(supers):
            header = starts[p] + (supers - 1 - s) * (sizes.header + 8 * sizes.tile)
            for n in range(rows):
                at = (p * PANEL + n) * sizes.row + s * block
                factor = halves[(at + scales_at + 16) // 2]
                to_halves[header // 2 + n] = factor
                if not _is_finite(factor):
                    fine = 0
                for group in range(8):
                    tile = header + sizes.header + (7 - group) * sizes.tile
                    to = _strip(sizes, tile, n)
                    for i in range(2):
                        scale = raw[at + scales_at + 2 * group + i]
                        weights[tile + i * PANEL + n] = scale
                    quarter = group % 4
                    lower_at = (at + group // 4 * 64 + quarter % 2 * 32) // 2
                    upper_at = (at + 128 + group // 4 * 32) // 2
                    half, place = np.uint32(quarter // 2 * 4), np.uint32(2 * quarter)
                    for plane in range(2):
                        more = np.uint32(0)
                        for pair in range(2 * plane, 2 * plane + 2):
                            even = (_word(halves, lower_at + 4 * pair) >> half) & _LOW
                            odd = (_word(halves, lower_at + 4 * pair + 2) >> half) & _LOW
                            words_at = upper_at + 4 * pair
                            even |= ((_word(halves, words_at) >> place) & _THREES) << _FOUR
                            odd |= ((_word(halves, words_at + 2) >> place) & _THREES) << _FOUR
                            to_words[to + pair * _WORDS] = _line(np.uint32(6), even, odd)
                            more |= _upper(even, odd) << np.uint32(pair % 2 * 4)
                        to_words[to + (4 + plane) * _WORDS] = more
    return fine
