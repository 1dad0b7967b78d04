"""What a real llama.vim sent, answered as it reads it; `scripts/try_neovim.py` recorded it."""

import json
from pathlib import Path

import pytest

from engine.protocol.completion import TextChunk
from tests.engine.server.http.fakes import FakeDispatcher, app_of, call

RECORD = Path(__file__).parents[3] / "data" / "llama_vim.json"
ENTRIES = {entry["what"]: entry for entry in json.loads(RECORD.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("what", ["read ahead", "complete"])
async def test_the_plugins_request_is_answered_with_what_it_asks_for(what):
    entry = ENTRIES[what]
    engine = FakeDispatcher("self.width", ["self"])
    reply = await call(app_of(engine), entry["path"], entry["request"])
    assert reply.status == 200
    assert sorted(reply.json) == sorted(set(entry["request"]["response_fields"]) - {""})
    (extra,) = entry["request"]["input_extra"]
    assert engine.asked[0].chunks == (TextChunk(extra["filename"], extra["text"]),)


async def test_the_plugins_cursor_reaches_the_engine():
    request = ENTRIES["complete"]["request"]
    engine = FakeDispatcher("self.width")
    reply = await call(app_of(engine), "/infill", request)
    assert reply.json["content"] == "self.width"
    (asked,) = engine.asked
    assert asked.prefix == request["input_prefix"] + request["prompt"]
    assert asked.path == "untitled.py"
    assert asked.temperature == 0
    assert (asked.max_tokens, asked.top_k, asked.top_p) == (128, 40, 0.9)


async def test_reading_ahead_is_of_the_stretch_alone():
    engine = FakeDispatcher()
    await call(app_of(engine), "/infill", ENTRIES["read ahead"]["request"])
    assert (engine.asked[0].prefix, engine.asked[0].suffix) == ("", "")
