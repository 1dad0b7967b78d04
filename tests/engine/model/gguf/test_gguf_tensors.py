"""Tensors of GGUF files under Hugging Face's names, against the bytes that were written."""

import numpy as np
import pytest
from safetensors.numpy import load_file

from engine.errors import WeightsError
from engine.model.formats.gguf import read_gguf
from engine.model.gguf.configuration import read_gguf_config
from engine.model.gguf.tensors import gguf_formats, load_gguf_floats, load_gguf_tensors
from engine.model.load import load_model
from engine.model.tensors import packed_formats
from tests.gguf_writer import Packed, write_gguf
from tests.tiny import write_tiny_model
from tests.tiny_gguf import (
    SMALL_BLOCKS,
    SUPER_BLOCKS,
    Sizes,
    pack_floats,
    tiny_gguf_metadata,
    write_tiny_gguf,
)

ALL_TYPES = (*SUPER_BLOCKS, *SMALL_BLOCKS, "F32", "F16", "BF16")
WIDE = {"hidden": 256, "ffn": 256, "head_dim": 64}
NAMES = {
    "token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head",
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}  # fmt: skip
"""The names of a Llama, written out once more."""


def hugging_face(name):
    *layer, stem, kind = name.split(".")
    inside = f"model.layers.{layer[1]}." if layer else ""
    return f"{inside}{NAMES[stem]}.{kind}"


def paired(rows, head_dim):
    """Rows as the converter of a Llama writes those of queries and keys."""
    halves = rows.reshape(-1, 2, head_dim // 2, *rows.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(rows.shape)


@pytest.fixture
def twins(tmp_path):
    """The same random model as a folder and as a file of float matrices."""

    def write(kind):
        folder = write_tiny_model(tmp_path / "tiny", tied=False)
        original = load_file(folder / "model.safetensors")
        tensors = {}
        for name in reversed(list(original)):
            short = {hf: ours for ours, hf in NAMES.items()}
            stem = name.removeprefix("model.layers.").removesuffix(".weight")
            layer, _, part = stem.partition(".") if stem[0].isdigit() else ("", "", stem)
            values = original[name]
            if short[part] in ("attn_q", "attn_k"):
                values = paired(values, 16)
            gguf = f"blk.{layer}.{short[part]}.weight" if layer else f"{short[part]}.weight"
            used = "F32" if values.ndim == 1 else kind
            code = {"F32": 0, "F16": 1}[used]
            tensors[gguf] = Packed(values.shape, code, pack_floats(values, used))
        write_gguf(tmp_path / "tiny.gguf", tiny_gguf_metadata("llama", Sizes(), 2), tensors)
        return folder, tmp_path / "tiny.gguf"

    return write


@pytest.mark.parametrize("kind", ["F16", "F32"])
def test_a_file_holds_the_model_of_the_folder_it_was_made_of(twins, kind):
    folder, file = (load_model(path) for path in twins(kind))
    assert file.config == folder.config
    assert list(file.tensors) == list(folder.tensors)
    for name, tensor in folder.tensors.items():
        assert file.tensors[name].format == tensor.format, name
        assert np.array_equal(file.tensors[name].dequantise(), tensor.dequantise()), name


def test_what_a_loaded_file_says_about_itself(tmp_path):
    model = load_model(write_tiny_gguf(tmp_path / "some-model.Q4.gguf"))
    assert model.name == model.graph.name == "some-model.Q4"
    assert model.path == tmp_path / "some-model.Q4.gguf"
    assert model.language == "any"
    assert not model.verified


@pytest.mark.parametrize("tied", [True, False])
def test_matrices_of_every_type_are_what_was_written(tmp_path, tied):
    path = write_tiny_gguf(tmp_path / "m", types=ALL_TYPES, tied=tied, **WIDE)
    file = read_gguf(path)
    model = load_model(path)
    assert len(model.tensors) == len(file.tensors)
    seen = set()
    for stored in file.tensors.values():
        tensor, kind = model.tensors[hugging_face(stored.name)], stored.type.name
        rows = np.arange(stored.shape[0])
        if ".attn_q." in stored.name or ".attn_k." in stored.name:
            rows = paired(rows, 64)
        seen.add(kind)
        if kind in packed_formats():
            packs = stored.data.reshape(stored.shape[0], -1)
            assert tensor.format.packing.type_name == kind
            assert np.array_equal(tensor.raw_rows()[rows], packs), stored.name
        else:
            assert tensor.format.name == ("int8" if len(stored.shape) == 2 else "fp32")
    assert seen == set(ALL_TYPES)


def test_floats_are_what_the_file_holds_not_what_runs(tmp_path):
    path = write_tiny_gguf(tmp_path / "m", types=("BF16", "F16", "Q4_0"))
    file = read_gguf(path)
    floats = load_gguf_floats(file, read_gguf_config(file).graph("m"))
    embedding = file.tensors["token_embd.weight"]
    assert embedding.type.name == "BF16"
    halves = embedding.data.view("<u2").astype(np.uint32) << 16
    found = floats["model.embed_tokens.weight"].values
    assert np.array_equal(found, halves.view(np.float32).reshape(embedding.shape))
    assert found.dtype == np.float32
    for name, tensor in load_model(path).tensors.items():
        assert np.allclose(tensor.dequantise(), floats[name].values, atol=0.02), name


def test_biases_of_turned_rows_are_turned_too(tmp_path):
    path = write_tiny_gguf(tmp_path / "m")
    file = read_gguf(path)
    tensors = {
        name: Packed(each.shape, each.type.code, each.data.tobytes())
        for name, each in file.tensors.items()
    }
    biases = {"attn_q": 64, "attn_k": 32, "attn_v": 32, "attn_output": 64}
    for stem, width in biases.items():
        values = np.arange(width, dtype="<f4")
        for layer in range(2):
            tensors[f"blk.{layer}.{stem}.bias"] = Packed((width,), 0, values.tobytes())
    write_gguf(path, tiny_gguf_metadata("llama", Sizes(), 2), tensors)
    file = read_gguf(path)
    config = read_gguf_config(file)
    assert config.attention_bias
    found = load_gguf_tensors(file, config.graph("m"))
    bias = found["model.layers.1.self_attn.q_proj.bias"].dequantise()
    assert np.array_equal(paired(bias, 16), np.arange(64))
    assert np.array_equal(found["model.layers.1.self_attn.v_proj.bias"].dequantise(), np.arange(32))


def test_the_formats_of_a_file_without_its_weights(tmp_path):
    path = write_tiny_gguf(tmp_path / "m", types=ALL_TYPES, tied=False, **WIDE)
    file = read_gguf(path)
    model = load_model(path)
    assert gguf_formats(file, model.graph) == model.formats


def spoilt(path, edit):
    """Write a tiny file again after ``edit`` changed its tensors; return the refusal."""
    file = read_gguf(write_tiny_gguf(path))
    tensors = {
        name: Packed(each.shape, each.type.code, each.data.tobytes())
        for name, each in file.tensors.items()
    }
    edit(tensors)
    write_gguf(path, tiny_gguf_metadata("llama", Sizes(), 2), tensors)
    with pytest.raises(WeightsError) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_tensor_that_is_missing(tmp_path):
    said = spoilt(tmp_path / "m", lambda tensors: tensors.pop("blk.1.attn_q.weight"))
    assert "1 tensor (blk.1.attn_q.weight) is missing" in said


def test_a_tensor_that_no_graph_reads(tmp_path):
    extra = Packed((4,), 0, bytes(16))
    said = spoilt(tmp_path / "m", lambda tensors: tensors.update({"blk.0.attn_qkv.weight": extra}))
    assert "1 tensor (blk.0.attn_qkv.weight) is not part of the model" in said


def test_old_tables_of_angles_are_passed_over(tmp_path):
    path = write_tiny_gguf(tmp_path / "m")
    file = read_gguf(path)
    tensors = {
        name: Packed(each.shape, each.type.code, each.data.tobytes())
        for name, each in file.tensors.items()
    }
    tensors["blk.0.attn_rot_embd.weight"] = Packed((8,), 0, bytes(32))
    write_gguf(path, tiny_gguf_metadata("llama", Sizes(), 2), tensors)
    assert len(load_model(path).tensors) == len(tensors) - 1


def test_a_type_that_does_not_run(tmp_path):
    iq4 = Packed((64, 64), 20, bytes(64 * 2 * 18))
    said = spoilt(tmp_path / "m", lambda tensors: tensors.update({"blk.0.attn_q.weight": iq4}))
    assert "tensor blk.0.attn_q.weight has type IQ4_NL; supported here: F32, F16, BF16, Q" in said
    assert all(kind in said for kind in ("Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q6_K"))


def test_a_vector_is_not_quantised(tmp_path):
    vector = Packed((64,), 8, bytes(68))
    said = spoilt(tmp_path / "m", lambda tensors: tensors.update({"output_norm.weight": vector}))
    assert "output_norm.weight has type Q8_0; supported here: F32, F16, BF16" in said
    assert said.endswith("BF16")


def test_a_tensor_of_another_shape(tmp_path):
    turned = Packed((64, 32), 0, bytes(64 * 32 * 4))
    said = spoilt(tmp_path / "m", lambda tensors: tensors.update({"blk.0.attn_k.weight": turned}))
    assert "blk.0.attn_k.weight has shape (64, 32), the metadata needs (32, 64)" in said


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_read_at_the_start_are_finite(tmp_path, value):
    for name, shape in (("blk.0.attn_norm.weight", (64,)), ("blk.0.attn_k.weight", (32, 64))):
        values = np.zeros(shape, "<f4")
        values[-1] = value
        tensor = Packed(shape, 0, values.tobytes())
        said = spoilt(tmp_path / "m", lambda tensors, n=name, t=tensor: tensors.update({n: t}))
        assert f"tensor {name}: a value is not finite" in said


def test_scales_are_checked_where_they_are_decoded(tmp_path):
    path = write_tiny_gguf(tmp_path / "m", types=("Q4_0",))
    data = bytearray(path.read_bytes())
    stored = read_gguf(path).tensors["blk.0.attn_v.weight"]
    data[stored.offset : stored.offset + 2] = np.float16(np.inf).tobytes()
    path.write_bytes(data)
    tensor = load_model(path).tensors["model.layers.0.self_attn.v_proj.weight"]
    with pytest.raises(WeightsError, match=r"blk\.0\.attn_v\.weight: a scale is not finite"):
        tensor.dequantise()
