"""Metadata as the fields of a configuration, and metadata that makes none."""

import struct

import numpy as np
import pytest

from engine.errors import ConfigError
from engine.model.formats.gguf import read_gguf
from engine.model.gguf.architectures import ARCHITECTURES
from engine.model.gguf.configuration import hugging_face_fields, read_gguf_config
from tests.gguf_writer import Array, Packed, write_gguf
from tests.tiny_gguf import FAMILIES, Sizes, tiny_gguf_metadata, write_tiny_gguf


@pytest.fixture
def fields(tmp_path):
    def read(family="llama", **options):
        return hugging_face_fields(read_gguf(write_tiny_gguf(tmp_path / "m", family, **options)))

    return read


@pytest.fixture
def refusal(tmp_path):
    def read(metadata, family="llama", **options):
        file = read_gguf(write_tiny_gguf(tmp_path / "m", family, metadata=metadata, **options))
        with pytest.raises(ConfigError) as caught:
            read_gguf_config(file)
        said = str(caught.value)
        assert said.startswith(f"{tmp_path / 'm'}: ")
        assert "\n" not in said
        return said

    return read


def test_there_is_a_tiny_model_of_every_architecture():
    assert set(ARCHITECTURES) == set(FAMILIES)


def test_a_llama(fields):
    assert fields() == {
        "model_type": "llama",
        "num_hidden_layers": 2,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "max_position_embeddings": 64,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "vocab_size": 288,
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "sliding_window": None,
    }


def test_a_head_of_its_own(fields):
    assert not fields(tied=False)["tie_word_embeddings"]


def test_a_llama_with_a_window_is_a_mistral(fields):
    found = fields(metadata={"llama.attention.sliding_window": 32})
    assert (found["model_type"], found["sliding_window"]) == ("mistral", 32)


def test_what_a_file_need_not_say(fields):
    gone = dict.fromkeys(
        ("attention.head_count_kv", "attention.key_length", "attention.value_length"), None
    )
    found = fields(metadata={f"llama.{key}": None for key in (*gone, "rope.freq_base")})
    assert (found["num_key_value_heads"], found["head_dim"]) == (4, 16)
    assert found["rope_theta"] == 10000.0


def test_one_number_for_each_layer_if_it_is_the_same(fields, refusal):
    found = fields(metadata={"llama.attention.head_count_kv": Array("u32", [2, 2])})
    assert found["num_key_value_heads"] == 2
    said = refusal({"llama.feed_forward_length": Array("i32", [96, 64])})
    assert "'llama.feed_forward_length' is [96, 64]; allowed: one number" in said


def test_a_gemma3(fields):
    found = fields("gemma3", layers=5)
    assert found["model_type"] == "gemma3_text"
    assert found["layer_types"] == ["sliding_attention", "full_attention"] * 2 + [
        "sliding_attention"
    ]
    assert (found["rope_theta"], found["rope_local_base_freq"]) == (1e6, 1e4)
    assert (found["sliding_window"], found["query_pre_attn_scalar"]) == (16, 16)
    assert found["hidden_activation"] == "gelu_pytorch_tanh"


def test_every_sixth_layer_of_a_gemma3_sees_everything(fields):
    found = fields("gemma3", layers=12, metadata={"gemma3.attention.sliding_window_pattern": None})
    kinds = [kind == "full_attention" for kind in found["layer_types"]]
    assert np.flatnonzero(kinds).tolist() == [5, 11]


def test_layers_with_a_window_one_by_one(fields):
    pattern = {"gemma3.attention.sliding_window_pattern": Array("bool", [False, True])}
    assert fields("gemma3", metadata=pattern)["layer_types"] == [
        "full_attention",
        "sliding_attention",
    ]


def test_a_gemma2(fields):
    found = fields("gemma2", metadata={"gemma2.attn_logit_softcapping": None})
    assert found["layer_types"] == ["sliding_attention", "full_attention"]
    assert (found["attn_logit_softcapping"], found["final_logit_softcapping"]) == (50.0, 30.0)


def test_the_largest_gemma2_scales_its_scores_by_another_number(fields):
    found = fields("gemma2", layers=46, metadata={"gemma2.attention.head_count": 2})
    assert found["query_pre_attn_scalar"] == 32


def test_a_starcoder2(fields):
    found = fields("starcoder2")
    assert (found["norm_epsilon"], found["use_bias"]) == (1e-5, True)
    assert "rms_norm_eps" not in found


def test_a_granite(fields):
    found = fields("granite")
    assert found["logits_scaling"] == 8.0
    assert found["residual_multiplier"] == 0.22
    assert found["embedding_multiplier"] == 12.0
    assert found["attention_multiplier"] == 0.0625
    assert fields("granite", metadata={"granite.attention.scale": 0.0})[
        "attention_multiplier"
    ] == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 4.0}, 4.0),
        ({"llama.rope.scaling.factor": 2.0}, 2.0),
        ({"llama.rope.scale_linear": 2.0}, 2.0),
        ({"llama.rope.scaling.type": "none", "llama.rope.scaling.factor": 4.0}, None),
        ({"llama.rope.scaling.factor": 0.0}, None),
    ],
)
def test_a_rotation_that_is_slowed(fields, metadata, expected):
    scaling = fields(metadata=metadata).get("rope_scaling")
    assert scaling == (expected and {"rope_type": "linear", "factor": expected})


def with_factors(path, factors, code=0, **metadata):
    write_tiny_gguf(path, metadata=metadata)
    file = read_gguf(path)
    tensors = {
        name: Packed(each.shape, each.type.code, each.data.tobytes())
        for name, each in file.tensors.items()
    }
    tensors["rope_freqs.weight"] = Packed((len(factors),), code, struct.pack("<8f", *factors))
    plain = {
        key: value for key, value in file.metadata.items() if isinstance(value, (int, float, str))
    }
    write_gguf(path, plain, tensors)
    return read_gguf(path)


def test_factors_of_the_rotation_come_from_their_tensor(tmp_path):
    found = hugging_face_fields(with_factors(tmp_path / "m", [1.0] * 4 + [8.0] * 4))
    assert found["spark_rope_factors"] == [1.0] * 4 + [8.0] * 4


def test_factors_of_the_rotation_that_cannot_be(tmp_path):
    for factors in ([0.0] * 8, [float("nan")] * 8, [-1.0] * 8):
        with pytest.raises(ConfigError, match=r"rope_freqs\.weight: a factor is not above 0"):
            hugging_face_fields(with_factors(tmp_path / "m", factors))


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        (
            {"general.architecture": "phi3"},
            "architecture 'phi3' is not supported; supported: llama",
        ),
        ({"general.architecture": None}, "'general.architecture' is missing"),
        ({"general.architecture": 3}, "'general.architecture' is 3"),
        ({"llama.block_count": None}, "'llama.block_count' is missing"),
        ({"llama.block_count": 0}, "'llama.block_count' is 0; allowed: a whole number, 1 to"),
        ({"llama.block_count": 1 << 31}, "'llama.block_count' is 2147483648; allowed"),
        ({"llama.block_count": 30}, "'llama.block_count' is 30; allowed: at most 20, the file's"),
        ({"llama.attention.key_length": 1 << 20}, "key_length' is 1048576; allowed: a whole num"),
        ({"llama.block_count": "two"}, "'llama.block_count' is 'two'; allowed: a whole number"),
        ({"llama.block_count": True}, "'llama.block_count' is True"),
        ({"llama.embedding_length": 63}, "'llama.embedding_length' is 63; allowed: a multiple"),
        ({"llama.attention.head_count": 0}, "'llama.attention.head_count' is 0"),
        ({"llama.attention.key_length": 15}, "'llama.attention.value_length' is 16; allowed: 15"),
        ({"llama.rope.dimension_count": 8}, "'llama.rope.dimension_count' is 8; allowed: 16"),
        ({"llama.attention.layer_norm_rms_epsilon": float("nan")}, "is nan; allowed: a finite"),
        ({"llama.attention.layer_norm_rms_epsilon": 0.0}, "layer_norm_rms_epsilon' is 0.0"),
        ({"llama.rope.freq_base": -1.0}, "'llama.rope.freq_base' is -1.0"),
        ({"llama.rope.scaling.type": "yarn"}, "'llama.rope.scaling.type' is 'yarn'"),
        ({"llama.rope.scaling.factor": -2.0}, "'llama.rope.scaling.factor' is -2.0"),
        ({"llama.expert_count": 8}, "'llama.expert_count' is 8; allowed: 0"),
        ({"llama.attention.causal": False}, "'llama.attention.causal' is False"),
        ({"split.count": 3}, "'split.count' is 3; allowed: 1; join the parts"),
        ({"tokenizer.ggml.tokens": Array("str", ["a"] * 289)}, "has 289 tokens"),
    ],
)
def test_metadata_that_makes_no_model(refusal, metadata, words):
    assert words in refusal(metadata)


def test_a_file_without_an_embedding(tmp_path):
    tensors = {name: Packed((1,), 0, bytes(4)) for name in "ab"}
    write_gguf(tmp_path / "m", tiny_gguf_metadata("llama", Sizes(), 2), tensors)
    with pytest.raises(ConfigError, match=r"there is no matrix token_embd\.weight"):
        hugging_face_fields(read_gguf(tmp_path / "m"))
