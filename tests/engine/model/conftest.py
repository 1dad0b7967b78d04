"""A tiny model, loaded once, a folder of one to spoil, and other models than the bundled ones."""

import pytest

from engine.model_store import bundled
from tests.tiny import tiny_model, write_tiny_model


@pytest.fixture(scope="session")
def tiny():
    return tiny_model(seed=1)


@pytest.fixture
def tiny_folder(tmp_path):
    return write_tiny_model(tmp_path / "tiny")


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    """A folder of bundled models in place of the program's own."""
    root = tmp_path / "weights"
    root.mkdir()
    (root / "no-model").mkdir()
    monkeypatch.setattr(bundled, "files", lambda package: root)
    return root
