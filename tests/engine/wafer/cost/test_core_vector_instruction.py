"""One vector instruction of a core: what was measured, and widths, memory and banks by hand."""

from dataclasses import replace

import pytest

from engine.wafer.cost.vector_instruction import (
    VECTOR_KINDS,
    elements_per_cycle,
    has_conflict,
    instruction_cycles,
)
from engine.wafer.program import machine

WSE3, WSE2 = machine.get("wse3"), machine.get("wse2")


@pytest.mark.parametrize(("apart", "cycles"), [(4, 5_130), (8, 10_254)])
def test_the_measured_instruction(apart, cycles):
    kind = VECTOR_KINDS["fmacs"]
    conflict = has_conflict(WSE3, kind, apart)

    assert instruction_cycles(WSE3, kind, 5_124, conflict=conflict) == cycles


@pytest.mark.parametrize(
    ("kind", "spec", "elements", "rate"),
    [
        ("fmach", WSE2, 4_096, 4),  # 16 bytes in, 8 out: all that the memory gives
        ("fmach", WSE3, 4_096, 4),  # eight would take 32 bytes
        ("fmach", WSE3, 256, 8),  # unless the sums stay in the cache
        ("fmach", WSE2, 129, 4),
        ("fadds", WSE3, 4_096, 2),
        ("fadds", WSE3, 128, 4),
        ("fmachs", WSE3, 128, 4),
        ("fmachs", WSE2, 64, 2),
        ("mac_int8", WSE3, 129, 2),  # an int32 sum takes 4 bytes out, of 8 a cycle
        ("mac_int8", WSE3, 128, 8),
        ("fmacs", WSE3, 128, 1),
    ],
)
def test_a_width_is_what_the_memory_gives(kind, spec, elements, rate):
    assert elements_per_cycle(spec, VECTOR_KINDS[kind], elements) == rate


@pytest.mark.parametrize(
    ("apart", "conflict"), [(0, True), (2, True), (4, False), (6, True), (8, True), (12, False)]
)
def test_the_rule_of_the_banks(apart, conflict):
    """Bank numbers must differ modulo 4; 32 bits lie in two banks."""
    assert has_conflict(WSE3, VECTOR_KINDS["fmacs"], apart) is conflict


def test_more_banks_leave_more_places_free():
    wide = replace(WSE3, sram_banks=16)

    assert not has_conflict(wide, VECTOR_KINDS["fmacs"], 8)
    assert has_conflict(wide, VECTOR_KINDS["fmacs"], 16)


def test_a_cached_accumulator_meets_no_bank():
    kind = VECTOR_KINDS["fmacs"]

    assert instruction_cycles(WSE3, kind, 128, conflict=True) == 134
    assert instruction_cycles(WSE3, kind, 129, conflict=True) == 264
