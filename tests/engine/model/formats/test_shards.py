"""int8 weights in shards, as `scripts.train export --dtype int8` writes them: the same model."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from engine.model.formats.checked_tensors import load_float_tensors
from engine.model.formats.shards import INDEX_FILE
from engine.model.load import load_model
from engine.model.tensors.floats import FP32, FloatTensor
from engine.model.tensors.q8 import INT8, quantise
from scripts.train import weights_file
from tests.tiny import write_tiny_model

SHARDS = 3
FIRST, LAST = (f"model-0000{number}-of-00003.safetensors" for number in (1, SHARDS))
EMBEDDING = "model.embed_tokens.weight"
NORM = "model.norm.weight"


@pytest.fixture
def sharded(tmp_path, monkeypatch):
    """The tiny model as int8 in three shards."""
    folder = write_tiny_model(tmp_path / "tiny", seed=1)
    monkeypatch.setattr(weights_file, "LIMIT_BYTES", 64 * 1024 + 44_000)
    names = weights_file.write(folder, weights_file.read(folder), "int8", "")
    assert names == [
        *(f"model-0000{i}-of-00003.safetensors" for i in (1, 2, 3)),
        INDEX_FILE,
    ]
    write_sums(folder)
    return folder


def write_sums(folder):
    (folder / "checksums.json").write_text(json.dumps(weights_file.checksums(folder)))


def change(folder, shard, edit):
    """Rewrite a shard after ``edit``; checksums follow, the index does not."""
    tensors = load_file(folder / shard)
    edit(tensors)
    save_file(tensors, folder / shard)
    write_sums(folder)


def change_map(folder, edit):
    index = json.loads((folder / INDEX_FILE).read_text())
    edit(index["weight_map"])
    (folder / INDEX_FILE).write_text(json.dumps(index))
    write_sums(folder)


# ── the same model ──────────────────────────────────────────────────────────────────────────


def test_shards_load_to_the_bits_of_the_float16_file(sharded, tmp_path):
    plain = load_model(write_tiny_model(tmp_path / "plain", seed=1))
    model = load_model(sharded)
    assert model.verified
    assert list(model.tensors) == list(plain.tensors)
    floats = load_file(plain.path / "model.safetensors")
    for name, tensor in model.tensors.items():
        expected = plain.tensors[name]
        assert tensor.format is expected.format
        assert tensor.values.tobytes() == expected.values.tobytes()
        if tensor.format is INT8:
            assert tensor.scales.tobytes() == expected.scales.tobytes()
            again = quantise(FloatTensor(floats[name]))
            assert tensor.values.tobytes() == again.values.tobytes()
            assert tensor.scales.tobytes() == again.scales.tobytes()
    assert sum(tensor.format is INT8 for tensor in model.tensors.values()) == 15


def test_floats_are_what_values_and_scales_stand_for(sharded):
    model = load_model(sharded)
    for name, floats in load_float_tensors(sharded, model.graph, None).items():
        assert floats.format is FP32
        assert (floats.values == model.tensors[name].dequantise()).all()


def test_the_wafer_gives_the_same_logits(sharded, tmp_path):
    from engine.wafer.program import machine
    from tests.wafers import opened

    logits = []
    for folder in (sharded, write_tiny_model(tmp_path / "plain", seed=1)):
        runner = opened(load_model(folder), machine.get("tiny"))
        rows = [runner.prefill(np.array([1, 200, 45, 287, 3], np.int32))]
        for _ in range(4):
            rows.append(runner.decode(int(rows[-1].argmax())))
        logits.append(np.stack(rows))
    assert logits[0].tobytes() == logits[1].tobytes()


def test_an_altered_shard_is_named(sharded, refusal):
    data = bytearray((sharded / LAST).read_bytes())
    data[-1] ^= 1
    (sharded / LAST).write_bytes(data)
    assert f"{LAST}: altered" in refusal(sharded)


def test_shards_need_no_checksums(sharded):
    (sharded / "checksums.json").unlink()
    assert not load_model(sharded).verified


# ── files ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("checksums", [True, False])
def test_a_missing_shard_is_named(sharded, refusal, checksums):
    (sharded / LAST).unlink()
    if not checksums:
        (sharded / "checksums.json").unlink()
    assert f"{sharded / LAST}: no such file" in refusal(sharded)


def test_a_lost_index_is_named(sharded, refusal):
    (sharded / INDEX_FILE).unlink()
    assert f"{INDEX_FILE}: no such file" in refusal(sharded)


@pytest.mark.parametrize("checksums", [True, False])
def test_a_truncated_shard_says_both_sizes(sharded, refusal, checksums):
    data = (sharded / LAST).read_bytes()
    (sharded / LAST).write_bytes(data[:-1])
    if not checksums:
        (sharded / "checksums.json").unlink()
    assert f"{LAST}: truncated: {len(data) - 1} bytes, its header needs {len(data)}" in refusal(
        sharded
    )


@pytest.mark.parametrize("name", [FIRST, LAST, INDEX_FILE])
def test_checksums_must_list_index_and_shards(sharded, refusal, name):
    sums = weights_file.checksums(sharded)
    del sums["files"][name]
    (sharded / "checksums.json").write_text(json.dumps(sums))
    assert f"checksums.json: has no entry for {name}" in refusal(sharded)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not valid JSON"),
        ("[]", "must be"),
        ('{"weight_map": {}}', "must be"),
        ('{"weight_map": {"a": 3}}', "must be"),
        ('{"weight_map": {"a": "../b.safetensors"}}', "must be"),
        ('{"weight_map": {"a": "config.json"}}', "must be"),
    ],
)
def test_a_malformed_index_is_refused(sharded, refusal, text, reason):
    (sharded / INDEX_FILE).write_text(text)
    (sharded / "checksums.json").unlink()
    message = refusal(sharded)
    assert INDEX_FILE in message
    assert reason in message


# ── places ──────────────────────────────────────────────────────────────────────────────────


def test_a_tensor_in_another_shard_than_the_index_says(sharded, refusal):
    change_map(sharded, lambda where: where.update({EMBEDDING: LAST}))
    assert f"tensor {EMBEDDING} is in {FIRST}, not in {LAST}" in refusal(sharded)


def test_a_tensor_that_no_shard_has(sharded, refusal):
    change(sharded, LAST, lambda tensors: tensors.pop(NORM))
    assert f"tensor {NORM} is not in {LAST}" in refusal(sharded)


def test_a_tensor_that_the_index_lacks(sharded, refusal):
    change_map(sharded, lambda where: where.pop(EMBEDDING))
    assert f"no entry for tensor {EMBEDDING} of {FIRST}" in refusal(sharded)


def test_a_tensor_in_two_shards(sharded, refusal):
    norm = load_file(sharded / LAST)[NORM]
    change(sharded, FIRST, lambda tensors: tensors.update({NORM: norm}))
    assert f"{LAST}: tensor {NORM} is in {FIRST} too" in refusal(sharded)
