"""Edits by an engine process: streamed, stopped, refused, and beside completions."""

from contextlib import asynccontextmanager

import pytest

from engine.protocol.editing import EditRequest
from engine.protocol.messages import (
    Cancel,
    Completed,
    EngineReady,
    Failed,
    PartialText,
    Rewrite,
    Rewritten,
)
from tests.engine.server.faces import face

REQUEST = EditRequest("a.py", "def f(x):\n    y = x\n    return y\n", 2, 3, "Return at once.")


@asynccontextmanager
async def editing_face(monkeypatch, says, *, step_seconds=0.0, **options):
    monkeypatch.setenv("CANNED_CHAT", "1")
    monkeypatch.setenv("CANNED_TEXT", says)
    monkeypatch.setenv("CANNED_STEP_SECONDS", str(step_seconds))
    async with face(**options) as one:
        await one.until(EngineReady)
        yield one


async def test_an_edit_streams_and_ends_with_its_verdict(monkeypatch):
    async with editing_face(monkeypatch, "return x\n```", step_seconds=0.02) as one:
        one.client.send(Rewrite(1, 7, REQUEST))
        done = await one.until(Rewritten)
        assert (done.request_id, done.edit.text, done.edit.refused) == (7, "    return x", None)
        texts = [event.text for event in one.events if isinstance(event, PartialText)]
        assert texts[0] == "    r"
        assert len(texts) > 3
        assert all("    return x".startswith(text) for text in texts)


async def test_an_edit_is_stopped_by_its_number(monkeypatch):
    async with editing_face(monkeypatch, "x" * 300, step_seconds=0.05) as one:
        one.client.send(Rewrite(1, 7, REQUEST))
        await one.until(PartialText)
        one.client.send(Cancel(7))
        assert (await one.until(Rewritten)).edit.refused == "stopped"


async def test_a_newer_edit_takes_the_place_of_an_older(monkeypatch):
    async with editing_face(monkeypatch, "return x\n```", step_seconds=0.02) as one:
        one.client.send(Rewrite(1, 1, REQUEST))
        one.client.send(Rewrite(1, 2, REQUEST))
        first, second = await one.until(Rewritten), await one.until(Rewritten, count=2)
        assert (first.request_id, first.edit.refused) == (1, "stopped")
        assert (second.request_id, second.edit.refused) == (2, None)


async def test_a_suggestion_waits_for_an_edit_and_never_ends_it(monkeypatch):
    async with editing_face(monkeypatch, "return x\n```", step_seconds=0.02) as one:
        one.client.send(Rewrite(1, 1, REQUEST))
        await one.until(PartialText)
        one.ask(2, max_tokens=1)
        await one.until(Completed)
        ends = [event for event in one.events if isinstance(event, Rewritten | Completed)]
        assert [type(end).__name__ for end in ends] == ["Rewritten", "Completed"]
        assert ends[0].edit.refused is None


async def test_an_edit_takes_the_place_of_a_suggestion(monkeypatch):
    async with editing_face(monkeypatch, "abcdefgh" * 20, step_seconds=0.05) as one:
        one.ask(1, max_tokens=100)
        await one.until(PartialText)
        one.client.send(Rewrite(1, 2, REQUEST))
        assert (await one.answer(1)).finish_reason == "cancelled"


@pytest.mark.parametrize(
    ("chat", "path", "why"), [(True, "deploy/.env", "private"), (False, "a.py", "only completes")]
)
async def test_an_edit_that_cannot_be_made_says_why(monkeypatch, chat, path, why):
    async with editing_face(monkeypatch, "x") if chat else face() as one:
        await one.until(EngineReady)
        one.client.send(Rewrite(1, 1, EditRequest(path, "x\n", 1, 1, "Do it.")))
        failed = await one.until(Failed)
        assert (failed.request_id, why in failed.message) == (1, True)


async def test_wafer_time_is_told_at_the_clients_clock(monkeypatch):
    async with editing_face(monkeypatch, "return x\n```", clock_ghz=2.0) as one:
        one.client.send(Rewrite(1, 1, REQUEST))
        assert (await one.until(Rewritten)).edit.wafer.clock_ghz == 2.0
