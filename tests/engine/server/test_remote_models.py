"""A model elsewhere beside one on the wafer, in the same engine process."""

import asyncio
import threading

import pytest

from engine.protocol.asking import AskRequest
from engine.protocol.messages import (
    Answered,
    Ask,
    Cancel,
    Completed,
    EngineReady,
    SessionFailed,
    Telemetry,
    Watch,
)
from engine.remote_host import agree, remote_access
from engine.server.model_files import model_files
from tests.engine.remote.other_engine import MODEL, running
from tests.engine.server.faces import Face, face


@pytest.fixture(autouse=True)
def known_folders(monkeypatch, tmp_path):
    monkeypatch.setenv("SPARK_CONFIG_DIR", str(tmp_path))
    monkeypatch.delenv("SPARK_REMOTE_KEY", raising=False)
    monkeypatch.delenv("SPARK_REMOTE_YES", raising=False)


async def test_it_serves_as_a_model_here_does():
    with running(markers=True) as engine:
        agree(engine.address)
        async with face(model=engine.model) as one:
            ready = await one.until(EngineReady)
            assert (ready.model.name, ready.model.remote) == (MODEL, engine.address.place)
            assert ready.processor_path == "remote"
            one.client.send(Watch(1, 20))
            await one.until(Telemetry)
            one.ask(1)
            assert (await one.answer(1)).text == "return width * height"
            await one.until(Telemetry, 2)
            one.client.send(Ask(1, 2, AskRequest("Why?")))
            assert (await one.until(Answered)).reply.model == MODEL


async def test_nothing_is_sent_before_the_person_agrees():
    with running() as engine:
        async with face(model=engine.model) as one:
            failed = await one.until(SessionFailed)
        assert "nobody agreed yet" in failed.message
        assert engine.asked == []


async def test_a_model_here_does_not_wait_for_one_elsewhere():
    with running(pieces=["return", " 1"], wait=threading.Event()) as engine:
        agree(engine.address)
        async with face(model=engine.model) as slow, face() as here:
            await slow.until(EngineReady)
            await here.until(EngineReady)
            slow.ask(1)
            while not engine.texts:
                await asyncio.sleep(0.01)
            here.ask(1)
            assert (await here.answer(1)).text == "return 1"
            assert not [e for e in slow.events if isinstance(e, Completed)]
            slow.client.send(Cancel(1))
            assert (await slow.answer(1)).finish_reason == "cancelled"


def test_an_address_is_a_model_of_its_own_and_needs_no_memory_here():
    files = model_files("openai:http://h:1/v1#a/b")
    assert (files.opens, files.need_bytes, files.path.name) == ("openai:http://h:1/v1#a/b", 0, "b")


def test_the_key_goes_to_the_engine_and_no_further(monkeypatch):
    monkeypatch.setenv("SPARK_REMOTE_KEY", "sk-secret")
    with running(key="sk-secret") as engine:
        agree(engine.address)
        access = remote_access(engine.model)
    assert access.key == "sk-secret"
    assert "sk-secret" not in str(Face(model=engine.model).client._sessions)
