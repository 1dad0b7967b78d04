"""The machine's numbers: presets against published figures, and what is refused."""

import math
from dataclasses import fields, replace

import pytest

from engine.errors import MachineError
from engine.wafer.program import machine


def test_wse2_is_the_published_machine():
    wse2 = machine.get("wse2")

    assert (wse2.columns, wse2.rows) == (750, 994)
    assert wse2.columns * wse2.rows == 745_500
    assert (wse2.fabric_columns, wse2.fabric_rows) == (757, 996)
    assert wse2.cores == 850_000


def test_wse3_is_the_published_machine():
    wse3 = machine.get("wse3")

    assert (wse3.columns, wse3.rows) == (755, 1170)
    assert (wse3.fabric_columns, wse3.fabric_rows) == (762, 1172)
    assert wse3.cores == 900_000
    assert wse3.total_sram_bytes == 900_000 * 48 * 1024  # sold as 44 GB


@pytest.mark.parametrize("name", machine.names())
def test_a_program_leaves_the_host_its_edges(name):
    spec = machine.get(name)

    assert spec.columns == spec.fabric_columns - 7
    assert spec.rows == spec.fabric_rows - 2
    assert spec.colors - spec.reserved_colors == 21


def test_wse2_peak_and_bandwidth_at_the_vendors_clock():
    wse2 = machine.get("wse2", 1.1)

    assert wse2.peak_flops == pytest.approx(7.48e15, rel=1e-9)  # sold as 7.5 PFLOPS
    assert wse2.memory_bandwidth_bytes_per_second == pytest.approx(22.44e15, rel=1e-9)


def test_a_clock_changes_the_clock_only():
    slow = machine.get("wse3", 0.75)

    assert slow.clock_hz == 750_000_000
    assert replace(slow, clock_ghz=0.85) == machine.get("wse3")


def test_facts_hold_every_field_and_what_follows():
    facts = machine.facts("wse3")

    renamed = {"name", "columns", "rows", "fabric_columns", "fabric_rows"}
    missing = {field.name for field in fields(machine.MachineSpec)} - set(facts)
    assert missing <= renamed
    assert facts["grid"] == [755, 1170]
    assert facts["usable_cores"] == 883_350
    assert facts["usable_colors"] == 21


def test_an_unknown_machine_names_the_known_ones():
    with pytest.raises(MachineError, match=r"wse4.*wse3, wse2, tiny, small.*did you mean 'wse"):
        machine.get("wse4")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("columns", 0),
        ("rows", -1),
        ("clock_ghz", 0.0),
        ("clock_ghz", -1.0),
        ("clock_ghz", math.nan),
        ("clock_ghz", math.inf),
        ("inject_cycles_per_wavelet", 0.0),
        ("hop_cycles", -1),
        ("sram_bytes", 0),
    ],
)
def test_numbers_without_meaning_are_refused(field, value):
    with pytest.raises(MachineError, match=f"'wse3'.*{field}"):
        replace(machine.get("wse3"), **{field: value})


@pytest.mark.parametrize(
    "field", ["hop_cycles", "ramp_cycles", "dispatch_cycles", "vector_overhead_cycles"]
)
def test_latencies_may_be_zero(field):
    assert getattr(replace(machine.get("wse3"), **{field: 0}), field) == 0
