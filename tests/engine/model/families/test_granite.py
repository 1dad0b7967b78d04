"""A Granite is a Llama with four factors."""

import pytest

from engine.model.families import read_config
from engine.model.families.fields import Fields
from engine.model.families.llama import LlamaConfig

FACTORS = {
    "embedding_multiplier": 12.0,
    "attention_multiplier": 0.015625,
    "residual_multiplier": 0.22,
    "logits_scaling": 8.0,
}


@pytest.fixture
def granite(decoder):
    return decoder | {"model_type": "granite"}


def scales(graph):
    return {
        op: {node.attributes.get("scale") for node in graph.nodes if node.op == op}
        for op in ("embed", "attention", "add")
    } | {"head": {graph.nodes[-1].attributes.get("scale")}}


def test_every_factor_has_its_place(granite, written):
    assert scales(read_config(written(granite | FACTORS)).graph("x")) == {
        "embed": {12.0},
        "attention": {0.015625},
        "add": {0.22},
        "head": {0.125},
    }


def test_without_them_it_is_a_llama_whose_scores_are_not_scaled(granite, decoder, written):
    graph = read_config(written(granite)).graph("x")
    assert scales(graph) == {"embed": {None}, "attention": {1.0}, "add": {None}, "head": {None}}
    llama = LlamaConfig.read(Fields(decoder)).graph("x").describe()
    assert graph.describe().replace("scale=1.0", "scale=0.25") == llama


@pytest.mark.parametrize("name", sorted(FACTORS))
@pytest.mark.parametrize("value", [0, -1.0, "2"])
def test_a_factor_that_is_none(granite, refused, name, value):
    assert f"'{name}' is" in refused(granite | {name: value})
