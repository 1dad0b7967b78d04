"""COMPUTE on vectors: norms, activations, sums, what follows a product; see `micro.Kind`.

A core's memory is ``reals`` (float32), ``a`` the arguments of its micro-instruction.  `compute`
calls these.
"""

import numpy as np

from engine import scalars
from engine.wafer.fabric.micro import ELEMENTWISE
from engine.wafer.jit.decorators import helper

__all__ = [
    "add",
    "centre",
    "contract",
    "elementwise",
    "finish",
    "gate",
    "head_normalise",
    "head_squares",
    "normalise",
    "outer",
    "peak",
    "root",
    "shift",
    "softcap",
    "squares",
    "total",
]

exp32 = helper(scalars.exp32)
rsqrt32 = helper(scalars.rsqrt32)
logistic32 = helper(scalars.logistic32)
gelu_exponent32 = helper(scalars.gelu_exponent32)
softcap_exponent32 = helper(scalars.softcap_exponent32)
softcap32 = helper(scalars.softcap32)

_GELU = scalars.ACTIVATIONS.index("gelu")
_ADD, _SUBTRACT = ELEMENTWISE.index("add"), ELEMENTWISE.index("subtract")
_MULTIPLY, _MULTIPLY_ADD = ELEMENTWISE.index("multiply"), ELEMENTWISE.index("multiply_add")
_MAX, _DIVIDE = ELEMENTWISE.index("max"), ELEMENTWISE.index("divide")
_EXP, _RSQRT = ELEMENTWISE.index("exp"), ELEMENTWISE.index("rsqrt")


@helper
def squares(reals, a):
    """See `Kind.SQUARES`."""
    total = np.float32(0.0)
    for i in range(a[2]):
        x = reals[a[0] + i]
        total += x * x
    reals[a[1]] = total


@helper
def root(reals, a):
    """See `Kind.ROOT`."""
    mean = reals[a[0]] / np.float32(a[1])
    reals[a[0]] = rsqrt32(np.float32(mean + np.int32(a[2]).view(np.float32)))


@helper
def normalise(reals, a):
    """See `Kind.NORMALISE`."""
    r = reals[a[2]]
    for i in range(a[4]):
        reals[a[1] + i] = (reals[a[0] + i] * r) * reals[a[3] + i]


@helper
def total(reals, a):
    """See `Kind.TOTAL`."""
    total = np.float32(0.0)
    for i in range(a[2]):
        total += reals[a[0] + i]
    reals[a[1]] = total


@helper
def centre(reals, a):
    """See `Kind.CENTRE`."""
    mean, total = reals[a[2]], np.float32(0.0)
    for i in range(a[3]):
        x = np.float32(reals[a[0] + i] - mean)
        reals[a[1] + i] = x
        total += x * x
    reals[a[2]] = total


@helper
def shift(reals, a):
    """See `Kind.SHIFT`."""
    r = reals[a[2]]
    for i in range(a[4]):
        reals[a[1] + i] = (reals[a[0] + i] * r) * reals[a[3] + i] + reals[a[5] + i]


@helper
def head_squares(reals, a):
    """See `Kind.HEAD_SQUARES`."""
    for h in range(a[2]):
        total = np.float32(0.0)
        for i in range(a[3]):
            x = reals[a[0] + h * a[3] + i]
            total += x * x
        reals[a[1] + h] = total


@helper
def head_normalise(reals, a):
    """See `Kind.HEAD_NORMALISE`."""
    eps = np.int32(a[7]).view(np.float32)
    for h in range(a[3] + a[4]):
        r = rsqrt32(np.float32(reals[a[1] + h] / np.float32(a[6]) + eps))
        gain = a[2] if h < a[3] else a[2] + a[5]
        for i in range(a[5]):
            at = a[0] + h * a[5] + i
            reals[at] = (reals[at] * r) * reals[gain + i]


@helper
def softcap(x, cap):
    """Return cap · tanh(x / cap)."""
    return softcap32(exp32(np.float32(softcap_exponent32(x, cap))), cap)


@helper
def gate(reals, a):
    """See `Kind.GATE`."""
    for i in range(a[2]):
        x = reals[a[0] + i]
        active = logistic32(x, exp32(gelu_exponent32(x) if a[3] == _GELU else np.float32(-x)))
        reals[a[1] + i] = active * reals[a[0] + a[2] + i] if a[4] == 1 else active


@helper
def finish(reals, a):
    """See `Kind.FINISH`."""
    scale, cap = np.int32(a[4]).view(np.float32), np.int32(a[5]).view(np.float32)
    for j in range(a[2]):
        x = reals[a[0] + j]
        if a[3] == 1:
            x = np.float32(x + reals[a[1] + j])
        x = np.float32(x * scale)
        reals[a[0] + j] = softcap(x, cap) if cap > np.float32(0.0) else x


@helper
def add(reals, a):
    """See `Kind.ADD`."""
    scale = np.float32(1.0) if a[4] == 0 else np.int32(a[4]).view(np.float32)
    for i in range(a[3]):
        reals[a[2] + i] = reals[a[0] + i] + reals[a[1] + i] * scale


@helper
def elementwise(reals, a):
    """See `Kind.ELEMENTWISE`."""
    right = np.int32(a[6]).view(np.float32)
    if a[5] == 2:
        right = reals[a[2]]
    for i in range(a[3]):
        left = reals[a[1] + i]
        if a[5] == 0:
            right = reals[a[2] + i]
        if a[4] == _ADD:
            left = left + right
        elif a[4] == _SUBTRACT:
            left = left - right
        elif a[4] == _MULTIPLY:
            left = left * right
        elif a[4] == _MULTIPLY_ADD:
            product = np.float32(left * right)
            left = reals[a[0] + i] + product
        elif a[4] == _MAX:
            left = left if left >= right else right
        elif a[4] == _DIVIDE:
            left = left / right
        elif a[4] == _EXP:
            left = exp32(left)
        elif a[4] == _RSQRT:
            left = rsqrt32(left)
        else:
            left = right
        reals[a[0] + i] = left


@helper
def contract(reals, a):
    """See `Kind.CONTRACT`."""
    for i in range(a[3]):
        total = reals[a[0] + i] if a[7] == 1 else np.float32(0.0)
        for j in range(a[4]):
            product = np.float32(reals[a[1] + i * a[5] + j * a[6]] * reals[a[2] + j])
            total = np.float32(total + product)
        reals[a[0] + i] = total


@helper
def outer(reals, a):
    """See `Kind.OUTER`."""
    for i in range(a[3]):
        for j in range(a[4]):
            product = np.float32(reals[a[1] + i] * reals[a[2] + j])
            reals[a[0] + i * a[5] + j] = reals[a[0] + i * a[5] + j] + product


@helper
def peak(reals, a):
    """See `Kind.PEAK`."""
    largest = reals[a[0]]
    for i in range(a[2]):
        value = reals[a[1] + i]
        largest = largest if largest >= value else value
    reals[a[0]] = largest
