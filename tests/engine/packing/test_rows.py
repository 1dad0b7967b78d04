"""Examples are laid into rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.packing.examples import NO_LOSS, TEXT, TokenExample
from engine.packing.rows import RowPacker


@given(st.lists(st.integers(1, 65), max_size=60))
def test_rows_hold_every_example_once_and_are_full_length(lengths: list[int]) -> None:
    rows = RowPacker(64, pad=4)
    for index, length in enumerate(lengths):
        rows.add(TokenExample([index + 10] * length, [TEXT] * length))
    rows.finish()
    assert all(row.shape == (65,) and row.dtype == np.uint16 for row in rows.tokens)
    packed = np.concatenate(rows.tokens) if rows.tokens else np.array([])
    for index, length in enumerate(lengths):
        assert (packed == index + 10).sum() == length
    flags = np.concatenate(rows.flags) if rows.flags else np.array([])
    assert ((packed == 4) == (flags == NO_LOSS)).all()


def test_an_example_longer_than_a_row_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        RowPacker(64, pad=4).add(TokenExample([9] * 66, [1] * 66))
