"""Models of other programs, in trees as those programs lay them out."""

import json
from pathlib import Path

import pytest

from engine.model_store import found_models, pull
from engine.model_store.found import FoundModel
from tests.engine.model_store.conftest import DATA

BLOB = "sha256:" + "ab" * 32


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME",
                 "OLLAMA_MODELS", "LLAMA_CACHE"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def home(tmp_path) -> Path:
    return tmp_path / "home"


def put(path: Path, data: bytes = b"GGUF") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def put_folder(folder: Path) -> Path:
    put(folder / "config.json", b"{}")
    put(folder / "model.safetensors")
    return folder


def names(*folders: Path) -> dict[str, tuple[str, Path]]:
    return {model.name: (model.source, model.path) for model in found_models(folders)}


def test_nothing_is_found_where_nothing_is() -> None:
    assert found_models([Path("/no/such/folder")]) == ()


def test_the_hugging_face_cache(home, tmp_path, monkeypatch) -> None:
    hub = home / ".cache/huggingface/hub"
    old = put_folder(hub / "models--Qwen--Qwen2-0.5B/snapshots/aaa").parent / "aaa"
    new = put_folder(hub / "models--Qwen--Qwen2-0.5B/snapshots/bbb")
    put(hub / "models--Qwen--Qwen2-0.5B/refs/main", b"aaa\n")
    blob = put(hub / "models--a--B-GGUF/blobs/123")
    link = hub / "models--a--B-GGUF/snapshots/ccc/sub/b-q4.gguf"
    link.parent.mkdir(parents=True)
    link.symlink_to(blob)
    put(hub / "models--x--only-config/snapshots/ddd/config.json")
    put(hub / "datasets--y--z/snapshots/eee/config.json")
    put(hub / "models--broken/snapshots/file")
    assert names() == {
        "Qwen/Qwen2-0.5B": ("huggingface", old),
        "a/B-GGUF:sub/b-q4.gguf": ("huggingface", link),
    }
    (hub / "models--Qwen--Qwen2-0.5B/refs/main").unlink()
    assert names()["Qwen/Qwen2-0.5B"][1] in (old, new)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "elsewhere"))
    assert names() == {}
    put_folder(tmp_path / "elsewhere/hub/models--c--D/snapshots/fff")
    assert list(names()) == ["c/D"]


def test_ollamas_manifests_lead_to_blobs(home, tmp_path, monkeypatch) -> None:
    root = home / ".ollama/models"
    blob = put(root / "blobs" / BLOB.replace(":", "-"))
    other = put(root / "blobs" / ("sha256-" + "cd" * 32))

    def manifest(digest: str) -> bytes:
        layers = [
            {"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:" + "0" * 64},
            {"mediaType": "application/vnd.ollama.image.model", "digest": digest, "size": 4},
        ]
        return json.dumps({"schemaVersion": 2, "layers": layers}).encode()

    put(root / "manifests/host.example/library/qwen2.5-coder/0.5b", manifest(BLOB))
    put(root / "manifests/host.example/library/again/latest", manifest(BLOB))
    put(root / "manifests/host.example/me/mine/latest", manifest("sha256:" + "cd" * 32))
    put(root / "manifests/host.example/library/gone/latest", manifest("sha256:" + "ef" * 32))
    put(root / "manifests/host.example/library/evil/latest", manifest("sha256:../../../etc"))
    put(root / "manifests/host.example/library/broken/latest", b"{")
    put(root / "manifests/host.example/library/odd/latest", b"[1]")
    put(root / "manifests/stray", b"")
    assert names() == {
        "again:latest": ("ollama", blob),  # two names, one file
        "me/mine:latest": ("ollama", other),
    }
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "elsewhere"))
    assert names() == {}


def test_lm_studio_and_llama_cpp(home, tmp_path, monkeypatch) -> None:
    put(home / ".lmstudio/models/publisher/Model-GGUF/Model-Q4_K_M.gguf")
    put(home / ".lmstudio/models/publisher/Model-GGUF/mmproj-Model-f16.gguf")
    put(home / ".cache/lm-studio/models/p/M/older.gguf")
    put(home / ".cache/llama.cpp/ggml-org_x.gguf")
    put(home / ".cache/llama.cpp/big-00001-of-00002.gguf")
    put(home / ".cache/llama.cpp/big-00002-of-00002.gguf")
    found = {name: source for name, (source, _) in names().items()}
    assert found == {
        "Model-Q4_K_M": "lmstudio",
        "older": "lmstudio",
        "big-00001-of-00002": "llama.cpp",
        "ggml-org_x": "llama.cpp",
    }
    monkeypatch.setenv("LLAMA_CACHE", str(tmp_path / "elsewhere"))
    assert "ggml-org_x" not in names()


def test_folders_of_the_persons_own(home, tmp_path) -> None:
    folder = tmp_path / "own"
    put(folder / "a.gguf")
    put(folder / "deep/er/b.GGUF")
    put(folder / "notes.txt")
    put_folder(folder / "c")
    put(folder / "1/2/3/4/5/6/7/too-deep.gguf")
    (folder / "circle").symlink_to(folder)
    assert sorted(names(folder)) == ["a", "b", "c"]
    assert names(folder / "c") == {"c": ("folder", folder / "c")}
    put(home / "mine/d.gguf")
    assert list(names(Path("~/mine"))) == ["d"]


def test_equal_names_are_told_apart_and_a_file_is_listed_once(home, tmp_path) -> None:
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    put(home / ".cache/llama.cpp/same.gguf")
    for folder in (one, two, three):
        put(folder / "same.gguf")
    put(one / "spark-nano.gguf")
    found = names(one, two, three, one)
    assert list(found) == [
        "same", "same@folder", "spark-nano@folder", "same@folder-2", "same@folder-3",
    ]  # fmt: skip
    assert found["same"][0] == "llama.cpp"


def test_what_we_fetched_ourselves_is_not_found_again(tmp_path, store) -> None:
    put(tmp_path / "own.gguf", DATA)
    pull("demo", source=str(tmp_path / "own.gguf"))
    assert found_models([store]) == ()
    put(tmp_path / "other/demo.gguf")
    expected = FoundModel("demo@folder", "folder", tmp_path / "other/demo.gguf")
    assert found_models([store, tmp_path / "other"]) == (expected,)


def test_a_folder_that_cannot_be_read_is_passed_over(home, tmp_path) -> None:
    put(tmp_path / "file")
    put(home / ".ollama/models/manifests")  # a file where a folder belongs
    assert found_models([tmp_path / "file", tmp_path]) == ()
