"""Layers that differ in eps, scale and rotary base: a tier reads each instruction's own numbers."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from engine.model.reference import Fp32Reference, QuantisedReference
from engine.wafer.check.comparison import Comparison
from engine.wafer.compile.compiler import compile_graph
from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.placement import place
from engine.wafer.place.shape import Shape
from engine.wafer.plan.planner import plan_shape
from engine.wafer.program import machine
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.program import Norm
from engine.wafer.timing.timing import Timing
from tests.tiny import tiny_model, with_attributes
from tests.wafers import runner_on

SMALL = machine.get("small")
SHAPE = Shape(8, 4, 6, blocks=2)  # two columns share a head
TOKENS = np.array([5, 90, 7, 33, 260, 12], np.int32)

DIFFERENCES = {
    "eps": ("norm", {"eps": 0.5}),
    "scale": ("attention", {"scale": 0.9}),
    "base": ("rotary", {"base": 20.0}),
}
"""What the second layer has of its own."""


def unequal(*names):
    """The tiny model with a second layer that differs from the first."""
    model = tiny_model(seed=1)
    graph = model.graph
    for name in names:
        op, attributes = DIFFERENCES[name]
        graph = with_attributes(graph, op, 1, **attributes)
    return replace(model, graph=graph)


def runner_of(model):
    return runner_on(model, SMALL, place(model_shape(model.graph), SMALL, SHAPE, 32))


@pytest.fixture(scope="module")
def model():
    return unequal(*DIFFERENCES)


def test_the_fast_tier_is_the_reference(model):
    runner = runner_of(model)
    expected = QuantisedReference(model.graph, model.tensors, runner.placed.orders).forward(TOKENS)

    assert np.array_equal(runner.prefill(TOKENS[:4]), expected[3])
    assert np.array_equal(runner.decode(int(TOKENS[4])), expected[4])


def test_the_fast_tier_is_the_cycle_tier(model):
    report = Comparison(runner_of(model), model.tensors, 3, 1).run()

    assert report.first_difference is None
    assert report.values_compared > 1000
    assert report.wavelets["sent"] + report.wavelets["copied"] == report.wavelets["taken"]
    assert abs(report.relative_error) < 0.05
    assert report.states["mac"].largest == 0


@pytest.mark.parametrize("name", DIFFERENCES)
def test_each_difference_shows_from_the_second_layer_on(name):
    """Otherwise all tiers might agree in reading the first layer's numbers."""
    equal, other = unequal(), unequal(name)
    runners = [runner_of(each) for each in (equal, other)]
    assert not np.array_equal(*(runner.prefill(TOKENS) for runner in runners))

    for reference in (Fp32Reference, partial(QuantisedReference, orders=runners[0].placed.orders)):
        plain, changed = (
            reference(each.graph, each.tensors).trace(TOKENS) for each in (equal, other)
        )
        same = {name for name in plain if np.array_equal(plain[name], changed[name])}
        assert {name for name in plain if name.startswith("layer 0")} <= same
        assert "logits" not in same


def test_a_program_has_an_entry_for_each_kind(model):
    equal, other = (
        compile_graph(each.graph, SMALL, place(model_shape(each.graph), SMALL, SHAPE, 32)).program
        for each in (unequal(), model)
    )

    assert (len(equal.norms), len(equal.rotaries), len(equal.attentions)) == (1, 1, 1)
    assert other.norms == (Norm("rms", 1e-5), Norm("rms", 0.5))
    assert [kind.base for kind in other.rotaries] == [10000.0, 20.0]
    assert [kind.scale for kind in other.attentions] == [0.25, 0.9]
    assert {kind.dim_parts for kind in other.attentions} == {2}
    table = other.instructions
    for op, kinds in ((Op.NORM, [0, 0, 1, 1, 0]), (Op.ROTARY, [0, 1]), (Op.ATTENTION, [0, 1])):
        assert table[table[:, Field.OP] == op, Field.VARIANT].tolist() == kinds
    assert other.hash != equal.hash


def test_a_second_kind_of_rotation_travels_with_the_row():
    """Its angles are as many wavelets more on lane 0, and nothing else costs cycles."""
    equal, other = (
        compile_graph(each.graph, SMALL, place(model_shape(each.graph), SMALL, SHAPE, 32)).program
        for each in (unequal("eps", "scale"), unequal("base"))
    )

    longer = other.instructions[:, Field.CYCLES] - equal.instructions[:, Field.CYCLES]
    carries = np.isin(equal.instructions[:, Field.OP], (Op.EMBED, Op.SEND))
    angles = 16 * SMALL.inject_cycles_per_wavelet
    assert set(longer[carries].tolist()) == {0, angles}  # none leave the layers
    assert set(longer[~carries].tolist()) <= {0}


def test_a_cap_in_one_layer_is_priced_in_that_layer():
    graphs = {
        "none": tiny_model(seed=1).graph,
        "one": with_attributes(tiny_model(seed=1).graph, "attention", 1, softcap=30.0),
        "both": with_attributes(tiny_model(seed=1).graph, "attention", softcap=30.0),
    }
    cycles, estimates = {}, {}
    for name, graph in graphs.items():
        placement = place(model_shape(graph, runs=False), SMALL, SHAPE, 32, runs=False)
        timing = Timing(compile_graph(graph, SMALL, placement), placement)
        cycles[name] = timing.step_cycles(20)
        estimates[name] = plan_shape(graph, SMALL, 32).chosen.cycles_by_op["attention"]
        first, second = timing.growth(20)[0].tolist()
        assert (first < second) == (name == "one")

    assert cycles["both"] - cycles["one"] == pytest.approx(cycles["one"] - cycles["none"], rel=0.05)
    assert cycles["none"] < cycles["one"]
    assert estimates["one"] * 2 == estimates["none"] + estimates["both"]
