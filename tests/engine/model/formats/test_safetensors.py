"""Weight files that are missing, truncated, altered or wrong, and what is said about them."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from engine.errors import WeightsError
from engine.model.formats import safetensors
from engine.model.load import load_model
from engine.model.tensors.q8 import QuantTensor, dequantise
from tests.tiny import tiny_tensors, write_checksums, write_tiny_model

EMBEDDING = "model.embed_tokens.weight"
NORM = "model.norm.weight"


def refusal(folder):
    with pytest.raises(WeightsError) as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def change(folder, edit):
    """Rewrite the tensors after ``edit``; checksums follow, so only the content is wrong."""
    tensors = load_file(folder / "model.safetensors")
    edit(tensors)
    save_file(tensors, folder / "model.safetensors")
    write_checksums(folder)


# ── checksums ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_one_altered_byte_is_found(tiny_folder, name):
    path = tiny_folder / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    message = refusal(tiny_folder)
    assert str(path) in message
    assert json.loads((tiny_folder / "checksums.json").read_text())["files"][name] in message
    assert "altered" in message
    assert "restore" in message


def test_an_altered_configuration_that_still_reads_is_found(tiny_folder):
    path = tiny_folder / "config.json"
    path.write_text(path.read_text().replace("10000.0", "20000.0"))
    assert "config.json: altered" in refusal(tiny_folder)


@pytest.mark.parametrize("kept", [0, 7, 8, 100, -1])
@pytest.mark.parametrize("checksums", [True, False])
def test_a_truncated_file_says_both_sizes(tiny_folder, kept, checksums):
    path = tiny_folder / "model.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:kept])
    if not checksums:
        (tiny_folder / "checksums.json").unlink()
    message = refusal(tiny_folder)
    assert f"truncated: {len(data[:kept])} bytes" in message
    if kept == -1:
        assert f"needs {len(data)}" in message


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_missing_file_is_named(tiny_folder, name):
    (tiny_folder / name).unlink()
    assert f"{tiny_folder / name}: no such file" in refusal(tiny_folder)


def test_a_file_that_cannot_be_read(tiny_folder):
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
def test_malformed_checksums_are_refused(tiny_folder, text, reason):
    (tiny_folder / "checksums.json").write_text(text)
    message = refusal(tiny_folder)
    assert "checksums.json" in message
    assert reason in message


def test_verify_checks_every_file_and_says_when_it_cannot(tiny_folder):
    assert safetensors.verify(tiny_folder) is True
    (tiny_folder / "tokenizer.json").write_text("{}")
    with pytest.raises(WeightsError, match=r"tokenizer\.json: altered"):
        safetensors.verify(tiny_folder)
    (tiny_folder / "checksums.json").unlink()
    assert safetensors.verify(tiny_folder) is False


def test_a_model_of_ones_own_needs_no_checksums(tiny_folder):
    assert load_model(tiny_folder).verified
    (tiny_folder / "checksums.json").unlink()
    assert not load_model(tiny_folder).verified


# ── tensors ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("content", [b"x" * 200, b"\x02" + bytes(7) + b"{}extra", bytes(64)])
def test_a_file_that_is_no_safetensors_file(tiny_folder, content):
    (tiny_folder / "model.safetensors").write_bytes(content)
    (tiny_folder / "checksums.json").unlink()
    assert str(tiny_folder / "model.safetensors") in refusal(tiny_folder)


def test_a_missing_tensor_is_named(tiny_folder):
    change(tiny_folder, lambda tensors: tensors.pop(NORM))
    assert f"1 tensor ({NORM}) is missing" in refusal(tiny_folder)


def test_a_renamed_tensor_gets_a_hint(tiny_folder):
    change(tiny_folder, lambda tensors: tensors.update({"norm.weight": tensors.pop(NORM)}))
    message = refusal(tiny_folder)
    assert "missing" in message
    assert "'norm.weight': did you mean that?" in message


def test_many_missing_tensors_are_counted(tiny_folder):
    change(
        tiny_folder,
        lambda tensors: [tensors.pop(name) for name in list(tensors) if "layers.1" in name],
    )
    assert "9 tensors (model.layers.1.input_layernorm.weight," in refusal(tiny_folder)


def test_an_unknown_tensor_is_named(tiny_folder):
    change(tiny_folder, lambda tensors: tensors.update(extra=np.zeros(3, np.float16)))
    assert "1 tensor (extra) is not part of the model" in refusal(tiny_folder)


@pytest.mark.parametrize("shape", [(64, 288), (288,), (288, 63), (289, 64)])
def test_a_wrong_shape_is_named_with_the_right_one(tiny_folder, shape):
    change(tiny_folder, lambda tensors: tensors.update({EMBEDDING: np.zeros(shape, np.float16)}))
    message = refusal(tiny_folder)
    assert f"tensor {EMBEDDING} has shape {shape}" in message
    assert "needs (288, 64)" in message


@pytest.mark.parametrize("name", [EMBEDDING, NORM])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_refused_with_its_tensor(tiny_folder, name, value):
    def edit(tensors):
        tensors[name] = tensors[name].copy()
        tensors[name].flat[5] = value

    change(tiny_folder, edit)
    message = refusal(tiny_folder)
    assert name in message
    assert "not finite" in message


def test_a_type_nobody_reads_is_refused(tiny_folder):
    change(tiny_folder, lambda tensors: tensors.update({NORM: np.ones(64)}))
    message = refusal(tiny_folder)
    assert f"{NORM} has type F64" in message
    assert "F16, F32, BF16" in message


def bfloat16_bits(values):
    """The upper halves of float32 numbers, cut: bfloat16 without rounding."""
    return (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)


def write_bfloat16(path, tensors):
    """Write a safetensors file of BF16 tensors by hand: NumPy has no such type."""
    header, data = {}, b""
    for name, values in tensors.items():
        bits = bfloat16_bits(values).tobytes()
        header[name] = {
            "dtype": "BF16",
            "shape": list(values.shape),
            "data_offsets": [len(data), len(data) + len(bits)],
        }
        data += bits
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


@pytest.mark.parametrize("kind", ["F16", "F32", "BF16"])
def test_every_float_type_is_read(tiny_folder, kind):
    source = load_file(tiny_folder / "model.safetensors")
    exact = {  # values that all three types hold
        name: (bfloat16_bits(values).astype(np.uint32) << 16).view(np.float32)
        for name, values in source.items()
    }
    exact = {name: values.astype(np.float16).astype(np.float32) for name, values in exact.items()}
    path = tiny_folder / "model.safetensors"
    if kind == "BF16":
        write_bfloat16(path, exact)
    else:
        numpy_type = np.float16 if kind == "F16" else np.float32
        save_file({name: values.astype(numpy_type) for name, values in exact.items()}, path)
    write_checksums(tiny_folder)
    model = load_model(tiny_folder)
    original = safetensors.load_float_tensors(tiny_folder, model.graph, None)
    assert original.keys() == exact.keys() == model.tensors.keys()
    for name, values in exact.items():
        assert (original[name] == values).all()
        assert original[name].dtype == np.float32
        loaded = model.tensors[name]
        if isinstance(loaded, QuantTensor):
            assert np.abs(dequantise(loaded) - values).max() <= 0.51 * loaded.scales.max()
        else:
            assert (loaded == values).all()


def test_matrices_are_quantised_and_vectors_are_not(tiny_folder):
    tensors = load_model(tiny_folder).tensors
    assert {name for name, tensor in tensors.items() if not isinstance(tensor, QuantTensor)} == {
        name for name in tensors if "norm" in name
    }


def test_an_untied_head_is_loaded(tmp_path):
    model = load_model(write_tiny_model(tmp_path / "untied", tied=False))
    assert model.tensors["lm_head.weight"].shape == (288, 64)


def test_tiny_weights_are_the_same_for_the_same_seed():
    shapes = {"a": (4, 32), "b": (7,)}
    first, again, other = (tiny_tensors(shapes, seed) for seed in (1, 1, 2))
    assert all((first[name] == again[name]).all() for name in shapes)
    assert any((first[name] != other[name]).any() for name in shapes)
