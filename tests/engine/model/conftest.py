"""A tiny model, loaded once, and a folder of one to spoil."""

import pytest

from tests.tiny import tiny_model, write_tiny_model


@pytest.fixture(scope="session")
def tiny():
    return tiny_model(seed=1)


@pytest.fixture
def tiny_folder(tmp_path):
    return write_tiny_model(tmp_path / "tiny")
