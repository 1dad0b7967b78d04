"""`scripts/bench_peers.py`: the comparison with stand-ins, the peer's builds, files of models."""

import json
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.model.load import load_model
from engine.tokenizer import Tokenizer
from scripts import bench_decode, bench_peers, export_gguf
from scripts.bench import peer_builds, workers
from scripts.bench.peer_builds import BUILDS, FOR_PATHS, Build
from scripts.bench.random_models import SHAPES, RandomModel, write_random
from tests.scripts.bench_children import python, stand_in
from tests.tiny_gguf import write_tiny_gguf

OURS = {
    "described": {
        "name": "tiny", "path": "avx2", "context_length": 64, "open_seconds": 0.5, "threads": 1,
    },
    "prefill_seconds": 0.01,
    "token_seconds": 0.1,
}  # fmt: skip
PEER = {"version": "0.3.36", "features": "CPU : AVX2 = 1", "open_seconds": 0.1, "threads": 1}


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Any]:
    """Run the script with stand-ins for both engines; returns the report and the JSON.

    The peer takes twice as long for a prompt, half as long for a token, and three times as long for
    everything where flash attention is left to the library.
    """
    path = stand_in(tmp_path)
    peer = {"described": PEER, "prefill_seconds": 0.02, "token_seconds": 0.05}
    peer["factors"] = {"default": 3}
    monkeypatch.setattr(bench_peers, "PEER_WORKER", path)
    monkeypatch.setattr(bench_peers, "ended_in_order", lambda: None)
    monkeypatch.setattr(
        bench_peers,
        "engine_worker",
        lambda model, threads, kernels: workers.Worker(
            "ours", [str(python(tmp_path / "ours")), str(path), json.dumps(OURS)]
        ),
    )
    plain = bench_peers.peer_worker
    monkeypatch.setattr(
        bench_peers, "peer_worker", lambda build, place, job: plain(build, place, {**job, **peer})
    )

    def call(*arguments: object) -> tuple[str, Any]:
        bench_peers.main(["--threads", "1", *(str(each) for each in arguments)])
        text, _, last = capsys.readouterr().out.rstrip().rpartition("\n")
        return text, json.loads(last)

    return call


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_gguf(tmp_path / "tiny.gguf")


def test_ratios_are_ours_over_the_peers_faster_way(
    run: Callable[..., Any], model: Path, tmp_path: Path
) -> None:
    text, found = run(
        "--model", model, "--prompt", 8, "--decode", 4, "--rounds", 2, "--paths", "avx2",
        "--peer-python", f"avx2={python(tmp_path / 'peer')}",
    )  # fmt: skip
    (one,) = found["models"]
    assert one["prefill_ratio"] == {"min": 2.0, "median": 2.0, "max": 2.0}
    assert one["decode_ratio"] == {"min": 0.5, "median": 0.5, "max": 0.5}
    assert one["ours"]["prefill_tokens_per_second"]["median"] == pytest.approx(100)
    assert one["peer"]["decode_tokens_per_second"]["median"] == pytest.approx(20)
    assert one["peer"]["flash_attention"] == "on"
    assert one["peer"]["warm_up"]["default"]["token_seconds"] == pytest.approx(0.15)
    assert one["peer"]["illegal_instruction"] == []
    assert (one["asked_path"], one["path"], one["file_bytes"]) == (
        "avx2", "avx2", model.stat().st_size,
    )  # fmt: skip
    assert "tiny" in text


def test_a_build_that_dies_of_an_illegal_instruction_is_replaced(
    run: Callable[..., Any], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def built(build: Build, say: Callable[[str], None]) -> Path:
        asked.append(build.name)
        return python(tmp_path / build.name, dies=build.name == "native")

    monkeypatch.setattr(bench_peers, "built", built)
    text, found = run("--model", model, "--prompt", 8, "--decode", 2, "--rounds", 1)
    (one,) = found["models"]
    assert asked == ["native", "no-amx"]
    assert one["peer"]["build"] == "no-amx"
    assert one["peer"]["illegal_instruction"] == [{"build": "native", "signal": "SIGILL"}]
    assert "native died of an illegal instruction; compared with no-amx" in text


def test_the_time_of_a_warm_up_is_that_of_the_faster_way() -> None:
    warm = {
        "default": {"prefill_seconds": 9.0, "token_seconds": 9.0},
        "on": {"prefill_seconds": 2.0, "token_seconds": 0.5},
    }
    peer = bench_peers.OpenPeer(worker=None, build="native", died=[], flash="on", warm_up=warm)
    assert peer.seconds(4) == 4.0


@pytest.mark.parametrize("slow", ["native", "no-amx"])
def test_of_several_builds_the_fastest_is_the_peer(
    run: Callable[..., Any],
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    slow: str,
) -> None:
    monkeypatch.setattr(bench_peers, "built", lambda build, say: python(tmp_path / build.name))
    monkeypatch.setattr(
        bench_peers.OpenPeer,
        "seconds",
        lambda peer, decode: 9.0 if peer.build == slow else 1.0 * decode,
    )
    _, found = run("--model", model, "--prompt", 8, "--decode", 2, "--rounds", 1)
    (one,) = found["models"]
    assert one["peer"]["warm_up"].keys() == {"default", "on"}
    assert one["peer"]["build"] == ({"native", "no-amx"} - {slow}).pop()


def test_where_all_builds_die_there_is_no_figure(
    run: Callable[..., Any], model: Path, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit, match="no build of the peer runs here"):
        run(
            "--model", model, "--prompt", 8, "--decode", 2,
            "--peer-python", python(tmp_path / "dying", dies=True),
        )  # fmt: skip


def test_another_path_than_the_one_asked_for_is_refused(
    run: Callable[..., Any], model: Path, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit, match="asked for the path vnni, the engine took avx2"):
        run(
            "--model", model, "--prompt", 8, "--decode", 2, "--paths", "vnni",
            "--peer-python", python(tmp_path / "peer"),
        )  # fmt: skip


@pytest.mark.parametrize("wrong", [("--paths", "sse"), ("--rounds", "0"), ("--prompt", "0")])
def test_a_wrong_call(wrong: tuple[str, str]) -> None:
    with pytest.raises(SystemExit):
        bench_peers.parsed(list(wrong))


# ── builds ──────────────────────────────────────────────────────────────────────────────────


def switches(build: str) -> dict[str, str]:
    words = BUILDS[build].cmake_arguments.split()
    return dict(word.removeprefix("-DGGML_").split("=") for word in words if "GGML" in word)


def test_builds_switch_the_features_that_their_names_promise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(peer_builds, "_processor_flags", set)  # as where the system lists none
    assert switches("native") == {"NATIVE": "ON"}
    for name in ("no-amx", "avx-vnni", "avx2"):
        found = switches(name)
        assert found["NATIVE"] == found["AMX_INT8"] == found["AMX_TILE"] == "OFF"
        assert found["AVX2"] == "ON"
    assert (switches("no-amx")["AVX512"], switches("no-amx")["AVX512_VNNI"]) == ("ON", "ON")
    assert (switches("avx-vnni")["AVX512"], switches("avx-vnni")["AVX_VNNI"]) == ("OFF", "ON")
    assert (switches("avx2")["AVX512"], switches("avx2")["AVX_VNNI"]) == ("OFF", "OFF")
    assert {name for names in FOR_PATHS.values() for name in names} == set(BUILDS)


def test_a_build_leaves_out_what_the_processor_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_builds, "_processor_flags", lambda: {"avx2", "avx512f"})
    found = switches("no-amx")
    assert (found["AVX2"], found["AVX512"], found["AVX512_VNNI"]) == ("ON", "ON", "OFF")


# ── files ───────────────────────────────────────────────────────────────────────────────────


def test_the_bundled_model_is_written_as_a_gguf_file(tmp_path: Path) -> None:
    place = bench_peers.gguf_of("spark-nano", tmp_path)
    ours, theirs = load_model(export_gguf.NANO), load_model(place)
    assert place.parent == tmp_path
    assert theirs.graph.weights == ours.graph.weights
    for name in ("model.embed_tokens.weight", "model.layers.5.mlp.down_proj.weight"):
        for left, right in zip(
            ours.tensors[name].blocks(), theirs.tensors[name].blocks(), strict=True
        ):
            assert (left is None and right is None) or np.array_equal(left, right)


@pytest.mark.parametrize("type", sorted({shape.type for shape in SHAPES.values()}))
def test_a_random_model_can_be_opened(tmp_path: Path, type: str) -> None:
    shape = RandomModel(type, 1, 256, 4, 2, 64, 256, 8200, 128)
    path = write_random(tmp_path / "random.gguf", shape)
    model = load_model(path)
    assert (model.graph.layers, model.graph.width, model.graph.vocabulary) == (1, 256, 8200)
    assert {tensor.format.name for tensor in model.tensors.values() if len(tensor.shape) == 2} == {
        {"Q8_0": "int8"}.get(type, type.lower())
    }
    tokenizer = Tokenizer.load(path)
    assert tokenizer.decode(tokenizer.encode_part("def f(x):")) == "def f(x):"


def test_the_random_models_have_the_sizes_of_their_names() -> None:
    assert tuple(SHAPES) == bench_decode.RANDOM_MODELS
    for name, shape in SHAPES.items():
        layer = shape.hidden * (
            2 * shape.heads * shape.head_dim + 2 * shape.kv_heads * shape.head_dim + 3 * shape.ffn
        )
        parameters = shape.layers * layer + shape.vocabulary * shape.hidden
        millions = float(name.removeprefix("random-").removesuffix("m"))
        assert parameters / 1e6 == pytest.approx(millions, rel=0.1)


class Steady:
    """A worker whose prompts and tokens always take as long."""

    asked = 0

    def ask(self, what: str, **question: Any) -> dict[str, Any]:
        self.asked += 1
        return {"prefill_seconds": 0.1, "token_seconds": [0.05] * question["decode"]}


def test_a_small_model_is_measured_for_a_while_in_each_round() -> None:
    ours, peer = Steady(), Steady()
    opened = bench_peers.OpenPeer(peer, "a", [], "on")  # type: ignore[arg-type]
    call = Namespace(decode=4, seconds=9)
    pair = bench_peers.Pair(ours, opened, call, [1] * 8)  # type: ignore[arg-type]
    pair.run()
    assert ours.asked == peer.asked == 4
    assert pair.speeds["ours"] == pytest.approx({"prefill": [80], "decode": [20]})
