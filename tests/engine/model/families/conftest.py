"""A configuration that every family understands, and the file it is written to."""

import json

import pytest

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
def written(tmp_path):
    """Writes fields, or a text, and returns the file."""

    def write(fields):
        path = tmp_path / "config.json"
        path.write_text(fields if isinstance(fields, str) else json.dumps(fields))
        return path

    return write
