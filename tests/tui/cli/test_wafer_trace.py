"""`spark-tui wafer trace`: four files; refusals in one line, exit 2, nothing written."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tiny import write_tiny_model
from tests.tui.cli.conftest import Outcome

Spark = Callable[..., Outcome]

FILES = ["cores.csv", "sim.log", "sim_stats.json", "trace.json"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def call(spark: Spark, model: Path) -> Spark:
    def trace(*arguments: object) -> Outcome:
        return spark("wafer", "trace", "--model", model, "--machine", "tiny", *arguments)

    return trace


@pytest.mark.parametrize("tier", ["fast", "cycle"])
def test_four_files(call: Spark, tmp_path: Path, tier: str) -> None:
    outcome = call("--out", tmp_path / "new" / "folder", "--tier", tier, "--json")
    found = {p.name: p.stat().st_size for p in (tmp_path / "new" / "folder").iterdir()}

    assert outcome.code == 0, outcome.err
    assert sorted(found) == FILES
    assert outcome.json["files"] == found
    assert outcome.json["tier"] == tier
    assert outcome.json["machine"] == "tiny"
    assert outcome.json["tokens"] == 1
    trace = json.loads((tmp_path / "new" / "folder" / "trace.json").read_text())
    slices = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    assert sum(event["args"]["cycles"] for event in slices) == outcome.json["cycles"]


def test_tokens_a_region_and_a_clock(call: Spark, tmp_path: Path) -> None:
    outcome = call("--out", tmp_path, "--tokens", 2, "--region", "1,0,2,3", "--clock", 1.1)
    trace = json.loads((tmp_path / "trace.json").read_text())

    assert outcome.code == 0, outcome.err
    assert "bytes of sim.log" in outcome.out
    assert trace["otherData"]["clock_ghz"] == 1.1
    assert trace["otherData"]["region"] == [1, 0, 2, 3]
    assert trace["otherData"]["tokens"] == 2
    assert len((tmp_path / "cores.csv").read_text().splitlines()) == 1 + 2 * 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--region", "900,900,4,4"], "not within the placed cores"),
        (["--region", "0,0,4"], "write X,Y,W,H"),
        (["--region", "0,0,0,4"], "holds no core"),
        (["--tokens", "0"], "0 is not in the range"),
        (["--tokens", "65"], "takes 1 to 64 positions"),
        (["--tier", "both"], "'both' is not one of"),
        (["--machine", "wse9"], "wse9"),
        (["--model", "nobody"], "no model 'nobody'"),
    ],
)
def test_refusals(call: Spark, tmp_path: Path, arguments: list[str], words: str) -> None:
    outcome = call("--out", tmp_path / "new", *arguments)

    assert outcome.code == 2
    assert words in outcome.line
    assert not (tmp_path / "new").exists()


def test_a_file_in_the_place_of_the_folder(call: Spark, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        outcome = call("--out", out)
        assert outcome.code == 2
        assert "is a file" in outcome.line
    assert (tmp_path / "file").read_text() == "mine"

    (tmp_path / "trace.json").mkdir()
    outcome = call("--out", tmp_path)
    assert outcome.code == 2
    assert "trace.json is a folder" in outcome.line
    assert not (tmp_path / "sim.log").exists()

    outcome = call("--out", tmp_path / ("long" * 100))
    assert outcome.code == 2
    assert "no place for a trace" in outcome.line


def test_a_folder_is_asked_for(call: Spark) -> None:
    outcome = call()
    assert outcome.code == 2
    assert "--out" in outcome.line
