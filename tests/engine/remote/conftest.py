"""Folders of a test of its own: no note, no model, no key of the person's."""

import pytest


@pytest.fixture(autouse=True)
def own_remote_folders(monkeypatch, tmp_path):
    for kind in ("STATE", "CONFIG", "MODELS"):
        monkeypatch.setenv(f"SPARK_{kind}_DIR", str(tmp_path / kind.lower()))
    for name in ("SPARK_REMOTE_KEY", "SPARK_REMOTE_YES"):
        monkeypatch.delenv(name, raising=False)
    # Other programs' models would be found in the home.
    monkeypatch.setattr("engine.remote.pricing.found_models", list)
