"""What a loaded model says about itself, and folders that cannot be loaded."""

import json
import os

import pytest

from engine.errors import ConfigError, ModelError
from engine.model.load import load_model
from engine.model_store.lookup import find_model
from tests.tiny import byte_tokenizer, write_checksums, write_tiny_model


def test_what_a_model_says_about_itself(tiny_folder):
    model = load_model(tiny_folder)
    assert model.name == "tiny"
    assert model.path == tiny_folder
    assert model.graph.name == "tiny"
    assert model.parameters == 288 * 64 + 2 * (64 * (64 + 32 + 32 + 64 + 3 * 96) + 2 * 64) + 64
    norms = 5 * 64
    assert model.weight_bytes == (model.parameters - norms) * 34 // 32 + norms * 4


def test_the_language_is_the_files_or_any(bundle, tmp_path):
    own = write_tiny_model(tmp_path / "spark-own")
    assert load_model(own).language == "any"
    told = write_tiny_model(tmp_path / "told", config={"spark_language": "python"})
    assert load_model(told).language == "python"


def test_our_bundled_models_are_pythons_unless_they_say_otherwise(bundle):
    assert load_model(write_tiny_model(bundle / "spark-nano")).language == "python"
    assert load_model(write_tiny_model(bundle / "other")).language == "any"
    rust = write_tiny_model(bundle / "spark-rust", config={"spark_language": "rust"})
    assert load_model(rust).language == "rust"


@pytest.mark.parametrize("text", ["", "[]", '{"added_tokens": [{"id": "0"}]}', "\xff"])
def test_a_malformed_tokenizer_is_named(tiny_folder, text):
    (tiny_folder / "tokenizer.json").write_bytes(text.encode("latin-1"))
    write_checksums(tiny_folder)
    with pytest.raises(ModelError, match=r"tokenizer\.json: not a tokenizer file"):
        load_model(tiny_folder)


def test_a_tokenizer_of_another_model_is_refused(tiny_folder):
    tokenizer = byte_tokenizer()
    tokenizer["added_tokens"][0]["id"] = 288
    (tiny_folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    write_checksums(tiny_folder)
    with pytest.raises(ModelError, match=r"id 288, config\.json allows 0 to 287"):
        load_model(tiny_folder)


def test_a_wrong_configuration_is_told_as_such_before_its_checksum(tiny_folder):
    path = tiny_folder / "config.json"
    path.write_text(path.read_text().replace('"hidden_size": 64', '"hidden_size": 63'))
    with pytest.raises(ConfigError, match="hidden_size"):
        load_model(tiny_folder)


def test_no_folder(tmp_path):
    with pytest.raises(ModelError, match="no such model folder or GGUF file"):
        load_model(tmp_path / "absent")


def test_loading_changes_nothing_in_the_folder(tiny_folder):
    def state():
        return {entry.name: entry.stat().st_mtime_ns for entry in os.scandir(tiny_folder)}

    before = state()
    load_model(tiny_folder)
    assert state() == before


def test_the_bundled_model_loads():
    model = load_model(find_model())
    assert model.verified
    assert model.language == "python"
