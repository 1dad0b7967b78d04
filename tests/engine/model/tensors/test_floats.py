"""Tensors of plain floating-point numbers: types, rows and bytes."""

from pathlib import Path

import numpy as np
import pytest

from engine.errors import WeightsError
from engine.model.tensors.floats import FP16, FP32, FloatTensor
from engine.model.tensors.stored import Stored

NUMBERS = np.float32([[1, -2.5, 0.125], [3, 65504, -0.0]])


@pytest.mark.parametrize(("dtype", "format"), [(np.float32, FP32), (np.float16, FP16)])
def test_the_format_follows_from_the_numbers(dtype, format):
    tensor = FloatTensor(NUMBERS.astype(dtype))
    assert tensor.format is format
    assert tensor.shape == (2, 3)
    assert tensor.size_bytes == format.sram_bytes(2, 3)
    assert tensor.dequantise().dtype == np.float32
    assert (tensor.dequantise() == NUMBERS).all()
    assert (tensor.dequantise(np.array([1])) == NUMBERS[1:]).all()


def test_other_numbers_are_refused():
    with pytest.raises(WeightsError, match="not float64"):
        FloatTensor(np.ones(3))


@pytest.mark.parametrize(
    ("kind", "data", "format"),
    [
        ("F32", NUMBERS.tobytes(), FP32),
        ("F16", NUMBERS.astype(np.float16).tobytes(), FP16),
        ("BF16", (NUMBERS.view(np.uint32) >> 16).astype(np.uint16).tobytes(), FP32),
    ],
)
def test_stored_numbers_are_read(kind, data, format):
    assert kind in format.stored_types
    tensor = format.read(Stored(Path("file"), "x", kind, (2, 3), data))
    assert tensor.format is format
    cut = NUMBERS.view(np.uint32) >> 16 << 16 if kind == "BF16" else NUMBERS.view(np.uint32)
    assert (tensor.dequantise() == cut.view(np.float32)).all()
