"""Rows read from a file by number, and the rows of heads that turn neighbouring pairs."""

import os

import numpy as np
import pytest

from engine.errors import WeightsError
from engine.model.gguf.paired_rows import paired_rows
from engine.model.tensors.file_rows import FileRows, TensorFile

ROWS, ROW_BYTES, OFFSET = 40, 6, 7


@pytest.fixture
def matrix():
    return np.arange(ROWS * ROW_BYTES, dtype=np.uint8).reshape(ROWS, ROW_BYTES)


@pytest.fixture
def path(tmp_path, matrix):
    file = tmp_path / "file"
    file.write_bytes(bytes(OFFSET) + matrix.tobytes() + b"after")
    return file


def opened(path, order=None):
    file = TensorFile(path, path.stat().st_size)
    return FileRows(file, OFFSET, ROWS, ROW_BYTES, order)


@pytest.mark.parametrize("order", [None, np.random.default_rng(1).permutation(ROWS)])
@pytest.mark.parametrize(
    "rows",
    [
        slice(None), slice(3, 9), slice(5, 5), slice(9, 3), slice(-4, None), slice(30, 99),
        slice(0, 40, 7), slice(None, None, -1),
        np.array([4]), np.array([39, 0, 39]), np.array([7, 6, 5]), np.array([], np.int64),
        np.array([1, 2, 30], np.int32),
    ],
)  # fmt: skip
def test_rows_are_those_of_an_array(path, matrix, rows, order):
    expected = matrix if order is None else matrix[order]
    assert np.array_equal(opened(path, order)(rows), expected[rows])


@pytest.mark.parametrize("rows", [[-1], [40], [0, 1 << 40]])
def test_a_row_that_is_not_there(path, rows):
    with pytest.raises(IndexError, match="of 40"):
        opened(path)(np.array(rows))


def test_a_file_that_was_replaced_stays_as_it_was(path, matrix):
    rows = opened(path)
    other = path.with_name("other")
    other.write_bytes(bytes(path.stat().st_size))
    other.replace(path)
    assert np.array_equal(rows(slice(None)), matrix)


def test_a_file_that_became_shorter_is_one_clear_line(path):
    rows = opened(path)
    os.truncate(path, 60)
    with pytest.raises(WeightsError, match="became shorter"):
        rows(slice(None))


def test_a_file_that_changed_between_its_head_and_its_rows(path):
    with pytest.raises(WeightsError, match="changed while it was read"):
        TensorFile(path, 3)
    with pytest.raises(WeightsError, match="cannot be read"):
        TensorFile(path.with_name("absent"), 3)


def test_the_last_rows_close_the_file(path):
    before = len(os.listdir("/dev/fd"))
    rows = [opened(path) for _ in range(3)]
    assert len(os.listdir("/dev/fd")) == before + 3
    rows.clear()
    assert len(os.listdir("/dev/fd")) == before


def test_rows_of_pairs_are_those_that_the_converter_moved():
    """llama.cpp's converter reshapes (heads, halves, D/2) and swaps the last two."""
    heads, head_dim = 3, 8
    original = np.arange(heads * head_dim)
    written = original.reshape(heads, 2, head_dim // 2).swapaxes(1, 2).reshape(-1)
    assert np.array_equal(written[paired_rows(heads, head_dim)], original)
