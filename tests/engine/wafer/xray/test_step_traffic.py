"""Traffic by formula beside the links of the simulated chip, and by hand on one line."""

import numpy as np
import pytest

from engine.wafer.cost.lines import Line
from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.placement import place
from engine.wafer.place.shape import Shape
from engine.wafer.program import machine
from engine.wafer.xray.traffic import Traffic, TrafficTable
from tests.tiny import tiny_model
from tests.wafers import chip_on

PORTS, RAMP = 5, 4
ALL = (slice(None), slice(None))


def simulated(model, shape):
    """(Placed, wavelets that crossed links between routers in the third of three steps)."""
    spec = machine.get("small")
    placement = place(model_shape(model.graph), spec, shape, model.graph.context_length)
    runner = chip_on(model, spec, placement)
    chip = runner._chip
    for token in (1, 2, middle_token(runner.placed)):
        step = chip.step(np.array([token], np.int32))
    links = step.links.reshape(-1, PORTS)
    return runner.placed, int(links.sum() - links[:, RAMP].sum())


def middle_token(placed):
    """A token whose row lies in the column that lookups are priced for."""
    outputs = placed.placement.head_outputs
    return int(np.cumsum(outputs)[len(outputs) // 2]) - 1


@pytest.mark.parametrize(
    "shape",
    [
        Shape(columns=4, rows=2, head_columns=8, blocks=1),
        Shape(columns=2, rows=4, head_columns=5, blocks=2),
        Shape(columns=8, rows=2, head_columns=3, blocks=2),
    ],
)
def test_the_links_that_the_formulas_count_are_those_that_the_simulation_crosses(shape):
    model = tiny_model(seed=3, hidden=64, layers=2, heads=4, kv_heads=2, head_dim=16, context=32)
    placed, links = simulated(model, shape)
    sent = TrafficTable(placed.compiled).of_step(placed.timing, 2, 1, 1)
    assert sent.hops == links


def test_a_chain_in_two_phases_crosses_as_many_links_as_by_hand():
    traffic = Traffic(1, 8)
    line = Line(ALL, axis=1, extent=8, length=8)
    traffic.reduce(line, 4, 10)
    # Six neighbours inside the two groups, one root four links away; ten words each.
    assert (traffic.wavelets, traffic.hops, traffic.collectives) == (70, 100, 1)
    traffic.multicast(line, 3)
    assert (traffic.wavelets, traffic.hops, traffic.collectives) == (73, 121, 2)
