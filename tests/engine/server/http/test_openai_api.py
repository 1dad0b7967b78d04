"""Completions and conversations as OpenAI's clients write them."""

import pytest

from engine.protocol.asking import AskTurn
from engine.server.http.openai_api import ChatMessage, conversation, split_marked
from tests.engine.server.http.fakes import FakeDispatcher, app_of, call

HELLO = [{"role": "user", "content": "hello"}]


async def test_a_completion():
    engine = FakeDispatcher("a + 1")
    wish = {"prompt": "def f(a):\n    return ", "suffix": "\n", "max_tokens": 7, "stop": "1"}
    answer = (await call(app_of(engine), "/v1/completions", wish)).json
    (choice,) = answer["choices"]
    assert (choice["text"], choice["finish_reason"], choice["index"]) == ("a + ", "stop", 0)
    assert (answer["object"], answer["model"]) == ("text_completion", "tiny")
    assert answer["usage"]["total_tokens"] == 45
    (asked,) = engine.asked
    assert (asked.prefix, asked.suffix, asked.max_tokens) == (wish["prompt"], "\n", 7)


async def test_a_text_that_the_limit_cut_says_so():
    engine = FakeDispatcher("a", reason="length")
    answer = (await call(app_of(engine), "/v1/completions", {"prompt": "x", "echo": True})).json
    assert answer["choices"][0] == {
        "text": "xa", "index": 0, "logprobs": None, "finish_reason": "length",
    }  # fmt: skip


async def test_a_stream_of_a_completion():
    engine = FakeDispatcher("a\nb", ["a\nb"])
    wish = {"prompt": "x", "stream": True, "stream_options": {"include_usage": True}}
    *pieces, end, usage, done = (await call(app_of(engine), "/v1/completions", wish)).events
    assert "".join(piece["choices"][0]["text"] for piece in pieces) == "a\nb"
    assert end["choices"][0]["finish_reason"] == "stop"
    assert (usage["choices"], usage["usage"]["completion_tokens"]) == ([], 5)
    assert done == "[DONE]"
    assert len({each["id"] for each in [*pieces, end, usage]}) == 1


async def test_a_conversation():
    engine = FakeDispatcher("hi")
    wish = {"messages": HELLO, "max_completion_tokens": 9, "temperature": 1}
    answer = (await call(app_of(engine), "/v1/chat/completions", wish)).json
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "hi"}
    assert answer["object"] == "chat.completion"
    (asked,) = engine.asked
    assert (asked.question, asked.instructions, asked.max_tokens) == ("hello", "", 9)
    assert asked.repository is None


async def test_a_stream_of_a_conversation_holds_back_what_may_be_a_stop():
    engine = FakeDispatcher("one STOP two", ["one ST", "one STOP two"])
    wish = {"messages": HELLO, "stream": True, "stop": ["STOP"]}
    first, *pieces, end, _ = (await call(app_of(engine), "/v1/chat/completions", wish)).events
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": None}
    said = "".join(piece["choices"][0]["delta"]["content"] for piece in pieces)
    assert said == "one "
    assert end["choices"][0] == {"index": 0, "delta": {}, "finish_reason": "stop"}
    assert end["object"] == "chat.completion.chunk"


def test_the_turns_of_a_conversation():
    messages = [
        ChatMessage("system", "be brief"),
        ChatMessage("user", "one"),
        ChatMessage("user", "more"),
        ChatMessage("assistant", "1"),
        ChatMessage("developer", "in English"),
        ChatMessage("user", "two"),
    ]
    asked = conversation(messages, 10)
    assert asked.instructions == "be brief\n\nin English"
    assert asked.earlier == (AskTurn("one\n\nmore", "1", asked="one\n\nmore"),)
    assert asked.question == "two"


def test_a_conversation_that_the_assistant_begins():
    asked = conversation([ChatMessage("assistant", "hi"), ChatMessage("user", "yes")], 1)
    assert asked.earlier == (AskTurn("", "hi", asked=""),)


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "assistant", "content": "x"}],
        [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}],
        [{"role": "wizard", "content": "x"}],
        [{"role": "user", "content": [{"type": "image_url"}]}],
        [{"content": "x"}],
        ["x"],
        "x",
    ],
)
async def test_a_conversation_that_cannot_be_answered_is_refused(messages):
    reply = await call(app_of(FakeDispatcher()), "/v1/chat/completions", {"messages": messages})
    assert reply.status == 400
    assert reply.json["error"]["message"]


async def test_parts_of_text_are_one_text():
    engine = FakeDispatcher()
    content = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    await call(
        app_of(engine), "/v1/chat/completions", {"messages": [{"role": "user", "content": content}]}
    )
    assert engine.asked[0].question == "ab"


@pytest.mark.parametrize(
    "wish", [{}, {"prompt": ["a", "b"]}, {"prompt": "a", "n": 2}, {"prompt": [1]}]
)
async def test_a_completion_that_cannot_be_written_is_refused(wish):
    assert (await call(app_of(FakeDispatcher()), "/v1/completions", wish)).status == 400


@pytest.mark.parametrize(
    "unmet",
    [
        {"grammar": "root ::= x"},
        {"response_format": {"type": "json_object"}},
        {"tools": [{"type": "function"}]},
        {"logprobs": True},
        {"logit_bias": {"5": -100}},
        {"lora": [{"id": 0, "scale": 0.5}]},
    ],
)
async def test_what_is_not_done_is_refused_and_not_passed_over(unmet):
    app = app_of(FakeDispatcher("hi"))
    wish = {"messages": HELLO, **unmet}
    reply = await call(app, "/v1/chat/completions", wish)
    (name,) = unmet
    assert (reply.status, repr(name) in reply.json["error"]["message"]) == (400, True)
    harmless = {"response_format": {"type": "text"}, "tools": [], "logprobs": 0, "logit_bias": {}}
    wish = {"messages": HELLO, **harmless, "max_tokens": -1, "tool_choice": "auto"}
    assert (await call(app, "/v1/chat/completions", wish)).status == 200


@pytest.mark.parametrize("form", ["<|fim_{}|>", "<fim_{}>", "<fim-{}>", "<|code_{}|>"])
def test_a_prompt_that_marks_its_cursor(form):
    before, after, typed = (form.format(part) for part in ("prefix", "suffix", "middle"))
    assert split_marked(f"{before}a\n{after}b\n{typed}c") == ("a\nc", "b\n")
    assert split_marked("a < b > c") is None


async def test_the_models():
    for path in ("/v1/models", "/models"):
        (model,) = (await call(app_of(FakeDispatcher()), path)).json["data"]
        assert (model["id"], model["meta"]["n_ctx_train"]) == ("tiny", 512)
