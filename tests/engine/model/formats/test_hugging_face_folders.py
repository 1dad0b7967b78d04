"""Folders as the hub has them: three types of numbers, shards, tensors said twice; memory."""

import json
import tracemalloc

import numpy as np
import pytest
from safetensors.numpy import save_file

from engine.errors import WeightsError
from engine.model.families import FAMILIES
from engine.model.families.fields import Fields
from engine.model.formats.checked_tensors import load_float_tensors, load_tensors
from engine.model.graph import ModelGraph, Node
from engine.model.load import load_model
from engine.model.roles import Role
from engine.model.tensors.floats import FP32, FloatTensor
from engine.model.tensors.q8 import INT8, quantise
from tests.tiny import byte_tokenizer
from tests.tiny_families import FAMILY_CONFIGS, family_tensors, write_family

HEAD = "lm_head.weight"
TYPES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}


def in_type(values, kind):
    """Numbers in a file's type, and what they are in float32."""
    if kind == "float32":
        return values, values
    if kind == "float16":
        return values.astype(np.float16), values.astype(np.float16).astype(np.float32)
    upper = (values.view(np.uint32) >> 16).astype(np.uint16)
    return upper, (upper.astype(np.uint32) << 16).view(np.float32)


def write_shard(path, tensors, kind):
    """Write a safetensors file by hand: the library writes no bfloat16 from NumPy."""
    header, data = {}, b""
    for name, values in tensors.items():
        end = len(data) + values.nbytes
        shape = list(values.shape)
        header[name] = {"dtype": TYPES[kind], "shape": shape, "data_offsets": [len(data), end]}
        data += values.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def family(name):
    fields = FAMILY_CONFIGS[name] | {"vocab_size": 288}
    config = FAMILIES[fields["model_type"]].read(Fields(fields))
    return fields, config, config.graph(name)


@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("kind", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("name", ["qwen2", "gemma3", "starcoder2"])
def test_all_types_of_numbers_load(tmp_path, name, kind, sharded):
    fields, _, graph = family(name)
    gemma = name == "gemma3"
    values = family_tensors(dict(graph.weights), norms_around=0.0 if gemma else 1.0)
    written = {each: in_type(numbers, kind) for each, numbers in values.items()}
    files = {f"model-0000{i}-of-00002.safetensors": list(written)[i - 1 :: 2] for i in (1, 2)}
    if not sharded:
        files = {"model.safetensors": list(written)}
    for file, names in files.items():
        write_shard(tmp_path / file, {each: written[each][0] for each in names}, kind)
    if sharded:
        index = {"weight_map": {each: file for file, names in files.items() for each in names}}
        (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    (tmp_path / "config.json").write_text(json.dumps(fields))
    (tmp_path / "tokenizer.json").write_text(json.dumps(byte_tokenizer()))

    model = load_model(tmp_path)

    assert model.tensors.keys() == graph.weights.keys()
    for each, tensor in model.tensors.items():
        expected = written[each][1]
        if each.endswith("norm.weight") and gemma:
            expected = 1 + expected
        if tensor.format is INT8:
            matrix = quantise(FloatTensor(expected))
            assert np.array_equal(tensor.values, matrix.values)
            assert np.array_equal(tensor.scales, matrix.scales)
        else:
            assert tensor.format is FP32
            assert np.array_equal(tensor.dequantise(), expected)


@pytest.fixture
def tied(tmp_path):
    """A folder with a tied head, and its tensors."""
    fields, config, graph = family("qwen2")
    return tmp_path, config, graph, write_family(tmp_path, fields, dict(graph.weights))


def test_a_tied_head_may_be_stored_too_and_so_may_rotary_tables(tied):
    folder, config, graph, tensors = tied
    more = {
        HEAD: tensors["model.embed_tokens.weight"],
        "model.layers.0.self_attn.rotary_emb.inv_freq": np.ones(8, np.float32),
    }
    save_file(tensors | more, folder / "model.safetensors")
    assert load_tensors(folder, graph, None, config.adapt).keys() == graph.weights.keys()


@pytest.mark.parametrize("change", ["a value", "the shape", "the type"])
def test_a_tied_head_that_is_another_matrix_is_refused(tied, change):
    folder, config, graph, tensors = tied
    head = tensors["model.embed_tokens.weight"].copy()
    head[-1, -1] += 1.0
    head = {"a value": head, "the shape": head[:-1], "the type": head.astype(np.float16)}[change]
    save_file(tensors | {HEAD: head}, folder / "model.safetensors")
    with pytest.raises(WeightsError, match=r"lm_head\.weight is not model\.embed_tokens\.weight"):
        load_tensors(folder, graph, None, config.adapt)


def test_a_head_of_its_own_must_be_there(tied):
    folder, _, _, _ = tied
    config = FAMILIES["qwen2"].read(
        Fields(FAMILY_CONFIGS["qwen2"] | {"tie_word_embeddings": False})
    )
    with pytest.raises(WeightsError, match=r"1 tensor \(lm_head\.weight\) is missing"):
        load_tensors(folder, config.graph("x"), None, config.adapt)


def test_loading_holds_a_matrix_once_and_its_file_never(tmp_path):
    rows, width = 8192, 512
    graph = ModelGraph(
        name="wide",
        nodes=(
            Node("embed", Role.EMBED, (), "embed", "embedding"),
            Node("head", Role.HEAD, ("embed",), "logits", "embedding"),
        ),
        values={"embed": width, "logits": rows},
        weights={"embedding": (rows, width)},
        layers=0,
        width=width,
        vocabulary=rows,
        context_length=8,
    )
    numbers = np.random.default_rng(0).standard_normal((rows, width)).astype(np.float32)
    save_file({"embedding": numbers}, tmp_path / "model.safetensors")

    tracemalloc.start()
    loaded = load_tensors(tmp_path, graph, None)["embedding"]
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 1.02 * loaded.size_bytes  # 34 bytes for 32 weights of 4
    assert peak < held + (4 << 20)
    floats = load_float_tensors(tmp_path, graph, None)["embedding"]
    assert np.array_equal(floats.dequantise(), numbers)
