"""Pulling from the hub, through a package that stands in for `huggingface_hub`."""

import importlib.util

import pytest

from engine.errors import StoreError
from engine.model_store import installed, pull
from engine.model_store.hub_source import parse_reference
from tests.engine.model_store.conftest import DATA


def put(hub, *files: str, data: bytes = DATA) -> None:
    for file in files:
        path = hub / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def test_a_catalogue_model_from_its_repository(hub) -> None:
    put(hub, "someone/demo-GGUF/demo-q4.gguf")
    model = pull("demo", source="hub")
    assert model.path.read_bytes() == DATA
    assert model.note.origin == "hf:someone/demo-GGUF:demo-q4.gguf"


def test_its_digest_is_pinned_there_too(hub) -> None:
    put(hub, "someone/demo-GGUF/demo-q4.gguf", data=b"GGUF another")
    with pytest.raises(StoreError, match="SHA-256"):
        pull("demo", source="hub")
    assert installed() == ()


def test_any_repository_keeps_the_digest_that_it_had(hub) -> None:
    put(hub, "a/B-GGUF/sub/Nice-Model.gguf", "a/B-GGUF/README.md")
    model = pull("hf:a/B-GGUF")
    assert model.name == "nice-model"
    assert model.expected_sha256 == model.note.sha256
    assert model.note.origin == "hf:a/B-GGUF:sub/Nice-Model.gguf"
    assert pull("hf:a/B-GGUF:sub/Nice-Model.gguf") == model


def test_two_files_of_one_name_are_told_apart(hub) -> None:
    put(hub, "a/X/model.gguf", data=DATA)
    put(hub, "b/X/model.gguf", data=b"GGUF of b")
    put(hub, "b/X/demo.gguf", data=b"GGUF too")
    assert pull("hf:a/X").name == "model"
    other = pull("hf:b/X:model.gguf")
    assert other.name == "b--x--model"
    assert other.path.read_bytes() == b"GGUF of b"
    assert pull("hf:b/X:demo.gguf").name == "b--x--demo"  # a name of the catalogue


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        (["only.gguf"], "only"),
        (["m-Q8_0.gguf", "m-Q4_K_M.gguf", "m-F16.gguf"], "m-q4_k_m"),
        (["m-F16.gguf", "m-Q8_0.gguf"], "m-q8_0"),
        (["m-Q4_0.gguf", "mmproj-m-F16.gguf"], "m-q4_0"),
        (["m-Q4_0.gguf", "m-F16-00001-of-00002.gguf", "m-F16-00002-of-00002.gguf"], "m-q4_0"),
    ],
)
def test_which_file_is_taken_without_a_name(hub, files, chosen) -> None:
    put(hub, *(f"a/X/{file}" for file in files))
    assert pull("hf:a/X").name == chosen


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hf:a/X", r"several files .*m-F16.gguf, m-Q4_0.gguf; name one as hf:a/X:FILE"),
        ("hf:a/X:m-Q8_0.gguf", "has no file m-Q8_0.gguf; it has m-F16.gguf, m-Q4_0.gguf"),
        ("hf:a/none", "no .gguf file in one piece"),
        ("hf:a/missing", "RepositoryNotFoundError: 404 Client Error. Repository Not Found"),
    ],
)
def test_what_cannot_be_had_is_said_in_one_line(hub, name, words) -> None:
    put(hub, "a/X/m-Q4_0.gguf", "a/X/m-F16.gguf", "a/none/model.safetensors")
    with pytest.raises(StoreError, match=words) as caught:
        pull(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["hf:", "hf:one", "hf:a/b/c", "hf:a/b:../x.gguf", "hf:a/b:/x.gguf", "hf:a/b:x.bin"]
)
def test_a_reference_that_is_none(text) -> None:
    with pytest.raises(StoreError, match=r"hub|gguf"):
        parse_reference(text)
    with pytest.raises(StoreError):
        pull(text)


def test_without_the_package_one_line_says_what_to_do(monkeypatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == "huggingface_hub" else found(name),
    )
    with pytest.raises(StoreError, match=r"huggingface_hub is not installed .*spark-tui\[hub\]"):
        pull("hf:a/X")
    with pytest.raises(StoreError, match="comes from the hub"):
        pull("hf:a/X", source="packages")
