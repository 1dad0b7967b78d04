"""Questions about a model by name, from end to end; the numbers have their own tests."""

import json
import shutil
from dataclasses import replace

import pytest

from engine import inspection
from engine.errors import EngineError, MachineError, ModelError, TraceError
from engine.protocol.messages import Progress
from engine.wafer.program import machine as machines
from tests.tiny import write_tiny_model
from tests.tiny_gguf import SMALL_BLOCKS, write_tiny_gguf


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(write_tiny_model(tmp_path_factory.mktemp("models") / "tiny", context=64))


def test_a_plan_has_what_the_command_promises():
    found = inspection.plan_wafer(None, "wse3")

    assert {
        "blocks", "cores_used", "wafers", "sram_bytes_per_core", "colors_used", "cycles_per_token",
        "cycles_by_op", "tokens_per_second", "context_limit", "sweep",
    } <= set(found)  # fmt: skip
    assert {"layers", "x", "y", "width", "height"} <= set(found["blocks"][0])
    assert set(found["sram_bytes_per_core"]) == {"code", "weights", "kv", "buffers", "max_total"}
    assert sum(found["cycles_by_op"].values()) == found["cycles_per_token"]
    assert all({"width", "height", "cycles_per_token"} <= set(each) for each in found["sweep"])
    assert found["context_limit"] == 2048
    json.dumps(found)


def test_a_plan_counts_the_types_of_weights_and_compares_them_with_int8(folder):
    plain, packed = (
        inspection.plan_wafer(f"{folder}/config.json", "small", dtype=dtype)
        for dtype in ("int8", "q5_0")
    )

    assert plain["in_int8"] is None
    assert plain["unpack_cycles_per_token"] == 0
    assert packed["in_int8"]["cycles_per_token"] == plain["cycles_per_token"]
    assert packed["in_int8"]["bytes"] == plain["weights"][0]["bytes"]
    (kind,) = packed["weights"]
    assert (kind["format"], kind["matrices"]) == ("q5_0", 15)
    assert kind["bytes"] == kind["weights"] * 22 // 32
    assert plain["weights"][0]["bytes"] == kind["weights"] * 34 // 32
    assert kind["unpack_cycles_per_weight"] == 5 / 8
    assert 0 < kind["bytes_per_core"] < packed["sram_bytes_per_core"]["weights"]
    assert 0 < packed["unpack_cycles_per_token"] < packed["cycles_per_token"]
    json.dumps(packed)


def test_a_plan_says_where_int8_would_not_fit(monkeypatch, folder):
    spec = replace(machines.get("tiny"), name="narrow", sram_bytes=24_120)
    monkeypatch.setitem(machines.PRESETS, "narrow", spec)

    found = inspection.plan_wafer(f"{folder}/config.json", "narrow", dtype="q4_0")

    assert "does not fit narrow" in found["in_int8"]["refusal"]


def test_a_plan_needs_no_weights(folder, tmp_path):
    shutil.copy(f"{folder}/config.json", tmp_path)

    found = inspection.plan_wafer(str(tmp_path / "config.json"), "tiny")

    assert found["model"] == tmp_path.name
    assert found["wafers"] == 1


def test_a_plan_of_a_file_has_the_files_types(tmp_path):
    path = str(write_tiny_gguf(tmp_path / "mixed.gguf", types=("Q8_0", "Q4_0", "Q5_1")))

    found = inspection.plan_wafer(path, "tiny")
    int8 = inspection.plan_wafer(path, "tiny", dtype="int8")

    assert found["model"] == int8["model"] == "mixed"
    assert set(found["dtype"].split(", ")) == {"int8", "q4_0", "q5_1"}
    assert int8["dtype"] == "int8"
    assert found["sram_bytes_per_core"]["weights"] < int8["sram_bytes_per_core"]["weights"]


@pytest.mark.parametrize(
    ("family", "types"),
    [
        ("llama", ("Q4_0", "Q5_1", "Q8_0")),
        ("gemma3", SMALL_BLOCKS),
        ("starcoder2", ("F16", "Q4_1")),
    ],
)
def test_a_check_compares_the_tiers_of_a_file(tmp_path, family, types):
    path = write_tiny_gguf(tmp_path / "tiny.gguf", family, types, layers=1)

    assert inspection.check_wafer(str(path), "tiny", tokens=1).holds


def test_a_check_compares_the_tiers_of_a_folder(folder):
    seen = []

    report = inspection.check_wafer(folder, "tiny", tokens=1, on_progress=seen.append)

    assert report.holds
    assert (report.model, report.machine, report.rows) == ("tiny", "tiny", 9)
    assert {(type(each), each.stage) for each in seen} == {(Progress, "check")}


def test_a_check_refuses_more_tokens_than_the_context_holds(folder):
    with pytest.raises(EngineError, match="ask for 0 to 56"):
        inspection.check_wafer(folder, "tiny", tokens=57)


@pytest.mark.parametrize("tier", ["fast", "cycle"])
def test_a_trace_is_written(folder, tmp_path, tier):
    seen = []

    report = inspection.trace_wafer(
        folder, "tiny", out=tmp_path / "out", tier=tier, on_progress=seen.append
    )

    assert (report.model, report.tier, report.tokens) == ("tiny", tier, 1)
    assert set(report.files) == {path.name for path in (tmp_path / "out").iterdir()}
    assert seen[0] == Progress("trace", 0, 1, "placing the model")


def test_a_place_that_cannot_be_written_is_refused_before_a_model_is_looked_for(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(TraceError, match="is a file"):
        inspection.trace_wafer("no-such-model", "tiny", out=tmp_path / "file")


@pytest.mark.parametrize("ask", [inspection.plan_wafer, inspection.check_wafer])
def test_an_unknown_model_or_machine(ask, folder):
    with pytest.raises(ModelError, match="no model"):
        ask("no-such-model", "tiny")
    with pytest.raises(MachineError, match="wse9"):
        ask(folder, "wse9")


def test_the_served_model_is_the_published_one():
    graph = inspection.served_graph()

    assert (graph.layers, graph.width, graph.vocabulary) == (28, 2048, 151_936)
    assert (
        sum(node.name.endswith("_norm") and "heads" in node.attributes for node in graph.nodes)
        == 56
    )
