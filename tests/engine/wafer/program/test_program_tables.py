"""A Program's name and file: every number of every table counts, and comes back from the file.

The Program is made up, one entry in each table; `compile/test_layer_program.py` has compiled ones.
"""

import json
from dataclasses import astuple, fields, is_dataclass, replace
from itertools import islice

import numpy as np
import pytest

from engine.model.sum_orders import ReduceOrder
from engine.wafer.program import machine
from engine.wafer.program.isa import FIELDS, Field, Op
from engine.wafer.program.program import (
    SCHEMA_VERSION,
    Activation,
    Attention,
    Buffer,
    Matrix,
    Norm,
    Program,
    Region,
    Rotary,
    Scaling,
)

SMALL = machine.get("small")


def instruction(op, **given):
    row = np.full(FIELDS, -1, np.int64)
    row[Field.OP] = op
    for name in ("REGION", "COUNT", "ALONG", "LAST_ROW", "CYCLES", "CYCLES_KV"):
        row[Field[name]] = 0
    for name, value in given.items():
        row[Field[name.upper()]] = value
    return row


PROGRAM = Program(
    model="made up",
    machine=SMALL,
    context_length=32,
    vocabulary=288,
    layers=1,
    instructions=np.stack(
        [
            instruction(Op.NORM, layer=0, source=0, target=0, variant=0, weight=1, cycles=70),
            instruction(Op.MATMUL, layer=0, source=0, target=1, weight=0, order=0, cycles=900),
            instruction(Op.ATTENTION, layer=0, source=1, target=0, variant=0, cycles=50,
                        cycles_kv=3, last_row=1, count=4, along=1, other=1),
        ]
    ),
    regions=(
        Region("block", 3, 0, 4, 2, (0,), {"code": 5, "weights": 2, "kv": 1, "max_total": 8}),
    ),
    buffers=(Buffer("hidden", 64), Buffer("q+k+v", 128)),
    matrices=(
        Matrix(("q", "k", "v"), ("int8", "q4_k", "q6_k"), (64, 32, 32), 64),
        Matrix(("norm",), ("fp32",), (1,), 64),
    ),
    orders=(ReduceOrder(4, 2),),
    norms=(Norm("rms", 1e-5, (4, 2)),),
    rotaries=(Rotary("half", 1e4, 16, (1.0,) * 8),),
    attentions=(Attention("causal", 4, 2, 16, 0.25, 0, 0.0, 1),),
    activations=(Activation("silu", True),),
    scalings=(Scaling(0.5, 30.0),),
)  # fmt: skip

TABLES = (
    "regions", "buffers", "matrices", "orders", "norms", "rotaries", "attentions", "activations",
    "scalings",
)  # fmt: skip


def other(value):
    """Another value of the same type."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return value + "'"
        case tuple():
            return value[:-1]
        case dict():
            return {**value, next(iter(value)): 99}
    raise TypeError(value)


def variants():
    """(what is different, Program) for each number and word of the Program, one by one."""
    for name in ("model", "context_length", "vocabulary", "layers", "schema_version"):
        yield name, replace(PROGRAM, **{name: other(getattr(PROGRAM, name))})
    for name in TABLES:
        entries = getattr(PROGRAM, name)
        yield f"{name}: one fewer", replace(PROGRAM, **{name: entries[:-1]})
        yield f"{name}: one twice", replace(PROGRAM, **{name: (*entries, entries[-1])})
        for number, entry in enumerate(entries):
            for field in fields(entry):
                changed = list(entries)
                changed[number] = bent(entry, field.name)
                yield f"{name}[{number}].{field.name}", replace(PROGRAM, **{name: tuple(changed)})
    for field in fields(SMALL):
        if field.name != "clock_ghz" and not field.name.startswith("host_"):
            changed = replace(SMALL, **{field.name: other(getattr(SMALL, field.name))})
            yield f"machine.{field.name}", replace(PROGRAM, machine=changed)
    for row in range(len(PROGRAM.instructions)):
        for field in Field:
            table = PROGRAM.instructions.copy()
            table[row, field] += 1
            yield f"instruction {row}, {field.name}", replace(PROGRAM, instructions=table)
    yield "instructions: swapped", replace(PROGRAM, instructions=PROGRAM.instructions[::-1].copy())


def bent(entry, name):
    """An entry with another value; an order keeps to what an order may be."""
    if isinstance(entry, ReduceOrder):
        return ReduceOrder(5, 2) if name == "parts" else ReduceOrder(4, 3)
    return replace(entry, **{name: other(getattr(entry, name))})


def test_every_number_of_every_table_is_in_the_hash():
    """A cache or a comparison that goes by the name must never take one Program for another."""
    hashes = {PROGRAM.hash: "the Program itself"}
    count = 0
    for what, program in variants():
        assert program.hash not in hashes, f"{what} is missing: as {hashes[program.hash]}"
        hashes[program.hash] = what
        count += 1
    assert count > 100


def test_no_field_is_forgotten_by_this_test():
    """A table that is new to `Program` must be bent above as well."""
    plain = {"model", "machine", "context_length", "vocabulary", "layers", "instructions"}
    assert {field.name for field in fields(Program)} == plain | {"schema_version", *TABLES}
    assert all(is_dataclass(getattr(PROGRAM, name)[0]) for name in TABLES)


def test_the_clock_is_not_in_the_hash_but_in_the_file(tmp_path):
    fast = replace(PROGRAM, machine=machine.get("small", 1.1))

    assert fast.hash == PROGRAM.hash
    fast.save(tmp_path / "program.json")
    assert Program.load(tmp_path / "program.json").machine.clock_ghz == 1.1


def test_the_hash_is_a_name_of_16_digits():
    assert len(PROGRAM.hash) == 16
    assert set(PROGRAM.hash) <= set("0123456789abcdef")


def test_the_order_in_which_uses_were_counted_does_not_matter():
    (region,) = PROGRAM.regions
    turned = replace(region, sram_bytes=dict(reversed(region.sram_bytes.items())))

    assert replace(PROGRAM, regions=(turned,)).hash == PROGRAM.hash


def test_every_table_comes_back_from_the_file(tmp_path):
    readable = (each for _, each in variants() if each.schema_version == SCHEMA_VERSION)
    for program in islice(readable, 0, None, 5):
        program.save(tmp_path / "program.json")
        loaded = Program.load(tmp_path / "program.json")

        for field in fields(Program):
            ours, theirs = getattr(program, field.name), getattr(loaded, field.name)
            if field.name == "instructions":
                assert np.array_equal(ours, theirs)
                assert theirs.dtype == np.int64
            else:
                assert ours == theirs, field.name
        assert loaded.hash == program.hash


def test_a_loaded_program_is_as_immutable_as_a_compiled_one(tmp_path):
    """Lists instead of tuples would compare unequal to compiled entries and have no hash."""
    PROGRAM.save(tmp_path / "program.json")
    loaded = Program.load(tmp_path / "program.json")

    for name in TABLES:
        entries = getattr(loaded, name)
        assert isinstance(entries, tuple)
        assert not any(isinstance(value, list) for entry in entries for value in astuple(entry))


@pytest.mark.parametrize("version", [SCHEMA_VERSION - 1, SCHEMA_VERSION + 1])
def test_a_file_of_another_schema_is_refused_before_its_tables_are_read(version, tmp_path):
    path = tmp_path / "program.json"
    path.write_text(json.dumps({"schema_version": version}))

    with pytest.raises(ValueError, match=rf"program\.json: program schema {version}, .* again"):
        Program.load(path)


@pytest.mark.parametrize("shape", [(3, FIELDS + 1), (FIELDS,), (1, 2, FIELDS)])
def test_a_table_that_is_no_instruction_table_is_refused(shape):
    with pytest.raises(ValueError, match=rf"it must be \(n, {FIELDS}\)"):
        replace(PROGRAM, instructions=np.zeros(shape, np.int64))


def test_a_listing_tells_what_an_instruction_reads_writes_and_costs():
    lines = PROGRAM.listing().splitlines()

    assert PROGRAM.hash in lines[0]
    assert "3 instructions, 8 cores" in lines[0]
    _, _, norm, matmul, attention = lines
    assert norm.split()[:6] == ["0", "norm", "block", "hidden", "→", "hidden"]
    assert "64×128 order 4/2" in matmul
    assert matmul.endswith("900 + 0")
    assert "count 4" in attention
    assert attention.endswith("50 + 3")


def test_what_an_instruction_lacks_is_a_dash():
    alone = replace(PROGRAM, instructions=np.stack([instruction(Op.SEND, source=0)]))

    assert "hidden → -" in " ".join(alone.listing().split())
