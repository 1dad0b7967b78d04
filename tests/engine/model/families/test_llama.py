"""A Llama's configuration and graph; every refusal names file, field, value and what is allowed."""

import pytest

from engine.errors import ConfigError
from engine.model.families import read_config, read_graph
from engine.model.families.fields import LARGEST_SIZE, Fields
from engine.model.families.llama import LlamaConfig
from engine.model.families.rope import Rope


@pytest.fixture
def good(decoder):
    return decoder | {"model_type": "llama"}


@pytest.fixture
def refusal(written):
    """The message with which a configuration is refused."""

    def refuse(fields):
        path = written(fields)
        with pytest.raises(ConfigError) as caught:
            read_config(path)
        message = str(caught.value)
        assert message.startswith(str(path))
        assert "\n" not in message
        return message

    return refuse


# ── configuration ───────────────────────────────────────────────────────────────────────────


def test_every_field_is_read(decoder, good, written):
    config = read_config(written(good))
    named = set(decoder) - {"rope_theta"}
    assert {name: getattr(config, name) for name in named} == {
        name: decoder[name] for name in named
    }
    assert config.rope == Rope(decoder["rope_theta"])
    assert config.spark_language is None
    told = read_config(written(good | {"spark_language": "python"}))
    assert told.spark_language == "python"


def test_absent_fields_mean_what_they_mean_to_hugging_face(good, written):
    optional = ("num_key_value_heads", "head_dim", "rope_theta", "tie_word_embeddings")
    config = read_config(written({k: v for k, v in good.items() if k not in optional}))
    assert config.num_key_value_heads == 4
    assert config.head_dim == 64 // 4
    assert config.rope == Rope(10000.0)
    assert config.tie_word_embeddings is False


def test_null_counts_as_absent(good, written, refusal):
    assert read_config(written(good | {"num_key_value_heads": None})).num_key_value_heads == 4
    assert "'hidden_size' is missing" in refusal(good | {"hidden_size": None})


@pytest.mark.parametrize(
    "name",
    [
        "model_type",
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "intermediate_size",
        "vocab_size",
        "max_position_embeddings",
        "rms_norm_eps",
    ],
)
def test_a_missing_field_is_named(good, refusal, name):
    fields = {key: value for key, value in good.items() if key != name}
    assert f"'{name}' is missing" in refusal(fields)


@pytest.mark.parametrize(
    ("name", "value", "shown", "allowed"),
    [
        ("hidden_size", "64", '"64"', "whole number"),
        ("hidden_size", 64.0, "64.0", "whole number"),
        ("hidden_size", True, "true", "whole number"),
        ("hidden_size", -64, "-64", "1 to"),
        ("hidden_size", 0, "0", "1 to"),
        ("hidden_size", 2 * LARGEST_SIZE, "33554432", "16777216"),
        ("hidden_size", 72, "72", "multiple of 32"),
        ("intermediate_size", 100, "100", "multiple of 32"),
        ("head_dim", 15, "15", "multiple of 2"),
        ("head_dim", 4, "16", "multiple of 32"),
        ("num_key_value_heads", 3, "4", "multiple of 3"),
        ("num_key_value_heads", 0, "0", "1 to"),
        ("num_attention_heads", 0, "0", "1 to"),
        ("num_hidden_layers", 1025, "1025", "1 to 1024"),
        ("num_hidden_layers", [2], "[2]", "whole number"),
        ("vocab_size", 10**400, "more than 20 digits", "1 to"),
        ("max_position_embeddings", {}, "{}", "whole number"),
        ("rms_norm_eps", 0, "0", "above 0"),
        ("rms_norm_eps", -1e-5, "-1e-05", "above 0"),
        ("rms_norm_eps", float("nan"), "NaN", "above 0"),
        ("rms_norm_eps", float("inf"), "Infinity", "above 0"),
        ("rms_norm_eps", "small", '"small"', "number"),
        ("rope_theta", 0.0, "0.0", "above 0"),
        ("rope_theta", 10**400, "more than 20 digits", "double"),
        ("tie_word_embeddings", "yes", '"yes"', "true or false"),
        ("hidden_act", "gelu", '"gelu"', "'gelu_pytorch_tanh'"),
        ("hidden_act", ["silu"], '["silu"]', "'silu'"),
        ("attention_bias", "yes", '"yes"', "true or false"),
        ("spark_language", 3, "3", "text"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(good, refusal, name, value, shown, allowed):
    message = refusal(good | {name: value})
    assert name in message
    assert shown in message
    assert allowed in message


def test_a_configuration_made_in_code_checks_itself(decoder):
    good = LlamaConfig.read(Fields(decoder))
    values = {name: getattr(good, name) for name in LlamaConfig.__dataclass_fields__}
    assert LlamaConfig(**values) == good
    with pytest.raises(ConfigError, match="'hidden_size' is 65"):
        LlamaConfig(**values | {"hidden_size": 65})


# ── graph ───────────────────────────────────────────────────────────────────────────────────

LISTING = """\
tiny: 1 layers, width 64, vocabulary 288, context 64, 49,344 parameters
embed[64] = embed()  model.embed_tokens.weight (288 × 64)
layer 0.attention_norm[64] = norm(embed)  model.layers.0.input_layernorm.weight (64)  \
kind=rms  eps=1e-05
layer 0.q[64] = matmul(layer 0.attention_norm)  model.layers.0.self_attn.q_proj.weight (64 × 64)
layer 0.k[32] = matmul(layer 0.attention_norm)  model.layers.0.self_attn.k_proj.weight (32 × 64)
layer 0.v[32] = matmul(layer 0.attention_norm)  model.layers.0.self_attn.v_proj.weight (32 × 64)
layer 0.q_rotary[64] = rotary(layer 0.q)  kind=half  base=500000.0  head_dim=16  heads=4
layer 0.k_rotary[32] = rotary(layer 0.k)  kind=half  base=500000.0  head_dim=16  heads=2
layer 0.attention[64] = attention(layer 0.q_rotary, layer 0.k_rotary, layer 0.v)  \
kind=causal  heads=4  kv_heads=2  head_dim=16  scale=0.25  window=0  softcap=0.0
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


def graph_of(fields):
    return LlamaConfig.read(Fields(fields)).graph("tiny")


def test_the_listing_of_a_tiny_llama(decoder):
    assert graph_of(decoder | {"num_hidden_layers": 1}).describe() == LISTING


def test_layers_are_numbered_and_what_is_no_layer_has_none(decoder):
    graph = graph_of(decoder | {"num_hidden_layers": 3})
    assert [node.layer for node in graph.nodes if node.op == "attention"] == [0, 1, 2]
    outside = {node.name for node in graph.nodes if node.layer is None}
    assert outside == {"embed", "final_norm", "head"}
    assert graph.layers == 3


def test_a_separate_head_is_one_more_tensor(decoder):
    tied, untied = graph_of(decoder), graph_of(decoder | {"tie_word_embeddings": False})
    assert set(untied.weights) - set(tied.weights) == {"lm_head.weight"}
    assert untied.parameters - tied.parameters == 288 * 64
    assert untied.nodes[-1].weight == "lm_head.weight"
    assert untied.logits == "logits"


def test_what_is_priced_is_what_runs(good, written):
    runs = read_config(written(good)).graph("x").describe().partition("\n")[2]
    assert read_graph(written(good)).describe().partition("\n")[2] == runs


@pytest.mark.parametrize(
    ("field", "biased"),
    [
        ("attention_bias", ["q", "k", "v", "o"]),
        ("mlp_bias", ["gate", "up", "down"]),
    ],
)
def test_biases_are_in_the_graph(good, written, field, biased):
    graph = read_config(written(good | {field: True})).graph("x")
    found = [node.name for node in graph.nodes if "bias" in node.attributes and node.layer == 1]
    assert found == [f"layer 1.{name}" for name in biased]
    priced = read_graph(written(good | {field: True})).describe().partition("\n")[2]
    assert priced == graph.describe().partition("\n")[2]


@pytest.mark.parametrize("name", ["gelu_new", "gelu_pytorch_tanh"])
def test_a_gelu_by_tanh_runs(good, written, name):
    graph = read_config(written(good | {"hidden_act": name})).graph("x")
    assert {node.text("kind") for node in graph.nodes if node.op == "gate"} == {"gelu"}


def test_an_exact_gelu_is_only_priced_and_others_are_not(good, written):
    graph = read_graph(written(good | {"hidden_act": "gelu"}))
    assert {node.text("kind") for node in graph.nodes if node.op == "gate"} == {"gelu"}
    with pytest.raises(ConfigError, match="'hidden_act' is \"relu\"; allowed: 'silu', 'swish'"):
        read_graph(written(good | {"hidden_act": "relu"}))
