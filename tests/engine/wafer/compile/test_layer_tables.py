"""Where values lie: a buffer for each role, none written while it is still read, no gaps."""

from dataclasses import replace

import numpy as np
import pytest

from engine.errors import PlacementError
from engine.model.reference import QuantisedReference
from engine.model.roles import Role
from engine.wafer.compile.compiler import compile_graph
from engine.wafer.compile.tables import Tables
from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.placement import place
from engine.wafer.place.shape import Shape
from engine.wafer.program import machine
from tests.tiny import tiny_model, with_attributes
from tests.wafers import runner_on

SMALL = machine.get("small")
SHAPE = Shape(4, 2, 8)


@pytest.fixture(scope="module")
def model():
    return tiny_model(seed=1)


def program_of(graph):
    placement = place(model_shape(graph), SMALL, SHAPE, 64)
    return compile_graph(graph, SMALL, placement).program


def nodes_of(graph, *names):
    return [node for node in graph.nodes if node.name in names]


def test_layers_share_a_buffer_for_each_role(model):
    names = [buffer.name for buffer in program_of(model.graph).buffers]

    assert names == [
        "embed", "attention_norm", "q+k+v", "attention", "o", "attention_residual", "ffn_norm",
        "gate+up", "activation", "down", "ffn_residual", "final_norm", "logits",
    ]  # fmt: skip


def test_a_value_that_is_still_read_keeps_its_buffer(model):
    """With one role for both sums of a layer they would overwrite each other."""
    nodes = tuple(
        replace(node, role=Role.FFN_RESIDUAL) if node.op == "add" else node
        for node in model.graph.nodes
    )
    model = replace(model, graph=replace(model.graph, nodes=nodes))
    placement = place(model_shape(model.graph), SMALL, SHAPE, 64)
    runner = runner_on(model, SMALL, placement)
    tokens = np.array([5, 90, 7], np.int32)

    names = {buffer.name for buffer in runner.placed.program.buffers}
    assert {"ffn_residual", "ffn_residual 2"} <= names
    expected = QuantisedReference(model.graph, model.tensors, runner.placed.orders).forward(tokens)
    assert np.array_equal(runner.prefill(tokens), expected[-1])


def test_values_that_are_read_together_lie_side_by_side(model):
    graph = model.graph
    tables = Tables(graph)
    tables.write(nodes_of(graph, "layer 0.gate", "layer 0.up"))

    assert tables.read("layer 0.gate", "layer 0.up") == 0
    with pytest.raises(PlacementError, match=r"layer 0\.up: read together, but not side by side"):
        tables.read("layer 0.up")
    tables.write(nodes_of(graph, "layer 0.attention"))
    with pytest.raises(PlacementError, match=r"from the start of the buffer 'gate\+up'"):
        tables.read("layer 0.gate", "layer 0.attention")


def test_products_in_another_order_than_they_are_read_are_refused(model):
    nodes = list(model.graph.nodes)
    q, k = (nodes.index(*nodes_of(model.graph, f"layer 0.{name}")) for name in "qk")
    nodes[q], nodes[k] = nodes[k], nodes[q]

    with pytest.raises(PlacementError, match="not side by side"):
        program_of(replace(model.graph, nodes=tuple(nodes)))


def test_queries_and_keys_are_rotated_together_and_alike(model):
    other = tuple(
        replace(node, attributes={**node.attributes, "base": 7.0})
        if node.name == "layer 1.k_rotary"
        else node
        for node in model.graph.nodes
    )
    with pytest.raises(PlacementError, match=r"layer 1\.q_rotary, layer 1\.k_rotary: one instr"):
        program_of(replace(model.graph, nodes=other))

    alone = tuple(
        replace(node, inputs=tuple(name.replace("1.k_rotary", "1.k") for name in node.inputs))
        for node in model.graph.nodes
        if node.name != "layer 1.k_rotary"
    )
    values = {name: w for name, w in model.graph.values.items() if name != "layer 1.k_rotary"}
    with pytest.raises(PlacementError, match="queries and keys must be rotated together"):
        program_of(replace(model.graph, nodes=alone, values=values))


def test_kinds_are_listed_once(model):
    graph = with_attributes(model.graph, "norm", 1, eps=0.5)
    tables = Tables(graph)

    norms = [node for node in graph.nodes if node.op == "norm"]
    assert [tables.norm(node) for node in norms] == [0, 0, 1, 1, 0]
    assert len(tables.norms) == 2
