"""The registry: which kinds of models there are, and what is said of others."""

import pytest

from engine.errors import ConfigError
from engine.model.families import FAMILIES, family_of, read_config, read_graph


@pytest.mark.parametrize("kind", sorted(FAMILIES))
def test_every_family_has_a_graph_and_a_price(kind, decoder, written):
    path = written(decoder | {"model_type": kind})
    assert read_config(path).graph("x").layers == 2
    assert read_graph(path).layers == 2


@pytest.mark.parametrize("kind", ["mamba2", "mixtral", "deepseek_v3", ["llama"], 3])
def test_an_unknown_family_names_itself_and_lists_the_others(kind, decoder, refused, written):
    fields = decoder | {"model_type": kind}
    reason = refused(fields)
    assert reason.startswith(f"field 'model_type' is {kind!r}, a family that is not supported; ")
    assert f"supported: {', '.join(FAMILIES)}" in reason
    with pytest.raises(ConfigError, match="is not supported; supported: llama, mistral, qwen2,"):
        read_graph(written(fields))


def test_a_near_miss_gets_a_hint(decoder, refused):
    assert refused(decoder | {"model_type": "lama"}).endswith("; did you mean 'llama'?")
    with pytest.raises(ConfigError, match="did you mean 'qwen3'"):
        family_of("Qwen-3")


def test_no_family_at_all(decoder, refused):
    assert refused(decoder) == "field 'model_type' is missing"
