"""A row simulated alone at its position takes the cycles it takes after all rows before it."""

import numpy as np
import pytest

from engine.errors import TraceError
from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.placement import place
from engine.wafer.place.shape import Shape
from engine.wafer.plan.placed import Placed
from engine.wafer.program import machine
from engine.wafer.xray import simulated_row
from engine.wafer.xray.simulated_row import simulate_row
from engine.wafer.xray.wave import RowWave, bands_at
from tests.tiny import tiny_model
from tests.wafers import chip_on

SMALL = machine.get("small")


@pytest.fixture(scope="module")
def model():
    return tiny_model(seed=3, hidden=64, layers=2, heads=4, kv_heads=2, head_dim=16, context=32)


@pytest.fixture(scope="module")
def placement(model):
    shape = Shape(columns=4, rows=2, head_columns=8, blocks=2)
    return place(model_shape(model.graph), SMALL, shape, 32)


def test_cycles_are_those_after_all_rows_before(model, placement):
    chip = chip_on(model, SMALL, placement)._chip
    for token in (5, 6, 7, 8):
        step = chip.step(np.array([token], np.int32))
    told = []
    alone = simulate_row(
        Placed(model.graph, SMALL, placement),
        model.tensors,
        position=3,
        token=8,
        on_progress=lambda done, total, label: told.append(done / total),
    )
    assert alone.cycles == step.cycles
    assert len(told) > 10
    assert told == sorted(told)


def test_bands_lie_where_the_formulas_put_them_and_end_with_the_row(model, placement):
    placed = Placed(model.graph, SMALL, placement)
    row = simulate_row(placed, model.tensors, position=3, token=8)
    formulas = bands_at(RowWave.of(placed.compiled), placed.timing, 3)
    assert row.bands[:, 5].max() == row.cycles
    assert (row.bands[:, 4] >= 0).all()
    assert (row.bands[:, 5] > row.bands[:, 4]).all()
    assert _cores(row.bands) == _cores(formulas)
    # The middle of the wave is where the formulas have it, within 5 % of the row.
    for number in np.unique(formulas[:, 6]):
        ours, theirs = (b[b[:, 6] == number, 5].max() for b in (row.bands, formulas))
        assert abs(int(ours) - int(theirs)) <= 0.05 * row.cycles


def _cores(bands):
    """Every core that a table of bands touches."""
    return {
        (x + i, y + j)
        for x, y, width, height in bands[:, :4].tolist()
        for i in range(width)
        for j in range(height)
    }


def test_a_model_that_is_too_large_is_refused(model, placement, monkeypatch):
    monkeypatch.setattr(simulated_row, "MOST_WORK", 100)
    with pytest.raises(TraceError, match="too large to be simulated here"):
        simulate_row(Placed(model.graph, SMALL, placement), model.tensors, position=0, token=1)
