"""The scalar functions that all tiers share: exp, rsqrt, sin, cos, GELU and a soft cap.

Written once, in operations that NumPy arrays and numba scalars both have, so that the reference
computes them with NumPy and the kernels compile the very same text.  Nothing comes from libm:
results are the same bits on every processor.  Everything else is defined elsewhere.
"""

from decimal import Decimal, localcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ACTIVATIONS",
    "exp32",
    "gelu_exponent32",
    "inverse_frequencies",
    "logistic32",
    "rotary_tables",
    "rsqrt32",
    "sincos64",
    "softcap32",
    "softcap_exponent32",
]

ACTIVATIONS = ("silu", "gelu")
"""The kinds of activation; a tier's code knows one by its place here."""

# numba freezes these globals into the compiled code, as float32 and int32.
_LOG2_E = np.float32(1.4426950408889634)
_LN2_HIGH = np.float32(0.693359375)  # 10 bits: n · _LN2_HIGH is exact for |n| < 2**14
_LN2_LOW = np.float32(-2.12194440054690583e-4)
_ROUNDER = np.float32(12582912.0)  # 1.5 · 2**23
_EXP_MIN = np.float32(-87.0)
_EXP_MAX = np.float32(88.0)
# Minimax coefficients of e**r − 1 − r on |r| ≤ ln 2 / 2, our own fit.
_C2 = np.float32(0.4999999403953552)
_C3 = np.float32(0.1666652113199234)
_C4 = np.float32(0.04166838899254799)
_C5 = np.float32(0.00836874544620514)
_C6 = np.float32(0.0013814539415761828)
_ONE = np.float32(1.0)
_HALF = np.float32(0.5)
_THREE_HALVES = np.float32(1.5)
_SHIFT_ZERO = np.int32(0x4B400000 - 127)  # the bits of _ROUNDER, less the exponent's bias
_MANTISSA_BITS = np.int32(23)
_I1 = np.int32(1)
_RSQRT_MAGIC = np.int32(0x5F3759DF)
_TWO = np.float32(2.0)
_GELU_SLOPE = np.float32(-1.5957691216057308)  # −2·√(2/π)
_GELU_CUBE = np.float32(-0.07135481627159986)  # 0.044715 of it


def exp32(x: Any) -> Any:
    """Return e**x in float32, x clamped to [−87, 88].

    Range reduction x = n·ln 2 + r with |r| ≤ ln 2 / 2 (Cody and Waite, 1980), then a
    minimax polynomial of degree 6 in Horner form, scaled by 2**n through the exponent bits.

    Args:
        x: float32, a NumPy array or scalar, or a scalar inside numba.

    Exactness:
        Within 2 units in the last place of the true value on [−87, 88] (tested against
        50-digit arithmetic); the same bits everywhere.
    """
    x = np.minimum(np.maximum(x, _EXP_MIN), _EXP_MAX)
    shifted = x * _LOG2_E + _ROUNDER  # the low bits of `shifted` are the nearest integer
    n = shifted - _ROUNDER
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    p = _C6 * r + _C5
    p = p * r + _C4
    p = p * r + _C3
    p = p * r + _C2
    p = p * r + _ONE
    p = p * r + _ONE
    # numba takes views of named types only and widens integers: np.float32(…), np.int32(…)
    # say the type again, and do the same to arrays.
    power_of_two = np.int32((np.float32(shifted).view(np.int32) - _SHIFT_ZERO) << _MANTISSA_BITS)
    return p * power_of_two.view(np.float32)


def rsqrt32(x: Any) -> Any:
    """Return 1/√x in float32 for x > 0 by Newton's iteration, without a divide or a root.

    Args:
        x: float32 > 0, a NumPy array or scalar, or a scalar inside numba.

    Exactness:
        Within 3 units in the last place for normal x (tested against 50-digit arithmetic).
    """
    y = np.int32(_RSQRT_MAGIC - (np.float32(x).view(np.int32) >> _I1)).view(np.float32)
    half = _HALF * x
    y = y * (_THREE_HALVES - (half * y) * y)
    y = y * (_THREE_HALVES - (half * y) * y)
    y = y * (_THREE_HALVES - (half * y) * y)
    return y * (_THREE_HALVES - (half * y) * y)


# A compiled function cannot call a plain one, so what follows is in pieces around `exp32`.


def gelu_exponent32(x: Any) -> Any:
    """Return −2·√(2/π)·(x + 0.044715·x³) in float32: GELU is x / (1 + e**this).

    That is 0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))), by 0.5·(1 + tanh z) = 1 / (1 + e**−2z); so
    it needs no tanh, and nothing cancels where it is small.

    Args:
        x: float32, a NumPy array or scalar, or a scalar inside numba.

    Exactness:
        GELU through `exp32` and `logistic32` is within 2e-7·|x| of that formula, and within
        1e-5 of itself above x = −6 (tested against 50-digit arithmetic).

    Source:
        Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016), the tanh approximation.
    """
    return x * (_GELU_SLOPE + _GELU_CUBE * (x * x))


def logistic32(x: Any, power: Any) -> Any:
    """Return x / (1 + power) in float32: x times a logistic function whose power of e is given.

    Args:
        x: float32, a NumPy array or scalar, or a scalar inside numba.
        power: The same, `exp32` of the exponent: of −x for silu, of `gelu_exponent32` for GELU.
    """
    return x / (_ONE + power)


def softcap_exponent32(x: Any, cap: Any) -> Any:
    """Return 2x / cap in float32, what `softcap32` takes e's power of.

    Args:
        x: float32, a NumPy array or scalar, or a scalar inside numba.
        cap: float32 > 0, a scalar.
    """
    return x * (_TWO / cap)


def softcap32(power: Any, cap: Any) -> Any:
    """Return cap·tanh(x / cap) in float32, as cap − 2·cap / (1 + e**(2x/cap)).

    Args:
        power: `exp32` of `softcap_exponent32`: float32, a NumPy array or scalar, or a scalar
            inside numba.
        cap: float32 > 0, a scalar.

    Exactness:
        Within 2e-7·cap (tested against 50-digit arithmetic); 0 for x = 0, never beyond ±cap.
    """
    return cap - (cap + cap) / (_ONE + power)


_ROWS_AT_ONCE = 256
"""Of a table: what is computed between then stays in the processor's caches."""

# π/2 in three parts of 33 bits (fdlibm's split): n · part is exact for |n| < 2**20.
_PIO2_1 = 1.57079632673412561417e00
_PIO2_2 = 6.07710050630396597660e-11
_PIO2_3 = 2.02226624871116645580e-21


def sincos64(angle: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (sin, cos) of angles in radians, float64, for |angle| < 10**6.

    Exactness:
        Absolute error below 1e-15 (tested against 50-digit arithmetic), so the float32 rounding
        of a table entry is right but for ties closer than that.
    """
    n = np.rint(angle * (2 / np.pi))
    r = ((angle - n * _PIO2_1) - n * _PIO2_2) - n * _PIO2_3
    square = -(r * r)
    sine = np.zeros_like(r)
    cosine = np.zeros_like(r)
    for k in range(10, -1, -1):  # Taylor: the next term is below 1e-22 on |r| ≤ π/4
        for series, divisor in ((sine, 2 * k + 3), (cosine, 2 * k + 1)):
            series *= square
            series /= (2 * k + 2) * divisor
            series += 1.0
    sine *= r
    quadrant = n.astype(np.int64) & 3
    swap = (quadrant & 1) == 1
    sin_sign = np.where(quadrant >= 2, -1.0, 1.0)
    cos_sign = np.where((quadrant == 1) | (quadrant == 2), -1.0, 1.0)
    return sin_sign * np.where(swap, cosine, sine), cos_sign * np.where(swap, sine, cosine)


def inverse_frequencies(base: float, head_dim: int) -> NDArray[np.float64]:
    """Return base**(−2i/D) for i = 0 … D/2 − 1, float64, through 40-digit decimals."""
    with localcontext() as context:
        context.prec = 40
        powers = [
            Decimal(base) ** (Decimal(-2 * i) / Decimal(head_dim)) for i in range(head_dim // 2)
        ]
    return np.array([float(p) for p in powers])


def rotary_tables(
    base: float, head_dim: int, positions: int, factors: tuple[float, ...] = ()
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the cosine and sine tables of rotary position embedding.

    Args:
        base: The rotary base θ.
        head_dim: Width D of a head, even.
        positions: Rows of the table, T.
        factors: D/2 divisors of the angles; none means ones.

    Returns:
        (cos, sin), each float32, shape (T, D/2): entry (t, i) belongs to angle
        t · θ**(−2i/D) / factors[i].

    Source:
        Su et al., "RoFormer" (2021), eq. 15.
    """
    frequencies = inverse_frequencies(base, head_dim)
    if factors:
        frequencies = frequencies / np.array(factors, np.float64)
    cosines = np.empty((positions, head_dim // 2), np.float32)
    sines = np.empty_like(cosines)
    for first in range(0, positions, _ROWS_AT_ONCE):
        rows = slice(first, min(first + _ROWS_AT_ONCE, positions))
        angles = np.arange(rows.start, rows.stop, dtype=np.float64)[:, None] * frequencies
        sines[rows], cosines[rows] = sincos64(angles)
    return cosines, sines
