"""Files of a model folder that are missing or altered, and checksums that make no sense."""

import json

import pytest

from engine.model.load import load_model


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_one_altered_byte_is_found(tiny_folder, refusal, name):
    path = tiny_folder / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    message = refusal(tiny_folder)
    assert str(path) in message
    assert json.loads((tiny_folder / "checksums.json").read_text())["files"][name] in message
    assert "altered" in message
    assert "restore" in message


def test_an_altered_configuration_that_still_reads_is_found(tiny_folder, refusal):
    path = tiny_folder / "config.json"
    path.write_text(path.read_text().replace("10000.0", "20000.0"))
    assert "config.json: altered" in refusal(tiny_folder)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_missing_file_is_named(tiny_folder, refusal, name):
    (tiny_folder / name).unlink()
    assert f"{tiny_folder / name}: no such file" in refusal(tiny_folder)


def test_a_file_that_cannot_be_read(tiny_folder, refusal):
    (tiny_folder / "model.safetensors").unlink()
    (tiny_folder / "model.safetensors").mkdir()
    assert "cannot be read" in refusal(tiny_folder)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not valid JSON"),
        ("[]", "must be"),
        ('{"files": {"model.safetensors": "abc"}}', "must be"),
        ('{"files": {"../model.safetensors": "' + "0" * 64 + '"}}', "must be"),
        ('{"files": {"model.safetensors": 3}}', "must be"),
        ('{"files": {}}', "no entry for model.safetensors"),
    ],
)
def test_malformed_checksums_are_refused(tiny_folder, refusal, text, reason):
    (tiny_folder / "checksums.json").write_text(text)
    message = refusal(tiny_folder)
    assert "checksums.json" in message
    assert reason in message


def test_checksums_may_be_in_capitals(tiny_folder):
    path = tiny_folder / "checksums.json"
    files = json.loads(path.read_text())["files"]
    path.write_text(json.dumps({"files": {name: sum.upper() for name, sum in files.items()}}))
    assert load_model(tiny_folder).verified


def test_a_model_of_ones_own_needs_no_checksums(tiny_folder):
    assert load_model(tiny_folder).verified
    (tiny_folder / "checksums.json").unlink()
    assert not load_model(tiny_folder).verified
