"""A Qwen2 is a Llama with biases on its queries, keys and values."""

import pytest

from engine.model.families import read_config, read_graph


@pytest.fixture
def qwen2(decoder):
    return decoder | {"model_type": "qwen2"}


def windows(graph):
    return [node.integer("window") for node in graph.nodes if node.op == "attention"]


def test_queries_keys_and_values_have_biases(qwen2, written):
    graph = read_config(written(qwen2)).graph("x")
    biases = {node.name: node.text("bias") for node in graph.nodes if "bias" in node.attributes}
    assert biases == {
        f"layer {layer}.{name}": f"model.layers.{layer}.self_attn.{name}_proj.bias"
        for layer in (0, 1)
        for name in "qkv"
    }
    assert graph.weights["model.layers.0.self_attn.k_proj.bias"] == (32,)
    assert windows(graph) == [0, 0]


@pytest.mark.parametrize("kind", ["qwen2", "qwen3"])
def test_later_layers_slide_where_that_is_switched_on(kind, decoder, written):
    fields = decoder | {"model_type": kind, "sliding_window": 32, "max_window_layers": 1}
    assert windows(read_config(written(fields)).graph("x")) == [0, 0]
    switched_on = fields | {"use_sliding_window": True}
    assert windows(read_config(written(switched_on)).graph("x")) == [0, 32]
    assert windows(read_graph(written(switched_on), 32)) == [0, 0]
    named = switched_on | {"layer_types": ["sliding_attention", "full_attention"]}
    assert windows(read_config(written(named)).graph("x")) == [32, 0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"layer_types": ["sliding_attention"] * 2}, "there is no window"),
        ({"layer_types": ["full_attention"]}, "the kind of all 2 layers"),
        ({"layer_types": "full_attention"}, "the kind of all 2 layers"),
        ({"layer_types": ["full_attention", "linear_attention"]}, '"linear_attention"; allowed'),
        ({"use_sliding_window": 1}, "'use_sliding_window' is 1; allowed: true or false"),
    ],
)
def test_layers_that_make_no_sense(qwen2, refused, change, words):
    assert words in refused(qwen2 | change)
