"""Who may ask: names, origins, tokens, sizes."""

import asyncio

import pytest

from engine.server.http import guard
from engine.server.http.guard import Rules
from tests.engine.server.http.fakes import FakeDispatcher, app_of, call


async def status(headers=(), rules=None, path="/props"):
    return (await call(app_of(FakeDispatcher(), rules), path, headers=headers)).status


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8012", "localhost:1", "LOCALHOST", "[::1]:8012", "[::1]"]
)
async def test_this_computers_names_are_let_in(host):
    assert await status({"host": host}) == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8012", "127.0.0.1.evil.example", "", "localhost.", "[", None],
)
async def test_other_names_are_refused_as_a_page_may_have_made_them_ours(host):
    assert await status({"host": host}) == 403


async def test_a_name_that_was_allowed_is_let_in():
    assert await status({"host": "Box.local:8012"}, Rules(hosts={"box.local"})) == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "https://127.0.0.1:8012"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_web_pages_of_others_are_refused(headers):
    assert await status(headers) == 403


async def test_pages_of_ours_and_those_allowed_are_let_in():
    assert await status({"origin": "http://127.0.0.1:8012"}) == 200
    page = Rules(origins=["https://good.example"])
    assert (
        await status({"origin": "https://good.example", "sec-fetch-site": "cross-site"}, page)
        == 200
    )


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": "Basic right"}, 401),
        ({"authorization": "Bearer rïght"}, 401),
        ({"authorization": "Bearer right"}, 200),
        ({"authorization": "bearer right"}, 200),
        ({"x-api-key": "right"}, 200),
    ],
)
async def test_a_token_is_asked_for(headers, expected):
    assert await status(headers, Rules(token="right")) == expected
    assert await status(headers, Rules(token="right"), "/health") == 200


async def test_a_long_request_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr(guard, "MOST_BODY_BYTES", 10)
    app = app_of(FakeDispatcher())
    assert (await call(app, "/infill", b"x" * 11)).status == 413
    unsaid = {"content-length": None}  # in chunks: no length beforehand
    assert (await call(app, "/infill", b"x" * 11, headers=unsaid)).status == 413
    assert (await call(app, "/infill", b"x" * 10)).status == 400


@pytest.mark.parametrize(
    "path", ["/infill", "/v1/completions", "/v1/chat/completions", "/api/generate"]
)
@pytest.mark.parametrize("body", ["{0}", '{{"prompt": {0}}}', '{{"unknown": {0}}}'])
async def test_brackets_nested_deep_are_a_wrong_request(path, body):
    deep = "[" * 100_000 + "]" * 100_000
    answer = await call(app_of(FakeDispatcher()), path, body.format(deep).encode())
    assert answer.status == 400
    assert len(answer.body) < 1000


async def test_a_request_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.0)
    said = []

    async def receive():
        await asyncio.Event().wait()

    async def send(message):
        said.append(message)

    scope = {"type": "http", "path": "/infill", "scheme": "http", "method": "POST",
             "headers": [(b"host", b"localhost")]}  # fmt: skip
    await app_of(FakeDispatcher())(scope, receive, send)
    assert said[0]["status"] == 408
