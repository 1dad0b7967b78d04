"""What llama.vim and llama.vscode ask, and what they read of the answers."""

import asyncio

import pytest

from engine.errors import PromptError
from engine.protocol.completion import TextChunk
from tests.engine.server.http.fakes import FakeDispatcher, app_of, call

CURSOR = {
    "input_prefix": "import os\n\ndef f(a):\n",
    "prompt": "    return ",
    "input_suffix": "\n\nf(1)\n",
}
VIM_FIELDS = [
    "content", "timings/prompt_n", "timings/prompt_ms", "timings/prompt_per_token_ms",
    "timings/prompt_per_second", "timings/predicted_n", "timings/predicted_ms",
    "timings/predicted_per_token_ms", "timings/predicted_per_second", "truncated", "tokens_cached",
]  # fmt: skip


async def infill(dispatcher, **more):
    return await call(app_of(dispatcher), "/infill", CURSOR | more)


async def test_the_text_for_a_cursor_with_its_figures():
    engine = FakeDispatcher("a + 1")
    reply = await infill(engine, n_predict=32)
    assert reply.status == 200
    answer = reply.json
    assert (answer["content"], answer["stop_type"], answer["tokens_cached"]) == ("a + 1", "eos", 30)
    assert answer["timings"]["prompt_n"] == 10  # what was computed
    assert answer["timings"]["predicted_per_second"] == pytest.approx(250)
    assert answer["wafer"]["cycles_prefill"] == 1000
    assert answer["generation_settings"]["n_predict"] == 32
    (asked,) = engine.asked
    assert asked.prefix == "import os\n\ndef f(a):\n    return "
    assert (asked.suffix, asked.max_tokens, asked.temperature) == ("\n\nf(1)\n", 32, 0.0)
    assert asked.repository is None
    assert asked.path == "untitled.py"


async def test_the_fields_that_a_plugin_reads_come_under_the_names_it_asks_for():
    reply = await infill(FakeDispatcher("a"), response_fields=VIM_FIELDS)
    assert sorted(reply.json) == sorted(VIM_FIELDS)
    assert (await infill(FakeDispatcher("a"), response_fields=[""])).json == {}
    assert "content" in (await infill(FakeDispatcher("a"), response_fields=[])).json


async def test_stretches_of_other_files_go_along_the_newest_first():
    engine = FakeDispatcher()
    extra = [
        {"text": "old\n", "filename": "old.py", "time": [1, 2]},
        {"text": "new\n", "filename": "new.py"},
    ]
    await infill(engine, input_extra=extra)
    assert engine.asked[0].chunks == (TextChunk("new.py", "new\n"), TextChunk("old.py", "old\n"))


async def test_a_file_name_that_is_given_is_the_path():
    engine = FakeDispatcher()
    await infill(engine, filename="src/a.rs")
    assert engine.asked[0].path == "src/a.rs"


async def test_reading_ahead_writes_nothing():
    engine = FakeDispatcher("never shown")
    reply = await infill(engine, n_predict=0, t_max_prompt_ms=1, t_max_predict_ms=1)
    assert (reply.json["content"], reply.json["tokens_predicted"]) == ("", 0)
    assert engine.asked[0].max_tokens == 1


@pytest.mark.parametrize(
    ("more", "content", "ended", "word"),
    [
        ({"stop": ["b", "c"]}, "a ", "word", "b"),
        ({"stop": "z"}, "a b\n    c\nd", "eos", ""),
        ({"n_indent": 4}, "a b\n    c", "limit", ""),
    ],
)
async def test_a_text_ends_where_the_client_says(more, content, ended, word):
    answer = (await infill(FakeDispatcher("a b\n    c\nd"), **more)).json
    assert (answer["content"], answer["stop_type"], answer["stopping_word"]) == (
        content, ended, word,
    )  # fmt: skip


async def test_a_stop_string_ends_the_work_too():
    engine = FakeDispatcher("a b c", ["a", "a b", "a b c"])
    assert (await infill(engine, stop=["b"])).json["content"] == "a "


async def test_time_that_is_up_ends_a_text_with_its_last_whole_line():
    engine = FakeDispatcher("a\nb\nc", ["a", "a\nb"])
    answer = (await infill(engine, t_max_predict_ms=0)).json
    assert (answer["content"], answer["stop_type"]) == ("a", "limit")
    one_line = FakeDispatcher("abc", ["a", "ab"])
    assert (await infill(one_line, t_max_predict_ms=0)).json["content"] == "abc"


async def test_a_stream_tells_whole_lines_and_then_the_rest_and_the_figures():
    engine = FakeDispatcher("one\ntwo\nthree", ["o", "one\ntw", "one\ntwo\nth"])
    reply = await infill(engine, stream=True)
    assert reply.headers["content-type"].startswith("text/event-stream")
    *pieces, last = reply.events
    assert [piece["content"] for piece in pieces] == ["one", "\ntwo", "\nthree"]
    assert (last["stop"], last["content"], last["tokens_predicted"]) == (True, "", 5)


async def test_a_stream_takes_nothing_back():
    engine = FakeDispatcher("other", ["one\ntwo", "other\nthing"])
    contents = [event["content"] for event in (await infill(engine, stream=True)).events]
    assert contents == ["one", ""]


@pytest.mark.parametrize(
    "change",
    [
        {"input_extra": [{}]},
        {"input_extra": [{"filename": "ok"}]},
        {"input_extra": [{"filename": 123}]},
        {"input_extra": [{"filename": 123, "text": "abc"}]},
        {"input_extra": [{"filename": 123, "text": 456}]},
        {"input_extra": "abc"},
        {"input_prefix": 1},
        {"input_suffix": None},
        {"prompt": 5},
        {"n_predict": "many"},
        {"n_indent": -1},
        {"temperature": -1},
        {"stop": [1]},
        {"response_fields": "content"},
    ],
)
async def test_a_wrong_field_is_refused_with_its_name(change):
    reply = await infill(FakeDispatcher(), **change)
    assert reply.status == 400
    assert reply.json["error"]["type"] == "invalid_request_error"
    assert next(iter(change)) in reply.json["error"]["message"]


async def test_what_is_no_request_is_refused():
    app = app_of(FakeDispatcher())
    for body in (b"", b"{", b"[]", b"\xff\xfe", b'"text"', b"{}"):
        assert (await call(app, "/infill", body)).status == 400
    assert (await call(app, "/infill")).status == 405
    assert (await call(app, "/nothing")).status == 404


async def test_what_the_engine_refuses_is_said():
    engine = FakeDispatcher()
    engine.error = PromptError("the file is private")
    reply = await infill(engine, filename=".env")
    assert (reply.status, reply.json["error"]["message"]) == (400, "the file is private")


async def test_a_failure_of_the_server_says_nothing_of_itself():
    engine = FakeDispatcher()
    engine.error = ZeroDivisionError("secret")
    app = app_of(engine)
    with pytest.raises(ZeroDivisionError):  # the server that runs it logs it and answers 500
        await call(app, "/infill", CURSOR)
    reply = await call(app, "/infill", CURSOR | {"stream": True})
    assert reply.status == 500
    assert b"secret" not in reply.body


async def test_while_the_model_loads_requests_are_told_to_come_later():
    app = app_of(FakeDispatcher(ready=False))
    for path, body in (("/health", None), ("/props", None), ("/infill", CURSOR)):
        reply = await call(app, path, body)
        assert (reply.status, reply.json["error"]["type"]) == (503, "unavailable_error")
        assert reply.headers["retry-after"] == "1"


async def test_the_state_of_the_server():
    app = app_of(FakeDispatcher())
    assert (await call(app, "/health")).json == {"status": "ok"}
    props = (await call(app, "/props")).json
    assert (props["total_slots"], props["model_alias"]) == (1, "tiny")
    assert props["default_generation_settings"]["n_ctx"] == 512
    (slot,) = (await call(app, "/slots")).json
    assert (slot["is_processing"], slot["requests_waiting"]) == (False, 0)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_goes_away_ends_its_request(stream):
    engine = FakeDispatcher("text", ["a\nb"], step=asyncio.Event())
    gone = asyncio.Event()
    app = app_of(engine)
    request = asyncio.create_task(call(app, "/infill", CURSOR | {"stream": stream}, gone=gone))
    while not engine.asked:
        await asyncio.sleep(0)
    gone.set()
    await request
    assert engine.ended == "cancelled"
    assert b"spark_tui_requests_abandoned_total 1" in (await call(app, "/metrics")).body


async def test_a_plain_completion_goes_on_behind_its_prompt():
    engine = FakeDispatcher("1")
    reply = await call(app_of(engine), "/completion", {"prompt": "x = ", "n_predict": 4})
    assert reply.json["content"] == "1"
    assert (engine.asked[0].prefix, engine.asked[0].suffix) == ("x = ", "")


async def test_as_many_texts_come_as_there_are_engines():
    engine = FakeDispatcher("a")
    assert (await infill(engine, n_cmpl=3)).json["content"] == "a"
    engine.asked.clear()
    engine.turns.at_once = 2
    answers = (await infill(engine, n_cmpl=3, seed=7, response_fields=["index", "content"])).json
    assert answers == [{"index": 0, "content": "a"}, {"index": 1, "content": "a"}]
    assert [(asked.temperature, asked.seed) for asked in engine.asked] == [(0.0, 7), (0.8, 8)]
    engine.error = PromptError("too long")
    assert (await infill(engine, n_cmpl=2)).status == 400
    assert (await infill(engine, n_cmpl=0)).status == 400
