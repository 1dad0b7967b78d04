"""Tensors that do not fit the graph, and what becomes of those that do."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from engine.model.formats.checked_tensors import load_float_tensors
from engine.model.load import load_model
from engine.model.tensors.floats import FP32
from engine.model.tensors.q8 import INT8
from scripts.train import weights_file
from tests.tiny import tiny_tensors, write_checksums, write_tiny_model

EMBEDDING = "model.embed_tokens.weight"
NORM = "model.norm.weight"
SCALES = EMBEDDING + ".scales"


# ── names, types and shapes ─────────────────────────────────────────────────────────────────


def test_a_missing_tensor_is_named(tiny_folder, change, refusal):
    change(lambda tensors: tensors.pop(NORM))
    assert f"1 tensor ({NORM}) is missing" in refusal(tiny_folder)


def test_a_renamed_tensor_gets_a_hint(tiny_folder, change, refusal):
    change(lambda tensors: tensors.update({"norm.weight": tensors.pop(NORM)}))
    message = refusal(tiny_folder)
    assert "missing" in message
    assert "'norm.weight': did you mean that?" in message


def test_many_missing_tensors_are_counted(tiny_folder, change, refusal):
    change(lambda tensors: [tensors.pop(name) for name in list(tensors) if "layers.1" in name])
    assert "9 tensors (model.layers.1.input_layernorm.weight," in refusal(tiny_folder)


def test_an_unknown_tensor_is_named(tiny_folder, change, refusal):
    change(lambda tensors: tensors.update(extra=np.zeros(3, np.float16)))
    assert "1 tensor (extra) is not part of the model" in refusal(tiny_folder)


@pytest.mark.parametrize("shape", [(64, 288), (288,), (288, 63), (289, 64)])
def test_a_wrong_shape_is_named_with_the_right_one(tiny_folder, change, refusal, shape):
    change(lambda tensors: tensors.update({EMBEDDING: np.zeros(shape, np.float16)}))
    message = refusal(tiny_folder)
    assert f"tensor {EMBEDDING} has shape {shape}" in message
    assert "needs (288, 64)" in message


def test_a_type_nobody_reads_is_refused(tiny_folder, change, refusal):
    change(lambda tensors: tensors.update({EMBEDDING: np.ones((288, 64))}))
    message = refusal(tiny_folder)
    assert f"{EMBEDDING} has type F64; allowed: F16, F32, BF16, I8" in message


def test_vectors_are_never_int8(tiny_folder, change, refusal):
    change(lambda tensors: tensors.update({NORM: np.ones(64, np.int8)}))
    message = refusal(tiny_folder)
    assert message.endswith(f"{NORM} has type I8; allowed: F16, F32, BF16")


def test_int8_without_its_scales_is_refused(tiny_folder, change, refusal):
    change(lambda tensors: tensors.update({EMBEDDING: np.ones((288, 64), np.int8)}))
    assert f"{EMBEDDING} has type I8 but there is no {SCALES}" in refusal(tiny_folder)


def test_scales_of_floats_are_unknown(tiny_folder, change, refusal):
    change(lambda tensors: tensors.update({SCALES: np.ones((288, 2), np.float16)}))
    assert f"1 tensor ({SCALES}) is not part of the model" in refusal(tiny_folder)


# ── values ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", [EMBEDDING, NORM])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_refused(tiny_folder, change, refusal, name, value):
    def edit(tensors):
        tensors[name] = tensors[name].copy()
        tensors[name].flat[5] = value

    change(edit)
    message = refusal(tiny_folder)
    assert f"tensor {name}: a value is not finite" in message


def test_matrices_are_quantised_and_vectors_are_not(tiny_folder):
    tensors = load_model(tiny_folder).tensors
    assert {name for name, tensor in tensors.items() if tensor.format is FP32} == {
        name for name in tensors if "norm" in name
    }
    assert {tensor.format for tensor in tensors.values()} == {FP32, INT8}


def test_int8_matrices_are_taken_as_they_are(tiny_folder, change):
    quantised = load_model(tiny_folder)
    change(lambda tensors: tensors.update(weights_file.stored(dict(tensors), "int8")))
    model = load_model(tiny_folder)
    floats = load_float_tensors(tiny_folder, model.graph, None)
    assert list(model.tensors) == list(quantised.tensors)
    for name, tensor in model.tensors.items():
        expected = quantised.tensors[name]
        assert tensor.format is expected.format
        assert (tensor.dequantise() == expected.dequantise()).all()
        assert (floats[name].values == expected.dequantise()).all()


def test_an_untied_head_is_loaded(tmp_path):
    model = load_model(write_tiny_model(tmp_path / "untied", tied=False))
    assert model.tensors["lm_head.weight"].shape == (288, 64)


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
    original = load_float_tensors(tiny_folder, model.graph, None)
    assert original.keys() == exact.keys() == model.tensors.keys()
    for name, values in exact.items():
        assert (original[name].values == values).all()
        assert original[name].format is FP32
        loaded = model.tensors[name]
        bound = 0.51 * loaded.scales.max() if loaded.format is INT8 else 0
        assert np.abs(loaded.dequantise() - values).max() <= bound


def test_tiny_weights_are_the_same_for_the_same_seed():
    shapes = {"a": (4, 32), "b": (7,)}
    first, again, other = (tiny_tensors(shapes, seed) for seed in (1, 1, 2))
    assert all((first[name] == again[name]).all() for name in shapes)
    assert any((first[name] != other[name]).any() for name in shapes)
