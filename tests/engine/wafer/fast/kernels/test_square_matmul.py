"""A region multiplies: int8 weights in panels, sums in the order of the Program, bit for bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.tensors.floats import FloatTensor
from engine.model.tensors.q8 import Q8Tensor
from engine.wafer.fast.kernels import dot, multiply, vectors
from engine.wafer.fast.packing import pack
from engine.wafer.program.program import Matrix
from tests import naive
from tests.wafers import random_order

quick = settings(max_examples=20, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)

F32 = np.float32
PATHS = [dot.PORTABLE]
PATHS += [dot.AVX2] if dot.has_avx2() else []
PATHS += [dot.VNNI] if dot.has_vnni() else []
KERNELS = [multiply.matmul, multiply.matmul_parallel]


def random_weight(random, outputs, inputs):
    return Q8Tensor(
        random.integers(-127, 128, (outputs, inputs)).astype(np.int8),
        (random.random((outputs, inputs // 32)) * 0.1).astype(np.float16),
    )


def packed(*weights):
    """The panels of matrices stacked along their outputs, beside a norm that nobody reads."""
    names = tuple(f"w{i}" for i in range(len(weights)))
    outputs, inputs = sum(w.shape[0] for w in weights), weights[0].shape[1]
    table = (Matrix(("norm",), 1, 32, "fp32"), Matrix(names, outputs, inputs, "int8"))
    tensors = dict(zip(names, weights, strict=True)) | {"norm": FloatTensor(np.ones(32, F32))}
    return pack(table, tensors)


def product(x, panels, outputs, order, *, path=dot.PORTABLE, kernel=multiply.matmul, first=0):
    """Rows ``first`` … of x (M, K) times panels; what the kernel does not write stays −1."""
    rows, inputs = x.shape
    groups = inputs // 32
    levels = np.zeros((rows, inputs), np.int8)
    scales, corrections = np.zeros(rows * groups, F32), np.zeros(rows * groups, np.int32)
    for m in range(rows):
        vectors.quantise(
            x.ravel(), m * inputs, groups, levels.ravel(), m * inputs, scales, corrections,
            m * groups,
        )  # fmt: skip
    out = np.full((rows, outputs + 3), F32(-1))
    kernel(
        path, panels.weights, panels.scales, groups, order.parts, order.group, levels.ravel(),
        inputs, scales, corrections, first, rows, out.ravel(), outputs + 3, outputs,
    )  # fmt: skip
    return out


@quick
@given(
    seed=seeds,
    rows=st.integers(1, 9),
    groups=st.integers(1, 5),
    outputs=st.integers(1, 70),
    parts=st.integers(1, 7),
)
def test_every_path_gives_the_bits_of_the_loop(seed, rows, groups, outputs, parts):
    random = np.random.default_rng(seed)
    order = random_order(random, parts)
    weight = random_weight(random, outputs, 32 * groups)
    x = random.standard_normal((rows, 32 * groups)).astype(F32)
    x[random.integers(rows)] *= F32(1e4)
    panels = packed(weight)

    results = [
        product(x, panels, outputs, order, path=path, kernel=kernel)
        for path in PATHS
        for kernel in KERNELS
    ]

    row = int(random.integers(rows))
    assert results[0][row, :outputs].tolist() == naive.multiply(list(x[row]), weight, order)
    assert (results[0][:, outputs:] == -1).all()
    for other in results[1:]:
        assert np.array_equal(results[0], other)


@pytest.mark.parametrize("rows", range(1, 10))
def test_rows_do_not_depend_on_how_many_are_multiplied_together(rows):
    random = np.random.default_rng(rows)
    weight = random_weight(random, 130, 96)
    panels, order = packed(weight), random_order(random, 3)
    x = random.standard_normal((rows, 96)).astype(F32)

    together = product(x, panels, 130, order, path=PATHS[-1])

    alone = [product(x[m : m + 1], panels, 130, order, path=PATHS[-1])[0] for m in range(rows)]
    assert np.array_equal(together, np.array(alone))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kernel", KERNELS)
def test_only_the_rows_asked_for_are_written(path, kernel):
    random = np.random.default_rng(0)
    weight = random_weight(random, 64, 64)
    panels, order = packed(weight), random_order(random, 2)
    x = random.standard_normal((6, 64)).astype(F32)

    last = product(x, panels, 64, order, path=path, kernel=kernel, first=5)

    assert (last[:5] == -1).all()
    assert np.array_equal(last[5], product(x, panels, 64, order)[5])


def test_extreme_weights_and_inputs_are_exact():
    weight = Q8Tensor(np.full((64, 64), -127, np.int8), np.ones((64, 2), np.float16))
    x = np.full((1, 64), 127.0, F32)
    order = random_order(np.random.default_rng(0), 2)

    for path in PATHS:
        out = product(x, packed(weight), 64, order, path=path)

        assert (out[0, :64] == -127.0 * 127 * 64).all()


def test_the_order_of_a_sum_shows_in_its_bits():
    """If it did not, the comparisons with the loop would prove little."""
    random = np.random.default_rng(0)
    weight = random_weight(random, 64, 32 * 8)
    x = random.standard_normal((1, 32 * 8)).astype(F32)
    orders = [naive.ReduceOrder(8, group) for group in (1, 2, 3, 8)]

    results = [product(x, packed(weight), 64, order)[0] for order in orders]

    assert np.array_equal(results[0], results[3])  # groups of one and one group: the same chain
    for other in (1, 2):
        assert not np.array_equal(results[0], results[other])


def test_matrices_that_share_an_input_are_stacked():
    random = np.random.default_rng(0)
    first, second = random_weight(random, 40, 64), random_weight(random, 30, 64)
    x, order = random.standard_normal((2, 64)).astype(F32), random_order(random, 2)

    both = product(x, packed(first, second), 70, order)

    assert np.array_equal(both[:, :40], product(x, packed(first), 40, order)[:, :40])
    assert np.array_equal(both[:, 40:70], product(x, packed(second), 30, order)[:, :30])


def test_a_tensor_used_twice_is_packed_once():
    random = np.random.default_rng(0)
    weight = random_weight(random, 70, 64)
    table = (
        Matrix(("embed",), 70, 64, "int8"),
        Matrix(("norm",), 1, 64, "fp32"),
        Matrix(("embed",), 70, 64, "int8"),
    )

    result = pack(table, {"embed": weight, "norm": FloatTensor(np.ones(64, F32))})

    assert result.table[0].tolist() == result.table[2].tolist()
    assert result.weights.size == 2 * 64 * 64  # 70 outputs fill two panels of 64
