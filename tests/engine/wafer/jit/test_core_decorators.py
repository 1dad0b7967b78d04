"""The flags that kernels are compiled with."""

from engine.wafer.fast import warm_up
from engine.wafer.fast.kernels import lookup, wide

MAKE_ARRAYS = {lookup.row, wide.wide_product}


def test_kernels_count_no_references_unless_they_make_arrays():
    """Every count is an atomic addition; a token has thousands of calls with dozens of arrays."""
    every = {*warm_up.ENTRIES, *(dispatcher for _, dispatcher in warm_up.kernels())}
    counting = {each for each in every if each.targetoptions.get("_nrt", True)}

    assert len(every) > 10
    assert counting == MAKE_ARRAYS
