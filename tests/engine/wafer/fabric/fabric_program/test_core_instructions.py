"""Lines of a program: their text, their values on a single core, their cycles."""

from pathlib import Path

import numpy as np
import pytest

from engine.errors import FabricProgramError
from engine.wafer.fabric.fabric_program.instruction_text import (
    Instruction,
    InstructionError,
    Number,
    Stream,
    Vector,
)
from engine.wafer.fabric.fabric_program.program_file import read_program
from engine.wafer.fabric.fabric_program.run_program import run_program
from engine.wafer.program import machine

WSE2 = machine.get("wse2")


def test_a_line_is_an_operation_a_destination_and_sources():
    found = Instruction.parse("fadds >west, a[2:5], <3 | control", 7)

    assert found.target == Stream("west", gives=True)
    assert found.sources == (Vector("a", 2, 5), Stream("3", gives=False))
    assert (found.line, found.flags) == (7, 2)
    assert Instruction.parse("fmuls a, b[1], -.5e1", 1).sources == (Vector("b", 1, 2), Number(-5.0))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("fmul a, a, a", "no operation 'fmul': write one of fadds"),
        ("fadds a, a", "2 sources, here 1"),
        ("fmovs a, b, c", "1 source, here 2"),
        ("fadds 1, a, a", "a number is no destination"),
        ("fadds <c, a, a", "write >c"),
        ("fadds a, >c, a", "write <c"),
        ("fmuls a, 1, 2", "write the result"),
        ("fmovs a, b[3:3]", "holds no element"),
        ("fmovs a, b[-1]", "is no operand"),
        ("fmovs a, b | control", "only what gives"),
        ("fmovs >c, b | often", "only what gives"),
        ("task nine", "write its number"),
    ],
)
def test_what_is_no_instruction_is_refused(text, why):
    with pytest.raises(InstructionError, match=why.replace("|", r"\|")):
        Instruction.parse(text, 1)


def alone(do, head=""):
    """Run instructions on one core with vectors a = 0 … 7 and b = 0.5."""
    text = (
        f'columns = 1\nrows = 1\nmachine = "wse2"\n{head}\n[memory]\n'
        "a = { length = 8, value = 'i' }\nb = { length = 8, value = '1 / 2' }\nc = { length = 8 }\n"
        f"[[code]]\ndo = '''\n{do}\n'''\n"
    )
    return run_program(read_program(Path("p.toml"), text), WSE2)


A, B = np.arange(8, dtype=np.float32), np.full(8, 0.5, np.float32)


@pytest.mark.parametrize(
    ("do", "c"),
    [
        ("fadds c, a, b", A + B),
        ("fsubs c, a, b", A - B),
        ("fmuls c, a, 3.0", A * 3),
        ("fmuls c, 3.0, a", A * 3),
        ("fmaxs c, a, 2.5", np.maximum(A, np.float32(2.5))),
        ("fmovs c, a", A),
        ("fmovs c, -1.5", np.full(8, -1.5)),
        ("fmovs c, b\nfmacs c, a, b", B + A * B),
        ("fmovs c[2:4], a[6:8]", np.array([0, 0, 6, 7, 0, 0, 0, 0])),
        ("3 * fadds c, c, a", 3 * A),
    ],
)
def test_arithmetic_is_numpys_in_fp32(do, c):
    assert np.array_equal(alone(do).vector("c")[0, 0], c)


def test_an_instruction_takes_its_overhead_and_its_elements():
    """fp32 additions go two a cycle on this machine, products one."""
    assert alone("fadds c, a, b").cycles == WSE2.vector_overhead_cycles + 4
    assert alone("fmuls c, a, b").cycles == WSE2.vector_overhead_cycles + 8
    assert alone("fmuls c, a, b", "overhead_cycles = 1").cycles == 1 + 8
    assert alone("fadds c, a, b", "iterations = 5").cycles == 5 * (WSE2.vector_overhead_cycles + 4)


def test_vectors_in_the_same_banks_take_twice_as_long_beyond_the_cache():
    """64 fp32 fit the cache of 256 bytes, 128 do not; 128 words later the banks come again."""

    def cycles(length, apart):
        text = (
            "columns = 1\nrows = 1\nmachine = 'wse2'\noverhead_cycles = 0\n[memory]\n"
            f"a = {{ length = {length} }}\ngap = {{ length = {apart} }}\n"
            f"b = {{ length = {length} }}\n[[code]]\ndo = 'fmuls a, a, b'\n"
        )
        return run_program(read_program(Path("p.toml"), text), WSE2).cycles

    assert (cycles(128, 128), cycles(128, 2)) == (256, 256)
    assert (cycles(128, 1), cycles(64, 64)) == (128, 64)


def test_first_comes_once_before_and_last_once_after_the_iterations():
    run = run_program(
        read_program(
            Path("p.toml"),
            "columns = 1\nrows = 1\niterations = 4\n[memory]\na = {}\n[[code]]\n"
            "first = 'fmovs a, 1.0'\ndo = 'fadds a, a, a'\nlast = 'fadds a, a, 0.5'\n",
        ),
        WSE2,
    )

    assert run.vector("a")[0, 0, 0] == 16.5
    assert [(each.line, each.runs) for each in run.lines()] == [(7, 1), (8, 4), (9, 1)]


def test_a_task_takes_its_dispatch():
    spec = machine.get("wse3")
    text = "columns = 1\nrows = 1\n[memory]\na = {}\n[[code]]\ndo = '''\n@fmovs a, 1\n'''\n"
    plain, task = (
        run_program(read_program(Path("p.toml"), text.replace("@", line)), spec)
        for line in ("", "task 9\n")
    )

    assert task.cycles - plain.cycles == spec.dispatch_cycles
    assert task.lowered.tasks == {7: 9, 8: 9}


def test_an_unknown_vector_is_named_with_those_there_are():
    with pytest.raises(FabricProgramError, match="no vector 'd': the program has a, b, c"):
        alone("fmovs c, a").vector("d")
