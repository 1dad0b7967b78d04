"""A region multiplies: int8 weights in panels, sums in the order of the Program, bit for bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.tensors.floats import FloatTensor
from engine.model.tensors.q8 import Q8Tensor
from engine.wafer.fast.kernels import multiply, vectors
from engine.wafer.fast.kernels.dot.path_table import PATHS, is_usable
from engine.wafer.fast.kernels.dot.portable import PORTABLE
from engine.wafer.fast.kernels.operands import Block, Quantised, RowSpan, SumOrder, Tiles
from engine.wafer.fast.packing import pack
from engine.wafer.program.program import Matrix
from tests import naive
from tests.wafers import random_order

quick = settings(max_examples=20, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)

F32 = np.float32
USABLE = [path for path in PATHS if is_usable(path)]
KERNELS = [multiply.matmul, multiply.matmul_parallel]


def random_weight(random, outputs, inputs):
    return Q8Tensor(
        random.integers(-127, 128, (outputs, inputs)).astype(np.int8),
        (random.random((outputs, inputs // 32)) * 0.1).astype(np.float16),
    )


def panels_of(weights, layout):
    """The panels of matrices stacked along their outputs."""
    names = tuple(f"w{i}" for i in range(len(weights)))
    widths, formats = tuple(w.shape[0] for w in weights), tuple(w.format.name for w in weights)
    inputs = weights[0].shape[1]
    table = (Matrix(("norm",), ("fp32",), (1,), 32), Matrix(names, formats, widths, inputs))
    tensors = dict(zip(names, weights, strict=True)) | {"norm": FloatTensor(np.ones(32, F32))}
    return pack(table, tensors, layout).panels


def product(x, weights, order, *, path=PORTABLE, kernel=multiply.matmul, first=0):
    """Rows ``first`` … of x (M, K) times stacked weights; what the kernel leaves alone stays −1."""
    rows, inputs = x.shape
    outputs, groups = sum(w.shape[0] for w in weights), rows * inputs // 32
    image = Quantised(
        np.zeros(rows * inputs, np.int8), np.zeros(groups, F32), np.zeros(groups, np.int32)
    )
    vectors.quantise(x.ravel(), Block(0, inputs), path.layout, image, RowSpan(0, rows))
    out = np.full((rows, outputs + 3), F32(-1))
    kernel(
        path,
        panels_of(weights, path.layout),
        Tiles(0, inputs // 32, outputs),
        image,
        SumOrder(order.parts, order.group),
        out.ravel(),
        Block(0, outputs + 3),
        RowSpan(first, rows),
    )
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

    results = [
        product(x, [weight], order, path=path, kernel=kernel)
        for path in USABLE
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
    weight, order = random_weight(random, 130, 96), random_order(random, 3)
    x = random.standard_normal((rows, 96)).astype(F32)

    together = product(x, [weight], order, path=USABLE[0])

    alone = [product(x[m : m + 1], [weight], order, path=USABLE[0])[0] for m in range(rows)]
    assert np.array_equal(together, np.array(alone))


@pytest.mark.parametrize("path", USABLE, ids=lambda path: path.name)
@pytest.mark.parametrize("kernel", KERNELS, ids=["one thread", "threads"])
def test_only_the_rows_asked_for_are_written(path, kernel):
    random = np.random.default_rng(0)
    weight, order = random_weight(random, 64, 64), random_order(random, 2)
    x = random.standard_normal((6, 64)).astype(F32)

    last = product(x, [weight], order, path=path, kernel=kernel, first=5)

    assert (last[:5] == -1).all()
    assert np.array_equal(last[5], product(x, [weight], order)[5])


def test_a_matrix_may_begin_at_any_tile():
    random = np.random.default_rng(0)
    weights, order = [random_weight(random, 64, 64) for _ in range(2)], random_order(random, 2)
    x = random.standard_normal((1, 64)).astype(F32)
    panels, layout = panels_of(weights, PORTABLE.layout), PORTABLE.layout
    image = Quantised(np.zeros(64, np.int8), np.zeros(2, F32), np.zeros(2, np.int32))
    vectors.quantise(x.ravel(), Block(0, 64), layout, image, RowSpan(0, 1))
    out = np.zeros(64, F32)

    multiply.matmul(
        PORTABLE, panels, Tiles(2, 2, 64), image, SumOrder(order.parts, order.group), out,
        Block(0, 64), RowSpan(0, 1),
    )  # fmt: skip

    assert np.array_equal(out, product(x, weights[1:], order)[0, :64])


def test_extreme_weights_and_inputs_are_exact():
    weight = Q8Tensor(np.full((64, 64), -127, np.int8), np.ones((64, 2), np.float16))
    x = np.full((1, 64), 127.0, F32)
    order = random_order(np.random.default_rng(0), 2)

    for path in USABLE:
        out = product(x, [weight], order, path=path)

        assert (out[0, :64] == -127.0 * 127 * 64).all()


def test_the_order_of_a_sum_shows_in_its_bits():
    """If it did not, the comparisons with the loop would prove little."""
    random = np.random.default_rng(0)
    weight = random_weight(random, 64, 32 * 8)
    x = random.standard_normal((1, 32 * 8)).astype(F32)
    orders = [naive.ReduceOrder(8, group) for group in (1, 2, 3, 8)]

    results = [product(x, [weight], order)[0] for order in orders]

    assert np.array_equal(results[0], results[3])  # groups of one and one group: the same chain
    for other in (1, 2):
        assert not np.array_equal(results[0], results[other])


def test_matrices_that_share_an_input_are_stacked():
    random = np.random.default_rng(0)
    first, second = random_weight(random, 40, 64), random_weight(random, 30, 64)
    x, order = random.standard_normal((2, 64)).astype(F32), random_order(random, 2)

    both = product(x, [first, second], order)

    assert np.array_equal(both[:, :40], product(x, [first], order)[:, :40])
    assert np.array_equal(both[:, 40:70], product(x, [second], order)[:, :30])
