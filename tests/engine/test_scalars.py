"""The shared scalar functions against 50-digit arithmetic, and NumPy against numba, bit for bit."""

import mpmath
import numba
import numpy as np
import pytest

from engine import scalars
from engine.model.reference.quantised import gelu, silu, softcap

EXP_ULPS = 2.0
RSQRT_ULPS = 3.0


@pytest.fixture(autouse=True)
def fifty_digits():
    with mpmath.workdps(50):
        yield


def ulps(found, exact):
    """Largest distance of float32 results from exact values, in units in the last place."""
    return max(
        abs(mpmath.mpf(float(f)) - e) / mpmath.mpf(float(np.spacing(np.float32(abs(e)))))
        for f, e in zip(found, exact, strict=True)
    )


def exp_arguments():
    random = np.random.default_rng(0)
    multiples = np.arange(-125, 127) * np.float32(np.log(2) / 2)  # where the reduction switches
    return np.concatenate(
        [
            random.uniform(-87, 88, 2000),
            random.uniform(-1, 1, 1000),
            random.standard_normal(500) * 1e-4,
            multiples,
            np.nextafter(multiples.astype(np.float32), np.float32(-100)),
            [-87.0, 88.0, 0.0, -0.0, 1.0, -1.0, 1e-30, -1e-45],
        ]
    ).astype(np.float32)


def test_exp32_is_within_two_units_in_the_last_place():
    x = exp_arguments()
    assert ulps(scalars.exp32(x), [mpmath.exp(float(value)) for value in x]) <= EXP_ULPS


def test_exp32_of_zero_is_one_and_outside_it_is_clamped():
    assert scalars.exp32(np.float32(0.0)) == 1.0
    ends = scalars.exp32(np.float32([-87, -88, -1e30, -np.inf, 88, 89, 1e30, np.inf]))
    assert (ends[:4] == ends[0]).all()
    assert (ends[4:] == ends[4]).all()
    assert np.isfinite(ends).all()
    assert ends[0] > 0


def test_exp32_never_falls():
    x = np.sort(exp_arguments())
    assert (np.diff(scalars.exp32(x)) >= 0).all()


def rsqrt_arguments():
    random = np.random.default_rng(1)
    powers = np.ldexp(1.0, np.arange(-126, 128))
    return np.concatenate(
        [
            random.uniform(1, 4, 2000),  # one whole period of the iteration
            np.exp(random.uniform(-85, 85, 2000)),
            powers,
            np.nextafter(powers[1:].astype(np.float32), np.float32(0)),
            [np.finfo(np.float32).max],
        ]
    ).astype(np.float32)


def test_rsqrt32_is_within_three_units_in_the_last_place():
    x = rsqrt_arguments()
    exact = [1 / mpmath.sqrt(float(value)) for value in x]
    assert ulps(scalars.rsqrt32(x), exact) <= RSQRT_ULPS


def activation_arguments():
    random = np.random.default_rng(4)
    edges = [0.0, -0.0, 1e-30, -1e-30, 87.0, -86.0, 1e4, -0.7517]
    return np.concatenate([random.uniform(-12, 12, 3000), edges]).astype(np.float32)


def test_silu_is_within_four_units_in_the_last_place():
    x = activation_arguments()
    exact = [mpmath.mpf(float(v)) / (1 + mpmath.exp(-mpmath.mpf(float(v)))) for v in x]
    assert ulps(silu(x), exact) <= 4.0


def test_gelu_is_near_its_formula_also_where_that_is_small():
    x = activation_arguments()
    root = mpmath.sqrt(2 / mpmath.pi)
    for value, found in zip(x.tolist(), gelu(x).tolist(), strict=True):
        v = mpmath.mpf(value)
        z = root * (v + mpmath.mpf("0.044715") * v**3)
        exact = v / (1 + mpmath.exp(-2 * z))
        assert abs(found - exact) <= 2e-7 * abs(v)
        if value > -6:
            assert abs(found - exact) <= 1e-5 * abs(exact)


@pytest.mark.parametrize("cap", [1.0, 30.0, 50.0])
def test_softcap_is_within_two_ten_millionths_of_its_cap(cap):
    random = np.random.default_rng(5)
    x = np.concatenate([cap * random.uniform(-12, 12, 2000), [0.0, 1e30, -1e30]]).astype(np.float32)

    found = softcap(x, np.float32(cap))

    for value, each in zip(x.tolist(), found.tolist(), strict=True):
        assert abs(each - cap * mpmath.tanh(mpmath.mpf(value) / cap)) <= 2e-7 * cap
    assert found[-3] == 0.0
    assert (np.abs(found) <= np.float32(cap)).all()


def angles():
    random = np.random.default_rng(2)
    return np.concatenate(
        [
            random.uniform(-1e6, 1e6, 1000),
            random.uniform(0, 2100, 1000),
            np.arange(-40, 40) * (np.pi / 4),
            [0.0, 1e-300, 999_999.0, 355 / 113 * 100_000],
        ]
    )


def test_sine_and_cosine_are_within_1e_15():
    x = angles()
    sine, cosine = scalars.sincos64(x)
    for value, s, c in zip(x.tolist(), sine.tolist(), cosine.tolist(), strict=True):
        assert abs(mpmath.sin(value) - s) < 1e-15
        assert abs(mpmath.cos(value) - c) < 1e-15


@pytest.mark.parametrize(("base", "head_dim"), [(10000.0, 64), (500000.0, 128), (10000.0, 2)])
def test_inverse_frequencies_are_the_nearest_doubles(base, head_dim):
    exact = [
        float(mpmath.mpf(base) ** (mpmath.mpf(-2 * i) / head_dim)) for i in range(head_dim // 2)
    ]
    assert scalars.inverse_frequencies(base, head_dim).tolist() == exact


def test_rotary_tables_hold_the_nearest_float32():
    cosine, sine = scalars.rotary_tables(10000.0, 16, 2048)
    assert cosine.shape == sine.shape == (2048, 8)
    assert cosine.dtype == sine.dtype == np.float32
    frequencies = scalars.inverse_frequencies(10000.0, 16)
    for position in (0, 1, 2, 63, 64, 1000, 2047):
        for i, frequency in enumerate(frequencies):
            # The angle is a double, so it is off by up to 2⁻⁵³ of itself: 2.3e-13 at 2,047.
            angle = mpmath.mpf(position) * mpmath.mpf(float(frequency))
            for found, exact in (
                (cosine[position, i], mpmath.cos(angle)),
                (sine[position, i], mpmath.sin(angle)),
            ):
                half = float(np.spacing(np.float32(abs(exact)))) / 2
                assert abs(mpmath.mpf(float(found)) - exact) <= half + 2.4e-13


def test_rotary_tables_begin_the_same_for_every_length():
    long, short = scalars.rotary_tables(10000.0, 32, 100), scalars.rotary_tables(10000.0, 32, 10)
    assert all((a[:10] == b).all() for a, b in zip(long, short, strict=True))


def test_factors_divide_the_angles():
    plain = scalars.rotary_tables(10000.0, 16, 64)
    slowed = scalars.rotary_tables(10000.0, 16, 64, (4.0,) * 8)

    assert all((a[::4] == b[:16]).all() for a, b in zip(slowed, plain, strict=True))


@pytest.mark.parametrize(
    ("function", "x"), [(scalars.exp32, exp_arguments()), (scalars.rsqrt32, rsqrt_arguments())]
)
def test_numba_gives_the_same_bits_as_numpy(function, x):
    compiled = numba.njit(function)

    @numba.njit
    def every(values, out):
        for i in range(values.size):
            out[i] = compiled(values[i])

    bits = np.random.default_rng(3).integers(0, 1 << 32, 100_000, dtype=np.uint32)
    positive = np.abs(bits.view(np.float32))
    more = positive[np.isfinite(positive) & (positive >= np.finfo(np.float32).tiny)]
    values = np.concatenate([x, more, -more] if function is scalars.exp32 else [x, more])
    out = np.empty_like(values)
    every(values, out)
    assert (out.view(np.int32) == function(values).view(np.int32)).all()


def test_numpy_scalars_give_the_same_bits_as_arrays():
    for function, x in ((scalars.exp32, exp_arguments()), (scalars.rsqrt32, rsqrt_arguments())):
        alone = np.array([function(value) for value in x[::50]], np.float32)
        assert (alone.view(np.int32) == function(x[::50]).view(np.int32)).all()
