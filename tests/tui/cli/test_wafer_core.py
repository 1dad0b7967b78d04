"""`spark-tui wafer core`: one core in numbers and in words."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tiny import write_tiny_model
from tests.tui.cli.conftest import Outcome


@pytest.fixture
def call(spark: Callable[..., Outcome], tmp_path: Path) -> Callable[..., Outcome]:
    model = write_tiny_model(tmp_path / "tiny")

    def core(*arguments: object) -> Outcome:
        return spark("wafer", "core", "--model", model, "--machine", "tiny", *arguments)

    return core


def test_the_first_core_holds_weights_and_its_program_ends_with_the_token(
    call: Callable[..., Outcome],
) -> None:
    outcome = call("0,0", "--json")
    assert outcome.code == 0, outcome.err
    found = outcome.json
    assert (found["x"], found["y"], found["row"], found["column"]) == (0, 0, 0, 0)
    assert set(found["memory"]) == {"code", "weights", "kv", "buffers"}
    assert found["tiles"]
    assert 0 < found["steps"][-1]["end"] <= found["latency"]
    assert "total_states" not in found  # nothing has run
    said = call("0,0").out
    for words in (found["label"], found["tiles"][0]["tensor"], found["steps"][0]["operation"]):
        assert words in said
    for title in ("weights", "colors", "program"):
        assert f"\n{title}\n" in said


def test_what_is_no_core_is_refused_in_a_line(call: Callable[..., Outcome]) -> None:
    assert call("first").code == 2
    assert "write X,Y" in call("first").err
    outside = call("9999,0")
    assert outside.code != 0
    assert "has columns 0 to" in outside.err
