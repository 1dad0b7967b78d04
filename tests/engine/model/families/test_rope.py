"""Rotations: the kinds that divide angles run, in both spellings; others are refused by name."""

import math

import pytest

from engine.errors import ConfigError
from engine.model.families import read_config, read_graph
from engine.model.families.fields import Fields
from engine.model.families.rope import Rope, read_rope

LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}


def rope(**fields):
    return read_rope(Fields(fields), 16)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, Rope(10000.0)),
        ({"rope_theta": 5e5}, Rope(5e5)),
        ({"rope_theta": 5e5, "rope_scaling": {"rope_type": "default"}}, Rope(5e5)),
        ({"rope_parameters": {"rope_type": "default", "rope_theta": 2e4}}, Rope(2e4)),
        ({"rope_scaling": {"type": "linear", "factor": 4.0}}, Rope(1e4, (4.0,) * 8)),
        ({"rope_parameters": {"rope_type": "linear", "factor": 2}}, Rope(1e4, (2.0,) * 8)),
        ({"spark_rope_factors": [1, 2.5] * 4}, Rope(1e4, (1.0, 2.5) * 4)),
    ],
)
def test_both_spellings(fields, expected):
    assert rope(**fields) == expected


def test_llama3_slows_slow_rotations_and_leaves_fast_ones():
    found = read_rope(Fields({"rope_theta": 5e5, "rope_scaling": LLAMA3}), 128).factors
    assert len(found) == 64
    for i, factor in enumerate(found):
        turns = 8192 * 5e5 ** (-2 * i / 128) / (2 * math.pi)
        if turns >= 4:
            assert factor == 1.0
        elif turns <= 1:
            assert factor == pytest.approx(8.0)
        else:
            share = (turns - 1) / 3
            assert 1 / factor == pytest.approx((1 - share) / 8 + share)
    assert {1.0, 8.0} < set(found)


@pytest.mark.parametrize("kind", ["yarn", "longrope", "dynamic", "su", "ntk", ["default"], 3])
@pytest.mark.parametrize("spelling", ["rope_scaling", "rope_parameters"])
def test_other_kinds_are_refused_by_name(kind, spelling):
    with pytest.raises(ConfigError, match=f"{spelling}.*supported: default, linear, llama3") as why:
        rope(**{spelling: {"rope_type": kind, "factor": 4.0}})
    assert repr(kind) in str(why.value)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"rope_scaling": "linear"}, "'rope_scaling' is \"linear\"; allowed: null or an object"),
        ({"rope_scaling": {"type": "linear"}}, "'factor' is missing"),
        ({"rope_scaling": {"type": "linear", "factor": 0}}, "'factor' is 0"),
        ({"rope_scaling": {"type": "linear", "factor": 2, "mscale": 1.0}}, "mscale is 1.0, which"),
        ({"rope_scaling": {"rope_type": "default", "factor": 2}}, "factor is 2, which .* ignore"),
        ({"rope_scaling": {"rope_type": "default", "mrope_section": [8]}}, "mrope_section"),
        (
            {"rope_scaling": LLAMA3 | {"low_freq_factor": 4}},
            "'low_freq_factor' is 4.0; allowed: be",
        ),
        ({"rope_scaling": LLAMA3 | {"original_max_position_embeddings": 0}}, "1 to"),
        ({"rope_theta": 0.0, "rope_scaling": LLAMA3}, "'rope_theta' is 0.0"),
        ({"spark_rope_factors": [1.0] * 7}, "has 7 numbers, not 8"),
        ({"spark_rope_factors": [-1.0] * 8}, "-1.0; allowed: a number above 0"),
        ({"spark_rope_factors": "1"}, "a list of numbers"),
        ({"spark_rope_factors": [1.0] * 8, "rope_scaling": LLAMA3}, "both scale"),
    ],
)
def test_what_would_be_lost_or_makes_no_sense(fields, words):
    with pytest.raises(ConfigError, match=words):
        rope(**fields)


def test_factors_are_in_the_graph_that_runs(decoder, written):
    path = written(
        decoder | {"model_type": "llama", "rope_scaling": {"type": "linear", "factor": 2}}
    )
    rotations = [n for n in read_config(path).graph("x").nodes if n.op == "rotary"]
    assert {node.numbers("factors") for node in rotations} == {(2.0,) * 8}
    assert "factors=2…2 (8)" in read_config(path).graph("x").describe()


@pytest.mark.parametrize(
    "scaling", [{"rope_type": "llama3", "factor": 8.0}, {"type": "yarn", "factor": 2.0}, {}, "?", 2]
)
def test_whatever_scales_them_has_the_price_of_none(decoder, written, scaling):
    graph = read_graph(written(decoder | {"model_type": "llama", "rope_scaling": scaling}))
    assert not any(node.numbers("factors") for node in graph.nodes)
