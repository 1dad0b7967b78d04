"""Prices of sizes: the same whether an earlier plan asked for them, and asked for once."""

from dataclasses import replace

import pytest

from engine.model.tensors import uniform_formats
from engine.model.tensors.floats import FP16
from engine.wafer.plan import size_prices
from engine.wafer.plan.planner import plan_shape
from engine.wafer.plan.shape_search import PlanOptions
from engine.wafer.program import machine
from tests.tiny import tiny_model

TINY = machine.get("tiny")


@pytest.fixture
def compiled(monkeypatch):
    """What is compiled for prices, from an empty start on."""
    seen = []
    compile_graph = size_prices.compile_graph

    def counted(graph, *arguments, **options):
        seen.append(graph.name)
        return compile_graph(graph, *arguments, **options)

    monkeypatch.setattr(size_prices, "compile_graph", counted)
    monkeypatch.setattr(size_prices, "_kept", {})
    return seen


def planned(context, spec=TINY, formats=None, **sizes):
    return plan_shape(tiny_model(**sizes).graph, spec, context, PlanOptions(formats=formats))


def test_a_plan_for_another_context_compiles_no_size_again(compiled):
    planned(8)
    first = len(compiled)
    assert first > 0
    later = planned(16)
    assert len(compiled) == first
    size_prices._kept.clear()
    alone = planned(16)
    assert later.candidates == alone.candidates
    assert later.placement.regions == alone.placement.regions


def test_what_changes_a_price_has_prices_of_its_own(compiled):
    planned(8)
    for other in (
        {"spec": replace(TINY, unpack_per_cycle=2)},
        {"formats": uniform_formats(tiny_model().graph.weights, FP16)},
        {"ffn": 96},
        {"layers": 1},
    ):
        before = len(compiled)
        kept = planned(8, **other)
        assert len(compiled) > before, other
        size_prices._kept.clear()
        assert planned(8, **other).candidates == kept.candidates


def test_the_prices_of_long_ago_are_let_go(compiled, monkeypatch):
    monkeypatch.setattr(size_prices, "_MOST_KEPT", 2)
    for ffn in (32, 64, 96):
        planned(8, ffn=ffn)
    assert len(size_prices._kept) == 2
    before = len(compiled)
    planned(8, ffn=96)
    assert len(compiled) == before
