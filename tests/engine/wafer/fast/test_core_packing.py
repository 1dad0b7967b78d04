"""Packing: where a weight, its scale and a vector lie in what the kernels read."""

import numpy as np
import pytest

from engine.errors import WeightsError
from engine.model.tensors.floats import FloatTensor
from engine.model.tensors.q8 import Q8Tensor
from engine.wafer.fast.kernels.dot import panel_layout
from engine.wafer.fast.kernels.dot.panel_layout import PANEL, TILE_BYTES, TileLayout
from engine.wafer.fast.packing import pack
from engine.wafer.program import geometry
from engine.wafer.program.program import Matrix

F32 = np.float32
ONES = FloatTensor(np.ones(64, F32))
LAYOUTS = [panel_layout.UNSIGNED_QUADS, TileLayout(run=4, bias=0), TileLayout(run=8, bias=128)]


def random_weight(outputs, inputs, seed=0):
    random = np.random.default_rng(seed)
    return Q8Tensor(
        random.integers(-128, 128, (outputs, inputs)).astype(np.int8),
        random.random((outputs, inputs // 32)).astype(np.float16),
    )


def test_kernels_and_programs_mean_the_same_group():
    assert panel_layout.GROUP == geometry.GROUP


@pytest.mark.parametrize("layout", LAYOUTS, ids=repr)
def test_every_weight_and_scale_lies_where_the_layout_says(layout):
    first, second = random_weight(70, 64), random_weight(130, 96, seed=1)
    table = (
        Matrix(("first",), ("int8",), (70,), 64),
        Matrix(("norm",), ("fp32",), (1,), 64),
        Matrix(("second",), ("int8",), (130,), 96),
    )

    tensors = {"first": first, "norm": ONES, "second": second}

    packed = pack(table, tensors, layout)

    assert packed.table.tolist() == [[0, 64, 70], [0, 64, 1], [2 * 2, 96, 130]]
    for weight, start in ((first, 0), (second, 4)):
        groups = weight.shape[1] // 32
        for n in range(weight.shape[0]):
            for k in range(weight.shape[1]):
                tile = start + n // PANEL * groups + k // 32
                run = k % 32 // layout.run
                at = tile * TILE_BYTES + (run * PANEL + n % PANEL) * layout.run + k % layout.run
                stored = int(packed.panels.weights[at])
                assert (stored - layout.bias - int(weight.values[n, k])) % 256 == 0
                assert packed.panels.scales[tile * PANEL + n % PANEL] == weight.scales[n, k // 32]


def test_outputs_beyond_the_matrix_are_zero():
    packed = pack(
        (Matrix(("norm",), ("fp32",), (1,), 32), Matrix(("w",), ("int8",), (65,), 32)),
        {"norm": FloatTensor(np.ones(32, F32)), "w": random_weight(65, 32)},
        panel_layout.UNSIGNED_QUADS,
    )

    second = packed.panels.weights[TILE_BYTES:].reshape(8, PANEL, 4)
    assert (second[:, 1:] == 128).all()
    assert (packed.panels.scales[PANEL + 1 :] == 0).all()


def test_a_tensor_used_twice_is_packed_once():
    table = (
        Matrix(("embed",), ("int8",), (70,), 64),
        Matrix(("norm",), ("fp32",), (1,), 64),
        Matrix(("embed",), ("int8",), (70,), 64),
    )
    tensors = {"embed": random_weight(70, 64), "norm": ONES}

    packed = pack(table, tensors, panel_layout.UNSIGNED_QUADS)

    assert packed.table[0].tolist() == packed.table[2].tolist()
    assert packed.panels.weights.size == 2 * 64 * 64  # 70 outputs fill two panels of 64


def test_tensors_have_the_formats_of_the_program():
    table = (Matrix(("norm",), ("fp32",), (1,), 64), Matrix(("embed",), ("int8",), (70,), 64))
    tensors = {"embed": FloatTensor(np.ones((70, 64), F32)), "norm": ONES}

    with pytest.raises(WeightsError, match="tensor embed is fp32, the Program reads int8"):
        pack(table, tensors, panel_layout.UNSIGNED_QUADS)
