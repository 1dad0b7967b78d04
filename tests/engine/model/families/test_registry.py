"""The registry: which kinds of models there are, which run, and what is said of others."""

import pytest

from engine.errors import ConfigError
from engine.model.families import FAMILIES, read_config, read_graph


def test_llama_runs_and_the_others_say_why_they_do_not():
    runs = {name for name, family in FAMILIES.items() if not family.only_priced}
    assert runs == {"llama"}
    assert set(FAMILIES) - runs == {"mistral", "qwen2", "qwen3", "gemma"}


@pytest.mark.parametrize("kind", sorted(FAMILIES))
def test_every_family_has_a_price(kind, decoder, written):
    assert read_graph(written(decoder | {"model_type": kind})).layers == 2


def test_an_unknown_family_gets_a_hint(decoder, written):
    with pytest.raises(ConfigError, match=r"allowed: 'llama'; did you mean 'llama'\?"):
        read_config(written(decoder | {"model_type": "lama"}))
    with pytest.raises(ConfigError, match=r"\"mamba2\"; allowed: 'llama'$"):
        read_config(written(decoder | {"model_type": "mamba2"}))


@pytest.mark.parametrize("kind", ["gpt2", None, ["llama"]])
def test_an_unknown_family_has_no_price(kind, decoder, written):
    with pytest.raises(ConfigError, match="cannot be priced; known: llama, mistral, qwen2, qwen3"):
        read_graph(written(decoder | {"model_type": kind}))


@pytest.mark.parametrize("name", ["num_local_experts", "num_experts", "final_logit_softcapping"])
def test_what_costs_time_and_is_not_in_the_graph_has_no_price(name, decoder, written):
    with pytest.raises(ConfigError, match=f"'{name}' is 8: it has no price here yet"):
        read_graph(written(decoder | {"model_type": "llama", name: 8}))
