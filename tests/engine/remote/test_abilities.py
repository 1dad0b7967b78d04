"""What a server can do is seen in what it answers and counts, not in what it is called."""

import pytest

from engine.errors import ModelError, ServerError
from engine.remote.abilities import find_abilities
from engine.remote.fill_prompt import FillWay
from engine.remote.http_link import HttpLink
from engine.remote_host import remote_address
from tests.engine.remote.other_engine import running


def found(**facts):
    with running(**facts) as engine:
        return find_abilities(HttpLink(engine.address), engine.address)


@pytest.mark.parametrize(
    ("facts", "way"),
    [
        ({"suffix": True, "markers": True, "infill": True}, FillWay.SUFFIX),
        ({"markers": True, "infill": True}, FillWay.MARKERS),
        ({"infill": True}, FillWay.INFILL),
        ({}, FillWay.NONE),
        # One that counts nothing cannot be seen to read a suffix.
        ({"suffix": True, "infill": True, "usage": False}, FillWay.INFILL),
    ],
)
def test_how_it_fills_the_middle(facts, way):
    assert found(**facts).fills is way


def test_a_base_model_does_not_converse_and_some_servers_only_do():
    assert found(chats=False).chats is False
    only = found(completes=False)
    assert (only.chats, only.completes) == (True, False)
    with pytest.raises(ModelError, match="neither completes nor answers"):
        found(completes=False, chats=False)


def test_the_context_and_the_size_of_a_token_are_the_servers():
    abilities = found()
    assert abilities.context_length == 2048
    assert abilities.characters_per_token == pytest.approx(3.0, rel=0.1)


def test_a_model_that_is_not_there_is_named_with_those_that_are():
    with running() as engine:
        other = remote_address(f"openai:http://127.0.0.1:{engine.port}/v1#other")
        with pytest.raises(ModelError, match=r"has no model 'other'; it has Qwen/Qwen2\.5-Coder"):
            find_abilities(HttpLink(other), other)


def test_a_wrong_key_is_not_taken_for_a_lack_of_abilities():
    with running(key="k") as engine, pytest.raises(ServerError, match="wrong key"):
        find_abilities(HttpLink(engine.address), engine.address)
