"""What is asked of a tensor by how it is used, and the table of formats."""

import numpy as np
import pytest

from engine.errors import WeightsError
from engine.model.tensors import FORMATS
from engine.model.tensors.floats import FP16, FP32, FloatTensor
from engine.model.tensors.q8 import INT8, quantise
from engine.model.tensors.tensor import float_vector, quantised_matrix

VECTOR = FloatTensor(np.ones(32, np.float32))
MATRIX = quantise(FloatTensor(np.ones((2, 32), np.float32)))
TENSORS = {"norm": VECTOR, "matrix": MATRIX}


def test_every_format_is_in_the_table_by_its_name():
    assert {name: format.name for name, format in FORMATS.items()} == {
        name: name for name in FORMATS
    }
    assert FORMATS.items() >= {"int8": INT8, "fp16": FP16, "fp32": FP32}.items()


def test_no_two_formats_read_one_stored_type():
    types = [kind for format in FORMATS.values() for kind in format.stored_types]
    assert len(set(types)) == len(types)


def test_a_matrix_has_levels_and_a_vector_plain_numbers():
    assert quantised_matrix(TENSORS, "matrix") is MATRIX
    assert (float_vector(TENSORS, "norm") == 1).all()


def test_the_other_use_is_refused():
    with pytest.raises(WeightsError, match="tensor norm is fp32: it must be quantised"):
        quantised_matrix(TENSORS, "norm")
    with pytest.raises(WeightsError, match="tensor matrix is int8: a vector is never quantised"):
        float_vector(TENSORS, "matrix")
