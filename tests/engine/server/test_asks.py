"""Questions to an engine process: read, streamed, stopped, refused, and beside completions."""

from contextlib import asynccontextmanager

from engine.protocol.asking import AskRequest
from engine.protocol.completion import CompletionRequest
from engine.protocol.messages import (
    Answered,
    AnswerReading,
    Ask,
    Cancel,
    Complete,
    Completed,
    EngineReady,
    Failed,
    PartialText,
)
from tests.engine.server.faces import face

REQUEST = AskRequest("What is f?", "a.py", "def f():\n    return 1\n")


@asynccontextmanager
async def talking_face(monkeypatch, says, *, step_seconds=0.0, chat=True, **options):
    if chat:
        monkeypatch.setenv("CANNED_CHAT", "1")
    monkeypatch.setenv("CANNED_TEXT", says)
    monkeypatch.setenv("CANNED_STEP_SECONDS", str(step_seconds))
    async with face(**options) as one:
        await one.until(EngineReady)
        yield one


async def test_an_answer_says_what_is_read_and_streams(monkeypatch):
    async with talking_face(monkeypatch, "It is one.", step_seconds=0.02) as one:
        one.client.send(Ask(1, 7, REQUEST))
        done = await one.until(Answered)
        assert (done.request_id, done.reply.text) == (7, "It is one.")
        of_request = [e for e in one.events if isinstance(e, AnswerReading | PartialText)]
        assert isinstance(of_request[0], AnswerReading)
        assert of_request[0].reading.parts == done.reply.parts
        texts = [event.text for event in of_request[1:]]
        assert len(texts) > 3
        assert all("It is one.".startswith(text) for text in texts)


async def test_an_answer_is_stopped_by_its_number(monkeypatch):
    async with talking_face(monkeypatch, "abcdefg" * 40, step_seconds=0.05) as one:
        one.client.send(Ask(1, 7, REQUEST))
        text = (await one.until(PartialText)).text
        one.client.send(Cancel(7))
        reply = (await one.until(Answered)).reply
        assert reply.finish_reason == "cancelled"
        assert reply.text.startswith(text)


async def test_a_suggestion_waits_for_an_answer_and_never_ends_it(monkeypatch):
    async with talking_face(monkeypatch, "It is one.", step_seconds=0.02) as one:
        one.client.send(Ask(1, 1, REQUEST))
        one.client.send(Complete(1, 2, CompletionRequest("a.py", "x = ", "\n")))
        assert (await one.until(Answered)).reply.finish_reason == "stop"
        await one.until(Completed)
        kinds = [type(e) for e in one.events if isinstance(e, Answered | Completed)]
        assert kinds == [Answered, Completed]


async def test_a_newer_question_takes_the_place_of_an_older(monkeypatch):
    async with talking_face(monkeypatch, "It is one.", step_seconds=0.02) as one:
        one.client.send(Ask(1, 1, REQUEST))
        one.client.send(Ask(1, 2, REQUEST))
        first, second = await one.until(Answered), await one.until(Answered, count=2)
        assert (first.request_id, first.reply.finish_reason) == (1, "cancelled")
        assert (second.request_id, second.reply.finish_reason) == (2, "stop")


async def test_a_model_that_only_completes_refuses(monkeypatch):
    async with talking_face(monkeypatch, "x", chat=False) as one:
        one.client.send(Ask(1, 1, REQUEST))
        assert "only completes" in (await one.until(Failed)).message


async def test_wafer_time_is_told_at_the_clients_clock(monkeypatch):
    async with talking_face(monkeypatch, "One.", clock_ghz=2.0) as one:
        one.client.send(Ask(1, 1, REQUEST))
        wafer = (await one.until(Answered)).reply.wafer
        assert wafer.clock_ghz == 2.0
        assert abs(wafer.tokens_per_second * wafer.cycles_per_token - 2e9) < 1e3
