"""What a suggestion would take: the cycles of a session that is opened so, or the limit."""

import sys

import msgspec
import pytest
from msgspec.structs import replace

from engine.errors import EngineError, PlacementError
from engine.protocol.completion import CompletionRequest
from engine.protocol.what_if import WhatIfLine, WhatIfQuestion, WhatIfSetup, WhatIfStep
from engine.session import Session
from engine.wafer_changes import WaferChanges
from engine.what_if import __main__ as program
from engine.what_if.pricing import price_what_if
from tests.tiny import write_tiny_model

STEPS = [WhatIfStep(0, 20, 1, 1, False), *(WhatIfStep(20 + n, 1, 1, 1, True) for n in range(5))]
REQUEST = CompletionRequest(path="a.txt", prefix="def first(", suffix="\n", max_tokens=6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(write_tiny_model(tmp_path_factory.mktemp("models") / "tiny", seed=1))


def setup(machine="small", **changes):
    return WhatIfSetup(machine, 0.85, WaferChanges(**changes))


def curve(folder, over, own=None, steps=STEPS):
    *_, last = price_what_if(WhatIfQuestion(folder, own or setup(), over, steps))
    return last


@pytest.mark.parametrize(
    "changes",
    [{}, {"group": 2}, {"columns": 2, "rows": 4}, {"blocks": 1}, {"sram_bytes": 96 * 1024}],
    ids=str,
)
def test_the_cycles_are_those_of_a_session_that_is_opened_so(folder, changes):
    session = Session.open(folder, "small", threads=1, changes=WaferChanges(**changes))
    try:
        completion = session.complete(REQUEST)
        steps = session.looks.steps_of(completion.answer)
        told = session.machine
    finally:
        session.close()
    found = curve(folder, "clock", setup(**changes), steps)
    point = found.points[found.chosen]
    assert point.prompt_cycles == completion.wafer.cycles_prefill
    assert point.decode_cycles / found.tokens == completion.wafer.cycles_per_token
    assert sum(point.cycles_by_operation.values()) == point.cycles
    assert (point.cores_used, point.blocks) == (told.cores_used, len(told.regions) - 1)
    assert point.sram_bytes == max(each.sram_bytes["max_total"] for each in told.regions)
    assert point.runs


def test_a_session_says_what_is_changed_of_its_machine(folder):
    session = Session.open(folder, "small", threads=1, changes=WaferChanges(columns=2, rows=4))
    session.close()
    assert session.machine.name == "small (blocks of 2 × 4)"
    assert (session.machine.regions[0].width, session.machine.regions[0].height) == (2, 4)


def test_several_wafers_are_priced_and_never_opened(folder):
    found = curve(folder, "wafers")
    one, two = found.points[:2]
    assert one.runs
    assert not two.runs
    assert two.refusal or two.cycles > one.cycles
    with pytest.raises(PlacementError, match="a model runs on one"):
        Session.open(folder, "small", threads=1, changes=WaferChanges(wafers=2))


def test_the_curve_grows_from_the_setup_and_ends_whole(folder):
    curves = list(price_what_if(WhatIfQuestion(folder, setup(), "sums", STEPS)))
    first = curves[0]
    assert [point.setup for point in first.points] == [setup()]
    assert [len(each.points) for each in curves] == list(range(1, curves[-1].total + 1))
    assert curves[-1].whole
    assert not first.whole
    for each in curves:
        assert each.points[each.chosen].setup == setup()
        assert [p.value for p in each.points] == sorted(p.value for p in each.points)
    assert (first.tokens, first.prompt_rows) == (5, 20)


def test_what_does_not_fit_says_what_it_lacks_and_is_no_optimum(folder):
    found = curve(folder, "sram", setup(sram_bytes=23 * 1024))
    small = found.points[0]
    assert (small.label, small.cycles) == ("23 KiB", 0)
    assert "23 KiB SRAM" in small.refusal
    assert "bytes" in small.refusal
    assert found.best is not small
    assert not found.best.refusal


def test_the_best_is_the_fastest_in_time_not_in_cycles(folder):
    found = curve(folder, "clock")
    assert len({point.cycles for point in found.points}) == 1
    assert found.best.label == "2 GHz"


def test_rectangles_are_those_that_fit(folder):
    found = curve(folder, "rectangle")
    assert found.points[0].label == "planner"
    assert all(not point.refusal for point in found.points)
    fastest = min(point.decode_cycles for point in found.points)
    assert found.points[0].decode_cycles <= 1.1 * fastest  # fewer cores win among near equals


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"columns": 3}, "give both columns and rows"),
        ({"wafers": 0}, "0 wafers"),
        ({"group": -1}, "group is -1"),
        ({"blocks": 99}, "99 blocks asked for"),
    ],
)
def test_numbers_that_nothing_can_have_are_refusals(folder, changes, words):
    found = curve(folder, "clock", setup(**changes))
    assert all(words in point.refusal for point in found.points)
    assert found.best is None


def test_a_machine_that_is_not_known_is_an_error(folder):
    with pytest.raises(EngineError, match="unknown machine"):
        curve(folder, "sram", setup("wse9"))


# ── the program ─────────────────────────────────────────────────────────────────────────────────


def lines(monkeypatch, capfdbinary, question):
    monkeypatch.setattr(sys, "argv", ["what_if", msgspec.json.encode(question).decode()])
    monkeypatch.setattr(program.os, "nice", lambda by: 0)  # the tests go on afterwards
    program._main()
    said = capfdbinary.readouterr().out.splitlines()
    return [msgspec.json.decode(line, type=WhatIfLine) for line in said]


def test_the_program_writes_the_curve_after_each_value(monkeypatch, capfdbinary, folder):
    question = WhatIfQuestion(folder, setup(), "clock", STEPS)
    told = lines(monkeypatch, capfdbinary, question)
    assert [line.curve for line in told] == list(price_what_if(question))


def test_the_program_writes_what_went_wrong(monkeypatch, capfdbinary, folder):
    (line,) = lines(
        monkeypatch, capfdbinary, replace(WhatIfQuestion(folder, setup(), "x", STEPS), over="x")
    )
    assert line.curve is None
    assert "'x' cannot be varied" in line.error
