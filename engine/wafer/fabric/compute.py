"""COMPUTE: a core's work on its own memory, one small function per `micro.Kind`.

Compiled with numba; the numbers are those of `engine.model.reference`, from the text of
`engine.scalars` and nothing else shared with the fast tier.  A core's memory is ``words`` (int32)
seen also as ``reals`` (float32), ``octets`` (int8) and ``halves`` (uint16); addresses are in words.
"""

import numpy as np

from engine import scalars
from engine.wafer.fabric import vector_work
from engine.wafer.fabric.micro import Kind, MicroField
from engine.wafer.jit.decorators import helper

__all__ = ["compute", "from_half", "reduce_word", "to_half"]

_exp32 = helper(scalars.exp32)

_KIND = int(MicroField.KIND)
_A0 = int(MicroField.A0)
_LOOKUP, _SQUARES, _ROOT = int(Kind.LOOKUP), int(Kind.SQUARES), int(Kind.ROOT)
_NORMALISE, _MAGNITUDE, _SCALE = int(Kind.NORMALISE), int(Kind.MAGNITUDE), int(Kind.SCALE)
_ROUND, _DOT, _TERMS, _ROTATE = int(Kind.ROUND), int(Kind.DOT), int(Kind.TERMS), int(Kind.ROTATE)
_HALVES, _KEEP, _SCORES = int(Kind.HALVES), int(Kind.KEEP), int(Kind.SCORES)
_SUM = int(Kind.SUM)
_LARGEST, _WEIGH, _DIVIDE = int(Kind.LARGEST), int(Kind.WEIGH), int(Kind.DIVIDE)
_GATE, _ADD, _BEST = int(Kind.GATE), int(Kind.ADD), int(Kind.BEST)
_HOST, _COPY = int(Kind.HOST), int(Kind.COPY)
_ELEMENTWISE = int(Kind.ELEMENTWISE)
_CONTRACT, _OUTER, _PEAK = int(Kind.CONTRACT), int(Kind.OUTER), int(Kind.PEAK)
_FINISH, _TOTAL, _MEAN = int(Kind.FINISH), int(Kind.TOTAL), int(Kind.MEAN)
_CENTRE, _SHIFT = int(Kind.CENTRE), int(Kind.SHIFT)
_HEAD_SQUARES, _HEAD_NORMALISE = int(Kind.HEAD_SQUARES), int(Kind.HEAD_NORMALISE)

_GROUP = 32

_LOWEST = np.float32(-np.inf)


@helper
def from_half(bits):
    """Return the float32 with the value of an fp16's 16 bits."""
    sign = np.uint32(bits & np.uint32(0x8000)) << np.uint32(16)
    exponent = (bits >> np.uint32(10)) & np.uint32(31)
    mantissa = np.uint32(bits & np.uint32(0x3FF))
    if exponent == np.uint32(31):
        return np.uint32(sign | np.uint32(0x7F800000) | (mantissa << np.uint32(13))).view(
            np.float32
        )
    if exponent == np.uint32(0):
        value = np.float32(mantissa) * np.float32(2.0**-24)
        return -value if sign else value
    shifted = ((exponent + np.uint32(112)) << np.uint32(23)) | (mantissa << np.uint32(13))
    return np.uint32(sign | shifted).view(np.float32)


@helper
def to_half(x):
    """Return the 16 bits of x rounded to the nearest fp16, ties to even."""
    bits = np.float32(x).view(np.uint32)
    sign = (bits >> np.uint32(16)) & np.uint32(0x8000)
    magnitude = np.uint32(bits & np.uint32(0x7FFFFFFF))
    if magnitude > np.uint32(0x7F800000):
        return np.uint32(sign | np.uint32(0x7E00))
    if magnitude >= np.uint32(0x477FF000):  # rounds to 2**16: infinity
        return np.uint32(sign | np.uint32(0x7C00))
    if magnitude < np.uint32(0x38800000):  # below 2**-14: multiples of 2**-24, by adding 0.5
        shifted = np.float32(magnitude.view(np.float32) + np.float32(0.5))
        return np.uint32(sign | (np.float32(shifted).view(np.uint32) - np.uint32(0x3F000000)))
    odd = (magnitude >> np.uint32(13)) & np.uint32(1)
    rounded = magnitude + np.uint32(0xFFF) + odd
    return np.uint32(sign | ((rounded >> np.uint32(13)) - np.uint32(112 << 10)))


@helper
def _half_sum(left, right):
    total = from_half(np.uint32(left)) + from_half(np.uint32(right))
    return to_half(total)


@helper
def reduce_word(kind, own, arrived, index, choice):
    """Return (own ⊕ arrived, choice) as int32 words; ``choice`` lasts from value to index."""
    if kind == 0:
        total = np.float32(np.int32(own).view(np.float32) + np.int32(arrived).view(np.float32))
        return total.view(np.int32), choice
    if kind == 1:
        return np.int32(own + arrived), choice
    if kind == 2:
        left, right = np.int32(own).view(np.float32), np.int32(arrived).view(np.float32)
        return (own if left >= right else arrived), choice
    if kind == 3:
        if index % 2 == 0:
            left, right = np.int32(own).view(np.float32), np.int32(arrived).view(np.float32)
            choice = np.int32(0) if left >= right else np.int32(1)
        return (own if choice == 0 else arrived), choice
    low = _half_sum(np.uint32(own & 0xFFFF), np.uint32(arrived & 0xFFFF))
    high = _half_sum(np.uint32((own >> 16) & 0xFFFF), np.uint32((arrived >> 16) & 0xFFFF))
    return np.int32((high << np.uint32(16)) | low), choice


@helper
def _lookup(words, reals, octets, a):
    """Dequantise the token's slice, or note that another column has it: see `Kind.LOOKUP`."""
    first, count, factor = words[a[7]], words[a[7] + 1], np.int32(a[6]).view(np.float32)
    token = words[a[0]] - first
    if token < 0 or token >= count:
        words[a[1]], words[a[1] + 1] = 0, a[2]
        return 0
    scales, width = words[a[7] + 2], words[a[7] + 3]
    at = a[5] + token * scales + words[a[7] + 4]
    minima = at + count * scales if words[a[7] + 5] else 0
    for i in range(a[2]):
        level = np.float32(octets[4 * a[4] + token * a[2] + i])
        value = level * reals[at + i // width]
        if minima:
            value = value - reals[minima + i // width]
        reals[a[3] + i] = value * factor
    words[a[1]], words[a[1] + 1] = a[2], 0
    return 1


@helper
def _magnitude(reals, a):
    for g in range(a[2]):
        largest = np.float32(0.0)
        for i in range(a[3]):
            largest = max(largest, abs(reals[a[0] + g * a[3] + i]))
        reals[a[1] + g] = largest


@helper
def _round(reals, octets, a):
    for g in range(a[2]):
        scale = reals[a[4] + g]
        for i in range(a[3]):
            q = np.int32(0)
            if scale > np.float32(0.0):
                ratio = np.rint(reals[a[0] + g * a[3] + i] / scale)
                q = np.int32(min(max(ratio, np.float32(-127.0)), np.float32(127.0)))
            octets[4 * a[1] + g * a[3] + i] = q


@helper
def _dot(words, octets, a):
    groups, width, outputs = a[3], a[4], a[5]
    block, before = a[7] >> 8, a[7] & 0xFF
    for g in range(groups):
        dots, levels = a[2] + g * a[6], 4 * a[0] + g * width
        for b in range(_GROUP // block):
            first, last = max(0, b * block - before), min(width, (b + 1) * block - before)
            for j in range(outputs):
                tile = 4 * a[1] + (j * groups + g) * width
                total = np.int32(0)
                for i in range(first, last):
                    total += np.int32(octets[tile + i]) * np.int32(octets[levels + i])
                words[dots + b * outputs + j] = total


@helper
def _sum(words, octets, a):
    for g in range(a[2]):
        total = np.int32(0)
        for i in range(a[3]):
            total += np.int32(octets[4 * a[0] + g * a[3] + i])
        words[a[1] + g * a[4]] = total


@helper
def _terms(words, reals, a):
    groups, outputs, blocks, minima = a[3], a[5], a[7] & 15, (a[7] >> 4) & 15
    for j in range(outputs):
        total = np.float32(0.0)
        for g in range(groups):
            dots, scale = a[0] + g * a[6], reals[a[2] + g]
            for b in range(blocks):
                at = a[1] + (j * groups + g) * blocks + b
                term = np.float32(words[dots + b * outputs + j]) * (reals[at] * scale)
                if minima:
                    minimum = reals[at + outputs * groups * blocks] * scale
                    term = term - np.float32(words[dots + (a[7] >> 8)]) * minimum
                total += term
        reals[a[4] + j] = total


@helper
def _rotate(reals, a):
    for v in range(a[1]):
        base = a[0] + v * a[2]
        for i in range(a[2] // 2):
            x, y = reals[base + 2 * i], reals[base + 2 * i + 1]
            c, s = reals[a[3] + a[5] + i], reals[a[4] + a[5] + i]
            reals[base + 2 * i] = x * c - y * s
            reals[base + 2 * i + 1] = y * c + x * s


@helper
def _halves(reals, halves, a):
    for i in range(a[2]):
        halves[2 * a[1] + i] = to_half(reals[a[0] + i])


@helper
def _keep(words, a, kept, seen):
    if not kept:
        return 0
    at = a[1] + (seen - 1) * a[3]
    for i in range(a[2]):
        words[at + i] = words[a[0] + i]
    return 1


@helper
def _scores(reals, halves, a, seen, hidden):
    heads, dims, shared, skipped = a[3], a[5], a[6], a[7]
    for j in range(hidden, seen):
        row = 2 * (a[1] + j * a[4])
        for h in range(heads):
            total = np.float32(0.0)
            key = row + ((skipped + h) // shared) * dims
            for d in range(dims):
                total += reals[a[0] + h * dims + d] * from_half(np.uint32(halves[key + d]))
            reals[a[2] + (j - hidden) * heads + h] = total


@helper
def _largest(reals, a, visible):
    scale, cap = np.int32(a[4]).view(np.float32), np.int32(a[5]).view(np.float32)
    for h in range(a[3]):
        largest = _LOWEST
        for j in range(visible):
            score = np.float32(reals[a[0] + j * a[3] + h] * scale)
            if cap > np.float32(0.0):
                score = vector_work.softcap(score, cap)
            reals[a[0] + j * a[3] + h] = score
            largest = max(largest, score)
        reals[a[2] + h] = largest


@helper
def _weigh(reals, halves, a, seen, hidden):
    heads, dims = a[3], a[6]
    kv_heads, shared, skipped = a[7] >> 20, (a[7] >> 10) & 0x3FF, a[7] & 0x3FF
    for h in range(heads):
        largest = reals[a[2] + h]
        total = np.float32(0.0)
        for d in range(dims):
            reals[a[5] + heads + h * dims + d] = np.float32(0.0)
        for j in range(hidden, seen):
            e = _exp32(np.float32(reals[a[0] + (j - hidden) * heads + h] - largest))
            total += e
            value = 2 * (a[1] + j * a[4]) + (kv_heads + (skipped + h) // shared) * dims
            for d in range(dims):
                at = a[5] + heads + h * dims + d
                reals[at] += e * from_half(np.uint32(halves[value + d]))
        reals[a[5] + h] = total


@helper
def _divide(reals, a):
    heads, dims = a[2], a[3]
    for h in range(heads):
        for d in range(dims):
            reals[a[1] + h * dims + d] = reals[a[0] + heads + h * dims + d] / reals[a[0] + h]


@helper
def _best(words, reals, a):
    best, index = _LOWEST, np.int32(a[3])
    for i in range(a[2]):
        if reals[a[0] + i] > best:
            best, index = reals[a[0] + i], np.int32(a[3] + i)
    reals[a[1]] = best
    words[a[1] + 1] = index


@helper
def compute(row, words, reals, octets, halves, seen, hidden, kept, step_row):
    """Do the work of one COMPUTE.

    Args:
        row: The micro-instruction.
        words: int32 memory of all cores, addresses are absolute.
        reals: The same memory as float32.
        octets: The same memory as int8.
        halves: The same memory as uint16.
        seen: KV rows of the core up to this row of the step.
        hidden: How many of them, the first ones, lie before the instruction's window.
        kept: Whether this core row keeps the row's position.
        step_row: Number of the row in its step.

    Returns:
        1, or 0 where LOOKUP or KEEP found nothing to do (and takes no time beyond its look).
    """
    a = row[_A0 : _A0 + 8]
    kind = row[_KIND]
    if kind == _DOT:
        _dot(words, octets, a)
    elif kind == _SUM:
        _sum(words, octets, a)
    elif kind == _TERMS:
        _terms(words, reals, a)
    elif kind == _SQUARES:
        vector_work.squares(reals, a)
    elif kind == _ROOT:
        vector_work.root(reals, a)
    elif kind == _NORMALISE:
        vector_work.normalise(reals, a)
    elif kind == _MAGNITUDE:
        _magnitude(reals, a)
    elif kind == _SCALE:
        for g in range(a[1]):
            reals[a[0] + g] = reals[a[0] + g] / np.float32(127.0)
    elif kind == _ROUND:
        _round(reals, octets, a)
    elif kind == _ROTATE:
        _rotate(reals, a)
    elif kind == _HALVES:
        _halves(reals, halves, a)
    elif kind == _KEEP:
        return _keep(words, a, kept, seen)
    elif kind == _SCORES:
        _scores(reals, halves, a, seen, hidden)
    elif kind == _LARGEST:
        _largest(reals, a, seen - hidden)
    elif kind == _WEIGH:
        _weigh(reals, halves, a, seen, hidden)
    elif kind == _DIVIDE:
        _divide(reals, a)
    elif kind == _GATE:
        vector_work.gate(reals, a)
    elif kind == _FINISH:
        vector_work.finish(reals, a)
    elif kind == _ADD:
        vector_work.add(reals, a)
    elif kind == _HEAD_SQUARES:
        vector_work.head_squares(reals, a)
    elif kind == _HEAD_NORMALISE:
        vector_work.head_normalise(reals, a)
    elif kind == _TOTAL:
        vector_work.total(reals, a)
    elif kind == _MEAN:
        reals[a[0]] = reals[a[0]] / np.float32(a[1])
    elif kind == _CENTRE:
        vector_work.centre(reals, a)
    elif kind == _SHIFT:
        vector_work.shift(reals, a)
    elif kind == _BEST:
        _best(words, reals, a)
    elif kind == _COPY:
        for i in range(a[2]):
            words[a[1] + i] = words[a[0] + i]
    elif kind == _ELEMENTWISE:
        vector_work.elementwise(reals, a)
    elif kind == _CONTRACT:
        vector_work.contract(reals, a)
    elif kind == _OUTER:
        vector_work.outer(reals, a)
    elif kind == _PEAK:
        vector_work.peak(reals, a)
    elif kind == _HOST:
        for i in range(a[2]):
            words[a[1] + i] = words[a[0] + step_row * a[2] + i]
    elif kind == _LOOKUP:
        return _lookup(words, reals, octets, a)
    return 1
