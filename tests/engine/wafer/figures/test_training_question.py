"""A training step by a program of its own: phases that add up, memory, what limits it."""

from dataclasses import replace
from pathlib import Path

import pytest

import engine
from engine.errors import PlacementError, PredictionError
from engine.model.families import read_graph
from engine.model.tensors import uniform_formats
from engine.model.tensors.floats import FP16
from engine.wafer.figures import calibration, waferllm
from engine.wafer.figures.dedicated_prefill import DedicatedPrefill
from engine.wafer.figures.dedicated_training import DedicatedTraining
from engine.wafer.figures.mesh_products import mesh_product
from engine.wafer.place.model_shape import model_shape
from engine.wafer.program import machine

BUNDLED = Path(__file__).parents[4] / "weights" / "spark-nano" / "config.json"
WSE3, CONSTANTS = machine.get("wse3"), calibration.WSE3_DEDICATED


@pytest.fixture(scope="module")
def nano():
    graph = read_graph(BUNDLED)
    shape = model_shape(graph, uniform_formats(graph.weights, FP16), runs=False)
    return DedicatedTraining(shape, 64, 6, 1, rows=8, tokens=512, recompute=False)


def phases(placed):
    return dict(placed.phases(WSE3, CONSTANTS))


def step_cycles(placed):
    return waferllm.total(placed.phases(WSE3, CONSTANTS))


def test_forward_is_the_dedicated_prefill_of_a_row(nano):
    prompt = DedicatedPrefill(nano.model, 64, 6, 512, 512)
    layers = waferllm.total(prompt.operations(WSE3, CONSTANTS))
    assert phases(nano)["forward"] == pytest.approx(8 * layers / 6, rel=1e-6)


def test_backward_by_hand(nano):
    """spark-nano on 64²: a core has 8 tokens, 4 features, 4 of q, 2 of k, 12 of the ffn."""

    def cost(rows, inner, outputs):
        return mesh_product(WSE3, CONSTANTS, 64, rows, inner, outputs)

    products = 0.0
    for k, n in ((4, 8), (4, 4), (4, 24), (12, 4)):
        products += cost(8, n, k) + min(cost(k, 8, n), cost(n, 8, k))
    prompt = DedicatedPrefill(nano.model, 64, 6, 512, 512)
    attention = 2 * prompt.scores(WSE3, CONSTANTS) + 3 * prompt.values(WSE3, CONSTANTS)
    assert phases(nano)["backward"] == pytest.approx(8 * (products + attention))


def test_a_further_row_costs_one_pace_of_the_slowest_block(nano):
    more = replace(nano, rows=9)
    shown = phases(nano)
    pace = (shown["forward"] + shown["backward"] + shown["waiting for the head"]) / 8
    assert step_cycles(more) - step_cycles(nano) == pytest.approx(pace, abs=1)


def test_a_step_on_one_block_only_fills_with_the_head(nano):
    one = replace(nano, blocks=1, rows=1)
    assert one.layers_of_a_block == 6
    shown = phases(one)
    layers = shown["forward"] + shown["backward"]
    alone = phases(replace(nano, rows=1))
    assert layers == pytest.approx(6 * (alone["forward"] + alone["backward"]))
    assert shown["filling and draining"] < shown["forward"]


def test_computing_again_costs_a_forward_and_keeps_less(nano):
    again = replace(nano, recompute=True)
    assert phases(again)["forward again"] == phases(nano)["forward"]
    kept = "activations kept"
    uses = nano.sram_bytes(WSE3)["layers"], again.sram_bytes(WSE3)["layers"]
    assert uses[1][kept] * 10 < uses[0][kept]
    assert {k: v for k, v in uses[0].items() if k != kept} == {
        k: v for k, v in uses[1].items() if k != kept
    }


def test_memory_by_hand(nano):
    uses = nano.sram_bytes(WSE3)
    weights = 4 * 8 + 4 * 4 + 4 * 24 + 12 * 4  # of a layer and a core
    assert uses["layers"]["weights, gradients, momentum"] == 14 * weights
    # Eight tokens, 16 + 12 + 4 + 48 numbers each, fp16; seven rows wait in six blocks and the head.
    assert uses["layers"]["activations kept"] == 2 * 8 * 80 * 7
    assert uses["head"]["weights, gradients, moments"] == 18 * 128 * 4


def test_multiply_accumulates_are_three_times_a_forward_pass(nano):
    layer = 256 * (256 + 128 + 128 + 256 + 3 * 768) + 256 * 513
    assert nano.macs() == 3 * (6 * layer + 256 * 8192) * 8 * 512


def test_the_fastest_side_that_fits_is_chosen_and_all_is_told():
    answer = engine.predict_train_step("wse3", config=BUNDLED, rows=8, tokens=512)
    shown = answer.as_json()
    assert sum(part for _, part in answer.operations) == pytest.approx(answer.cycles, abs=1)
    for side in (64, 128, 256):
        given = engine.predict_train_step("wse3", config=BUNDLED, rows=8, tokens=512, side=side)
        assert answer.cycles <= given.cycles
    fullest = max(sum(uses.values()) for uses in shown["sram_bytes"].values())
    assert fullest <= WSE3.sram_bytes
    assert shown["low"] < shown["likely"] < shown["high"]
    assert (shown["calibrated"], shown["bit_exact"]) == (False, False)


def test_long_rows_are_computed_again_before_they_take_another_wafer():
    short = engine.predict_train_step("wse3", config=BUNDLED, rows=64, tokens=512, side=64)
    long = engine.predict_train_step("wse3", config=BUNDLED, rows=64, tokens=2048, side=64)
    assert not short.as_json()["recompute"]
    assert (long.as_json()["recompute"], long.as_json()["wafers"]) == (True, 1)


def test_what_fits_nowhere_is_refused_with_what_is_in_the_way():
    with pytest.raises(PlacementError, match=r"most is weights.*use more cores a side"):
        engine.predict_train_step("wse3", config=BUNDLED, rows=8, tokens=64, side=8, blocks=1)


def test_a_machine_that_is_too_small_for_a_block_and_a_head_says_so():
    with pytest.raises(PlacementError, match="most is"):
        engine.predict_train_step("tiny", config=BUNDLED, rows=8, tokens=64, side=16, blocks=6)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({"rows": 0, "tokens": 64}, "rows is 0"),
        ({"rows": 1, "tokens": 4096}, "tokens is 4096: it must be 1 to"),
        ({"rows": 1, "tokens": 64, "side": 2000}, "side is 2000: it must be 1 to 755"),
        ({"rows": 1, "tokens": 64, "blocks": 7}, "blocks is 7: it must be 1 to 6"),
    ],
)
def test_sizes_that_make_no_sense_are_refused(question, message):
    with pytest.raises(PredictionError, match=message):
        engine.predict_train_step("wse3", config=BUNDLED, **question)
