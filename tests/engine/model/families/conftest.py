"""A configuration that every family understands, and the file it is written to."""

import json

import pytest

from engine.errors import ConfigError
from engine.model.families import read_config

DECODER = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "intermediate_size": 96,
    "vocab_size": 288,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
    "rope_theta": 500000.0,
    "tie_word_embeddings": True,
}


@pytest.fixture
def decoder():
    """The fields."""
    return dict(DECODER)


@pytest.fixture
def refused(written):
    """The reason for which fields are refused: one line that begins with the file."""

    def refuse(fields):
        path = written(fields)
        with pytest.raises(ConfigError) as caught:
            read_config(path)
        message = str(caught.value)
        assert message.startswith(f"{path}: ")
        assert "\n" not in message
        return message.removeprefix(f"{path}: ")

    return refuse


@pytest.fixture
def written(tmp_path):
    """Writes fields, or a text, and returns the file."""

    def write(fields):
        path = tmp_path / "config.json"
        path.write_text(fields if isinstance(fields, str) else json.dumps(fields))
        return path

    return write
