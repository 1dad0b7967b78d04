"""Other models than the bundled ones, and other users than the one who runs the tests."""

import os

import pytest

from engine.model_store import bundled


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    """A folder of bundled models in place of the program's own."""
    root = tmp_path / "weights"
    root.mkdir()
    (root / "no-model").mkdir()
    monkeypatch.setattr(bundled, "files", lambda package: root)
    return root


@pytest.fixture
def another_user(monkeypatch):
    """Return a function after which all that was made before belongs to somebody else."""
    user = os.geteuid()
    return lambda: monkeypatch.setattr(os, "geteuid", lambda: user + 1)
