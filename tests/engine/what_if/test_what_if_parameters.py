"""What a what-if varies: the values of each parameter, and which of them a setup has."""

import pytest
from msgspec.structs import replace

from engine.errors import EngineError
from engine.protocol.what_if import WhatIfSetup
from engine.wafer.program import machine as machines
from engine.wafer_changes import WaferChanges
from engine.what_if.parameters import PARAMETERS, values_of

PLAIN = WhatIfSetup("wse3", 0.85)
SIZES = [(2, 2), (4, 4), (8, 8)]


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_values_rise_along_the_axis_and_one_of_them_is_the_setup(name):
    values, chosen = values_of(name, PLAIN, 24, SIZES)
    assert values[chosen].setup == PLAIN
    places = [value.at for value in values]
    assert places == sorted(set(places))
    assert len({value.setup for value in values}) == len(values)
    for value in values:
        assert value.label
        values_of(name, value.setup, 24, SIZES)


@pytest.mark.parametrize("name", [name for name in PARAMETERS if name not in ("machine", "clock")])
def test_a_value_changes_one_thing_and_keeps_the_others(name):
    """A block is one thing: its columns and its rows."""
    own = replace(PLAIN, changes=WaferChanges(link_bits=64, group=4, blocks=2))
    for value in values_of(name, own, 24, SIZES)[0]:
        setup = value.setup
        assert (setup.machine, setup.clock_ghz) == ("wse3", 0.85)
        changed = {
            field
            for field in WaferChanges.__struct_fields__
            if getattr(setup.changes, field) != getattr(own.changes, field)
        }
        assert len(changed - {"rows"}) <= 1


def test_a_value_that_nobody_offers_is_one_of_them_once_it_is_chosen():
    odd = replace(PLAIN, clock_ghz=0.77, changes=WaferChanges(sram_bytes=50 * 1024, group=5))
    for name, label in (("clock", "0.77 GHz"), ("sram", "50 KiB"), ("sums", "5")):
        values, chosen = values_of(name, odd, 24)
        assert values[chosen].label == label


def test_of_many_sizes_some_are_taken_and_the_ends_stay():
    many = [(n, 1) for n in range(1, 200)]
    values, _ = values_of("rectangle", PLAIN, 24, many)
    labels = [value.label for value in values]
    assert labels[0] == "planner"
    assert labels[1] == "1×1"
    assert labels[-1] == "199×1"
    assert len(labels) == 10


def test_what_cannot_be_varied_is_refused_with_what_can():
    with pytest.raises(EngineError, match="'colour' cannot be varied: machine, clock"):
        values_of("colour", PLAIN, 24)


def test_wider_links_send_faster_and_the_adder_stays():
    own, wide = machines.get("wse3"), machines.get("wse3", changes=WaferChanges(link_bits=64))
    assert wide.inject_cycles_per_wavelet == own.inject_cycles_per_wavelet / 2
    assert wide.add_fp32_cycles_per_wavelet == own.add_fp32_cycles_per_wavelet
    assert wide.name == "wse3 (64-bit links)"
    assert machines.get("wse3", changes=WaferChanges()) == own
