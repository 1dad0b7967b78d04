"""A graph that cannot run is not built; a layer of it can stand alone."""

from dataclasses import replace

import pytest

from engine.errors import ModelError
from engine.model.families.llama import LlamaConfig
from engine.model.graph import ModelGraph, Node
from engine.model.roles import Role

CONFIG = LlamaConfig(
    hidden_size=64,
    intermediate_size=96,
    num_hidden_layers=1,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=16,
    vocab_size=288,
    max_position_embeddings=64,
    rms_norm_eps=1e-5,
    tie_word_embeddings=True,
)

ROTARY = {"kind": "half", "base": 1e4, "head_dim": 16, "heads": 4}


def test_a_graph_is_read_only():
    graph = CONFIG.graph("tiny")
    with pytest.raises(TypeError):
        graph.values["logits"] = 3
    with pytest.raises(TypeError):
        graph.nodes[1].attributes["eps"] = 1.0


def rebuilt(change, **fields):
    """The tiny graph with one node changed."""
    graph = CONFIG.graph("tiny")
    nodes = tuple(replace(node, **fields) if node.name == change else node for node in graph.nodes)
    return replace(graph, nodes=nodes)


@pytest.mark.parametrize(
    ("change", "fields", "reason"),
    [
        ("layer 0.o", {"inputs": ("layer 0.down",)}, "before it is written"),
        ("layer 0.q", {"output": "embed"}, "used twice"),
        ("layer 0.q", {"output": "new"}, "no width"),
        ("layer 0.o", {"inputs": ("layer 0.k",)}, r"\(64, 64\), not \(64, 32\)"),
        ("layer 0.q", {"weight": None}, "without a user"),
        ("layer 0.q", {"weight": "other"}, "without a shape: \\['other'\\]"),
        ("layer 0.q", {"attributes": {"bias": "absent"}}, "without a shape: \\['absent'\\]"),
        ("layer 0.attention_norm", {"attributes": {"kind": "rms"}}, "attribute 'eps'"),
        ("layer 0.attention_norm", {"attributes": {"kind": "mean", "eps": 1e-5}}, "kind is mean"),
        (
            "layer 0.attention_norm",
            {"attributes": {"kind": "rms", "eps": 1e-5, "bias": "model.norm.weight"}},
            "bias is model.norm.weight, not None",
        ),
        ("embed", {"attributes": {"scale": 0.0}}, "scale is 0.0, not above 0"),
        ("layer 0.o", {"attributes": {"scale": 2.0}}, "product with scale is Role.OUT, not"),
        ("layer 0.o", {"attributes": {"softcap": 2.0}}, "product with softcap is Role.OUT, not"),
        ("head", {"attributes": {"softcap": -1.0}}, "softcap is -1.0, not above 0"),
        ("layer 0.ffn_residual", {"attributes": {"scale": float("inf")}}, "scale is inf"),
        ("layer 0.q_rotary", {"attributes": ROTARY | {"factors": (1.0, 2.0)}}, "is 2, not 8"),
        ("layer 0.q_rotary", {"attributes": ROTARY | {"factors": (0.0,) * 8}}, "not above 0"),
        ("layer 0.q_rotary", {"attributes": ROTARY | {"factors": 2.0}}, "not several numbers"),
        ("layer 0.q_rotary", {"attributes": ROTARY | {"base": (2.0,)}}, "several numbers, not one"),
        ("layer 0.attention_norm", {"attributes": {"kind": "rms", "eps": 0.0}}, "eps is 0.0"),
        ("layer 0.activation", {"attributes": {"kind": "tanh"}}, "kind is tanh"),
        ("layer 0.activation", {"inputs": ("layer 0.gate", "layer 0.q")}, "input widths"),
        ("layer 0.ffn_residual", {"inputs": ("embed", "layer 0.k")}, "input widths"),
        ("layer 0.attention", {"attributes": {"kind": "full"}}, "attribute 'heads'"),
        ("layer 0.attention", {"inputs": ("layer 0.q", "layer 0.q", "layer 0.v")}, "key width"),
    ],
)
def test_a_node_that_cannot_run_is_refused(change, fields, reason):
    with pytest.raises(ModelError, match=reason):
        rebuilt(change, **fields)


def test_the_last_node_writes_the_logits():
    graph = CONFIG.graph("tiny")
    with pytest.raises(ModelError, match="288 logits"):
        ModelGraph(
            name="cut",
            nodes=graph.nodes[:1],
            values={"embed": 64},
            weights={"model.embed_tokens.weight": (288, 64)},
            layers=0,
            width=64,
            vocabulary=288,
            context_length=64,
        )


def test_a_wrong_number_of_inputs():
    with pytest.raises(ModelError, match="add takes 2 inputs, not 1"):
        Node("n", Role.FFN_RESIDUAL, ("a",), "n")


def test_an_attention_of_an_unknown_kind_is_refused():
    node = next(node for node in CONFIG.graph("tiny").nodes if node.op == "attention")
    with pytest.raises(ModelError, match="kind is both, not causal"):
        rebuilt(node.name, attributes={**node.attributes, "kind": "both"})


def test_some_layers_are_what_a_model_of_so_many_layers_is():
    graph = replace(CONFIG, num_hidden_layers=4).graph("tiny")
    assert graph.with_layers(0, 1, 2, 3) == graph
    two = replace(CONFIG, num_hidden_layers=2).graph("tiny")
    assert graph.with_layers(0, 1).describe() == two.describe()

    apart = graph.with_layers(1, 3)
    assert apart.layers == 2
    assert {node.layer for node in apart.nodes} == {None, 0, 1}
    assert {name.split(".")[2] for name in apart.weights if "layers" in name} == {"1", "3"}


def test_one_layer_is_what_a_model_of_one_layer_is():
    graph = replace(CONFIG, num_hidden_layers=3).graph("tiny")
    assert graph.with_layers(0).describe() == CONFIG.graph("tiny").describe()

    last = graph.with_layers(2)
    assert {node.layer for node in last.nodes} == {None, 0}
    assert [node.role for node in last.nodes] == [node.role for node in graph.with_layers(0).nodes]
    read = {value for node in last.nodes for value in node.inputs}
    assert "embed" in read
    assert not any(value.startswith(("layer 0", "layer 1")) for value in read)
    assert all("layers.2" in name for name in last.weights if "layers" in name)
