"""Answers about cores and cells, against every core's states and the placement."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from engine.errors import EngineError
from engine.protocol.messages import CoreAsked, StillAsked, WatchedCores, decode_server, encode
from engine.telemetry.wafer_answers import WaferAnswers
from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.placement import place
from engine.wafer.place.shape import Shape
from engine.wafer.plan.placed import Placed
from engine.wafer.program import machine
from tests.tiny import tiny_model

SMALL = machine.get("small")


@dataclass(frozen=True)
class Now:
    """As much of a snapshot as an answer needs."""

    counts: object
    position: int = 9
    context_length: int = 64


@pytest.fixture(scope="module")
def placed():
    model = tiny_model(seed=1)
    placement = place(model_shape(model.graph), SMALL, Shape(4, 2, 8), 64)
    found = Placed(model.graph, SMALL, placement)
    found.note_step(np.arange(5, dtype=np.int32), 0)
    found.note_step(np.array([3], np.int32), 5)
    return found


@pytest.fixture(scope="module")
def answers(placed):
    return WaferAnswers(placed)


def test_a_cores_counters_are_those_of_the_program(placed, answers):
    activity = placed.expand(placed.counts)
    for index, region in enumerate(placed.program.regions):
        for x, y in ((0, 0), (region.width - 1, region.height - 1)):
            asked = CoreAsked(1, 7, region.x + x, region.y + y)
            told = answers.core(asked, Now(placed.counts), None)
            assert told.total_states == activity.states[index][y, x].tolist()
            assert sum(told.total_states) == activity.elapsed_cycles
            assert told.last_states == [0] * 6
            assert (told.label, told.request_id) == (region.label, 7)
            assert told.steps
            assert decode_server(bytes(encode(told)[4:])) == told


def test_a_router_beside_the_regions_tells_of_lanes_alone(placed, answers):
    regions = placed.program.regions
    east = max(region.x + region.width for region in regions)
    told = answers.core(CoreAsked(1, 1, east, regions[0].y), Now(placed.counts), None)
    assert (told.label, told.tiles, told.steps, told.memory) == ("", (), (), {})
    with pytest.raises(EngineError, match="has columns 0 to"):
        answers.core(CoreAsked(1, 1, SMALL.columns, 0), Now(placed.counts), None)


def still(answers, placed, what, machine="", marked=None):
    whole = WatchedCores(0, 0, SMALL.columns, SMALL.rows, 3, 2)
    told = answers.still(StillAsked(1, 2, what, whole, machine), Now(placed.counts), marked)
    return told, np.frombuffer(told.values, "<i8")


def test_cells_are_told_as_they_were_asked_for(placed, answers):
    for what, width in (("sram", 1), ("links", 1), ("age", 1), ("states", 6)):
        told, values = still(answers, placed, what)
        assert (told.what, told.position, values.size) == (what, 9, 6 * width)
        assert values.max() > (-1 if what == "age" else 0)
    _, marked = still(answers, placed, "marked", marked=placed.counts)
    assert marked.sum() == sum(map(np.sum, placed.expand(placed.counts).states))


def test_another_machine_is_planned_once_and_told_apart(placed, answers):
    _, own = still(answers, placed, "states", SMALL.name)
    _, same = still(answers, placed, "states")
    assert own.tolist() == same.tolist()
    _, other = still(answers, placed, "states", "wse2")
    assert other.tolist() != own.tolist()
    assert answers._on("wse2") is answers._on("wse2")
    with pytest.raises(EngineError):
        still(answers, placed, "states", "nowhere")


def test_a_clock_leads_from_a_token_at_a_position_to_the_program(placed):
    """Attentions last longer there; everything else as long, and both ends meet."""
    answers, region = WaferAnswers(placed), placed.program.regions[0]
    plain, late = (
        answers.core(CoreAsked(1, 7, region.x, region.y, position), Now(placed.counts), None)
        for position in (None, 63)
    )
    assert plain.clock == ()
    assert late.steps == plain.steps
    assert late.clock[0] == (0, 0)
    assert late.clock[-1] == (placed.step_cycles(63), plain.latency)
    spans = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(late.clock)]
    longer = [there - program for there, program in spans]
    assert sum(longer) == placed.step_cycles(63) - plain.latency > 0
    assert all(each >= 0 for each in longer)
    assert longer[0] == longer[-1] == 0  # before the first attention, and after the last
