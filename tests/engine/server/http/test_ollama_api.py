"""What Ollama's clients ask."""

import json

import msgspec

from tests.engine.server.http.fakes import FakeDispatcher, app_of, call

QUIET = {"model": "tiny", "stream": False}


async def generate(engine, **wish):
    return await call(app_of(engine), "/api/generate", wish)


async def test_a_cursor():
    engine = FakeDispatcher("a + 1")
    options = {"num_predict": 9, "stop": ["1"], "seed": 3}
    answer = (await generate(engine, prompt="x = ", suffix="\n", options=options, **QUIET)).json
    assert (answer["response"], answer["done"], answer["done_reason"]) == ("a + ", True, "stop")
    assert answer["prompt_eval_duration"] == 10_000_000
    assert answer["total_duration"] > 0
    (asked,) = engine.asked
    assert (asked.prefix, asked.suffix, asked.max_tokens, asked.seed) == ("x = ", "\n", 9, 3)


async def test_a_marked_prompt_is_a_cursor_too():
    engine = FakeDispatcher()
    await generate(engine, prompt="<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>", raw=True, **QUIET)
    assert (engine.asked[0].prefix, engine.asked[0].suffix) == ("a", "b")


async def test_without_a_cursor_it_is_a_question():
    engine = FakeDispatcher("hi")
    await generate(engine, prompt="hello", system="be brief", **QUIET)
    assert (engine.asked[0].question, engine.asked[0].instructions) == ("hello", "be brief")


async def test_a_model_that_only_completes_goes_on():
    engine = FakeDispatcher("hi")
    model = msgspec.structs.replace(engine.ready.model, follows_instructions=False)
    engine.ready = msgspec.structs.replace(engine.ready, model=model)
    await generate(engine, prompt="hello", **QUIET)
    assert engine.asked[0].prefix == "hello"


async def test_it_streams_unless_told_not_to():
    engine = FakeDispatcher("a\nb", ["a\nb"])
    reply = await generate(engine, prompt="x", suffix="")
    lines = [json.loads(line) for line in reply.body.splitlines()]
    assert reply.headers["content-type"] == "application/x-ndjson"
    assert "".join(line["response"] for line in lines) == "a\nb"
    assert [line["done"] for line in lines] == [False, False, True]


async def test_no_prompt_asks_whether_the_model_is_there():
    answer = (await generate(FakeDispatcher(), **QUIET)).json
    assert (answer["done_reason"], answer["response"]) == ("load", "")


async def test_the_models_and_the_version():
    app = app_of(FakeDispatcher())
    assert (await call(app, "/api/tags")).json["models"][0]["name"] == "tiny"
    assert (await call(app, "/api/version")).json["version"]
