"""`spark-tui wafer what-if`: a suggestion on changed wafers, in numbers and in words."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

import engine
from engine.protocol.completion import CompletionRequest
from tests.tiny import write_tiny_model
from tests.tui.cli.conftest import Outcome
from tui.cli.wafer.what_if import _OVER


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "tiny", seed=1)


@pytest.fixture
def call(spark: Callable[..., Outcome], folder: Path) -> Callable[..., Outcome]:
    def what_if(*arguments: object) -> Outcome:
        own = ("wafer", "what-if", "--model", folder, "--machine", "small")
        return spark(*own, *arguments)

    return what_if


def test_a_suggestion_that_was_looked_into_has_the_cycles_it_took(
    call: Callable[..., Outcome], folder: Path, tmp_path: Path
) -> None:
    session = engine.Session.open(str(folder), "small", threads=1)
    request = CompletionRequest(path="a.txt", prefix="def first(", suffix="\n", max_tokens=6)
    completion = session.complete(request)
    looked = session.looks.xray(completion.answer)
    session.close()
    file = tmp_path / "xray.json"
    file.write_bytes(msgspec.json.encode({"text": completion.text, "xray": looked}))

    found = call("--over", "clock", "--xray", file, "--json").json
    now = found["points"][found["chosen"]]
    assert completion.wafer is not None
    assert now["prompt_cycles"] == completion.wafer.cycles_prefill
    assert now["decode_cycles"] / found["tokens"] == completion.wafer.cycles_per_token
    cycles = now["prompt_cycles"] + now["decode_cycles"]
    assert found["microseconds"][found["chosen"]] == pytest.approx(cycles / 850)
    assert found["best"] == "2 GHz"


def test_without_one_it_is_a_prompt_and_tokens_and_what_does_not_fit_says_so(
    call: Callable[..., Outcome],
) -> None:
    arguments = "--over", "sram", "--sram", "23", "--prompt", "20", "--tokens", "2"
    found = call(*arguments, "--json").json
    assert (found["prompt_rows"], found["tokens"]) == (20, 2)
    assert found["points"][0]["label"] == "23 KiB"
    assert found["microseconds"][0] is None
    said = call(*arguments).out
    assert "20 rows of prompt and 2 tokens, emulated, by formula" in said
    assert "▸        23 KiB  no: " in said
    assert "★" in said


def test_what_is_no_xray_is_refused_with_what_writes_one(
    call: Callable[..., Outcome], tmp_path: Path
) -> None:
    file = tmp_path / "other.json"
    file.write_text(json.dumps({"steps": []}))
    outcome = call("--xray", file)
    assert outcome.code == 2
    assert "complete --xray --json" in outcome.err
    assert call("--xray", tmp_path / "none.json").code == 2


def test_the_command_knows_every_parameter() -> None:
    """A copy: asking the engine would load NumPy before a command is known."""
    assert tuple(engine.what_if_parameters) == _OVER
