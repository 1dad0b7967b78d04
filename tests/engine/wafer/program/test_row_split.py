"""A line of cores: how a vector's groups of 32 lie on it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import PlacementError
from engine.wafer.program.geometry import GROUP, even_split, lighter_split, split

quick = settings(max_examples=200, deadline=None, derandomize=True)


@quick
@given(groups=st.integers(1, 80), cores=st.integers(1, 600))
def test_every_element_and_every_group_has_one_home(groups, cores):
    lies = split(32 * groups, cores)

    assert len(lies.elements) == len(lies.groups) == cores
    assert sum(lies.elements) == 32 * groups
    assert sum(lies.groups) == groups
    assert lies.parts == sum(1 for count in lies.groups if count)
    assert lies.most_elements == max(lies.elements)


@quick
@given(groups=st.integers(1, 80), cores=st.integers(1, 600))
def test_cores_hold_whole_groups_or_even_shares_of_one(groups, cores):
    lies = split(32 * groups, cores)

    if cores <= groups:
        assert lies.span == 1
        assert all(e == 32 * g for e, g in zip(lies.elements, lies.groups, strict=True))
        assert max(lies.groups) - min(lies.groups) <= 1
    else:
        assert lies.parts == groups
        assert lies.span in (1, 2, 4, 8, 16, 32)
        used = groups * lies.span
        assert used <= cores < 2 * used or lies.span == 32
        assert lies.elements == (32 // lies.span,) * used + (0,) * (cores - used)
        assert [i for i, g in enumerate(lies.groups) if g] == list(range(0, used, lies.span))


def test_the_slices_are_those_of_the_reference():
    """Core i holds groups i·G//P … (i+1)·G//P: the parts of a reduction order."""
    assert split(32 * 5, 3).groups == (1, 2, 2)
    assert split(32 * 7, 4).groups == (1, 2, 2, 2)


@pytest.mark.parametrize("width", [1, 31, 33, 100])
def test_a_width_that_is_no_multiple_of_32_is_refused(width):
    with pytest.raises(PlacementError, match=f"{width} elements.*multiples of 32"):
        split(width, 4)


@quick
@given(width=st.integers(0, 5000), cores=st.integers(1, 600))
def test_an_even_split_holds_every_element_and_is_even(width, cores):
    """What lies without groups (logits, fp16 weights): the fuller cores come first."""
    lies = even_split(width, cores)

    assert len(lies.elements) == cores
    assert sum(lies.elements) == width
    assert lies.most_elements - min(lies.elements) <= 1
    assert list(lies.elements) == sorted(lies.elements, reverse=True)
    assert lies.parts == sum(1 for count in lies.elements if count)
    assert (lies.span, set(lies.groups)) == (1, {0})


@quick
@given(
    cores=st.integers(2, 40),
    units=st.integers(1, 9),
    fewer=st.integers(0, 6),
    grouped=st.booleans(),
    data=st.data(),
)
def test_some_cores_hold_less_and_the_sum_stays(cores, units, fewer, grouped, data):
    light = data.draw(st.integers(1, cores - 1))
    count = cores * units + data.draw(st.integers(0, cores - 1))
    unit = GROUP if grouped else 1
    lies = (split if grouped else even_split)(count * unit, cores)
    least, more = divmod(count + light * fewer, cores)  # groups: smaller shares come first
    if fewer >= least + (not grouped and more >= light):
        with pytest.raises(PlacementError, match="leaves nothing"):
            lighter_split(lies, light, fewer)
        return

    found = lighter_split(lies, light, fewer)

    assert sum(found.elements) == lies.width
    assert found.parts == cores
    held = np.array(found.elements) // unit
    assert np.ptp(held + fewer * (np.arange(cores) < light)) <= 1
    assert sum(found.groups) == (count if grouped else 0)
