"""What is meant by a model: names, beginnings of names, paths."""

import pytest

from engine.errors import ModelError
from engine.model_store import bundled_models, find_model, pull
from tests.engine.model_store.conftest import DATA


@pytest.fixture
def folder(tmp_path, store):
    """A folder with three models of the person's; ``demo`` is fetched."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("Gemma-Q8", "gemini", "deep"):
        (folder / f"{name}.gguf").write_bytes(DATA)
    pull("demo", source=str(folder / "deep.gguf"))
    return folder


def test_whole_names(folder, store) -> None:
    assert find_model("demo") == store / "demo.gguf"
    assert find_model("spark-nano") == bundled_models()["spark-nano"]
    assert find_model(None) == store / "demo.gguf"
    assert find_model("deep", [folder]) == folder / "deep.gguf"
    assert find_model("gemma-q8", [folder]) == folder / "Gemma-Q8.gguf"


def test_beginnings_of_one_name(folder, store) -> None:
    assert find_model("spark") == bundled_models()["spark-nano"]
    assert find_model("dem") == store / "demo.gguf"
    assert find_model("de", [folder]) == store / "demo.gguf"  # ours first
    assert find_model("gemm", [folder]) == folder / "Gemma-Q8.gguf"
    with pytest.raises(ModelError, match="may be Gemma-Q8, gemini; write more of the name"):
        find_model("gem", [folder])
    with pytest.raises(ModelError, match="no model 'gemm'"):
        find_model("gemm")


def test_paths(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = folder / "gemini.gguf"
    assert find_model(file) == file
    assert find_model("mine/gemini.gguf") == file
    assert find_model("./mine") == folder
    blob = tmp_path / "sha256-1234"
    blob.write_bytes(DATA)
    assert find_model(blob) == blob
    with pytest.raises(ModelError, match=r"none\.gguf: no such file"):
        find_model("mine/none.gguf")


def test_what_is_nothing_says_what_there_is(folder, tmp_path) -> None:
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ModelError, match="is no GGUF file"):
        find_model(tmp_path / "a.txt")
    with pytest.raises(ModelError, match=r"did you mean 'demo'\? \(here: spark-nano, demo"):
        find_model("domo")
    with pytest.raises(ModelError, match=r"models pull larger` fetches it \(3.0 MB, Apache-2.0\)"):
        find_model("larger")
    with pytest.raises(ModelError, match="larger is not on this computer"):
        find_model("lar")
    for text in ("", "\0", "x" * 5000, "~nobody-of-this-name/x", "/no/such"):
        with pytest.raises(ModelError, match="no model"):
            find_model(text)
