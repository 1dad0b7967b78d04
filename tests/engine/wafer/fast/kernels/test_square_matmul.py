"""A region multiplies: packed weights of any format, sums in the Program's order, bit for bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.reference import quantised
from engine.model.tensors import FORMATS
from engine.model.tensors.q8 import Q8Tensor
from engine.wafer.fast.kernels.dot.path_table import PATHS, is_usable
from engine.wafer.fast.kernels.dot.portable import PORTABLE
from engine.wafer.fast.kernels.dot.terms import THIN_ROWS
from engine.wafer.fast.kernels.operands import Pieces
from tests import naive
from tests.engine.wafer.fast.kernels.dot.exactness import is_tried
from tests.engine.wafer.fast.kernels.panels import packed, product
from tests.packs import random_packed
from tests.wafers import random_order

quick = settings(max_examples=20, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)

F32 = np.float32
USABLE = [path for path in PATHS if is_usable(path)]
PACKED = [name for name, format in FORMATS.items() if format.packing is not None]
WIDE = {name for name in PACKED if FORMATS[name].super_block}
"""Formats whose inputs come in super-blocks of 256."""

each_path = pytest.mark.parametrize("path", USABLE, ids=lambda path: path.name)


def random_weight(random, outputs, inputs):
    return Q8Tensor(
        random.integers(-127, 128, (outputs, inputs)).astype(np.int8),
        (random.random((outputs, inputs // 32)) * 0.1).astype(np.float16),
    )


def multiplied(x, weights, order, *, path=PORTABLE, first=0):
    """Rows ``first`` … of x (M, K) times stacked weights; what the kernel leaves alone stays −1."""
    outputs = sum(weight.shape[0] for weight in weights)
    return product(x, *packed(weights, path), order, outputs, first=first)


@quick
@given(
    seed=seeds,
    rows=st.integers(1, 40),
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

    results = [multiplied(x, [weight], order, path=path) for path in USABLE]

    row = int(random.integers(rows))
    assert results[0][row, :outputs].tolist() == naive.multiply(list(x[row]), weight, order)
    assert (results[0][:, outputs:] == -1).all()
    for other in results[1:]:
        assert np.array_equal(results[0], other)


@each_path
@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=seeds,
    formats=st.lists(st.sampled_from(PACKED), min_size=1, max_size=4),
    rows=st.integers(1, 64),
    groups=st.integers(1, 12),
    parts=st.integers(1, 20),
)
def test_stacks_of_any_formats_are_the_reference(path, seed, formats, rows, groups, parts):
    """One instruction, and each tensor of it as if it were alone."""
    formats = [name if is_tried(path, name) else "int8" for name in formats]
    random = np.random.default_rng(seed)
    inputs = 256 * (1 + groups % 2) if WIDE & set(formats) else 32 * groups
    order = random_order(random, parts)
    weights = [
        random_packed(random, FORMATS[name], (int(random.integers(1, 140)), inputs))
        for name in formats
    ]
    x = random.standard_normal((rows, inputs)).astype(F32)
    x[random.integers(rows)] *= F32(1e4)
    x[random.integers(rows), :32] = 0

    result = multiplied(x, weights, order, path=path)

    wanted = [quantised.multiply(x, weight, order) for weight in weights]
    assert np.array_equal(result[:, :-3], np.concatenate(wanted, axis=1))
    assert (result[:, -3:] == -1).all()


@each_path
def test_rows_do_not_depend_on_how_many_are_multiplied_together(path):
    random = np.random.default_rng(0)
    weight, order = random_weight(random, 130, 288), random_order(random, 9)
    x = random.standard_normal((64, 288)).astype(F32)
    alone = np.concatenate(
        [multiplied(x[m : m + 1], [weight], order, path=path) for m in range(64)]
    )

    for rows in (*range(1, 36), 47, 48, 49, 63, 64):
        together = multiplied(x[:rows], [weight], order, path=path)

        assert np.array_equal(together, alone[:rows]), rows


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_few_rows_read_the_weights_once(path):
    assert path.wide_rows <= THIN_ROWS + 1


@each_path
def test_the_path_says_from_which_row_on_tiles_are_unpacked(path):
    panels, _ = packed([random_weight(np.random.default_rng(0), 64, 32)], path)

    assert (panels.entries[:, -1] == path.wide_rows).all()


@each_path
def test_many_rows_may_begin_anywhere(path):
    random = np.random.default_rng(0)
    weight, order = random_weight(random, 64, 96), random_order(random, 2)
    x = random.standard_normal((30, 96)).astype(F32)

    last = multiplied(x, [weight], order, path=path, first=13)

    assert (last[:13] == -1).all()
    assert np.array_equal(last[13:], multiplied(x[13:], [weight], order, path=path))


@each_path
def test_a_sum_of_nothing_but_negative_zeros_is_zero(path):
    """The contract begins at 0, and 0 + −0 is 0: the sign shows in whatever divides by it."""
    levels = np.zeros((64, 64), np.int8)
    levels[::2] = 1
    weight = Q8Tensor(levels, np.full((64, 2), 6e-8, np.float16))
    x = np.full((9, 64), -1e-42, F32)  # scales so small that every product rounds to −0

    for parts in (1, 2):
        out = multiplied(x, [weight], naive.ReduceOrder(parts, 1), path=path)[:, :64]

        assert (out == 0).all()
        assert not np.signbit(out).any()


@each_path
@pytest.mark.parametrize("orders", [(1, 1), (9, 9), (9, 2), (3, 2), (20, 3), (50, 50)])
def test_many_rows_take_terms_in_the_order_of_the_program(path, orders):
    """Parts of several groups, of one, and of none; chains of one part and of several."""
    random = np.random.default_rng(0)
    weight, order = random_weight(random, 70, 288), naive.ReduceOrder(*orders)
    x = random.standard_normal((17, 288)).astype(F32)

    found = multiplied(x, [weight], order, path=path)[:, :70]

    assert np.array_equal(found, quantised.multiply(x, weight, order))


@each_path
def test_only_the_rows_asked_for_are_written(path):
    random = np.random.default_rng(0)
    weight, order = random_weight(random, 64, 64), random_order(random, 2)
    x = random.standard_normal((6, 64)).astype(F32)

    last = multiplied(x, [weight], order, path=path, first=5)

    assert (last[:5] == -1).all()
    assert np.array_equal(last[5], multiplied(x, [weight], order)[5])


def test_a_matrix_may_begin_at_any_piece():
    random = np.random.default_rng(0)
    weights, order = [random_weight(random, 64, 64) for _ in range(2)], random_order(random, 2)
    x = random.standard_normal((1, 64)).astype(F32)
    panels, _ = packed(weights, PORTABLE)

    second = product(x, panels, Pieces(1, 1), order, 128)

    assert np.array_equal(second[0, 64:128], multiplied(x, weights[1:], order)[0, :64])
    assert (second[0, :64] == -1).all()


def test_threads_have_panels_of_every_format_to_do():
    """A thread takes runs of neighbours: the formats of a stack lie mixed."""
    random = np.random.default_rng(0)
    shapes = {"q4_0": 256, "int8": 128}
    weights = [random_packed(random, FORMATS[name], (n, 64)) for name, n in shapes.items()]

    panels, pieces = packed(weights, PORTABLE)

    storages = panels.pieces[:, 4].tolist()
    assert pieces.number == 6
    assert sorted(storages[:3]) == sorted(storages[3:]) == [0, 0, 1]


def test_extreme_weights_and_inputs_are_exact():
    weight = Q8Tensor(np.full((64, 64), -127, np.int8), np.ones((64, 2), np.float16))
    x = np.full((1, 64), 127.0, F32)
    order = random_order(np.random.default_rng(0), 2)

    for path in USABLE:
        out = multiplied(x, [weight], order, path=path)

        assert (out[0, :64] == -127.0 * 127 * 64).all()


def test_the_order_of_a_sum_shows_in_its_bits():
    """If it did not, the comparisons with the loop would prove little."""
    random = np.random.default_rng(0)
    weight = random_weight(random, 64, 32 * 8)
    x = random.standard_normal((1, 32 * 8)).astype(F32)
    orders = [naive.ReduceOrder(8, group) for group in (1, 2, 3, 8)]

    results = [multiplied(x, [weight], order)[0] for order in orders]

    assert np.array_equal(results[0], results[3])  # groups of one and one group: the same chain
    for other in (1, 2):
        assert not np.array_equal(results[0], results[other])
