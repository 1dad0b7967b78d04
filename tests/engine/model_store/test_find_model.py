"""Finding models by name or folder."""

import pytest

from engine.errors import ModelError
from engine.model_store import bundled
from engine.model_store.bundled import bundled_models
from engine.model_store.digests import weights_sha256
from engine.model_store.lookup import find_model
from tests.tiny import write_tiny_model


def test_the_default_is_the_better_bundled_model(bundle):
    with pytest.raises(ModelError, match="spark-mini, spark-nano"):
        find_model()
    write_tiny_model(bundle / "spark-nano")
    assert find_model() == bundle / "spark-nano"
    write_tiny_model(bundle / "spark-mini")
    assert find_model(None) == bundle / "spark-mini"
    assert list(bundled_models()) == ["spark-mini", "spark-nano"]


def test_a_bundled_name_or_a_folder(bundle, tmp_path, monkeypatch):
    write_tiny_model(bundle / "spark-nano")
    own = write_tiny_model(tmp_path / "own")
    monkeypatch.chdir(tmp_path)
    assert find_model("spark-nano") == bundle / "spark-nano"
    assert find_model(own) == own
    assert find_model("own") == own
    assert find_model("./own/") == own


def test_a_model_in_the_home_folder(bundle, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    own = write_tiny_model(tmp_path / "own")
    assert find_model("~/own") == own


def test_an_unknown_name_lists_the_known_ones(bundle):
    write_tiny_model(bundle / "spark-nano")
    with pytest.raises(ModelError, match=r"did you mean 'spark-nano'\? \(here: spark-nano;"):
        find_model("spark-namo")
    with pytest.raises(ModelError, match=r"no model 'llama'.*\(here: spark-nano;"):
        find_model("llama")
    with pytest.raises(ModelError, match="no model ''"):
        find_model("")


def test_a_file_is_no_model_folder(bundle, tmp_path):
    folder = write_tiny_model(tmp_path / "tiny")
    with pytest.raises(ModelError, match="is no GGUF file"):
        find_model(folder / "config.json")


def test_without_the_weights_package(monkeypatch):
    def missing(package):
        raise ModuleNotFoundError(package)

    monkeypatch.setattr(bundled, "files", missing)
    with pytest.raises(ModelError, match="reinstall"):
        find_model()


def test_the_checksum_tells_weights_apart(tmp_path):
    one, same, other = (
        write_tiny_model(tmp_path / name, seed=seed)
        for name, seed in (("one", 1), ("same", 1), ("other", 2))
    )
    assert weights_sha256(one) == weights_sha256(same)
    assert weights_sha256(one) != weights_sha256(other)
