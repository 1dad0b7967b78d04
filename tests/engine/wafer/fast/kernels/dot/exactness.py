"""The tests that every path must pass: the test file of a path makes a subclass with its path."""

from collections.abc import Sequence

import numba
import numpy as np
import pytest

from engine.wafer.fast.kernels.dot import terms
from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.panel_layout import PANEL, TILE_BYTES
from engine.wafer.fast.kernels.dot.path_table import is_usable
from engine.wafer.fast.kernels.operands import Panels, Quantised

F32 = np.float32
ONES = np.ones(PANEL, F32)
"""With scales of 1 a term is the dot product itself, which float32 holds exactly."""


@numba.njit
def one_row(path, panels, tile, groups, inputs, at, part):
    terms.terms_of_one(path, panels, tile, groups, inputs, at, part)


@numba.njit
def four_rows(path, panels, tile, groups, inputs, at, part):
    terms.terms_of_four(path, panels, tile, groups, inputs, at, part)


def needs(path):
    """A mark that skips tests of a path which this processor does not have."""
    return pytest.mark.skipif(not is_usable(path), reason=f"this processor has no {path.name}")


def tiles_of(path, *weights, scales=ONES):
    """Panels with a tile for each (64, 32) matrix of signed weights, by the layout's formula."""
    run, bias = path.layout
    found = np.empty(len(weights) * TILE_BYTES, np.uint8)
    for number, tile in enumerate(weights):
        for n in range(PANEL):
            for k in range(32):
                at = (k // run * PANEL + n) * run + k % run
                found[number * TILE_BYTES + at] = (int(tile[n, k]) + bias) % 256
    return Panels(found, np.tile(scales, len(weights)))


def quantised(path, groups, scales=None):
    """Groups (G, 32) of int8 inputs as a kernel makes them."""
    sums = groups.astype(np.int64).sum(axis=1)
    scales = np.ones(len(groups), F32) if scales is None else scales
    return Quantised(groups.ravel(), scales, (-path.layout.bias * sums).astype(np.int32))


def dots(weights, inputs):
    return [sum(int(a) * int(b) for a, b in zip(row, inputs, strict=True)) for row in weights]


def code_of(path):
    """The LLVM code of one row."""
    panels = tiles_of(path, np.zeros((64, 32), np.int8))
    one_row(path, panels, 0, 1, quantised(path, np.zeros((1, 32), np.int8)), 0, np.zeros(64, F32))
    (signature,) = (sig for sig in one_row.signatures if sig[0] == numba.typeof(path))
    return one_row.inspect_llvm(signature)


class Exactness:
    """Tests of the path of the subclass."""

    path: DotPath
    instructions: Sequence[str] = ()
    """What its code calls by LLVM's names, and no other path's does."""

    @pytest.mark.parametrize("seed", range(8))
    @pytest.mark.parametrize("limit", [1, 2, 127])
    def test_one_row_is_the_exact_product(self, seed, limit):
        random = np.random.default_rng(seed)
        weights = random.integers(-127, 128, (64, 32)).astype(np.int8)
        inputs = random.integers(-limit, limit + 1, (1, 32)).astype(np.int8)
        part = np.zeros(64, F32)

        one_row(
            self.path, tiles_of(self.path, weights), 0, 1, quantised(self.path, inputs), 0, part
        )

        assert part.tolist() == dots(weights, inputs[0])

    @pytest.mark.parametrize("weight", [-128, -127, 127])
    @pytest.mark.parametrize("value", [-127, 127])
    def test_extreme_values_do_not_saturate(self, weight, value):
        panels = tiles_of(self.path, np.full((64, 32), weight, np.int8))
        inputs = quantised(self.path, np.full((1, 32), value, np.int8))
        part = np.zeros(64, F32)

        one_row(self.path, panels, 0, 1, inputs, 0, part)

        assert part.tolist() == [32 * weight * value] * 64

    def test_numbers_select_the_tile_and_the_group(self):
        random = np.random.default_rng(0)
        weights = random.integers(-127, 128, (3, 64, 32)).astype(np.int8)
        groups = random.integers(-127, 128, (5, 32)).astype(np.int8)
        part = np.zeros(64, F32)

        one_row(
            self.path, tiles_of(self.path, *weights), 2, 1, quantised(self.path, groups), 3, part
        )

        assert part.tolist() == dots(weights[2], groups[3])

    @pytest.mark.parametrize("seed", range(10))
    def test_terms_are_rounded_as_the_machine_rounds_them(self, seed):
        """Each product once, the sum once, nothing fused; for four rows as for one."""
        random = np.random.default_rng(seed)
        weights = random.integers(-127, 128, (64, 32)).astype(np.int8)
        groups = random.integers(-127, 128, (4 * 3, 32)).astype(np.int8)  # rows of three groups
        scales, factors = random.random(64, F32), random.random(4 * 3, F32)
        panels = tiles_of(self.path, weights, scales=scales)
        inputs = quantised(self.path, groups, factors)
        before = random.normal(size=(4, 64)).astype(F32) * 1000
        part = before.reshape(-1).copy()

        four_rows(self.path, panels, 0, 3, inputs, 1, part)

        for row in range(4):
            group = 3 * row + 1
            products = np.array(dots(weights, groups[group]), F32)
            wanted = before[row] + products * (scales * factors[group])
            assert part.reshape(4, 64)[row].tobytes() == wanted.tobytes()
            alone = before[row].copy()
            one_row(self.path, panels, 0, 3, inputs, group, alone)
            assert alone.tobytes() == wanted.tobytes()

    def test_its_code_has_its_own_instructions_only(self):
        """A processor that lacks another path's instructions must not meet them: it would die."""
        code = code_of(self.path)

        assert all(name in code for name in self.instructions)
        for name in {"vpdpbusd", "pmadd.ub.sw", "psign.b"} - set(self.instructions):
            assert name not in code
