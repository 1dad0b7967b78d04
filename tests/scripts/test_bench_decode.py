"""`scripts/bench_decode.py`: one small run with everything, and the figures that follow."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.model.load import load_model
from engine.wafer.fast.packing import pack
from engine.wafer.plan.placed import open_placed
from engine.wafer.program import machine
from scripts import bench_decode
from scripts.bench.code_text import prompt_tokens
from scripts.bench.engine_worker import work
from scripts.bench.limits import Memory, dot_peak
from scripts.bench.spread import percentile, percentiles, ratios, rounded, spread
from scripts.bench.workers import Worker
from tests.scripts.bench_children import stand_in
from tests.tiny_gguf import write_tiny_gguf

PROMPT, DECODE = 24, 4


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("model") / "tiny.gguf", types=("Q8_0",))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run the script; returns what it printed for people, and the JSON."""
    monkeypatch.setattr(bench_decode, "Memory", lambda: Memory(1 << 22))
    monkeypatch.setattr(bench_decode, "ended_in_order", lambda: None)  # it is the test's process

    def call(*arguments: object) -> tuple[str, Any]:
        bench_decode.main([str(each) for each in arguments])
        text, _, last = capfd.readouterr().out.rstrip().rpartition("\n")
        return text, json.loads(last)

    return call


def test_a_run_beside_other_work(run: Callable[..., Any], model: Path) -> None:
    text, found = run(
        "--model", model, "--prompt", PROMPT, "--decode", DECODE, "--rounds", 2, "--threads", 1,
        "--beside", 1,
    )  # fmt: skip
    assert (found["model"], found["prompt"], found["decode"]) == ("tiny", PROMPT, DECODE)
    quiet, nice19, nice0 = found["runs"]
    assert [one["beside"] for one in found["runs"]] == ["quiet", "nice19", "nice0"]
    for one in found["runs"]:
        speed, share = one["decode_tokens_per_second"], one["bandwidth_share"]
        limit = one["bandwidth_bytes_per_second"]
        assert 0 < speed["min"] <= speed["median"] <= speed["max"]
        bytes_a_second = found["weight_bytes_per_token"] * speed["median"]
        assert share["min"] * limit["min"] <= bytes_a_second * 1.001
        assert share["max"] * limit["max"] >= bytes_a_second * 0.999
        assert one["token_ms"]["p50"] <= one["token_ms"]["p99"] <= one["token_ms"]["max"]
        assert one["threads"] == 1
    ratios_19, ratios_0 = found["beside"]
    for name, other, of in (("nice19", nice19, ratios_19), ("nice0", nice0, ratios_0)):
        for what in ("prefill", "decode"):
            key, ratio = f"{what}_tokens_per_second", of[f"{name}_ratio"][what]
            assert ratio["min"] <= other[key]["max"] / quiet[key]["min"] * 1.001
            assert ratio["max"] >= other[key]["min"] / quiet[key]["max"] * 0.999
    assert "against_one_thread" not in found
    assert "nice19_ratio" in text


def test_the_work_of_a_token_is_that_of_the_packed_weights(model: Path) -> None:
    loaded = load_model(model)
    placed = open_placed(loaded.graph, machine.get("wse3"), formats=loaded.formats)
    counted = work(placed.program, loaded.tensors)
    packed = pack(placed.program.matrices, loaded.tensors)
    assert counted["weight_bytes"] == packed.panels.weights.size  # the head is the embedding
    matrices = [shape for shape in loaded.graph.weights.values() if len(shape) == 2]
    assert counted["row_macs"] + counted["step_macs"] == sum(n * k for n, k in matrices)
    assert counted["step_macs"] == 288 * 64
    assert counted["file_bytes"] == sum(
        tensor.size_bytes for tensor in loaded.tensors.values() if len(tensor.shape) == 2
    )
    assert counted["attentions"] == [(64, 0), (64, 0)]


def test_the_multiplications_of_a_prompt() -> None:
    known = {"prefill_chunk": 2, "row_macs": 10, "step_macs": 100, "attentions": [(4, 0), (4, 2)]}
    # Three rows, two steps; the rows see 1, 2 and 3 positions, in the second layer at most 2.
    assert bench_decode.prompt_macs(known, 3) == 30 + 200 + 2 * 4 * (1 + 2 + 3) + 2 * 4 * (
        1 + 2 + 2
    )


def test_a_context_that_is_too_short_is_said(tmp_path: Path) -> None:
    job = {"described": {"name": "tiny", "context_length": 64}}
    with Worker("it", [sys.executable, str(stand_in(tmp_path)), json.dumps(job)]) as worker:
        assert prompt_tokens(worker, 60, 4) == list(range(60))
        with pytest.raises(SystemExit, match="tiny holds 64; ask for fewer"):
            prompt_tokens(worker, 60, 5)


def test_a_model_that_cannot_be_opened_is_one_line(
    run: Callable[..., Any], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "nothing.gguf"
    with pytest.raises(SystemExit, match="ended with 1 and gave no answer"):
        run("--model", missing, "--threads", 1)
    assert [line for line in capfd.readouterr().err.splitlines() if "opening" not in line] == [
        f"{missing}: no such file"
    ]


@pytest.mark.parametrize("wrong", [("--rounds", "0"), ("--threads", "0"), ("--beside", "-1")])
def test_a_wrong_call(wrong: tuple[str, str]) -> None:
    with pytest.raises(SystemExit):
        bench_decode.parsed(list(wrong))


def test_one_thread_is_measured_beside_other_work_too() -> None:
    assert bench_decode.parsed(["--threads", "2", "--beside", "1"]).threads == [2, 1]
    assert bench_decode.parsed(["--threads", "2"]).threads == [2]


# ── limits and figures ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", [1 << 20, (1 << 20) + 8])
def test_memory_is_read_completely(size: int) -> None:
    memory = Memory(size)
    assert memory.bytes_per_second(2) > 0
    memory._numbers[-1] = 2
    with pytest.raises(AssertionError, match="every number"):
        memory.bytes_per_second(1)


def test_a_path_without_a_loop_has_no_peak() -> None:
    assert dot_peak("portable", 1) is None


def test_percentiles() -> None:
    values = [float(number) for number in range(1, 101)]
    assert percentiles(values) == {"p50": 50, "p95": 95, "p99": 99, "max": 100}
    assert percentiles([]) == {}
    assert percentile([7.0], 99) == 7.0
    assert spread([3.0, 1.0, 2.0]) == {"min": 1.0, "median": 2.0, "max": 3.0}
    assert ratios([2.0, 9.0], [1.0, 3.0]) == {"min": 2.0, "median": 2.5, "max": 3.0}
    assert rounded({"a": [1.23456789, 10**9], "b": None}) == {"a": [1.23457, 10**9], "b": None}
