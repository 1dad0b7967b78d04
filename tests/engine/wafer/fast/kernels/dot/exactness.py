"""The tests that every path must pass: the test file of a path makes a subclass with its path."""

from collections.abc import Sequence

import numba
import numpy as np
import pytest

from engine.wafer.fast.kernels import multiply
from engine.wafer.fast.kernels.dot import terms, wide_parts
from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.path_table import is_usable
from engine.wafer.fast.kernels.dot.products import Products
from engine.wafer.fast.kernels.dot.storage_table import STORAGES
from engine.wafer.fast.kernels.operands import Block, Pieces, Quantised, RowSpan, SumOrder
from tests import naive
from tests.engine.wafer.fast.kernels.panels import decoded, random_panel

F32 = np.float32
GROUPS = 8
ROWS = 18
"""No multiple of a block's rows on any path."""
INSTRUCTIONS = {
    "vpdpbusd.512", "vpdpbusd.256", "pmadd.ub.sw", "psign.b", "half", "tdpbssd", "ldtilecfg",
    "tilerelease", "neon.sdot",
}  # fmt: skip
"""What some processors lack, by LLVM's names."""
SHARED_CODE = {"amx", "avx-vnni"}
"""Paths that share with another what depends on a storage."""
FEW_STORAGES = {"int8", "q4_k", "q5_0", "q6_k", "plain with minima"}
"""With which those are tried, because each costs seconds of compilation: every size of a level;
scales as halves, as float32 and shared (the last two with minima), and one for each sixteen."""


@numba.njit
def one_row(products, weights, inputs, sums):
    terms.tile_of_one(products, weights, 0, 1, 0, inputs, 0, 1, sums, True, True)


@numba.njit
def many_rows(products, slots, numbers, inputs, sums):
    at, sums_at = wide_parts.first_line(slots), wide_parts.first_line(sums)
    wide_parts.begin(products, at, numbers, numbers, 0, 1, inputs, 0, 4, 1, sums_at, at)
    wide_parts.multiply_block(products, at, numbers, numbers, 0, 1, inputs, 0, 4, 1, sums_at, at)
    wide_parts.end(products)


def is_tried(path, storage_name):
    """Whether tests try a path with a storage."""
    return path.name not in SHARED_CODE or storage_name in FEW_STORAGES


def needs(path):
    """A mark that skips tests of a path which this processor does not have."""
    return pytest.mark.skipif(not is_usable(path), reason=f"this processor has no {path.name}")


def quantised(levels, scales):
    """Rows of groups (M, G, 32) of int8 inputs as a kernel makes them."""
    sums = levels.astype(np.int32).reshape(-1, 16).sum(axis=1)
    return Quantised(levels.ravel(), scales.ravel(), sums.astype(np.int32))


def product(panels, levels, scales):
    """A row for each of the inputs, the terms of all groups in one part."""
    out = np.zeros((len(levels), 64), F32)
    multiply.matmul(
        panels, Pieces(0, 1), quantised(levels, scales), SumOrder(1, 1), out.ravel(),
        Block(0, 64), RowSpan(0, len(levels)),
    )  # fmt: skip
    return out


def expected(blocks, levels, scales, n):
    """The sum of the terms of one row and output, number by number."""
    total = F32(0)
    for g in range(GROUPS):
        for term in naive.terms(blocks, n, g, levels[g].tolist(), scales[g]):
            total = total + term
    return total


def code_of(path, storage, *, wide):
    """The LLVM code of one row, or of a block of many."""
    inputs = quantised(np.zeros((1, 1, 32), np.int8), np.zeros(1, F32))
    numbers = [np.zeros(9, np.int64)] if wide else []
    arguments = (
        Products(path, storage), np.zeros(9, np.uint8), *numbers, inputs,
        np.zeros(terms.ROW_SUMS, F32),
    )  # fmt: skip
    signature = tuple(numba.typeof(argument) for argument in arguments)
    kernel = many_rows if wide else one_row
    kernel.compile(signature)
    return kernel.inspect_llvm(signature)


class Exactness:
    """Tests of the path of the subclass."""

    path: DotPath
    instructions: Sequence[str] = ()
    """What its code calls by LLVM's names, and no other path's does."""
    wide_instructions: Sequence[str] = ()
    """The same for many rows."""
    storages: Sequence[str] = tuple(STORAGES)
    """With which it is tried, but for those that it leaves to others (`is_tried`)."""

    def test_terms_are_rounded_as_the_machine_rounds_them(self, name):
        """Dot products exact, each other operation once, nothing fused; many rows as one row."""
        random, storage = np.random.default_rng(len(name)), STORAGES[name]
        panels = random_panel(random, storage, GROUPS, self.path)
        levels = random.integers(-127, 128, (ROWS, GROUPS, 32)).astype(np.int8)
        scales = random.random((ROWS, GROUPS), F32)

        together = product(panels, levels, scales)

        blocks = decoded(storage, panels.weights, 0, GROUPS)
        for count in range(1, terms.THIN_ROWS + 1):
            few = product(panels, levels[:count], scales[:count])
            assert np.array_equal(few, together[:count])
        for row in range(ROWS):
            for n in range(row % 7, 64, 7 if row < 5 else 21):
                assert together[row, n] == expected(blocks, levels[row], scales[row], n)

    @pytest.mark.parametrize("level", ["lowest", "highest"])
    @pytest.mark.parametrize("value", [-127, 127])
    def test_extreme_values_do_not_saturate(self, name, level, value):
        storage = STORAGES[name]
        header, own = storage.scales.header_bytes, storage.scales.tile_bytes
        panels = random_panel(np.random.default_rng(0), storage, GROUPS, self.path)
        runs = panels.weights.reshape(-1, storage.run_bytes)
        tiles = runs[:, header:].reshape(-1, storage.tile_bytes).copy()
        tiles[:, own:] = 0 if level == "lowest" else 255
        runs[:, header:] = tiles.reshape(len(runs), -1)
        levels, ones = np.full((ROWS, GROUPS, 32), value, np.int8), np.ones((ROWS, GROUPS), F32)

        found = product(panels, levels, ones)
        one = product(panels, levels[:1], ones[:1])

        blocks = decoded(storage, panels.weights, 0, GROUPS)
        highest = 0 if level == "lowest" else 2**storage.levels.bits - 1
        assert (blocks.levels == highest - storage.zero).all()
        for n in (0, 63):
            assert one[0, n] == expected(blocks, levels[0], ones[0], n)
        assert (found == one).all()

    @pytest.mark.parametrize("storage", ["int8", "q5_0"])
    def test_its_code_has_its_own_instructions_only(self, storage):
        """A processor that lacks another path's instructions must not meet them: it would die."""
        few = code_of(self.path, STORAGES[storage], wide=False)
        many = code_of(self.path, STORAGES[storage], wide=True)

        for code, own in ((few, self.instructions), (many, self.wide_instructions)):
            if storage == "int8":
                assert all(name in code for name in own)
            for name in INSTRUCTIONS - set(own):
                assert name not in code
