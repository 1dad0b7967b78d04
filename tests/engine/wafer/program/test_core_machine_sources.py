"""Where the machine's numbers come from, and what follows from them."""

import ast
import inspect
import json
import re
from dataclasses import fields, replace

import pytest

from engine.errors import MachineError
from engine.wafer.program import machine, machine_spec
from engine.wafer.program.machine import PRESETS, MachineSpec


def documented():
    """Field → the text that stands below it in the source."""
    (spec,) = (
        node
        for node in ast.parse(inspect.getsource(machine_spec)).body
        if isinstance(node, ast.ClassDef) and node.name == "MachineSpec"
    )
    found = {}
    for field, text in zip(spec.body, spec.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            found[field.target.id] = text.value.value
    return found


@pytest.mark.parametrize("field", [field.name for field in fields(MachineSpec)][1:])
def test_every_number_has_a_source_or_says_that_it_is_assumed(field):
    text = documented()[field]

    assert re.search(r"Source: |[Aa]ssumed", text), text
    if "Source: " in text:
        assert re.search(r"\[S\d+\]|fitted", text), text


def test_every_source_that_is_named_is_in_the_list():
    listed = set(re.findall(r"\[S\d+\]", inspect.getdoc(machine_spec)))

    assert set(re.findall(r"\[S\d+\]", " ".join(documented().values()))) <= listed


def test_what_was_fitted_on_wse3_is_on_no_other_machine():
    """Task and sample cycles come from one served model; elsewhere they would be a guess."""
    for name, spec in PRESETS.items():
        fitted = spec.task_cycles, spec.sample_cycles_per_logit
        assert (fitted == (0, 1.0)) == (name != "wse3"), name


def test_presets_are_known_by_their_own_names():
    assert machine.names() == list(PRESETS)
    for name, spec in PRESETS.items():
        assert spec.name == name
        assert spec.columns * spec.rows <= spec.cores
        assert spec.code_bytes + spec.system_bytes < spec.sram_bytes


def test_the_small_machines_are_cut_out_of_wse3():
    """So that what is tested on them holds for it: every number of a core or a link is the same."""
    size = {
        "name", "cores", "columns", "rows", "fabric_columns", "fabric_rows", "task_cycles",
        "sample_cycles_per_logit",
    }  # fmt: skip
    for name in ("tiny", "small"):
        spec = machine.get(name)
        differs = {
            field.name
            for field in fields(spec)
            if getattr(spec, field.name) != getattr(machine.get("wse3"), field.name)
        }
        assert differs <= size
        assert spec.cores == spec.columns * spec.rows


@pytest.mark.parametrize(("clock", "cycles"), [(0.85, 4250), (1.1, 5500), (0.75, 3750)])
def test_a_link_between_wafers_takes_its_time_at_any_clock(clock, cycles):
    """The one latency that is given in seconds: cycles follow the clock."""
    assert machine.get("wse3", clock).wafer_link_cycles == cycles


def test_rates_by_hand():
    spec = replace(machine.get("tiny"), clock_ghz=0.5, mac_int8=32)

    assert spec.clock_hz == 500_000_000
    assert spec.peak_flops == 256 * 8 * 2 * 500_000_000
    assert spec.memory_bandwidth_bytes_per_second == 256 * (16 + 8) * 500_000_000
    assert spec.total_sram_bytes == 256 * 48 * 1024


@pytest.mark.parametrize("name", machine.names())
def test_facts_are_plain_and_tell_one_core_from_all(name):
    found = json.loads(json.dumps(machine.facts(name, 1.0)))

    assert found["clock_ghz"] == 1.0
    assert found["sram_bytes_per_core"] == 49_152
    assert found["sram_bytes"] == found["cores"] * 49_152


def test_a_clock_without_meaning_is_refused_by_name():
    with pytest.raises(MachineError, match="'tiny': clock_ghz is -1"):
        machine.get("tiny", -1.0)
