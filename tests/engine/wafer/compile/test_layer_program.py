"""A compiled model as data: what one layer becomes, and a Program's file, name and listing."""

import json
from dataclasses import replace

import numpy as np
import pytest

from engine.errors import PlacementError
from engine.model.sum_orders import ReduceOrder
from engine.wafer.compile.compiler import compile_graph
from engine.wafer.place.lanes import lane_path
from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.orders import choose_orders
from engine.wafer.place.placement import place
from engine.wafer.place.shape import Shape
from engine.wafer.program import isa, machine
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.program import SCHEMA_VERSION, Program
from tests.tiny import tiny_model
from tests.wafers import random_machine, random_model, random_placement

TINY, SMALL = machine.get("tiny"), machine.get("small")
SHAPE = Shape(columns=4, rows=2, head_columns=8)


@pytest.fixture(scope="module")
def model():
    return tiny_model(seed=1)


def compiled(model, spec=TINY, shape=SHAPE, context=64):
    return compile_graph(model.graph, spec, place(model_shape(model.graph), spec, shape, context))


def test_one_layer_is_these_instructions(model):
    table = compiled(model).program.instructions
    layer = table[table[:, Field.LAYER] == 1]

    assert [Op(row[Field.OP]).name for row in layer] == [
        "SEND", "RECEIVE",  # from the block of layer 0
        "NORM", "QUANTISE", "MULTICAST", "MATMUL",  # q, k, v
        "ROTARY", "MULTICAST", "ATTENTION",
        "QUANTISE", "MULTICAST", "MATMUL", "ADD",  # o
        "NORM", "QUANTISE", "MULTICAST", "MATMUL",  # gate, up
        "GATE",
        "QUANTISE", "MULTICAST", "MATMUL", "ADD",  # down
    ]  # fmt: skip


def test_a_step_begins_and_ends_at_the_head(model):
    program = compiled(model).program

    names = [Op(row[Field.OP]).name for row in program.instructions]
    assert names[0] == "EMBED"
    assert names[-5:] == ["NORM", "QUANTISE", "MULTICAST", "MATMUL", "SELECT"]
    head = len(program.regions) - 1
    assert {program.instructions[i, Field.REGION] for i in (0, -1, -2, -3, -4, -5)} == {head}


def test_layers_run_where_they_lie(model):
    program = compiled(model, shape=replace(SHAPE, blocks=1)).program

    for row in program.instructions:
        if row[Field.LAYER] >= 0:
            assert row[Field.LAYER] in program.regions[row[Field.REGION]].layers


def test_layers_of_one_block_do_not_send_to_each_other(model):
    apart = compiled(model).program.instructions
    together = compiled(model, shape=replace(SHAPE, blocks=1)).program.instructions

    assert np.count_nonzero(apart[:, Field.OP] == Op.SEND) == 2
    assert np.count_nonzero(together[:, Field.OP] == Op.SEND) == 1


def test_after_the_layers_only_the_last_row_is_computed(model):
    table = compiled(model).program.instructions

    outside = (table[:, Field.LAYER] < 0) & (table[:, Field.OP] != Op.EMBED)
    assert (table[:, Field.LAST_ROW] == outside).all()
    sends = np.flatnonzero(table[:, Field.OP] == Op.SEND)
    assert table[sends, Field.LAST_ROW].tolist() == [0, 1]  # the last one goes to the head


def test_receiving_counts_the_hops_between_west_lines(model):
    program = compiled(model, SMALL).program
    region = program.regions

    hops = [row[Field.COUNT] for row in program.instructions if row[Field.OP] == Op.RECEIVE]
    assert hops == [
        max(len(lane_path(region, *way, row)) - 1 for row in range(region[0].height))
        for way in ((2, 0), (0, 1), (1, 2))
    ]


def test_every_index_points_into_its_table():
    random = np.random.default_rng(0)
    for _ in range(10):
        spec, model = random_machine(random), random_model(random)
        placement = random_placement(random, model, spec)
        program = compile_graph(model.graph, spec, placement).program

        table = program.instructions
        for field, length in (
            (Field.REGION, len(program.regions)),
            (Field.SOURCE, len(program.buffers)),
            (Field.OTHER, len(program.buffers)),
            (Field.TARGET, len(program.buffers)),
            (Field.WEIGHT, len(program.matrices)),
            (Field.ORDER, len(program.orders)),
            (Field.BIAS, len(program.matrices)),
        ):
            assert table[:, field].min() >= -1
            assert table[:, field].max() < length
        assert all(name in model.tensors for m in program.matrices for name in m.tensors)
        kinds = {
            Op.NORM: program.norms,
            Op.ROTARY: program.rotaries,
            Op.ATTENTION: program.attentions,
            Op.GATE: program.activations,
        }
        for row in table:
            known = range(len(kinds[row[Field.OP]])) if row[Field.OP] in kinds else (-1,)
            assert row[Field.VARIANT] in known


def test_orders_have_a_part_for_each_core_that_owns_a_group():
    random = np.random.default_rng(0)
    for _ in range(20):
        spec, model = random_machine(random), random_model(random)
        placement = random_placement(random, model, spec)

        orders = choose_orders(spec, placement)

        assert orders.hidden.parts == placement.hidden.parts
        assert orders.heads.parts == placement.attended.parts
        assert orders.ffn.parts == placement.gated.parts
        assert orders.norm.parts == orders.positions.parts == placement.shape.rows
        assert orders.head_dim == ReduceOrder.chain(placement.heads.parts)


# ── file, name, listing ─────────────────────────────────────────────────────────────────────


def test_a_program_survives_its_file(tmp_path):
    random = np.random.default_rng(1)
    for number in range(5):
        spec, model = random_machine(random), random_model(random)
        placement = random_placement(random, model, spec)
        program = compile_graph(model.graph, spec, placement).program
        path = tmp_path / f"{number}.json"

        program.save(path)
        loaded = Program.load(path)

        assert loaded.hash == program.hash
        assert loaded.listing() == program.listing()
        assert loaded.machine == spec
        assert loaded.regions == program.regions
        assert np.array_equal(loaded.instructions, program.instructions)


def test_another_schema_version_is_refused(model, tmp_path):
    path = tmp_path / "program.json"
    compiled(model).program.save(path)
    tables = json.loads(path.read_text())
    path.write_text(json.dumps(tables | {"schema_version": 99}))

    with pytest.raises(ValueError, match=f"schema 99, this engine reads {SCHEMA_VERSION}; compile"):
        Program.load(path)


def test_an_operation_of_another_engine_is_refused(model, tmp_path):
    path = tmp_path / "program.json"
    compiled(model).program.save(path)
    tables = json.loads(path.read_text())
    tables["instructions"][3][Field.OP] = 99
    path.write_text(json.dumps(tables))

    with pytest.raises(ValueError, match=rf"operations \[99\] .* 0 to {max(Op)}: compile"):
        Program.load(path)


def test_a_table_of_another_width_is_refused(model):
    program = compiled(model).program

    with pytest.raises(ValueError, match="instruction table of shape"):
        replace(program, instructions=program.instructions[:, 1:])


def test_the_hash_is_the_same_for_the_same_inputs(model):
    other_weights = tiny_model(seed=2)

    assert compiled(model).program.hash == compiled(model).program.hash
    assert compiled(model).program.hash == compiled(other_weights).program.hash


def test_the_hash_changes_with_everything_that_shapes_the_program(model):
    hashes = {
        "as it is": compiled(model),
        "another machine": compiled(model, SMALL),
        "another hop": compiled(model, replace(TINY, hop_cycles=2)),
        "columns": compiled(model, shape=replace(SHAPE, columns=8)),
        "rows": compiled(model, shape=replace(SHAPE, rows=4)),
        "head": compiled(model, shape=replace(SHAPE, head_columns=9)),
        "blocks": compiled(model, shape=replace(SHAPE, blocks=1)),
        "context": compiled(model, context=63),
        "layers": compiled(tiny_model(seed=1, layers=1)),
        "feed-forward": compiled(tiny_model(seed=1, ffn=128)),
        "vocabulary": compiled(tiny_model(seed=1, vocab=289)),
        "own head": compiled(tiny_model(seed=1, tied=False)),
    }

    names = {each.program.hash for each in hashes.values()}
    assert len(names) == len(hashes)
    faster = compiled(model, replace(TINY, clock_ghz=1.1))
    assert faster.program.hash == hashes["as it is"].program.hash


def test_the_listing_of_a_tiny_program(model, golden):
    """Read the diff: it shows what a change does to layout, orders and cycles."""
    program = compiled(model).program
    regions = "".join(
        f"; {region.label:8s} {region.width} × {region.height} cores at ({region.x}, {region.y}), "
        f"fullest core {region.sram_bytes}\n"
        for region in program.regions
    )

    golden("tiny_program.txt", regions + program.listing())


# ── refusals ────────────────────────────────────────────────────────────────────────────────


def test_a_bias_of_some_of_a_product_is_refused(model):
    nodes = tuple(
        replace(node, attributes={**node.attributes, "bias": "b"})
        if node.output == "layer 0.q"
        else node
        for node in model.graph.nodes
    )
    graph = replace(model.graph, nodes=nodes, weights={**model.graph.weights, "b": (64,)})

    with pytest.raises(
        PlacementError, match=r"layer 0.q, layer 0.k, layer 0.v: .* only some have a bias"
    ):
        compile_graph(graph, TINY, place(model_shape(model.graph), TINY, SHAPE, 64))


def test_the_fields_of_an_instruction_are_its_columns():
    assert len(Field) == isa.FIELDS
    assert list(Field) == list(range(isa.FIELDS))
