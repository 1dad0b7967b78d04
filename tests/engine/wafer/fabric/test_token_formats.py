"""Weights of every format on simulated cores: the bits of the reference, spans included."""

import numpy as np
import pytest

from engine.model.reference import QuantisedReference
from engine.model.tensors import packed_formats
from engine.wafer.check.comparison import Comparison
from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.placement import place
from engine.wafer.place.shape import Shape
from engine.wafer.program import machine
from tests.tiny import tiny_model
from tests.wafers import chip_on, random_machine, random_mixed_model, random_placement, runner_on

SMALL = machine.get("small")
TOKENS = np.array([7, 200, 45], np.int32)
NAMES = [format.name for format in packed_formats().values()]
SPANS = {"whole groups": Shape(4, 8, 6), "halves": Shape(8, 16, 3), "quarters": Shape(16, 32, 5)}


def assert_the_chip_is_the_reference(model, spec, placement):
    chip = chip_on(model, spec, placement)
    reference = QuantisedReference(model.graph, model.tensors, chip.placed.orders)

    expected = reference.forward(TOKENS)

    assert np.array_equal(chip.prefill(TOKENS[:2]), expected[1])
    assert np.array_equal(chip.decode(int(TOKENS[2])), expected[2])
    timed = chip.placed.timing.step_cycles(2)
    assert abs(chip.placed.step_cycles(2) - timed) <= 0.05 * timed


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", SPANS.values(), ids=SPANS)
def test_a_format_alone(name, shape):
    model = tiny_model(
        3, {"": name}, hidden=256, layers=1, heads=8, kv_heads=2, head_dim=32, ffn=256
    )
    placement = place(model_shape(model.graph, model.formats), SMALL, shape, 32)
    assert_the_chip_is_the_reference(model, SMALL, placement)


@pytest.mark.parametrize("seed", [1, 2, 3, 5, 7, 9, 11, 12, 13])
def test_stacks_of_several_formats(seed):
    """Random formats by matrix, machines and placements."""
    random = np.random.default_rng(seed)
    model, spec = random_mixed_model(random), random_machine(random)
    assert_the_chip_is_the_reference(model, spec, random_placement(random, model, spec))


def test_the_fast_tier_and_the_chip_agree_on_a_mix():
    """Every value of every instruction, core by core: what `wafer check` compares."""
    model = tiny_model(
        5,
        {"v_proj": "q6_k", "o_proj": "q5_k", "up_proj": "q5_1", "down": "q4_1", "embed": "q5_0",
         "gate": "q4_0", "": "q4_k"},
        hidden=256, layers=2, heads=8, kv_heads=2, head_dim=32, ffn=256,
    )  # fmt: skip
    placement = place(model_shape(model.graph, model.formats), SMALL, Shape(16, 16, 6, 1), 32)

    report = Comparison(runner_on(model, SMALL, placement), model.tensors, 3, 1).run()

    assert report.first_difference is None
    assert report.values_compared > 1000
    assert abs(report.relative_error) < 0.01
    # Unpacking, scales and minima cost a core the same on both tiers, and so do more wavelets.
    assert {name: report.states[name].largest for name in ("mac", "vector", "stall_pipe")} == {
        "mac": 0, "vector": 0, "stall_pipe": 0,
    }  # fmt: skip
    assert report.states["comm"].largest <= 8
