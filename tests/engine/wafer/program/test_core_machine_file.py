"""Machines from TOML files: what is inherited, what is refused where, a chip that is no wafer."""

from dataclasses import fields
from pathlib import Path

import pytest

from engine.errors import MachineError
from engine.wafer.figures.collective_questions import CollectiveQuestion, collective
from engine.wafer.program import machine
from engine.wafer.program.machine_file import UNITS

WORMHOLE = Path(machine.__file__).parents[1] / "machines" / "wormhole-n150.toml"


@pytest.fixture
def described(tmp_path):
    def described(text, name="mine.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return described


def test_what_a_file_does_not_say_is_inherited(described):
    spec = machine.get(described('inherits = "wse2"\nhop_cycles = 3\nclock_ghz = 1\n'))

    assert spec.name == "mine"
    assert (spec.hop_cycles, spec.clock_ghz) == (3, 1)
    assert spec.fmac_fp16 == machine.get("wse2").fmac_fp16
    assert machine.get(described('inherits = "wse2"'), 0.7).clock_ghz == 0.7


def test_every_number_has_a_unit():
    numbers = {field.name for field in fields(machine.MachineSpec)} - {"name"}

    assert set(UNITS) == numbers


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        ('hop_cycles = "two"', r"line 3: hop_cycles is 'two': .* whole number of cycles"),
        ("hop_cycles = 1.5", r"line 3: hop_cycles is 1\.5: .* whole number of cycles"),
        ("colors = true", r"line 3: colors is True: .* whole number of colors"),
        ("hop_cycels = 1", r"line 3: no machine has a field 'hop_cycels'; .*'hop_cycles'"),
        ("clock_ghz = -1", r"line 3: .*clock_ghz is -1; it must be finite and above 0"),
        ("clock_ghz = nan", r"line 3: .*clock_ghz is nan"),
        ("columns = 800", r"line 3: columns is 800 and fabric_columns 762"),
        ("cores = 9", r"line 3: 755 × 1,170 cores in a grid and 9 in all"),
        ("code_bytes = 60000", r"line 3: code_bytes is 60,000 and sram_bytes 49,152 bytes"),
        ("hop_cycles =", "is no TOML: .*line 3"),
        ("[machine]\nhop_cycles = 1", r"line 3|no machine has a field 'machine'"),
    ],
)
def test_a_wrong_line_is_named(described, line, refusal):
    with pytest.raises(MachineError, match=refusal):
        machine.get(described(f'# a comment\ninherits = "wse3"\n{line}\n'))


def test_a_machine_inherits_from_one_that_is_known(described):
    with pytest.raises(MachineError, match=r'no `inherits = "…"`: write one of wse3, wse2'):
        machine.get(described("hop_cycles = 1"))
    with pytest.raises(MachineError, match=r"line 1: inherits is 'wse9': it must be one of"):
        machine.get(described('inherits = "wse9"'))


def test_a_preset_is_not_replaced(described):
    with pytest.raises(MachineError, match="'wse2' is a machine already; rename the file"):
        machine.get(described('inherits = "wse3"', "wse2.toml"))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(MachineError, match=r"none\.toml cannot be read"):
        machine.get(str(tmp_path / "none.toml"))


def test_the_worked_example_is_the_published_chip():
    spec = machine.get(str(WORMHOLE))

    assert spec.peak_flops == pytest.approx(74e12, rel=0.01)
    assert spec.total_sram_bytes == pytest.approx(108e6, rel=0.01)
    assert spec.cores * spec.mac_int8 * 2 * spec.clock_hz == pytest.approx(148e12, rel=0.01)


def test_a_chain_on_the_worked_example_by_hand():
    """50 to start, 64 sums half a cycle apart, seven neighbours of 2·5 + 1 + 9 cycles each."""
    question = CollectiveQuestion("reduce", "chain", 8, 64)

    assert collective(str(WORMHOLE), question).cycles == 50 + 33 + 7 * 20


def test_wavelets_closer_than_a_cycle_are_priced_only():
    question = CollectiveQuestion("reduce", "chain", 8, 64)

    with pytest.raises(MachineError, match=r"inject_cycles_per_wavelet is 0\.125.*one wavelet"):
        collective(str(WORMHOLE), question, tier="cycle")
