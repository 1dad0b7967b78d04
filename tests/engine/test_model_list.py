"""The list of models: one of each source, what is broken, and what is remembered."""

from time import process_time

import pytest

from engine import list_models
from engine.host_memory import memory_needed_bytes
from engine.model import model_facts
from tests.gguf_writer import Array, Packed, write_gguf

Q8_0 = 8


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    for name in ("CACHE", "MODELS", "STATE"):
        monkeypatch.setenv(f"SPARK_{name}_DIR", str(tmp_path / name.lower()))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def folder(tmp_path):
    """A folder with a model of the person's, one that is broken, and a fetched one."""
    folder = tmp_path / "own"
    for place in (folder, tmp_path / "models"):
        place.mkdir()
        write(place / f"{place.name}-model.gguf")
    (folder / "broken.gguf").write_bytes(b"GGUF\3")
    return folder


def write(path, tokens=10, rows=8) -> None:
    write_gguf(
        path,
        {
            "general.architecture": "llama",
            "llama.context_length": 2048,
            "tokenizer.ggml.tokens": Array("str", [f"t{n}" for n in range(tokens)]),
            "tokenizer.ggml.token_type": Array("i32", [1] * tokens),
            "tokenizer.ggml.merges": Array("str", [f"t {n}" for n in range(tokens)]),
        },
        {"token_embd.weight": Packed((rows, 32), Q8_0, bytes(rows * 34))},
    )


def test_every_model_has_its_facts(folder) -> None:
    found = list_models([folder])
    models = {model.name: model for model in found.models}
    assert {name: model.source for name, model in models.items()} == {
        "spark-nano": "bundled",
        "models-model": "fetched",
        "broken": "folder",
        "own-model": "folder",
    }
    nano, own = models["spark-nano"], models["own-model"]
    assert (nano.family, nano.context, nano.fill_in_the_middle) == ("llama", 2048, True)
    assert nano.parameters == 6_819_072
    assert (own.family, own.types, own.parameters, own.context) == (
        "llama", {"Q8_0": 1}, 256, 2048,
    )  # fmt: skip
    assert own.memory_bytes == memory_needed_bytes(own.size_bytes)
    assert own.wafers == nano.wafers == 1
    assert [model.name for model in found.models if model.default] == ["spark-nano"]
    assert found.memory_free_bytes > 0


def test_a_broken_file_is_listed_with_what_is_wrong(folder) -> None:
    (broken,) = (model for model in list_models([folder]).models if model.name == "broken")
    assert str(folder / "broken.gguf") in broken.problem
    assert (broken.family, broken.size_bytes, broken.memory_bytes) == (None, None, None)


def test_wafers_are_counted_on_the_machine_that_is_named(folder) -> None:
    small = {model.name: model for model in list_models([folder], "tiny").models}
    assert small["spark-nano"].wafers > 1
    assert list_models(machine="tiny").machine == "tiny"


def test_heads_are_read_once_and_again_when_they_change(folder, monkeypatch) -> None:
    first = list_models([folder]).models
    read = []
    monkeypatch.setattr(
        "engine.model_list.read_facts",
        lambda place: read.append(place.name) or model_facts.read_facts(place),
    )
    assert list_models([folder]).models == first
    assert read == ["broken.gguf"]  # what is wrong may be mended
    write(folder / "own-model.gguf", rows=16)
    models = {model.name: model for model in list_models([folder]).models}
    assert models["own-model"].parameters == 512
    assert read[1:] == ["broken.gguf", "own-model.gguf"]


def test_twenty_files_take_less_than_a_second(folder) -> None:
    for number in range(20):
        write(folder / f"m{number}.gguf", tokens=10_000)
    began = process_time()  # other programs do not count
    assert len(list_models([folder]).models) == 24
    first = process_time() - began
    assert first < 1.0
    began = process_time()
    list_models([folder])
    assert process_time() - began < first / 2
