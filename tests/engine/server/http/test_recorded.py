"""What real plugins sent, answered as they read it.

`scripts/try_neovim.py` recorded llama.vim, `scripts/try_llama_vscode.py` llama.vscode.
"""

import json
from pathlib import Path

import pytest

from engine.protocol.completion import TextChunk
from tests.engine.server.http.fakes import FakeDispatcher, app_of, call

DATA = Path(__file__).parents[3] / "data"


def recorded(name):
    entries = json.loads((DATA / name).read_text(encoding="utf-8"))
    return {entry["what"]: entry for entry in entries}


ENTRIES = recorded("llama_vim.json")
VSCODE = recorded("llama_vscode.json")


@pytest.mark.parametrize("what", ["read ahead", "infill"])
async def test_the_plugins_request_is_answered_with_what_it_asks_for(what):
    entry = ENTRIES[what]
    engine = FakeDispatcher("self.width", ["self"])
    reply = await call(app_of(engine), entry["path"], entry["request"])
    assert reply.status == 200
    assert sorted(reply.json) == sorted(set(entry["request"]["response_fields"]) - {""})
    (extra,) = entry["request"]["input_extra"]
    assert engine.asked[0].chunks == (TextChunk(extra["filename"], extra["text"]),)


async def test_the_plugins_cursor_reaches_the_engine():
    request = ENTRIES["infill"]["request"]
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


# ── llama.vscode ────────────────────────────────────────────────────────────────────────────


async def replayed(what, engine):
    reply = await call(app_of(engine), VSCODE[what]["path"], VSCODE[what]["request"])
    assert reply.status == 200
    return reply.json


async def test_vscodes_cursor_reaches_the_engine():
    request = VSCODE["infill"]["request"]
    engine = FakeDispatcher("self.width")
    assert (await replayed("infill", engine))["content"] == "self.width"
    (asked,) = engine.asked
    assert asked.prefix == request["input_prefix"] + request["prompt"]
    assert asked.suffix == request["input_suffix"]
    assert (asked.temperature, asked.max_tokens, asked.top_k, asked.top_p) == (0, 128, 40, 0.99)
    (extra,) = request["input_extra"]
    assert asked.chunks == (TextChunk(extra["filename"], extra["text"]),)


async def test_vscodes_status_bar_finds_its_figures():
    answer = await replayed("infill", FakeDispatcher("self.width"))
    figures = ("prompt_n", "prompt_ms", "prompt_per_second", "predicted_n", "predicted_ms",
               "predicted_per_second")  # fmt: skip
    assert all(isinstance(answer["timings"][name], int | float) for name in figures)
    assert isinstance(answer["tokens_cached"], int)
    assert answer["generation_settings"]["n_ctx"] == 512


async def test_vscode_reads_a_stretch_ahead():
    engine = FakeDispatcher()
    assert (await replayed("read ahead", engine))["content"] == ""
    (asked,) = engine.asked
    assert (asked.prefix, asked.suffix, len(asked.chunks)) == ("", "", 1)


async def test_vscodes_chat_is_answered():
    engine = FakeDispatcher("It adds.")
    answer = await replayed("completions", engine)
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "It adds."}
    system, user = VSCODE["completions"]["request"]["messages"]
    (asked,) = engine.asked
    assert (asked.instructions, asked.question) == (system["content"], user["content"])
