"""One core's rounding of keys and values to fp16: against NumPy's float16, everywhere."""

import numpy as np

from engine.wafer.fast.kernels import attend
from engine.wafer.fast.kernels.operands import Block, Heads, RowSpan
from tests.engine.wafer.fast.kernels.caches import empty_cache, values_of


def rounded(values):
    """Round float32 values as the KV cache does (`append` with one head as wide as all)."""
    values = np.ascontiguousarray(values, np.float32)
    width = values.size
    heads = Heads(0, 1, width, np.float32(1), 1, 1, 1)
    cache = empty_cache(heads, 1)
    row = np.concatenate([values, values])  # no query, a key and a value
    attend.append(row, Block(0, 2 * width), heads, cache, 0, 0, RowSpan(0, 1))
    return values_of(cache, heads)[0, 0].astype(np.float32)


def by_numpy(values):
    with np.errstate(over="ignore"):
        return np.asarray(values, np.float32).astype(np.float16).astype(np.float32)


def same_bits(left, right):
    return np.array_equal(left.view(np.uint32), right.view(np.uint32))


def all_finite_halves():
    bits = np.arange(1 << 16, dtype=np.uint32).astype(np.uint16)
    halves = bits.view(np.float16)
    return halves[np.isfinite(halves)].astype(np.float32)


def test_every_half_is_kept():
    halves = all_finite_halves()

    assert same_bits(rounded(halves), halves)


def test_every_midpoint_and_its_neighbours_round_like_numpy():
    halves = np.sort(all_finite_halves()[:31744])  # 0 and above
    middles = ((halves[:-1].astype(np.float64) + halves[1:]) / 2).astype(np.float32)
    up, down = np.float32(np.inf), np.float32(-np.inf)
    near = np.concatenate([middles, np.nextafter(middles, up), np.nextafter(middles, down)])
    values = np.concatenate([near, -near])

    assert values.size == 6 * 31743
    assert same_bits(rounded(values), by_numpy(values))


def test_every_exponent_of_float32_rounds_like_numpy():
    random = np.random.default_rng(0)
    exponents = np.repeat(np.arange(0, 255, dtype=np.uint32), 200)
    mantissas = random.integers(0, 1 << 23, exponents.size).astype(np.uint32)
    signs = random.integers(0, 2, exponents.size).astype(np.uint32)
    values = (signs << 31 | exponents << 23 | mantissas).view(np.float32)

    assert same_bits(rounded(values), by_numpy(values))


def test_overflow_and_infinity():
    last = np.float32(65520.0)  # the midpoint above the largest half, 65504
    values = [np.nextafter(last, np.float32(0)), last, np.float32(3e38), np.float32(np.inf)]
    values = np.array([*values, *(-v for v in values)], np.float32)

    assert rounded(values)[:2].tolist() == [65504.0, np.inf]
    assert same_bits(rounded(values), by_numpy(values))


def test_the_not_a_number_of_arithmetic_stays_one():
    values = np.array([0x7FC00000, 0xFFC00000], np.uint32)  # what a processor makes of 0 / 0

    assert np.isnan(rounded(values.view(np.float32))).all()
