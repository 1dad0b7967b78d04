"""Other models than the bundled ones."""

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
