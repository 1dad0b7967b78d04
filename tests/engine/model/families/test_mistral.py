"""A Mistral is a Llama whose attention sees a window."""

import pytest

from engine.model.families import read_config, read_graph
from engine.model.families.fields import Fields
from engine.model.families.llama import LlamaConfig


@pytest.fixture
def mistral(decoder):
    return decoder | {"model_type": "mistral", "sliding_window": 32}


def windows(graph):
    return [node.integer("window") for node in graph.nodes if node.op == "attention"]


def listing(graph):
    return graph.describe().partition("\n")[2]


def test_every_layer_has_the_window(decoder, mistral, written):
    graph = read_config(written(mistral)).graph("x")
    assert windows(graph) == [32, 32]
    llama = LlamaConfig.read(Fields(decoder)).graph("x")
    assert listing(graph).replace("window=32", "window=0") == listing(llama)


def test_a_file_without_a_window_means_4096(mistral, written):
    del mistral["sliding_window"]
    longer = mistral | {"max_position_embeddings": 8192}
    assert windows(read_config(written(longer)).graph("x")) == [4096, 4096]


@pytest.mark.parametrize(
    "change",
    [
        {"sliding_window": None},
        {"use_sliding_window": False},
        {"sliding_window": 64},  # as long as the context
    ],
)
def test_a_window_that_binds_nothing_is_none(mistral, written, change):
    assert windows(read_config(written(mistral | change)).graph("x")) == [0, 0]


def test_a_window_is_priced_where_the_context_leaves_it(mistral, written):
    assert windows(read_graph(written(mistral))) == [32, 32]
    assert windows(read_graph(written(mistral), 33)) == [32, 32]
    assert windows(read_graph(written(mistral), 32)) == [0, 0]


@pytest.mark.parametrize("window", [0, -1, "32", 1.5])
def test_a_window_that_is_none(mistral, refused, window):
    assert "'sliding_window' is" in refused(mistral | {"sliding_window": window})
