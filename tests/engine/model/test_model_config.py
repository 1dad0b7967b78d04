"""config.json: what is accepted, and that every refusal names file, field, value and limit."""

import json

import pytest

from engine.errors import ConfigError
from engine.model.config import LARGEST_SIZE, ModelConfig

GOOD = {
    "model_type": "llama",
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "intermediate_size": 96,
    "vocab_size": 288,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
    "rope_theta": 500000.0,
    "tie_word_embeddings": True,
}


def read(tmp_path, fields):
    path = tmp_path / "config.json"
    path.write_text(fields if isinstance(fields, str) else json.dumps(fields))
    return ModelConfig.from_file(path)


def refusal(tmp_path, fields):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, fields)
    message = str(caught.value)
    assert message.startswith(str(tmp_path / "config.json"))
    assert "\n" not in message
    return message


def test_every_field_is_read(tmp_path):
    config = read(tmp_path, GOOD)
    for name, value in GOOD.items():
        assert getattr(config, name) == value
    assert config.spark_language is None
    assert read(tmp_path, GOOD | {"spark_language": "python"}).spark_language == "python"


def test_absent_fields_mean_what_they_mean_to_hugging_face(tmp_path):
    optional = ("num_key_value_heads", "head_dim", "rope_theta", "tie_word_embeddings")
    config = read(tmp_path, {k: v for k, v in GOOD.items() if k not in optional})
    assert config.num_key_value_heads == 4
    assert config.head_dim == 64 // 4
    assert config.rope_theta == 10000.0
    assert config.tie_word_embeddings is False


def test_null_counts_as_absent(tmp_path):
    assert read(tmp_path, GOOD | {"num_key_value_heads": None}).num_key_value_heads == 4
    assert "'hidden_size' is missing" in refusal(tmp_path, GOOD | {"hidden_size": None})


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
def test_a_missing_field_is_named(tmp_path, name):
    fields = {key: value for key, value in GOOD.items() if key != name}
    assert f"'{name}' is missing" in refusal(tmp_path, fields)


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
        ("hidden_act", "gelu", '"gelu"', "'silu'"),
        ("attention_bias", True, "true", "false"),
        ("mlp_bias", True, "true", "false"),
        ("spark_language", 3, "3", "text"),
        ("model_type", 3, "3", "'llama'"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(tmp_path, name, value, shown, allowed):
    message = refusal(tmp_path, GOOD | {name: value})
    assert name in message
    assert shown in message
    assert allowed in message


def test_a_number_of_too_many_digits_is_refused(tmp_path):
    text = json.dumps(GOOD).replace('"vocab_size": 288', '"vocab_size": 1' + "0" * 9000)
    assert "not valid JSON" in refusal(tmp_path, text)


def test_a_long_value_is_cut(tmp_path):
    assert len(refusal(tmp_path, GOOD | {"hidden_size": "x" * 5000})) < 300 + len(str(tmp_path))


@pytest.mark.parametrize(
    "scaling",
    [{"rope_type": "llama3", "factor": 8.0}, {"type": "linear", "factor": 2.0}, {}, "linear", 2],
)
def test_scaled_rotary_embeddings_are_refused(tmp_path, scaling):
    assert "rope_scaling" in refusal(tmp_path, GOOD | {"rope_scaling": scaling})


def test_unscaled_rotary_embeddings_are_accepted_in_both_spellings(tmp_path):
    assert read(tmp_path, GOOD | {"rope_scaling": {"rope_type": "default"}}).rope_theta == 500000.0
    new = GOOD | {"rope_parameters": {"rope_type": "default", "rope_theta": 20000.0}}
    assert read(tmp_path, new).rope_theta == 20000.0


def test_an_unknown_family_gets_a_hint(tmp_path):
    message = refusal(tmp_path, GOOD | {"model_type": "lama"})
    assert "did you mean 'llama'?" in message
    assert "did you mean" not in refusal(tmp_path, GOOD | {"model_type": "mamba2"})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[1, 2]", "not a list"),
        ("null", "not null"),
        ('"llama"', "not a text"),
        ("x" * (1 << 21), "larger than"),
    ],
)
def test_a_file_that_is_no_configuration(tmp_path, text, reason):
    assert reason in refusal(tmp_path, text)


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "config.json").write_bytes(b'{"model_type": "\xff\xfe"}')
    with pytest.raises(ConfigError, match="not valid JSON"):
        ModelConfig.from_file(tmp_path / "config.json")


def test_no_file_and_no_file_at_all(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        ModelConfig.from_file(tmp_path / "config.json")
    (tmp_path / "config.json").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        ModelConfig.from_file(tmp_path / "config.json")


def test_a_configuration_made_in_code_checks_itself():
    good = ModelConfig.from_mapping(GOOD)
    with pytest.raises(ConfigError, match="'hidden_size' is 65"):
        ModelConfig(**{name: getattr(good, name) for name in good.__slots__} | {"hidden_size": 65})
