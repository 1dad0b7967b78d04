"""Ranges beside predictions: found again from the rows and the assumptions they rest on."""

from dataclasses import replace

import pytest

import engine
from engine.inspection import served_graph
from engine.wafer.figures import calibration, sensitivity, table
from engine.wafer.figures.collective_questions import CollectiveQuestion, collective
from engine.wafer.figures.layer_questions import decode_layer
from engine.wafer.figures.sensitivity import ASSUMPTIONS, Assumption, Effect, combined
from engine.wafer.figures.served import ServedModel
from engine.wafer.figures.spreads import SPREADS, Spread, of_errors, spread
from engine.wafer.figures.targets import prefill_targets, served_targets, waferllm_targets
from engine.wafer.program import machine

WSE3 = machine.get("wse3")


@pytest.fixture(scope="module")
def served():
    return ServedModel(served_graph())


def errors(rows):
    """Errors of the rows that were kept out and have a bound or another model's constants."""
    kept_out = [row for row in rows if row.role == "held_out"]
    assert kept_out
    return [row.signed_error for row in kept_out]


def near(kind, found):
    known = SPREADS[kind]
    assert (known.low, known.high) == pytest.approx(of_errors(found), abs=1.5e-3)


def test_a_range_takes_every_error_back():
    low, high = of_errors([0.25, -0.2])

    assert (low, high) == (1 / 1.25, 1 / 0.8)
    assert of_errors([0.25]) == (0.8, 1.0)


def test_decode_on_wse3(served):
    parts = (served_targets.decode, served_targets.known_tokens, served_targets.deep)
    rows = [row for part in parts for row in part(served) if row.bound is not None]
    rows = [row for row in rows if not row.id.startswith("29/")]  # a pipelined row, not a token

    assert len(errors(rows)) == 15
    near(("wse3", "decode"), errors(rows))


def test_prefill_on_wse3(served):
    near(("wse3", "prefill"), errors(prefill_targets.dedicated(served)))


def test_layers_on_wse2():
    by_other_model = [row for row in waferllm_targets.decode() if "left out" in row.id]
    prefill = [row for row in waferllm_targets.prefill() if row.unit == "cycles"]

    near(("wse2", "decode-layer"), errors(by_other_model))
    near(("wse2", "prefill-layer"), errors(prefill))
    near(("wse2", "gemv"), errors(waferllm_targets.gemv()))


def test_what_was_not_measured_has_the_wider_range():
    for kind in ("decode", "prefill", "collective", "multicast"):
        measured = SPREADS.get(("wse3", kind)) or SPREADS[("wse2", kind)]
        elsewhere = spread("mine", kind)
        assert elsewhere.low <= measured.low
        assert elsewhere.high + elsewhere.more_cycles / 1000 >= measured.high


def test_every_prediction_has_its_range():
    wse2 = decode_layer("wse2", dim=64, ffn=64, seq=64, side=8).as_json()
    reduction = collective("wse3", CollectiveQuestion("reduce", "chain", 8, 4))

    assert wse2["low"] < wse2["likely"] == wse2["cycles"] < wse2["high"]
    assert "WaferLLM" in wse2["range_from"]
    assert reduction.as_json()["high"] == round(reduction.cycles * 1.04) + 57
    formula = collective("wse3", CollectiveQuestion("reduce", "chain", 8, 4), tier="formula")
    assert "low" not in formula.as_json()


def test_ends_of_a_range():
    assert Spread(0.5, 2.0, "", 7).ends(10) == (5, 27)


# ── assumptions ─────────────────────────────────────────────────────────────────────────────


def test_an_assumption_lies_in_its_range():
    for each in ASSUMPTIONS:
        assert each.low <= getattr(WSE3, each.field) <= each.high


def test_deviations_add_by_their_squares():
    some = Assumption("task_cycles", 0, 2, "")

    low, high = combined([Effect(some, 1, -0.03, 0.0), Effect(some, 1, 0.0, -0.04)])

    assert (low, high) == (pytest.approx(0.95), 1.0)


def test_an_effect_is_what_the_price_says(served, monkeypatch):
    one = Assumption("task_cycles", 170, 182, "")
    monkeypatch.setattr(sensitivity, "ASSUMPTIONS", (one,))

    (effect,) = sensitivity.effects(served, WSE3, 256)

    less = served.priced(replace(WSE3, task_cycles=170)).step_cycles(256)
    assert effect.low == less / served.priced(WSE3).step_cycles(256) - 1
    assert effect.low < effect.high == 0.0


def test_ranges_of_constants_hold_them():
    ranges = {each["name"]: (each["value"], each["range"]) for each in calibration.facts()}

    for name in ("task", "sample", "decode: collective", "decode: wavelet", "prefill: step"):
        value, (low, high) = ranges[name]
        assert low <= value <= high, name
        assert low < high
    assert ranges["ramp"][1] is None


def test_the_table_of_subjects_has_the_new_ones(served):
    names = set(table.subjects(served))

    assert {"known tokens of a served model", "dedicated prefill of a served model"} <= names
    assert callable(engine.wafer_sensitivity)
