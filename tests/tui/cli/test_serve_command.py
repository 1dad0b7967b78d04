"""`spark-tui serve`: what it refuses before it listens, and what it hands on."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

import engine
from engine.host_memory import available_bytes
from tests.engine.server.http.fakes import FakeDispatcher, app_of, call
from tui.cli import extras

Spark = Callable[..., Any]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The options of each server that would have been started."""
    found: list[Any] = []

    def serve(dispatcher: Any, options: Any, on_listening: Callable[[str], None]) -> None:
        found.append(options)
        on_listening("http://127.0.0.1:1")

    monkeypatch.setattr(engine, "serve_http", serve)
    return found


def test_it_listens_on_this_computer_alone(spark: Spark, served: list[Any]) -> None:
    outcome = spark("serve")
    assert (outcome.code, outcome.out) == (0, "listening at http://127.0.0.1:1\n")
    (options,) = served
    assert (options.host, options.port, options.token) == ("127.0.0.1", 8012, "")


def test_other_computers_take_a_token(spark: Spark, served: list[Any], tmp_path: Path) -> None:
    outcome = spark("serve", "--host", "0.0.0.0")
    assert outcome.code == 1
    assert "--token-file" in outcome.line
    token = tmp_path / "token"
    token.write_text("secret\n")
    assert spark("serve", "--host", "0.0.0.0", "--token-file", token).code == 0
    assert served[0].token == "secret"


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
def test_a_token_that_is_none_is_refused(
    spark: Spark, served: list[Any], tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    outcome = spark("serve", "--token-file", file)
    assert (outcome.code, served) == (2, [])
    assert str(file) in outcome.line


def test_missing_packages_are_named_with_their_extra(
    spark: Spark, served: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "uvicorn" else name)
    outcome = spark("serve")
    assert (outcome.code, served) == (2, [])
    assert "uvicorn" in outcome.line
    assert "spark-tui[serve]" in outcome.line


@pytest.mark.parametrize("place", ["1:1", "1:8", "2", "2:5", "3:1", "4:9", "5:1"])
def test_infill_asks_the_engine_what_complete_does(
    spark: Spark, session: Any, tmp_path: Path, place: str
) -> None:
    (tmp_path / ".git").mkdir()
    file = tmp_path / "module.py"
    text = "def f(x):\n    return x\n\nvalue = f('ä€')\n"
    file.write_text(text)
    assert spark("complete", f"{file}:{place}", "--no-repository", "--max-tokens", 32).code == 0
    (asked,) = session.requests

    typed = asked.prefix.rpartition("\n")[2]
    cursor = {
        "input_prefix": asked.prefix[: len(asked.prefix) - len(typed)],
        "prompt": typed,
        "input_suffix": asked.suffix,
        "filename": asked.path,
        "n_predict": 32,
        "temperature": 0.0,
    }
    engine_side = FakeDispatcher(session.text)
    reply = asyncio.run(call(app_of(engine_side), "/infill", cursor))
    # The server knows no folder of the client.
    assert engine_side.asked == [replace(asked, root=None)]
    assert reply.json["content"] == session.text


def test_replicas_are_processes_of_their_own_and_end_a_request_in_time(
    spark: Spark, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(engine, "serve_http", lambda dispatcher, *_: asked.append(dispatcher))
    assert spark("serve", "--replicas", "3", "--timeout", "7").code == 0
    (dispatcher,) = asked
    assert len({each._client._replica for each in dispatcher.replicas}) == 3
    assert {each._longest_seconds for each in dispatcher.replicas} == {7.0}
    shares = {each._client._command[-1] for each in dispatcher.replicas}
    assert 0 < 3 * int(shares.pop()) < available_bytes()
    assert not shares
    outcome = spark("serve", "--replicas", "2", "--model", "openai:http://127.0.0.1:1/v1#m")
    assert outcome.code == 2
    assert "it has no replicas" in outcome.line


def test_a_cluster_takes_its_extra(spark: Spark, served: list[Any]) -> None:
    outcome = spark("serve", "--ray", "127.0.0.1:1")
    assert (outcome.code, served) == (2, [])
    assert "spark-tui[ray]" in outcome.line


def test_each_change_of_the_engines_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    from types import SimpleNamespace

    from tui.cli.progress import ProgressLine
    from tui.cli.serve import _StateTeller

    model = SimpleNamespace(model=SimpleNamespace(name="tiny"))
    state = SimpleNamespace(progress=None, ready=None, reason="", ready_count=0, replicas="ab")
    told = _StateTeller(state, ProgressLine())
    told()
    state.ready, state.ready_count, state.reason = model, 1, "the engine is starting"
    told()
    told()
    state.ready_count, state.reason = 2, ""
    told()
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["tiny is ready on 1 of 2 (the engine is starting)", "tiny is ready on 2 of 2"]
