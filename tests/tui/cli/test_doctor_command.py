import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import engine
from engine import model_store, paths, watching
from engine.doctor import Examination, ModelCheck, examine
from engine.model.formats.gguf import read_gguf
from tests.tiny_gguf import write_tiny_gguf
from tui.cli import doctor

Spark = Callable[..., Any]


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the engine finds; tests change it before they call."""
    facts: dict[str, Any] = {
        "processor_path": "portable",
        "threads": 3,
        "kernel_cache": tmp_path / "kernels" / "now",
        "kernel_cache_problem": None,
        "cached_kernels": 12,
        "damaged_kernels": 0,
        "stale_caches": (),
        "models": (ModelCheck("canned", tmp_path, "ok", True, None),),
    }
    monkeypatch.setattr("engine.doctor.examine", lambda model: Examination(**facts))
    return facts


def test_json_names_everything_that_is_promised(
    spark: Spark, found: dict[str, Any], own_folders: Path
) -> None:
    outcome = spark("doctor", "--json")
    assert outcome.code == 0
    report = outcome.json
    assert report["version"] == engine.__version__
    assert report["processor_path"] == "portable"
    assert report["threads"] == 3
    assert report["kernel_cache"]["cached_kernels"] == 12
    assert report["log_file"].startswith(str(own_folders / "state"))
    assert report["settings_file"] == str(own_folders / "config" / "settings.toml")
    assert report["models"][0] == {
        "name": "canned",
        "folder": str(found["models"][0].folder),
        "checksums": "ok",
        "default": True,
    }
    for name in ("python", "runtime_dir"):
        assert report[name]
    for name in ("term", "colorterm", "columns", "rows", "utf8"):
        assert name in report["terminal"]
    assert report["problems"] == []


def test_the_default_model_comes_with_its_rule_and_its_speed(
    spark: Spark, found: dict[str, Any], own_folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARK_MODELS_DIR", str(own_folders / "models"))
    default = spark("doctor", "--json").json["default_model"]
    assert default["name"] == "spark-nano"
    assert "tokens a second" in default["rule"]
    assert default["tokens_per_second_here"] is None
    assert default["memory_available_bytes"] > 0
    model_store.note_speed("spark-nano", 17.5)
    assert "17.5" in spark("doctor").out


def test_people_get_a_line_a_fact_and_a_verdict(spark: Spark, found: dict[str, Any]) -> None:
    outcome = spark("doctor")
    assert outcome.code == 0
    assert "model canned" in outcome.out
    assert outcome.out.endswith("everything needed works\n")


def test_an_engine_process_that_does_not_answer_is_broken(
    spark: Spark, found: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is stopped, here: the system takes the connection, and nobody welcomes it."""
    assert spark("doctor", "--json").json["engine"]["running"] is False
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.2)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(paths.socket_path()))
        listener.listen()
        outcome = spark("doctor", "--json")
        assert outcome.code == 1
        assert outcome.json["engine"]["running"]
        assert outcome.json["engine"]["answers"] is False
        (problem,) = outcome.json["problems"]
        assert "has not answered for" in problem
        assert "\n" not in problem


def test_a_broken_model_is_named_and_fails(spark: Spark, found: dict[str, Any]) -> None:
    problem = "WeightsError: model.safetensors is altered"
    found["models"] = (ModelCheck("canned", Path("/m"), "failed", True, problem),)
    outcome = spark("doctor")
    assert outcome.code == 1
    assert f"broken: {problem}" in outcome.out
    assert "everything needed works" not in outcome.out


def test_no_model_at_all_fails(spark: Spark, found: dict[str, Any]) -> None:
    found["models"] = ()
    assert spark("doctor", "--json").code == 1


def test_a_cache_that_cannot_be_written_is_a_note(
    spark: Spark, found: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPARK_CACHE_DIR", str(tmp_path / "file" / "cache"))
    found["kernel_cache_problem"] = "it belongs to another user"
    found["stale_caches"] = (Path("/cache/kernels/old"),)
    outcome = spark("doctor", "--json")
    assert outcome.code == 0
    assert outcome.json["kernel_cache"]["writable"] is False
    assert any("SPARK_CACHE_DIR" in line for line in outcome.json["advice"])
    assert any("/cache/kernels" in line for line in outcome.json["advice"])


def test_each_folder_that_cannot_be_used_is_a_note(
    spark: Spark, found: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    for kind in ("STATE", "CONFIG", "RUNTIME"):
        monkeypatch.setenv(f"SPARK_{kind}_DIR", str(tmp_path / "file" / kind))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    outcome = spark("doctor", "--json")
    assert outcome.code == 0
    assert [line for line in outcome.json["advice"] if "SPARK_STATE_DIR" in line]
    assert outcome.json["log_writable"] is False
    assert outcome.json["socket_dir"] not in (None, str(tmp_path / "file" / "RUNTIME"))


def test_damaged_kernels_are_a_note(spark: Spark, found: dict[str, Any]) -> None:
    found["damaged_kernels"] = 2
    outcome = spark("doctor", "--json")
    assert outcome.code == 0
    assert any("damaged files in the kernel cache: 2" in line for line in outcome.json["advice"])


def test_mistakes_in_the_settings_file_are_problems(
    spark: Spark, found: dict[str, Any], own_folders: Path
) -> None:
    file = own_folders / "config" / "settings.toml"
    file.parent.mkdir()
    file.write_text("[suggestions]\ndelay = 3\n")
    outcome = spark("doctor", "--json")
    assert outcome.code == 1
    assert any("delay_ms" in problem for problem in outcome.json["problems"])


def test_a_dumb_terminal_cannot_show_the_app(
    found: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("LINES", "10")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    report = doctor.examine()
    assert any("TERM" in problem for problem in report.problems)
    assert any("40×12" in line for line in report.advice)


def test_the_real_engine_is_examined() -> None:
    """Slow parts included: every bundled model is read and its checksums compared."""
    found = examine()
    from engine.wafer.fast.kernels.dot.path_table import PATHS  # loaded by then

    assert found.processor_path in {path.name for path in PATHS}
    assert found.threads >= 1
    assert found.models
    assert [model.problem for model in found.models] == [None] * len(found.models)
    assert sum(model.default for model in found.models) == 1


def test_a_kernel_path_that_this_computer_lacks_is_a_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SPARK_KERNELS", "neon")
    report = doctor.examine()
    assert any("SPARK_KERNELS=neon" in problem for problem in report.problems)
    assert report.facts["processor_path"] == "none"


def test_every_weight_of_a_model_that_is_named_is_read(tmp_path: Path) -> None:
    """Opening a file reads its head; a scale that is no number is found by reading all of it."""
    path = write_tiny_gguf(tmp_path / "m.gguf", types=("Q4_0",))
    assert [model.problem for model in examine(str(path)).models] == [None, None]
    data = bytearray(path.read_bytes())
    stored = read_gguf(path).tensors["blk.1.ffn_up.weight"]
    data[stored.offset + 18 : stored.offset + 20] = b"\x00\x7c"
    path.write_bytes(data)
    *_, found = examine(str(path)).models
    assert (found.name, found.folder, found.checksums) == ("m", path, "failed")
    assert "blk.1.ffn_up.weight: a scale is not finite" in str(found.problem)


def test_a_kernel_cache_that_cannot_be_looked_into_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that only another user may enter."""
    monkeypatch.setenv("SPARK_CACHE_DIR", str(tmp_path / ("x" * 300)))
    report = examine()
    assert report.kernel_cache_problem == "File name too long"
    assert (report.cached_kernels, report.damaged_kernels, report.stale_caches) == (0, 0, ())
