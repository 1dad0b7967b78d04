"""A training step with weights from outside: cycles by hand, what is kept, traffic, plans."""

from dataclasses import replace
from math import ceil
from pathlib import Path

import pytest

import engine
from engine.errors import PlacementError, PredictionError
from engine.wafer.figures.measured_training import GPT_J_6B, MEASURED_TRAINING
from engine.wafer.figures.streamed_training import EDGE_BYTES_PER_SECOND, StreamedTraining
from engine.wafer.figures.targets.training_targets import steps
from engine.wafer.figures.training_question import TrainingQuestion, cycles_of, fastest_streamed
from engine.wafer.program import machine

BUNDLED = Path(__file__).parents[4] / "weights" / "spark-nano" / "config.json"
WSE3 = machine.get("wse3")
GPT_J = StreamedTraining(GPT_J_6B, 755, 1170, 120, 2048, 24, "nothing")


def phases(placed):
    return dict(placed.phases(WSE3))


def test_a_layer_forward_by_hand():
    """GPT-J on 755 × 1,170: a core has 43 tokens of a micro-batch, 6 and 22 features."""
    assert GPT_J.held == ceil(24 * 2048 / 1170) == 43
    multiply, passed, way = ceil(43 / 4) + 6, 22 * 2, 755 + 1170
    products = 0
    for inputs, outputs in ((6, 12_288), (6, 4096), (6, 16_384), (22, 4096)):
        products += outputs * (inputs * multiply + passed) + way
    attention = 2048 * (6 * multiply + passed) + 2048 * 6 * multiply
    layers = GPT_J.micro_batches * 28
    assert phases(GPT_J)["forward"] == pytest.approx(layers * (products + attention))
    assert phases(GPT_J)["forward again"] == phases(GPT_J)["forward"]


def test_the_edge_sets_the_pace_of_few_tokens():
    one = replace(GPT_J, micro_batch=1, rows=1, tokens=16)
    weights = 2 * (4096 * 12_288 + 4096**2 + 2 * 4096 * 16_384)
    edge = weights / EDGE_BYTES_PER_SECOND * WSE3.clock_hz
    shown = phases(one)
    assert shown["waiting for the edge"] > 0
    assert sum(shown.values()) > 3 * 28 * edge


def test_keeping_more_saves_the_second_forward_and_takes_memory():
    small = replace(GPT_J, micro_batch=1)
    kept = {what: replace(small, kept=what) for what in ("activations", "inputs", "nothing")}
    assert phases(kept["activations"])["forward again"] == 0
    memory = [sum(each.sram_bytes(WSE3)["layer"].values()) for each in kept.values()]
    assert memory == sorted(memory, reverse=True)
    outside = [each.traffic(WSE3).off_chip_bytes for each in kept.values()]
    assert outside[0] == outside[1] < outside[2]
    assert outside[2] - outside[1] == 120 * 2 * 2 * 2048 * 4096 * 28


def test_the_fastest_that_fits_is_found():
    question = TrainingQuestion(120, 2048, layout="streamed")
    found = fastest_streamed(GPT_J_6B, WSE3, question)
    assert sum(found.sram_bytes(WSE3)["layer"].values()) <= WSE3.sram_bytes
    for rows in (1, 8, 16):
        given = replace(question, micro_batch=rows)
        assert cycles_of(fastest_streamed(GPT_J_6B, WSE3, given), WSE3) >= cycles_of(found, WSE3)
    with pytest.raises(PlacementError, match="a layer at work; use shorter rows"):
        fastest_streamed(GPT_J_6B, WSE3, replace(question, micro_batch=60))


def test_measured_steps_are_rows_with_signed_errors():
    """All four runs, Llama's with both lengths that a sample may have; ours never is faster."""
    rows = list(steps())
    assert len({row.id for row in rows}) == len(rows) == 6
    assert len(MEASURED_TRAINING) == 4
    assert all(-0.75 < row.signed_error < -0.3 for row in rows)


def test_without_a_gate_there_is_a_product_less():
    gated = replace(GPT_J, model=replace(GPT_J_6B, gated=True))
    assert gated.macs() - GPT_J.macs() == 3 * 28 * 4096 * 16_384 * 120 * 2048
    assert phases(gated)["forward"] > phases(GPT_J)["forward"]


def test_the_faster_layout_of_one_wafer_is_predicted_and_planned():
    found = engine.predict_train_step("wse3", config=BUNDLED, rows=8, tokens=64).as_json()
    plan = engine.plan_training("wse3", config=BUNDLED, rows=8, tokens=64)
    by_name = {each["layout"]: each for each in plan["layouts"]}
    assert set(by_name) == {"resident", "streamed", "program"}
    fitting = {name: each for name, each in by_name.items() if each["fits_one_wafer"]}
    assert plan["fastest"] == found["layout"] == min(fitting, key=lambda n: fitting[n]["cycles"])
    assert found["cycles"] == by_name[found["layout"]]["cycles"]
    assert "use shorter rows" in by_name["program"]["limited_by"]
    for name in ("resident", "streamed"):
        asked = engine.predict_train_step("wse3", config=BUNDLED, rows=8, tokens=64, layout=name)
        assert asked.cycles == by_name[name]["cycles"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"micro_batch": 9}, "micro-batch is 9: it must be 1 to 8"),
        ({"optimizer": "sgd"}, "unknown optimizer 'sgd'"),
    ],
)
def test_a_plan_refuses_what_makes_no_sense(given, message):
    with pytest.raises(PredictionError, match=message):
        engine.plan_training("wse3", config=BUNDLED, rows=8, tokens=64, **given)
