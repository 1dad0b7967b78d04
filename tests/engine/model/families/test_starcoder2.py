"""A StarCoder2 has layer norms and biases throughout, and a feed-forward without a gate."""

import pytest

from engine.model.families import read_config

LAYER = """\
layer 0.attention_norm[64] = norm(embed)  model.layers.0.input_layernorm.weight (64)  \
kind=layer  eps=0.001  bias=model.layers.0.input_layernorm.bias
layer 0.q[64] = matmul(layer 0.attention_norm)  model.layers.0.self_attn.q_proj.weight (64 × 64)  \
bias=model.layers.0.self_attn.q_proj.bias
layer 0.k[32] = matmul(layer 0.attention_norm)  model.layers.0.self_attn.k_proj.weight (32 × 64)  \
bias=model.layers.0.self_attn.k_proj.bias
layer 0.v[32] = matmul(layer 0.attention_norm)  model.layers.0.self_attn.v_proj.weight (32 × 64)  \
bias=model.layers.0.self_attn.v_proj.bias
layer 0.q_rotary[64] = rotary(layer 0.q)  kind=half  base=500000.0  head_dim=16  heads=4
layer 0.k_rotary[32] = rotary(layer 0.k)  kind=half  base=500000.0  head_dim=16  heads=2
layer 0.attention[64] = attention(layer 0.q_rotary, layer 0.k_rotary, layer 0.v)  \
kind=causal  heads=4  kv_heads=2  head_dim=16  scale=0.25  window=32  softcap=0.0
layer 0.o[64] = matmul(layer 0.attention)  model.layers.0.self_attn.o_proj.weight (64 × 64)  \
bias=model.layers.0.self_attn.o_proj.bias
layer 0.attention_residual[64] = add(embed, layer 0.o)
layer 0.ffn_norm[64] = norm(layer 0.attention_residual)  \
model.layers.0.post_attention_layernorm.weight (64)  kind=layer  eps=0.001  \
bias=model.layers.0.post_attention_layernorm.bias
layer 0.up[96] = matmul(layer 0.ffn_norm)  model.layers.0.mlp.c_fc.weight (96 × 64)  \
bias=model.layers.0.mlp.c_fc.bias
layer 0.activation[96] = gate(layer 0.up)  kind=gelu
layer 0.down[64] = matmul(layer 0.activation)  model.layers.0.mlp.c_proj.weight (64 × 96)  \
bias=model.layers.0.mlp.c_proj.bias
layer 0.ffn_residual[64] = add(layer 0.attention_residual, layer 0.down)"""


@pytest.fixture
def starcoder2(decoder):
    del decoder["rms_norm_eps"]
    return decoder | {"model_type": "starcoder2", "norm_epsilon": 1e-3, "sliding_window": 32}


def test_the_listing_of_a_layer(starcoder2, written):
    listing = read_config(written(starcoder2)).graph("x").describe()
    assert LAYER in listing
    assert (
        "final_norm[64] = norm(layer 1.ffn_residual)  model.norm.weight (64)  kind=layer" in listing
    )


def test_biases_can_be_left_out_but_for_the_norms(starcoder2, written):
    graph = read_config(written(starcoder2 | {"use_bias": False})).graph("x")
    biased = {node.op for node in graph.nodes if "bias" in node.attributes}
    assert biased == {"norm"}


def test_absent_fields_mean_what_they_mean_to_hugging_face(starcoder2, written):
    for name in ("norm_epsilon", "sliding_window", "tie_word_embeddings"):
        del starcoder2[name]
    graph = read_config(written(starcoder2)).graph("x")
    assert graph.nodes[1].number("eps") == 1e-5
    assert {node.integer("window") for node in graph.nodes if node.op == "attention"} == {0}
    assert "lm_head.weight" not in graph.weights


def test_another_activation_is_refused(starcoder2, refused):
    assert "'hidden_act' is \"relu\"" in refused(starcoder2 | {"hidden_act": "relu"})
