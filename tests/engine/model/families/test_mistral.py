"""A Mistral is a Llama inside its window; beyond it has no price."""

import pytest

from engine.errors import ConfigError
from engine.model.families import read_config, read_graph
from engine.model.families.fields import Fields
from engine.model.families.llama import LlamaConfig
from engine.model.families.mistral import MistralConfig


@pytest.fixture
def mistral(decoder):
    return decoder | {"model_type": "mistral", "sliding_window": 32}


def test_inside_its_window_it_is_a_llama(decoder, mistral, written):
    assert read_graph(written(mistral), 32).layers == 2
    llama = LlamaConfig.read(Fields(decoder)).graph("x").describe()
    assert MistralConfig.read(Fields(mistral)).graph("x").describe() == llama


@pytest.mark.parametrize(("context", "named"), [(33, 33), (None, 64)])
def test_a_longer_context_is_refused(mistral, written, context, named):
    with pytest.raises(ConfigError, match=f"'sliding_window' is 32, the context {named}: windows"):
        read_graph(written(mistral), context)


@pytest.mark.parametrize("change", [{"sliding_window": None}, {"use_sliding_window": False}])
def test_a_window_that_is_switched_off_binds_nothing(mistral, written, change):
    assert read_graph(written(mistral | change)).context_length == 64


def test_it_does_not_run_and_the_message_says_why(mistral, written):
    words = r"'model_type' is \"mistral\"; allowed: 'llama' \(mistral can be priced.*no sliding win"
    with pytest.raises(ConfigError, match=words):
        read_config(written(mistral))
