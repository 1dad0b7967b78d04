"""A Qwen2 is a Llama with biases on its queries, keys and values."""

import pytest

from engine.errors import ConfigError
from engine.model.families import read_config, read_graph


@pytest.fixture
def qwen2(decoder):
    return decoder | {"model_type": "qwen2"}


def test_queries_keys_and_values_have_biases(qwen2, written):
    graph = read_graph(written(qwen2))
    biases = {node.name: node.text("bias") for node in graph.nodes if "bias" in node.attributes}
    assert biases == {
        f"layer {layer}.{name}": f"model.layers.{layer}.self_attn.{name}_proj.bias"
        for layer in (0, 1)
        for name in "qkv"
    }
    assert graph.weights["model.layers.0.self_attn.k_proj.bias"] == (32,)


def test_it_does_not_run_and_the_message_says_why(qwen2, written):
    with pytest.raises(ConfigError, match=r"qwen2 can be priced, not run: the tiers add no bias"):
        read_config(written(qwen2))
