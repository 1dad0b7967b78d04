"""A Qwen3 is a Llama whose queries and keys are normed head by head before their rotation."""

import pytest

from engine.model.families import read_config
from engine.model.roles import Role


@pytest.fixture
def qwen3(decoder):
    return decoder | {"model_type": "qwen3"}


def test_queries_and_keys_are_normed_before_they_are_rotated(qwen3, written):
    graph = read_config(written(qwen3)).graph("x")
    norms = [n for n in graph.nodes if n.role is Role.HEAD_NORM and n.layer == 1]
    assert [(norm.name, norm.integer("heads")) for norm in norms] == [
        ("layer 1.q_norm", 4),
        ("layer 1.k_norm", 2),
    ]
    assert graph.weights["model.layers.1.self_attn.q_norm.weight"] == (16,)
    rotated = [node.inputs for node in graph.nodes if node.op == "rotary" and node.layer == 1]
    assert rotated == [("layer 1.q_norm",), ("layer 1.k_norm",)]


def test_a_file_without_a_head_width_means_128(qwen3, written):
    del qwen3["head_dim"]
    graph = read_config(written(qwen3)).graph("x")
    assert graph.weights["model.layers.0.self_attn.o_proj.weight"] == (64, 512)


def test_biases_around_attention(qwen3, written):
    graph = read_config(written(qwen3 | {"attention_bias": True})).graph("x")
    biased = [node.name for node in graph.nodes if "bias" in node.attributes and node.layer == 0]
    assert biased == ["layer 0.q", "layer 0.k", "layer 0.v", "layer 0.o"]
