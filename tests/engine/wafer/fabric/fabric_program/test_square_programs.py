"""Whole programs: the worked examples, values against NumPy, refusals by line and core."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import engine
from engine.errors import FabricProgramError, StuckProgramError
from engine.wafer.cost.collectives import Collective
from engine.wafer.fabric import lone_collectives
from engine.wafer.fabric.fabric_program.program_file import read_program
from engine.wafer.fabric.fabric_program.run_program import run_program
from engine.wafer.program import machine

PROGRAMS = Path(engine.__file__).parent / "wafer" / "programs"
WSE2 = machine.get("wse2")


def example(name, **changed):
    return replace(read_program(PROGRAMS / f"{name}.toml"), **changed)


def stencil(side, iterations, *, joined):
    """The five-point stencil in fp32, in the order in which a core adds."""
    y, x = np.indices((side, side))
    a = (x + 10 * y).astype(np.float32)
    border = (x == 0) | (y == 0) | (x == side - 1) | (y == side - 1)
    given = ((x + 10 * y) / 6).astype(np.float32)
    for _ in range(iterations):
        sent = np.where(border, given, a * np.float32(0.16666667))
        own = a[1:-1, 1:-1] * np.float32(0.33333333)
        east, west = sent[1:-1, 2:], sent[1:-1, :-2]
        north, south = sent[:-2, 1:-1], sent[2:, 1:-1]
        a = a.copy()
        if joined:
            a[1:-1, 1:-1] = (own + (east + west)) + (north + south)
        else:
            a[1:-1, 1:-1] = (((own + east) + west) + north) + south
    return a


@pytest.mark.parametrize(("name", "joined"), [("stencil-wse2", True), ("stencil-wse3", False)])
def test_a_stencil_has_numpys_bits_in_any_order_of_visits(name, joined):
    program = example(name, columns=7, rows=7)
    forth, back = (run_program(program, WSE2, reverse=reverse) for reverse in (False, True))

    assert np.array_equal(forth.vector("a")[..., 0], stencil(7, 16, joined=joined))
    assert forth.cycles == back.cycles
    assert np.array_equal(forth.finished, back.finished)
    assert np.array_equal(forth.vector("a"), back.vector("a"))


def test_an_iteration_is_counted_where_it_is_steady():
    """Alone in the middle of 3 × 3 nobody waits: six instructions of two cycles."""
    run = run_program(example("stencil-wse2", columns=3, rows=3), WSE2)

    assert run.cycles_per_iteration == 12
    assert run_program(example("stencil-wse2"), WSE2, iterations=3).cycles_per_iteration is None


@pytest.mark.parametrize(
    ("name", "algorithm"), [("chain-reduce", "chain"), ("star-reduce", "star")]
)
def test_a_written_reduction_takes_the_cycles_of_the_built_in_one(name, algorithm):
    run = run_program(example(name, columns=16), WSE2)
    length = run.lowered.offsets["a"][1]
    built_in = lone_collectives.run(Collective(WSE2, "reduce", algorithm, 16, 1, length))

    assert run.cycles == built_in.cycles
    assert np.array_equal(run.vector("a")[0, 0], 120 + 16 * np.arange(length))


HEAD = "machine = 'wse2'\ncolumns = 3\nrows = 1\n[memory]\na = {}\n"
EASTWARDS = (
    "[[route]]\nwhere = 'x == 0'\ncolor = 0\nfrom = 'ramp'\nto = 'east'\n"
    "[[route]]\nwhere = 'x == 1'\ncolor = 0\nfrom = 'west'\nto = 'ramp'\n"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("columns = 3\n", "no `rows`: write a whole number"),
        (HEAD.replace("3", "0"), "line 2: columns is 0: a whole number, 1 to 4,096"),
        ("colour = 1\n" + HEAD + "[[code]]\ndo = 'task 1'", "line 1: the file has no 'colour'"),
        (HEAD, "no [[code]]"),
        (HEAD + "[[code]]\nwhen = 'x'\ndo = 'task 1'", "line 7: [code] has no 'when'"),
        (HEAD + "[[code]]\n", "line 6: no instruction: write `do`"),
        (HEAD + "[[code]]\ndo = '''\n\nfmovs b, a\n'''", "line 9: no vector 'b': [memory] has a"),
        (HEAD + "[[code]]\ndo = 'fmovs a, a[1]'", "line 7: a has 1 elements, 2 are asked for"),
        (HEAD + "[[code]]\ndo = 'fmovs a, <c'", "line 7: no color 'c': name it in [let]"),
        (HEAD + "[[code]]\ndo = '0 * task 1'", "line 7: 0 times"),
        (HEAD + "[let]\nx = 1\n[[code]]\ndo = 'task 1'", "line 7: 'x' is no name"),
        (HEAD + "[let]\nc = 'x /'\n[[code]]\ndo = 'task 1'", "line 7: c: 'x /' is no expression"),
        (HEAD.replace("{}", "{ length = 0 }"), "line 5: length is 0"),
        (HEAD.replace("{}", "{ size = 1 }"), "line 5: [memory.a] has no 'size'"),
        (HEAD + "[[route]]\ncolor = 0\nfrom = 'up'\n", "line 8: 'up' is no port"),
        (HEAD + "[[route]]\ncolor = 0\nfrom = 'ramp'\n", "line 6: no text `to`"),
        (HEAD + "[route]\ncolor = 0\n", "line 6: write [[route]], not [route]"),
        ("columns = \n", "is no TOML"),
    ],
)
def test_a_file_that_is_no_program_is_refused_by_line(text, message):
    with pytest.raises(FabricProgramError) as refused:
        read_program(Path("p.toml"), text)

    assert str(refused.value).startswith("p.toml")
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            EASTWARDS.replace("x == 1", "x == 2") + "[[code]]\ndo = 'task 1'",
            "line 6: color 0 leaves router (0, 0) by its E port, and no router there takes it",
        ),
        (
            EASTWARDS.replace("'x == 0'", "'x != 1'") + "[[code]]\ndo = 'task 1'",
            "line 6: color 0 leaves router (2, 0) by its E port",
        ),
        (
            EASTWARDS + "[[code]]\ndo = 'fmovs >0, a'",
            "line 17: core (1, 0) gives color 0, and its router has no route for that",
        ),
        (
            EASTWARDS + "[[code]]\nwhere = 'x == 0'\ndo = 'fmovs >5, a'",
            "line 18: core (0, 0) gives color 5",
        ),
        (
            EASTWARDS + "[[route]]\ncolor = 0\nfrom = 'east'\nto = 'west'\n[[code]]\ndo = 'task 1'",
            "line 16: router (0, 0): color 0 has another route",
        ),
        ("[[route]]\ncolor = 40\nfrom = 'ramp'\nto = 'ramp'\n[[code]]\ndo = 'task 1'", "color 40"),
        ("[[route]]\ncolor = 'x/2'\nfrom = 'ramp'\nto = 'ramp'\n[[code]]\ndo = 'task 1'",
         "line 6: 'x/2' is no whole number"),
        ("[[code]]\nwhere = 'y == 1 // x'\ndo = 'task 1'", "line 6: 'y == 1 // x' divides by zero"),
        (EASTWARDS + "[[code]]\nwhere = 'x == 0'\ndo = 'fmuls >0, a, <0'",
         "line 18: fmuls takes one stream"),
    ],
)  # fmt: skip
def test_what_the_machine_has_not_is_refused_by_line_and_core(text, message):
    lines = HEAD + text
    with pytest.raises(FabricProgramError) as refused:
        run_program(read_program(Path("p.toml"), lines), WSE2)

    assert message in str(refused.value)


def test_a_core_has_six_queues():
    routes = "".join(
        f"[[route]]\nwhere = 'x == 0'\ncolor = {c}\nfrom = 'east'\nto = 'ramp'\n"
        f"[[route]]\nwhere = 'x == 1'\ncolor = {c}\nfrom = 'ramp'\nto = 'west'\n"
        for c in range(7)
    )
    takes = "\n".join(f"fmovs a, <{c}" for c in range(7))
    text = HEAD + routes + f"[[code]]\nwhere = 'x == 0'\ndo = '''\n{takes}\n'''"

    with pytest.raises(FabricProgramError, match=r"core \(0, 0\) takes 7 colors; wse2 leaves"):
        run_program(read_program(Path("p.toml"), text), WSE2)


def test_vectors_that_no_core_holds_are_refused_with_their_bytes():
    text = HEAD.replace("{}", "{ length = 13000 }") + "[[code]]\ndo = 'fmovs a, 1'"

    with pytest.raises(FabricProgramError, match=r"line 5: .* needs 52,000 bytes"):
        run_program(read_program(Path("p.toml"), text), WSE2)


def test_who_waits_in_vain_is_named_by_line_core_and_color():
    text = HEAD + EASTWARDS + "[[code]]\nwhere = 'x == 1'\ndo = 'fmovs a, <0'"

    with pytest.raises(StuckProgramError) as stuck:
        run_program(read_program(Path("p.toml"), text), WSE2)

    assert "p.toml, line 18: core (1, 0) waits for wavelet on color 0" in str(stuck.value)
    assert "give as many wavelets as are taken" in str(stuck.value)


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(FabricProgramError, match="cannot be read"):
        read_program(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"a = {}": "a = { length = 4000 }", "columns = 3": "columns = 700",
          "rows = 1": "rows = 900"},
         "words of vectors"),
        ({"fmovs": "9999 * fmovs", "columns = 3": "columns = 700", "rows = 1": "rows = 9"},
         "instructions of cores"),
        ({"rows = 1": "rows = 1\niterations = 100000", "fmovs": "\n" * 700 + "fmovs"},
         "lines of iterations"),
    ],
)  # fmt: skip
def test_more_than_this_computer_is_for_is_refused_before_anything_is_made(changed, what):
    text = HEAD + "[[code]]\ndo = '''fmovs a, 1'''"
    for old, new in changed.items():
        text = text.replace(old, new)

    with pytest.raises(FabricProgramError, match=f"{what}; up to"):
        run_program(read_program(Path("p.toml"), text), WSE2)
