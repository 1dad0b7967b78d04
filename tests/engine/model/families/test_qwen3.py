"""A Qwen3 is a Llama whose queries and keys are normed head by head before their rotation."""

import pytest

from engine.errors import ConfigError
from engine.model.families import read_config, read_graph
from engine.model.roles import Role


@pytest.fixture
def qwen3(decoder):
    return decoder | {"model_type": "qwen3"}


def test_queries_and_keys_are_normed_before_they_are_rotated(qwen3, written):
    graph = read_graph(written(qwen3))
    norms = [n for n in graph.nodes if n.role is Role.HEAD_NORM and n.layer == 1]
    assert [(norm.name, norm.integer("heads")) for norm in norms] == [
        ("layer 1.q_norm", 4),
        ("layer 1.k_norm", 2),
    ]
    assert graph.weights["model.layers.1.self_attn.q_norm.weight"] == (16,)
    rotated = [node.inputs for node in graph.nodes if node.op == "rotary" and node.layer == 1]
    assert rotated == [("layer 1.q_norm",), ("layer 1.k_norm",)]


def test_it_does_not_run_and_the_message_says_why(qwen3, written):
    with pytest.raises(ConfigError, match=r"qwen3 can be priced, not run: .*no norm of single"):
        read_config(written(qwen3))
