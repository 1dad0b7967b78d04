"""The sizes of a model: what may differ between layers, and what no wafer takes."""

from dataclasses import replace

import pytest

from engine.errors import PlacementError
from engine.model.tensors import uniform_formats
from engine.model.tensors.floats import FP16
from engine.wafer.place.model_shape import model_shape
from tests.graphs import Traits, decoder
from tests.tiny import with_attributes


def test_layers_of_unequal_sizes_are_refused(tiny):
    graph = with_attributes(tiny.graph, "attention", 1, heads=8, kv_heads=4, head_dim=8)

    with pytest.raises(PlacementError, match=r"layers differ in their attention: .*heads=4.*=8"):
        model_shape(graph)


def test_layers_may_differ_in_constants(tiny):
    graph = with_attributes(
        with_attributes(tiny.graph, "attention", 1, scale=1.0), "norm", 0, eps=1e-3
    )

    assert model_shape(graph) == model_shape(tiny.graph)


def test_each_kind_of_rotation_has_angles_of_its_own(tiny):
    graph = with_attributes(tiny.graph, "rotary", 1, base=20000.0)

    assert model_shape(tiny.graph).angles == 16
    assert model_shape(graph).angles == 2 * 16


def test_what_no_placement_rotates_is_refused(tiny):
    narrow = [
        replace(
            node, attributes={**node.attributes, "head_dim": 8, "heads": 2 * node.integer("heads")}
        )
        if node.op == "rotary"
        else node
        for node in tiny.graph.nodes
    ]
    still = [node for node in tiny.graph.nodes if node.op != "rotary"]
    still = [
        replace(node, inputs=tuple(n.replace("_rotary", "") for n in node.inputs)) for node in still
    ]
    values = {name: width for name, width in tiny.graph.values.items() if "rotary" not in name}

    with pytest.raises(PlacementError, match="heads of 16 are rotated as heads of 8"):
        model_shape(replace(tiny.graph, nodes=tuple(narrow)))
    with pytest.raises(PlacementError, match="no layer rotates its queries and keys"):
        model_shape(replace(tiny.graph, nodes=tuple(still), values=values))


def test_attentions_of_several_kinds_have_one_shape(tiny):
    graph = with_attributes(tiny.graph, "attention", 1, window=8, softcap=30.0)

    assert model_shape(graph) == model_shape(tiny.graph)


def test_what_a_layer_keeps_besides_its_matrices():
    plain = model_shape(decoder(Traits()).graph)
    biased = model_shape(decoder(Traits(biases=frozenset({"q", "down"}), head_norms=True)).graph)
    centred = model_shape(decoder(Traits(layer_norms=True, post_norms=True)).graph)

    assert (plain.vectors, plain.biases, plain.last_vectors) == (2, 0, 1)
    assert biased.biases == 64 + 64 + (64 + 32)
    assert (centred.vectors, centred.last_vectors) == (4 * 2, 2)


def test_factors_are_a_kind_of_rotation(tiny):
    graph = with_attributes(tiny.graph, "rotary", 1, factors=(1.0, 2.0) * 4)

    assert model_shape(graph).angles == 2 * 16


def test_weights_that_are_only_priced_do_not_run(tiny):
    formats = uniform_formats(tiny.graph.weights, FP16)

    assert not model_shape(tiny.graph, formats, runs=False).formats.in_groups
    with pytest.raises(PlacementError, match="weights in fp16 can be priced, not run"):
        model_shape(tiny.graph, formats)
