"""A region alone, fed over its lanes, does what it does in the whole chip: same bits and cycles."""

import numpy as np
import pytest

from engine.errors import PredictionError
from engine.model.tensors import FORMATS, uniform_formats
from engine.wafer.check.region_cycles import RegionsCompared
from engine.wafer.fabric.blank_weights import BlankWeights
from engine.wafer.fabric.chip import rotary_angles
from engine.wafer.fabric.lone_region import lower_region
from engine.wafer.fabric.lone_runner import LoneRegion
from engine.wafer.figures.simulated_question import (
    Chain,
    LayerQuestion,
    priced_lookup,
    simulated_decode,
    simulated_layer,
)
from engine.wafer.plan.placed import Placed
from engine.wafer.program import machine
from engine.wafer.program.isa import Field, Op
from tests.tiny import tiny_model
from tests.wafers import chip_on, folded, random_machine, random_model, random_placement, runner_on

SMALL = machine.get("small")
ROWS = 3


def values_of(runner, tokens):
    """Every value that the fast tier made, by instruction and buffer, float32 (rows, width)."""
    program, found = runner.placed.program, {}
    for number in runner.executor.step_by_instruction(tokens):
        for field in (Field.SOURCE, Field.TARGET):
            buffer = int(program.instructions[number, field])
            if buffer >= 0:
                value = runner.executor.value(program.buffers[buffer].name, tokens.size)
                found[number, buffer] = value.copy()
    return found


def differing(model, spec, placement, index, rows=ROWS, bent=0.0):
    """(values compared, values that differ, the step) of a region whose stream may be bent."""
    runner = runner_on(model, spec, placement)
    program, tokens = runner.placed.program, np.arange(5, 5 + rows, dtype=np.int32)
    values, table = values_of(runner, tokens), program.instructions
    arrives = np.flatnonzero((table[:, Field.REGION] == index) & (table[:, Field.OP] == Op.RECEIVE))
    lone = lower_region(
        runner.placed.compiled, placement, model.tensors, index,
        rows=rows, context=rows, starts=np.zeros(placement.shape.rows, np.int64),
    )  # fmt: skip
    region = LoneRegion(lone, rows=rows, context=rows)
    number = int(arrives[0])
    stream = values[number, int(table[number, Field.SOURCE])].copy()
    stream[0, 0] += bent
    region.write(stream, rotary_angles(program, rows))
    done = region.region_step(rows)
    compared = apart = 0
    for tap in lone.chip.taps:
        value = values[tap.instruction, tap.buffer]
        for row in range(rows - 1 if table[tap.instruction, Field.LAST_ROW] else 0, rows):
            seen = done.step.trace[row, tap.words]
            compared += seen.size
            apart += int((value[row, tap.elements].view(np.int32) != seen).sum())
    return compared, apart, done


def test_every_region_has_the_bits_of_the_fast_tier_where_lanes_turn_over_blocks():
    model, spec, placement = folded()
    turning = [region for region in placement.regions if region.folds]
    assert {region.flipped for region in turning} == {False, True}

    for index in (0, 4, 5, 9, 10, len(placement.regions) - 1):
        compared, apart, _ = differing(model, spec, placement, index)
        assert compared > 400
        assert apart == 0


@pytest.mark.parametrize("seed", [1, 4, 5, 12])
def test_random_regions_have_the_bits_of_the_fast_tier(seed):
    random = np.random.default_rng(seed)
    model, spec = random_model(random), random_machine(random)
    placement = random_placement(random, model, spec)
    index = int(random.integers(len(placement.regions)))

    compared, apart, done = differing(
        model, spec, placement, index, rows=int(random.integers(1, 4))
    )

    assert compared > 100
    assert apart == 0
    assert done.step.sent + done.step.copied == done.step.taken


def test_a_stream_that_was_bent_on_its_way_is_found():
    compared, apart, _ = differing(*folded(), 0, bent=1.0)

    assert 0 < apart < compared


def test_regions_one_after_the_other_take_the_cycles_of_the_whole_chip():
    """A token at position 3, from a lookup in the middle column, which is what is priced."""
    model, spec, placement = folded()
    middle = int(placement.head_outputs[: 8 // 2].sum())
    whole = chip_on(model, spec, placement)
    for token in (middle, middle + 1, middle, middle + 1):
        step = whole._chip.step(np.array([token], np.int32))
    formats = uniform_formats(model.graph.weights, FORMATS["int8"])

    placed = Placed(model.graph, spec, placement, by_core=False)
    regions = RegionsCompared(placed, BlankWeights(model.graph.weights, formats))
    cycles, starts = priced_lookup(placed), regions.starts(0)
    for index in range(len(placement.regions)):
        found = regions.region(index, 3, 1, starts, sent=cycles)
        cycles, starts = cycles + found.whole.simulated, found.leaving
    assert cycles == step.cycles

    chain = Chain(regions, 3)
    once = [chain.follow(index) for index in range(len(placement.regions))]
    assert chain.simulated < len(once)  # alike regions once, whatever cycle they begin in
    assert abs(priced_lookup(placed) + sum(each.whole.simulated for each in once) - cycles) < 20
    for each in once:
        assert abs(each.whole.difference) < 0.02
        parts = [both.simulated for both in each.operations.values()]
        assert sum(parts) == each.first_row.simulated


@pytest.mark.parametrize("layer", [0, 2])
def test_a_layer_of_a_model_on_both_tiers(layer):
    model = tiny_model(seed=2, hidden=64, layers=3, heads=2, kv_heads=1, ffn=64, context=40)
    told = []
    question = LayerQuestion(6, rows=4, layer=layer, blocks=2, block=(2, 4))

    found = simulated_layer(
        model.graph, SMALL, question, on_progress=lambda done, total, label: told.append(label)
    )

    answer = found.as_json()
    assert answer["cycles"] == found.whole.simulated > 3 * found.first_row.simulated
    assert abs(found.whole.difference) < 0.02
    assert answer["region"] == (0 if layer < 2 else 1)
    assert found.memory_bytes > 10_000
    assert len(told) > 20


def test_who_gives_up_ends_a_simulation():
    def give_up(done, total, label):
        if label.startswith("simulating") and done > total // 2:
            raise KeyboardInterrupt

    model = tiny_model(seed=2, hidden=64, layers=1, heads=2, kv_heads=1, ffn=64, context=40)

    with pytest.raises(KeyboardInterrupt):
        simulated_decode(model.graph, SMALL, LayerQuestion(6), on_progress=give_up)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (LayerQuestion(6, dtype="fp16"), "fp16 is priced only"),
        (LayerQuestion(6, layer=1), "layer is 1: it must be 0 to 0"),
        (LayerQuestion(6, rows=65), "a step has 1 to 64 rows"),
        (LayerQuestion(40), "context is 40: it must be 0 to 39"),
    ],
)
def test_what_makes_no_sense_is_refused(question, said):
    graph = tiny_model(seed=2, hidden=64, layers=1, heads=2, context=40).graph

    with pytest.raises(PredictionError, match=said):
        simulated_layer(graph, SMALL, question)
