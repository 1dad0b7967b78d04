"""Packing: what lies in the panels is what the tensor says, in the bits of its format."""

import numpy as np
import pytest

from engine.errors import WeightsError
from engine.model.tensors import FORMATS
from engine.model.tensors.block_tensor import BlockTensor
from engine.model.tensors.floats import FloatTensor
from engine.model.tensors.q8 import Q8Tensor
from engine.model.tensors.tensor import Blocks, Format
from engine.wafer.fast.kernels.dot import panel_layout
from engine.wafer.fast.kernels.dot.path_table import best_path
from engine.wafer.fast.kernels.dot.storage_table import STORAGES
from engine.wafer.fast.packing import begin_packing, pack
from engine.wafer.fast.panel_places import storage_of
from engine.wafer.program import geometry
from engine.wafer.program.program import Matrix
from tests import naive
from tests.engine.wafer.fast.kernels.panels import decoded, packed, product
from tests.packs import random_packed, random_packs
from tests.wafers import random_order

F32 = np.float32
ONES = FloatTensor(np.ones(64, F32))
PACKED = [name for name, format in FORMATS.items() if format.packing is not None]
BITS = {
    "int8": 8.5, "q4_0": 4.5, "q4_1": 5.0, "q5_0": 5.5, "q5_1": 6.0,
    "q4_k": 4.625, "q5_k": 5.625, "q6_k": 6.5625,
}  # fmt: skip
"""Bits of a weight in panels; Q4_K and Q5_K have an eighth more than in a file."""


def matrix(name, tensor):
    return Matrix((name,), (tensor.format.name,), (tensor.shape[0],), tensor.shape[1])


def test_kernels_and_programs_mean_the_same_group():
    assert panel_layout.GROUP == geometry.GROUP


@pytest.mark.parametrize("name", PACKED)
def test_every_level_scale_and_minimum_lies_where_the_storage_says(name):
    tensor = random_packed(np.random.default_rng(0), FORMATS[name], (130, 768))

    found = pack((matrix("w", tensor),), {"w": tensor})

    wanted, storage = tensor.blocks(), STORAGES[name]
    assert found.storages == (storage,)
    assert found.table.tolist() == [[0, 768, 130, 3]]
    assert found.panels.weights.size * 8 == 192 * 768 * BITS[name]
    assert found.panels.weights.ctypes.data % 64 == 0
    for number, (start, groups, outputs, column, code) in enumerate(found.panels.pieces.tolist()):
        assert (groups, outputs, column, code) == (24, (64, 64, 2)[number], 64 * number, 0)
        blocks = decoded(storage, found.panels.weights, start, groups)
        rows = slice(column, column + outputs)
        assert np.array_equal(blocks.levels[:outputs], wanted.levels[rows])
        assert np.array_equal(blocks.scales[:outputs], wanted.scales[rows])
        assert (blocks.scales[outputs:] == 0).all()
        if wanted.minima is not None:
            assert np.array_equal(blocks.minima[:outputs], wanted.minima[rows])
            assert (blocks.minima[outputs:] == 0).all()


def test_arrays_of_int8_are_packed_as_blocks_of_a_file_are():
    random = np.random.default_rng(0)
    packs = random_packs(random, FORMATS["int8"], (70, 64))
    blocks = packs.reshape(70, 2, 34)
    arrays = Q8Tensor(
        np.ascontiguousarray(blocks[:, :, 2:]).view(np.int8).reshape(70, 64),
        np.ascontiguousarray(blocks[:, :, :2]).view(np.float16)[:, :, 0],
    )
    file = BlockTensor(FORMATS["int8"], (70, 64), lambda rows: packs[rows])

    first, second = (
        pack((matrix("w", tensor),), {"w": tensor}).panels.weights for tensor in (arrays, file)
    )

    assert first.tobytes() == second.tobytes()


def test_a_stack_has_panels_for_each_tensor_and_threads_change_no_byte(monkeypatch):
    random = np.random.default_rng(0)
    formats, widths = ("q4_0", "int8", "q4_0"), (300, 70, 64)
    tensors = {
        f"w{i}": random_packed(random, FORMATS[name], (width, 64))
        for i, (name, width) in enumerate(zip(formats, widths, strict=True))
    }
    monkeypatch.setattr("engine.wafer.fast.packing._WEIGHTS_AT_ONCE", 2 * 64 * 64)
    table = (Matrix(tuple(tensors), formats, widths, 64),)

    one, four = (pack(table, tensors, threads) for threads in (1, 4))

    assert one.panels.weights.tobytes() == four.panels.weights.tobytes()
    assert one.table.tolist() == [[0, 64, 434, 8]]
    pieces = sorted(one.panels.pieces[:, 2:].tolist(), key=lambda piece: piece[1])
    assert [piece[:2] for piece in pieces] == [
        [64, 0], [64, 64], [64, 128], [64, 192], [44, 256], [64, 300], [6, 364], [64, 370],
    ]  # fmt: skip
    kinds = [one.storages[piece[2]].name for piece in pieces]
    assert kinds == ["q4_0"] * 5 + ["int8"] * 2 + ["q4_0"]


def test_memory_is_read_a_few_rows_at_a_time():
    packs, asked = random_packs(np.random.default_rng(0), FORMATS["q4_0"], (4096, 2048)), []

    def read(rows):
        asked.append(rows)
        return packs[rows]

    tensor = BlockTensor(FORMATS["q4_0"], (4096, 2048), read)
    pack((matrix("w", tensor),), {"w": tensor})

    assert max(rows.stop - rows.start for rows in asked) == 2048
    assert sorted(rows.start for rows in asked) == list(range(0, 4096, 2048))


def test_bytes_that_are_mapped_read_only_can_be_packed():
    packs = random_packs(np.random.default_rng(0), FORMATS["q4_0"], (64, 64))
    packs.flags.writeable = False
    tensor = BlockTensor(FORMATS["q4_0"], (64, 64), lambda rows: packs[rows])

    found = pack((matrix("w", tensor),), {"w": tensor})

    assert np.array_equal(
        decoded(STORAGES["q4_0"], found.panels.weights, 0, 2).levels, tensor.blocks().levels
    )


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("value", [np.inf, np.nan])
@pytest.mark.filterwarnings("ignore:invalid value")  # infinity times a scale of 0
def test_a_scale_that_is_not_finite_is_refused(name, value):
    packs = random_packs(np.random.default_rng(0), FORMATS[name], (70, 256))
    at = 208 if name == "q6_k" else 0
    packs[69, at : at + 2] = np.array([value], np.float16).view(np.uint8)
    tensor = BlockTensor(FORMATS[name], (70, 256), lambda rows: packs[rows], "file: tensor w")

    with (
        np.errstate(invalid="ignore"),
        pytest.raises(WeightsError, match="file: tensor w: a scale is not finite"),
    ):
        pack((matrix("w", tensor),), {"w": tensor})


def test_a_fault_is_told_when_somebody_waits_for_the_weights():
    """Packing goes on beside other work, and no weight is used before it was waited for."""
    tensor = random_packed(np.random.default_rng(3), FORMATS["q4_0"], (64, 64))
    raw = tensor.raw_rows().copy()
    raw[5, :2] = np.array(np.nan, np.float16).reshape(1).view(np.uint8)
    spoilt = BlockTensor(tensor.format, tensor.shape, lambda rows: raw[rows])

    begun = begin_packing((matrix("w", spoilt),), {"w": spoilt})

    with pytest.raises(WeightsError, match="not finite"):
        begun.filling.wait()


def test_a_level_that_int8_does_not_have_is_refused():
    packs = random_packs(np.random.default_rng(0), FORMATS["int8"], (3, 64))
    packs[2, 34 + 2 + 9] = 128
    tensor = BlockTensor(FORMATS["int8"], (3, 64), lambda rows: packs[rows], "file: tensor w")

    with pytest.raises(WeightsError, match="file: tensor w: a level is -128"):
        pack((matrix("w", tensor),), {"w": tensor})


def test_a_tensor_used_twice_is_packed_once():
    tensor = random_packed(np.random.default_rng(0), FORMATS["q5_0"], (70, 64))
    table = (
        matrix("embed", tensor),
        Matrix(("norm",), ("fp32",), (1,), 64),
        matrix("embed", tensor),
    )

    found = pack(table, {"embed": tensor, "norm": ONES})

    assert found.table[0].tolist() == found.table[2].tolist()
    assert found.table[1, :2].tolist() == [0, 64]
    assert len(found.panels.pieces) == 2
    assert found.vectors.tolist() == [1.0] * 64


def test_tensors_have_the_formats_of_the_program():
    table = (Matrix(("embed",), ("int8",), (70,), 64),)

    with pytest.raises(WeightsError, match="tensor embed is fp32, the Program reads int8"):
        pack(table, {"embed": FloatTensor(np.ones((70, 64), F32))})


# ── formats without a storage of their own ──────────────────────────────────────────────────


class PlainTensor:
    """A matrix of a format that the kernels have never heard of."""

    def __init__(self, random, block, minima):
        self.format = Format(
            name=f"new of {block}", weight_bits=7, block=block, block_bits=32, input_bytes=1,
            runs=True, priced=True, has_minima=minima,
        )  # fmt: skip
        self.shape = 70, 96
        numbers = random.normal(size=(2, 70, 96 // block)).astype(F32)
        levels = random.integers(-127, 128, self.shape).astype(np.int8)
        self._blocks = Blocks(levels, numbers[0], numbers[1] if minima else None)

    def blocks(self, rows=slice(None)):
        levels, scales, minima = self._blocks
        return Blocks(levels[rows], scales[rows], None if minima is None else minima[rows])


@pytest.mark.parametrize(("block", "minima"), [(32, False), (32, True), (16, False)])
def test_any_other_format_runs_with_float32_scales(monkeypatch, block, minima):
    random = np.random.default_rng(block)
    tensor, order = PlainTensor(random, block, minima), random_order(random, 2)
    monkeypatch.setitem(FORMATS, tensor.format.name, tensor.format)
    x = random.standard_normal((5, 96)).astype(F32)

    panels, pieces = packed([tensor], best_path())

    storage, blocks = storage_of(tensor.format.name), tensor.blocks()
    found = decoded(storage, panels.weights, panels.pieces[0, 0], 3)
    assert np.array_equal(found.levels, blocks.levels[:64])
    assert np.array_equal(found.scales, blocks.scales[:64])
    rows = product(x, panels, pieces, order, 70)
    assert rows[4, :70].tolist() == naive.multiply(list(x[4]), tensor, order)
