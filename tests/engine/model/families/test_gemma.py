"""A Gemma is a Llama with scaled embeddings, GELU in its gate and a tied head."""

import pytest

from engine.errors import ConfigError
from engine.model.families import read_config, read_graph


@pytest.fixture
def gemma(decoder):
    return decoder | {"model_type": "gemma"}


def test_embeddings_are_scaled_and_the_gate_is_a_gelu(gemma, written):
    graph = read_graph(written(gemma))
    assert graph.nodes[0].number("scale") == 8.0
    assert {node.text("kind") for node in graph.nodes if node.op == "gate"} == {"gelu"}


def test_its_head_is_tied_unless_the_file_says_otherwise(gemma, written):
    del gemma["tie_word_embeddings"]
    assert "lm_head.weight" not in read_graph(written(gemma)).weights
    untied = read_graph(written(gemma | {"tie_word_embeddings": False}))
    assert "lm_head.weight" in untied.weights


def test_it_does_not_run_and_the_message_says_why(gemma, written):
    with pytest.raises(ConfigError, match=r"gemma can be priced, not run: .*scale no embedding"):
        read_config(written(gemma))
