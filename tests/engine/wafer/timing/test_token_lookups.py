"""A known token's column decides when its row is found: the formulas follow the simulated chip."""

from dataclasses import replace

import numpy as np
import pytest

from engine.wafer.check.comparison import Comparison
from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.placement import place
from engine.wafer.place.shape import Shape
from engine.wafer.program import machine
from tests.tiny import tiny_model
from tests.wafers import placed, random_machine, random_placement, runner_on

SPEC = replace(machine.get("small"), columns=256, rows=64, hop_cycles=3)


@pytest.fixture(scope="module")
def scene():
    """A head so wide and hops so slow that columns are hundreds of cycles apart."""
    model = tiny_model(seed=4, hidden=128, layers=2, heads=2, kv_heads=1, ffn=96, vocab=320)
    return model, place(model_shape(model.graph), SPEC, Shape(8, 4, 60, blocks=2), 32)


def cycles(scene, token):
    """(by formula, simulated) of one token."""
    model, placement = scene
    comparison = Comparison(runner_on(model, SPEC, placement), model.tensors, 1, 0)
    step = comparison.chip.step(np.array([token], np.int32))
    timing = comparison.timing
    counts = timing.count_in_columns(np.array([token], np.int32), 0)
    return timing.elapsed(counts)[0], step.cycles, timing.step_cycles(0)


def test_a_token_in_any_column_takes_the_cycles_of_the_chip(scene):
    found = [cycles(scene, token) for token in (0, 3, 9, 100, 170, 260, 319)]

    for formula, simulated, _ in found:
        assert abs(formula - simulated) <= 8
    middle = {priced for *_, priced in found}
    assert len(middle) == 1
    assert max(formula for formula, *_ in found) - min(formula for formula, *_ in found) > 300


def test_the_head_idles_as_long_as_its_lookups_take(scene):
    """Rows after each other from far and near columns."""
    model, placement = scene
    comparison = Comparison(runner_on(model, SPEC, placement), model.tensors, 6, 0)
    report = comparison.run()

    head = comparison.program.regions[-1]
    assert report.states["idle"].beyond <= 0.01 * report.states["idle"].compared
    assert head.width == 60


@pytest.mark.parametrize("seed", [3, 8, 21])
def test_random_heads(seed):
    random = np.random.default_rng(seed)
    model = tiny_model(seed=seed, hidden=64, layers=1, heads=2, kv_heads=1, ffn=64, vocab=300)
    spec = random_machine(random)
    placement = random_placement(random, model, spec)
    _, timing = placed(model, spec, placement)
    runner = runner_on(model, spec, placement)
    for token in random.integers(0, 300, 3):
        chip = Comparison(runner, model.tensors, 1, 0).chip
        step = chip.step(np.array([token], np.int32))
        formula = timing.elapsed(timing.count_in_columns(np.array([token], np.int32), 0))[0]
        middle = timing.step_cycles(0)
        assert abs(formula / step.cycles - 1) < 0.01
        assert abs(formula - step.cycles) <= abs(middle - step.cycles) + 8
