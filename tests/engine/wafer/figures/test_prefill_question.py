"""Whole prompts: by a program of its own, and streamed through the layout of decode."""

from dataclasses import replace
from pathlib import Path

import pytest

import engine
from engine.errors import PlacementError, PredictionError
from engine.inspection import served_graph
from engine.wafer.figures import calibration, waferllm
from engine.wafer.figures.mesh_products import DedicatedConstants
from engine.wafer.figures.prefill_question import PrefillQuestion, dedicated
from engine.wafer.figures.served import ServedModel
from engine.wafer.figures.served_rows import DEDICATED_ROWS
from engine.wafer.figures.targets.prefill_targets import placed_as_measured
from engine.wafer.program import machine

BUNDLED = Path(__file__).parents[4] / "weights" / "spark-nano" / "config.json"
WSE3 = machine.get("wse3")


@pytest.fixture(scope="module")
def served():
    return ServedModel(served_graph())


def cycles(placed, constants=calibration.WSE3_DEDICATED):
    return waferllm.total(placed.operations(WSE3, constants))


def test_two_constants_meet_rows_that_were_kept_out(served):
    """Four rows that no constant was fitted on, of three chunk sizes and three builds."""
    kept_out = [row for row in DEDICATED_ROWS if not row.fitted]

    errors = [cycles(placed_as_measured(served, row)) / row.cycles - 1 for row in kept_out]

    assert len(kept_out) == 4
    assert max(map(abs, errors)) < 0.04


@pytest.mark.parametrize(
    ("tokens", "rate"), [(256, 4532.2), (1024, 13_761.8), (4096, 23_583.6), (8192, 24_700.2)]
)
def test_the_best_chunk_is_near_the_best_that_was_measured(served, tokens, rate):
    best = dedicated(served.shape, WSE3, PrefillQuestion(tokens))

    assert (best.blocks, best.side) == (8, 256)
    assert tokens / (cycles(best) / 0.85e9) == pytest.approx(rate, rel=0.1)


def test_the_recurrence_by_hand(served):
    """Three chunks: two pass the first block, the last one passes all layers."""
    constants = DedicatedConstants(0.0, 0.0, 0.0)
    one, two, three = (
        cycles(replace(placed_as_measured(served, DEDICATED_ROWS[0]), tokens=512 * n), constants)
        for n in (1, 2, 3)
    )
    pair = (two - one - one / 28 * 4) / 28  # 28 b + 4 (a + b) more than 28 (a + b)

    assert three - two == pytest.approx(4 * (one / 28 + pair) + 28 * pair, rel=1e-6)


def test_parts_add_up_and_the_streamed_way_stands_beside():
    answer = engine.predict_prefill("wse3", config=BUNDLED, tokens=128, side=64, blocks=2)
    shown = answer.as_json()

    assert sum(part for _, part in answer.operations) == pytest.approx(answer.cycles, abs=1)
    assert (shown["bit_exact"], shown["streamed_bit_exact"]) == (False, True)
    assert shown["streamed_blocks"] == shown["blocks"] == 2
    assert shown["streamed_cycles"] > 0


def test_what_does_not_fit_is_refused_with_its_bytes(served):
    with pytest.raises(PlacementError, match=r"8,192 tokens on blocks of 64².*code 30,664"):
        dedicated(served.shape, WSE3, PrefillQuestion(8192, blocks=1, side=64))


def test_a_large_model_takes_several_wafers(served):
    large = replace(served.shape, hidden=4096, ffn=14_336, layers=32)

    placed = dedicated(large, WSE3, PrefillQuestion(1024))

    assert placed.wafers > 1
    assert sum(placed.sram_bytes(WSE3).values()) <= WSE3.sram_bytes


@pytest.mark.parametrize(
    ("question", "refusal"),
    [
        (PrefillQuestion(64, side=2000), "side is 2000: it must be 1 to 755"),
        (PrefillQuestion(64, blocks=29), r"blocks is 29: it must be 1 to 28 \(layers\)"),
        (PrefillQuestion(64, chunk=0), "chunk is 0"),
    ],
)
def test_sizes_without_meaning(served, question, refusal):
    with pytest.raises(PredictionError, match=refusal):
        dedicated(served.shape, WSE3, question)


def test_a_prompt_has_a_token():
    with pytest.raises(PredictionError, match="tokens is 0: it must be 1 to"):
        engine.predict_prefill("wse3", config=BUNDLED, tokens=0)
