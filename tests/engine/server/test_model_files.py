import os
from pathlib import Path

import pytest

from engine.errors import ModelError
from engine.host_memory import SESSION_BYTES
from engine.model_store import available, choice
from engine.server.model_files import model_files


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(bytes(1000))
    return tmp_path


def test_a_session_needs_more_than_its_weights(folder):
    assert model_files(str(folder)).need_bytes == 1300 + SESSION_BYTES
    assert model_files(None).path == model_files("spark-nano").path


@pytest.mark.parametrize("name", ["model-00002-of-3.safetensors", "knowledge.json", "config.json"])
def test_another_file_is_another_model(folder, name):
    before = model_files(str(folder)).identity
    (folder / "README.md").write_text("of no account")
    assert model_files(str(folder)).identity == before
    (folder / name).write_bytes(b"x")
    assert model_files(str(folder)).identity != before


def test_a_file_of_the_same_size_and_time_is_another_model(folder):
    before = model_files(str(folder))
    weights = folder / "model.safetensors"
    time_ns = weights.stat().st_mtime_ns
    other = folder / "other"
    other.write_bytes(bytes(1000))
    os.utime(other, ns=(time_ns, time_ns))
    other.replace(weights)
    assert model_files(str(folder)).identity != before.identity


def test_a_default_that_is_open_stays_the_default(folder, monkeypatch):
    monkeypatch.setenv("SPARK_MODELS_DIR", str(folder))
    offer = next(each for each in available() if each.measured is not None)
    (folder / f"{offer.name}.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr(choice, "available_bytes", lambda: 0)
    assert model_files(None).path.name == "spark-nano"
    assert model_files(None, held_bytes=10**10).path.stem == offer.name


def test_what_is_not_there_is_an_error():
    with pytest.raises(ModelError):
        model_files(str(Path("nothing").resolve()))
