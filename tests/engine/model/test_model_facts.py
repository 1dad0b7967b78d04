"""What the heads of files say of a model."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from engine.errors import ModelError, WeightsError
from engine.model.model_facts import facts_stamp, read_facts
from tests.gguf_writer import Array, Packed, write_gguf
from tests.tiny import write_tiny_model

NORMAL, CONTROL = 1, 3
F32, Q8_0, Q4_K = 0, 8, 12


def write_file(path, tokens=("a", "b"), kinds=(NORMAL, NORMAL), **more):
    write_gguf(
        path,
        {
            "general.architecture": "qwen2",
            "qwen2.context_length": 4096,
            "tokenizer.ggml.tokens": Array("str", tokens),
            "tokenizer.ggml.token_type": Array("i32", kinds),
            **more,
        },
        {
            "token_embd.weight": Packed((2, 256), Q4_K, bytes(2 * 144)),
            "a.weight": Packed((4, 32), Q8_0, bytes(4 * 34)),
            "b.weight": Packed((4, 32), Q8_0, bytes(4 * 34)),
            "norm.weight": Packed((32,), F32, bytes(128)),
        },
    )
    return path


def test_a_gguf_file(tmp_path) -> None:
    path = write_file(tmp_path / "m.gguf")
    facts = read_facts(path)
    assert facts.family == "qwen2"
    assert facts.parameters == 512 + 128 + 128 + 32
    assert facts.types == {"Q8_0": 2, "Q4_K": 1, "F32": 1}
    assert next(iter(facts.types)) == "Q8_0"
    assert facts.size_bytes == facts.weight_bytes == path.stat().st_size
    assert facts.context == 4096
    assert not facts.fill_in_the_middle


@pytest.mark.parametrize(
    "tokens",
    [
        ("<|fim_prefix|>", "x", "<|fim_middle|>", "<|fim_suffix|>"),
        ("<fim_prefix>", "x", "<fim_middle>", "<fim_suffix>"),
    ],
)
def test_the_special_tokens_of_a_file_tell_whether_it_fills(tmp_path, tokens) -> None:
    path = write_file(tmp_path / "m.gguf", tokens, (CONTROL, NORMAL, CONTROL, CONTROL))
    assert read_facts(path).fill_in_the_middle
    path = write_file(tmp_path / "m.gguf", tokens[:3], (CONTROL, NORMAL, CONTROL))
    assert not read_facts(path).fill_in_the_middle
    path = write_file(tmp_path / "m.gguf", tokens, (NORMAL,) * 4)  # texts, no tokens of control
    assert not read_facts(path).fill_in_the_middle


def test_or_its_keys_do(tmp_path) -> None:
    keys = {f"tokenizer.ggml.fim_{part}_token_id": 0 for part in ("pre", "suf", "mid")}
    assert read_facts(write_file(tmp_path / "m.gguf", **keys)).fill_in_the_middle
    old = {f"tokenizer.ggml.{part}_token_id": 0 for part in ("prefix", "suffix", "middle")}
    assert read_facts(write_file(tmp_path / "m.gguf", **old)).fill_in_the_middle
    del old["tokenizer.ggml.suffix_token_id"]
    assert not read_facts(write_file(tmp_path / "m.gguf", **old)).fill_in_the_middle


def test_what_the_engine_does_not_run_says_why(tmp_path) -> None:
    path = write_file(tmp_path / "m.gguf", **{"general.architecture": "mamba"})
    assert "mamba" in read_facts(path).problem
    (tmp_path / "config.json").write_text('{"model_type": "mamba"}')
    assert "mamba" in read_facts(tmp_path).problem


def test_a_folder(tmp_path) -> None:
    folder = write_tiny_model(tmp_path / "tiny")
    facts = read_facts(folder)
    assert facts.problem is None
    config = json.loads((folder / "config.json").read_text())
    assert facts.family == config["model_type"]
    assert facts.context == config["max_position_embeddings"]
    assert facts.fill_in_the_middle
    assert facts.size_bytes == (folder / "model.safetensors").stat().st_size
    assert facts.weight_bytes == facts.parameters * 36 // 32
    assert sum(facts.types.values()) > 2


def test_a_folder_with_shards_and_without_a_vocabulary(tmp_path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "qwen2"}')
    for number, kind in enumerate((np.float16, np.float32)):
        tensors = {f"t{number}": np.zeros((2, 3), kind)}
        save_file(tensors, tmp_path / f"model-{number}.safetensors")
    facts = read_facts(tmp_path)
    assert facts.parameters == 12
    assert facts.types == {"F16": 1, "F32": 1}
    assert facts.context is None
    assert not facts.fill_in_the_middle


@pytest.mark.parametrize("data", [b"", b"\xff" * 8, b"\x08" + bytes(7) + b"[1, 2]  ", b"GGUF"])
def test_a_broken_file_is_an_error_with_its_name(tmp_path, data) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "qwen2"}')
    (tmp_path / "model.safetensors").write_bytes(data)
    (tmp_path / "m.gguf").write_bytes(data)
    for place in (tmp_path, tmp_path / "m.gguf"):
        with pytest.raises(WeightsError, match=str(tmp_path)):
            read_facts(place)


@pytest.mark.parametrize("text", ["[]", "{", "\xff"])
def test_a_broken_configuration_is_an_error_with_its_name(tmp_path, text) -> None:
    (tmp_path / "config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ModelError, match=r"config\.json"):
        read_facts(tmp_path)


def test_a_file_without_an_architecture_is_none(tmp_path) -> None:
    write_gguf(tmp_path / "m.gguf", {"general.name": "x"}, {})
    with pytest.raises(ModelError, match="architecture"):
        read_facts(tmp_path / "m.gguf")


def test_the_stamp_changes_with_the_files(tmp_path) -> None:
    folder = write_tiny_model(tmp_path / "tiny")
    before = facts_stamp(folder)
    assert facts_stamp(folder) == before
    (folder / "tokenizer.json").write_text("{}")
    assert facts_stamp(folder) != before
    path = write_file(tmp_path / "m.gguf")
    before = facts_stamp(path)
    write_file(path, ("longer", "tokens"))
    assert facts_stamp(path) != before
