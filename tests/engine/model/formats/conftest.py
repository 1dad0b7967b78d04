"""What a folder that was spoilt is refused with, and ways to spoil one."""

import pytest
from safetensors.numpy import load_file, save_file

from engine.errors import WeightsError
from engine.model.load import load_model
from tests.tiny import write_checksums


@pytest.fixture
def refusal():
    """Load a folder that must be refused, and return the message."""

    def load(folder):
        with pytest.raises(WeightsError) as caught:
            load_model(folder)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return load


@pytest.fixture
def change(tiny_folder):
    """Rewrite the tiny model's tensors after ``edit``; checksums follow, so only they are wrong."""

    def rewrite(edit):
        tensors = load_file(tiny_folder / "model.safetensors")
        edit(tensors)
        save_file(tensors, tiny_folder / "model.safetensors")
        write_checksums(tiny_folder)

    return rewrite
