"""The graph of a Llama, and that a graph which cannot run is not built."""

from dataclasses import replace

import pytest

from engine.errors import ConfigError, ModelError
from engine.model import families
from engine.model.config import MODEL_TYPES, ModelConfig
from engine.model.families.llama import build_graph
from engine.model.graph import ModelGraph, Node

CONFIG = ModelConfig(
    model_type="llama",
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

LISTING = """\
tiny: 1 layers, width 64, vocabulary 288, context 64, 49,344 parameters
embed[64] = embed()  model.embed_tokens.weight (288 × 64)
layer 0.attention_norm[64] = norm(embed)  model.layers.0.input_layernorm.weight (64)  \
kind=rms  eps=1e-05
layer 0.q[64] = matmul(layer 0.attention_norm)  model.layers.0.self_attn.q_proj.weight (64 × 64)
layer 0.k[32] = matmul(layer 0.attention_norm)  model.layers.0.self_attn.k_proj.weight (32 × 64)
layer 0.v[32] = matmul(layer 0.attention_norm)  model.layers.0.self_attn.v_proj.weight (32 × 64)
layer 0.q_rotary[64] = rotary(layer 0.q)  kind=half  base=10000.0  head_dim=16  heads=4
layer 0.k_rotary[32] = rotary(layer 0.k)  kind=half  base=10000.0  head_dim=16  heads=2
layer 0.attention[64] = attention(layer 0.q_rotary, layer 0.k_rotary, layer 0.v)  \
heads=4  kv_heads=2  head_dim=16  scale=0.25  window=0  softcap=0.0
layer 0.o[64] = matmul(layer 0.attention)  model.layers.0.self_attn.o_proj.weight (64 × 64)
layer 0.attention_residual[64] = add(embed, layer 0.o)
layer 0.ffn_norm[64] = norm(layer 0.attention_residual)  \
model.layers.0.post_attention_layernorm.weight (64)  kind=rms  eps=1e-05
layer 0.gate[96] = matmul(layer 0.ffn_norm)  model.layers.0.mlp.gate_proj.weight (96 × 64)
layer 0.up[96] = matmul(layer 0.ffn_norm)  model.layers.0.mlp.up_proj.weight (96 × 64)
layer 0.activation[96] = gate(layer 0.gate, layer 0.up)  kind=silu
layer 0.down[64] = matmul(layer 0.activation)  model.layers.0.mlp.down_proj.weight (64 × 96)
layer 0.ffn_residual[64] = add(layer 0.attention_residual, layer 0.down)
final_norm[64] = norm(layer 0.ffn_residual)  model.norm.weight (64)  kind=rms  eps=1e-05
logits[288] = matmul(final_norm)  model.embed_tokens.weight (288 × 64)"""


def test_the_listing_of_a_tiny_llama():
    assert build_graph(CONFIG, "tiny").describe() == LISTING


def test_layers_are_numbered_and_what_is_no_layer_has_none():
    graph = build_graph(replace(CONFIG, num_hidden_layers=3), "tiny")
    assert [node.layer for node in graph.nodes if node.op == "attention"] == [0, 1, 2]
    assert {node.name for node in graph.nodes if node.layer is None} == {
        "embed",
        "final_norm",
        "head",
    }
    assert graph.layers == 3


def test_a_separate_head_is_one_more_tensor():
    tied = build_graph(CONFIG, "tiny")
    untied = build_graph(replace(CONFIG, tie_word_embeddings=False), "tiny")
    assert set(untied.weights) - set(tied.weights) == {"lm_head.weight"}
    assert untied.parameters - tied.parameters == 288 * 64
    assert untied.nodes[-1].weight == "lm_head.weight"
    assert untied.logits == "logits"


def test_every_known_model_type_has_a_family():
    assert set(families.FAMILIES) == set(MODEL_TYPES)
    assert families.build_graph(CONFIG, "tiny").describe() == LISTING


def test_a_configuration_of_no_family_is_refused(monkeypatch):
    monkeypatch.setattr(families, "FAMILIES", {})
    with pytest.raises(ConfigError, match="llama"):
        families.build_graph(CONFIG, "tiny")


def test_a_graph_is_read_only():
    graph = build_graph(CONFIG, "tiny")
    with pytest.raises(TypeError):
        graph.values["logits"] = 3
    with pytest.raises(TypeError):
        graph.nodes[1].attributes["eps"] = 1.0


def test_producer():
    graph = build_graph(CONFIG, "tiny")
    assert graph.producer("logits").name == "head"
    with pytest.raises(ModelError, match="'nothing'"):
        graph.producer("nothing")


def rebuilt(change, **fields):
    """The tiny graph with one node changed."""
    graph = build_graph(CONFIG, "tiny")
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
        ("layer 0.attention_norm", {"attributes": {"kind": "layer", "eps": 1e-5}}, "kind is layer"),
        ("layer 0.attention_norm", {"attributes": {"kind": "rms", "eps": 0.0}}, "eps is 0.0"),
        ("layer 0.activation", {"attributes": {"kind": "tanh"}}, "kind is tanh"),
        ("layer 0.activation", {"inputs": ("layer 0.gate", "layer 0.q")}, "input widths"),
        ("layer 0.ffn_residual", {"inputs": ("embed", "layer 0.k")}, "input widths"),
        ("layer 0.attention", {"inputs": ("layer 0.q", "layer 0.q", "layer 0.v")}, "key width"),
    ],
)
def test_a_node_that_cannot_run_is_refused(change, fields, reason):
    with pytest.raises(ModelError, match=reason):
        rebuilt(change, **fields)


def test_the_last_node_writes_the_logits():
    graph = build_graph(CONFIG, "tiny")
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


def test_an_unknown_operation_and_a_wrong_number_of_inputs():
    with pytest.raises(ModelError, match="'convolve'; known: embed, norm"):
        Node("n", "convolve", (), "n")
    with pytest.raises(ModelError, match="add takes 2 inputs, not 1"):
        Node("n", "add", ("a",), "n")
