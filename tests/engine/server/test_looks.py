"""X-rays asked of an engine process: what is not there, and what goes wrong, is told."""

import asyncio
import os
import sys

import msgspec
import pytest

from engine.errors import EngineError
from engine.protocol.messages import AskWhatIf, Compare, EngineReady, Failed, LookInto
from engine.protocol.what_if import (
    WhatIfCurve,
    WhatIfLine,
    WhatIfPoint,
    WhatIfQuestion,
    WhatIfSetup,
)
from engine.server import simulation, what_if
from engine.server.simulation import simulate
from engine.server.what_if import price_beside
from tests.engine.server.faces import face


async def test_what_cannot_be_looked_into_is_refused_and_the_process_goes_on():
    async with face() as one:
        await one.until(EngineReady)
        wrong = [(1, 99, None), (1, 99, 0), (5, 1, None)]
        for number, (session, answer, token) in enumerate(wrong):
            one.client.send(LookInto(session, 20 + number, answer, token))
            failed = await one.until(Failed, count=number + 1)
            assert failed.request_id == 20 + number
        one.ask(30)
        assert (await one.answer(30)).answer == 1


async def test_a_wafer_that_cannot_be_priced_ends_the_look_and_nothing_else():
    """The canned one has no Program."""
    async with face() as one:
        await one.until(EngineReady)
        one.ask(1)
        answer = (await one.answer(1)).answer
        one.client.send(LookInto(1, 8, answer))
        failed = await one.until(Failed)
        assert failed.request_id == 8
        assert failed.message.startswith("the engine failed on this request")
        one.ask(2)
        assert (await one.answer(2)).answer == answer + 1


async def test_a_comparison_that_cannot_be_made_is_told_and_the_process_goes_on():
    async with face() as one:
        await one.until(EngineReady)
        one.client.send(Compare(5, 20))
        assert (await one.until(Failed)).request_id == 20
        one.client.send(Compare(1, 21))  # the canned wafer has no Program
        assert (await one.until(Failed, count=2)).request_id == 21
        one.ask(30)
        assert (await one.answer(30)).answer == 1


async def test_a_simulation_that_cannot_be_is_told():
    async with face() as one:
        await one.until(EngineReady)
        one.ask(1)
        answer = (await one.answer(1)).answer
        one.client.send(LookInto(1, 8, answer, token=0, simulate=True))
        failed = await one.until(Failed)
        assert failed.request_id == 8  # the canned model is no file


# ── the program that simulates ──────────────────────────────────────────────────────────────────

WAVE = """{"wave":{"source":"cycle tier","position":3,"cycles":9,"operations":["matmul"],
"bands":{"x":[],"y":[],"width":[],"height":[],"begin":[],"end":[],"operation":[]}}}""".replace(
    "\n", ""
)


def program(monkeypatch, text):
    monkeypatch.setattr(simulation, "_COMMAND", (sys.executable, "-I", "-S", "-c", text))


async def test_lines_on_the_way_are_passed_on_and_the_wave_is_returned(monkeypatch):
    lines = ['{"done":1,"total":9,"label":"simulating"}', WAVE]
    program(monkeypatch, f"for line in {lines!r}: print(line, flush=True)")
    told = []
    wave = await simulate(("m", "wse3", 3, 5), told.append)
    assert (wave.source, wave.cycles) == ("cycle tier", 9)
    assert [(line.done, line.total, line.label) for line in told] == [(1, 9, "simulating")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('print(\'{"error":"too large"}\')', "too large"),
        ("import os; os.kill(os.getpid(), 9)", "ended without a result"),
    ],
)
async def test_what_goes_wrong_is_told(monkeypatch, text, reason):
    program(monkeypatch, text)
    with pytest.raises(EngineError, match=reason):
        await simulate(("m", "wse3", 3, 5), lambda line: None)


async def test_given_up_it_ends_the_program(monkeypatch):
    text = "import os, time; print('{\"done\":%d}' % os.getpid(), flush=True); time.sleep(600)"
    program(monkeypatch, text)
    told = []
    work = asyncio.create_task(simulate(("m", "wse3", 3, 5), told.append))
    while not told:
        await asyncio.sleep(0.01)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    with pytest.raises(ProcessLookupError):
        os.kill(told[0].done, 0)


# ── the program that prices ─────────────────────────────────────────────────────────────────────


QUESTION = WhatIfQuestion("m", WhatIfSetup("wse3", 0.85), "sram", [])


def curve_line(points, total):
    point = WhatIfPoint("48 KiB", 48.0, QUESTION.setup)
    curve = WhatIfCurve("sram", "KiB", 1, 1, 0, [point] * points, total)
    return msgspec.json.encode(WhatIfLine(curve)).decode()


def prices(monkeypatch, text):
    monkeypatch.setattr(what_if, "_COMMAND", (sys.executable, "-I", "-S", "-c", text))


async def test_a_curve_is_passed_on_as_it_grows_and_returned_whole(monkeypatch):
    lines = [curve_line(1, 3), curve_line(2, 3), curve_line(3, 3)]
    prices(monkeypatch, f"for line in {lines!r}: print(line, flush=True)")
    told = []
    found = await price_beside(QUESTION, told.append)
    assert [len(curve.points) for curve in (*told, found)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [(['{"error":"no such model"}'], "no such model"), ([curve_line(1, 3)], "without a result")],
)
async def test_pricing_that_goes_wrong_is_told(monkeypatch, lines, reason):
    prices(monkeypatch, f"for line in {lines!r}: print(line)")
    with pytest.raises(EngineError, match=reason):
        await price_beside(QUESTION, lambda curve: None)


async def test_a_what_if_of_an_answer_that_is_not_there_is_told():
    async with face() as one:
        await one.until(EngineReady)
        one.client.send(AskWhatIf(1, 8, 99, "sram"))
        assert (await one.until(Failed)).request_id == 8
        one.ask(1)
        answer = (await one.answer(1)).answer
        one.client.send(AskWhatIf(1, 9, answer, "sram"))  # the canned model is no file
        assert (await one.until(Failed, count=2)).request_id == 9
