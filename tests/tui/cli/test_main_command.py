import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import engine
from tui.cli import main
from tui.cli.failures import WrongCallError
from tui.cli.open_app import AppTarget, find_target

Spark = Callable[..., Any]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.py").write_text("x = 1\n")
    (tmp_path / "odd:7").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "file", "line"),
    [
        (".", None, None),
        ("sub/a.py", "sub/a.py", None),
        ("sub/a.py:12", "sub/a.py", 12),
        ("sub/a.py:12:5", "sub/a.py", 12),
        ("odd:7", "odd:7", None),
        ("odd:7:3", "odd:7", 3),
        ("new.py", "new.py", None),
        ("sub/new.py:3", "sub/new.py", None),
    ],
)
def test_a_path_opens_its_repository(
    repository: Path, monkeypatch: pytest.MonkeyPatch, text: str, file: str | None, line: int | None
) -> None:
    monkeypatch.chdir(repository)
    expected = AppTarget(repository, None if file is None else repository / file, line)
    assert find_target(text) == expected


def test_a_folder_opens_as_itself(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    assert find_target("sub") == AppTarget(repository / "sub")


def test_without_git_the_directory_itself_is_opened(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("")
    assert find_target(str(tmp_path)) == AppTarget(tmp_path)
    assert find_target(f"{tmp_path}/b.txt") == AppTarget(tmp_path, tmp_path / "b.txt")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nothing/", "mkdir"),
        ("no/where.py", "neither does its directory"),
        ("sub:3", "is a directory"),
        ("sub/a.py:0", "count from 1"),
        ("docter", "spark-tui doctor"),
        ("", "PATH is empty"),
        ("a\0b", "cannot be opened"),
        ("x" * 5000, "cannot be opened"),
    ],
)
def test_a_path_that_cannot_be_opened_says_why(
    repository: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    monkeypatch.chdir(repository)
    with pytest.raises(WrongCallError, match=words.replace("+", r"\+")):
        find_target(text)


def test_wrong_calls_of_the_app_end_with_2_before_it_starts(spark: Spark, tmp_path: Path) -> None:
    for arguments, words in [
        (["/no/such/path"], "/no/such/path"),
        ([str(tmp_path), "--machine", "wse9"], "wse3"),
        ([str(tmp_path), "--model", "gpt-99"], "spark-nano"),
        ([str(tmp_path), "--clock", "-1"], "more than 0"),
        ([str(tmp_path), str(tmp_path)], "extra argument"),
        (["--frobnicate"], "--frobnicate"),
    ]:
        outcome = spark(*arguments)
        assert outcome.code == 2, arguments
        assert words in outcome.line


@pytest.mark.parametrize("missing", ["stdin", "stdout", "stderr"])
def test_without_a_terminal_the_app_does_not_start(
    spark: Spark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(f"sys.{name}.isatty", lambda name=name: name != missing, raising=False)
    monkeypatch.setattr("tui.app.SparkApp.run", lambda app: pytest.fail("it started"))
    outcome = spark(tmp_path)
    assert outcome.code == 2
    assert "needs a terminal" in outcome.line


@pytest.mark.parametrize(("code", "expected"), [(None, 0), (0, 0), (1, 1)])
def test_a_crash_of_the_app_is_a_failure(
    spark: Spark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int | None, expected: int
) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(f"sys.{name}.isatty", lambda: True, raising=False)
    monkeypatch.setattr("tui.app.SparkApp.run", lambda app: setattr(app, "_return_code", code))
    assert spark(tmp_path).code == expected


def test_help_names_the_commands_and_imports_none_of_the_engine(spark: Spark) -> None:
    outcome = spark("--help")
    assert outcome.code == 0
    for word in (
        "[PATH]",
        "complete",
        "doctor",
        "wafer",
        "./name",
        "A model's name",
        "cycles into",
    ):
        assert word in outcome.out


def test_version(spark: Spark) -> None:
    assert spark("--version").out == f"spark-tui {engine.__version__}\n"


def test_wafer_info_is_derived_from_the_machine(spark: Spark) -> None:
    slow = spark("wafer", "info", "--machine", "wse3", "--clock", "0.5", "--json").json
    fast = spark("wafer", "info", "--machine", "wse3", "--clock", "1.0", "--json").json
    assert slow["machine"] == "wse3"
    assert slow["cores"] == fast["cores"] > 0
    assert fast["clock_ghz"] == 1.0
    for rate in ("peak_flops", "memory_bandwidth_bytes_per_second"):
        assert fast[rate] == 2 * slow[rate] > 0
    for name in ("grid", "sram_bytes"):
        assert name in slow


def test_wafer_info_for_people_has_a_line_a_fact(spark: Spark) -> None:
    outcome = spark("wafer", "info", "--machine", "wse2")
    facts = spark("wafer", "info", "--machine", "wse2", "--json").json
    clocks = facts.pop("clocks")
    assert len(outcome.out.splitlines()) == len(facts) + 1 + len(clocks)


def test_wafer_info_of_an_unknown_machine(spark: Spark) -> None:
    outcome = spark("wafer", "info", "--machine", "wse9", "--json")
    assert (outcome.code, outcome.out) == (2, "")
    assert "wse3" in outcome.line


def test_another_package_called_engine_is_named_in_one_line(
    spark: Spark, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "_foreign_engine", lambda: "/elsewhere/engine/__init__.py")
    outcome = spark("--version")
    assert (outcome.code, outcome.out) == (1, "")
    assert "/elsewhere/engine/__init__.py" in outcome.line


def test_an_engine_in_front_on_the_path_is_found_out(tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "__init__.py").write_text("raise RuntimeError('never run')\n")
    root = Path(engine.__file__).parents[1]
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(root)!r}]; " + (
        "from tui.__main__ import main; sys.argv[1:] = ['--version']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 1
    assert str(tmp_path / "engine") in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_early_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m tui wafer info | true; exit ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        cwd=Path(engine.__file__).parents[1],
        check=False,
    )
    assert done.stderr == ""


def test_a_group_without_a_command_shows_what_there_is(spark: Spark) -> None:
    outcome = spark("wafer")
    assert (outcome.code, outcome.out) == (2, "")
    assert "info" in outcome.err


def test_an_unknown_command_of_a_group_is_one_line(spark: Spark) -> None:
    outcome = spark("wafer", "inof")
    assert outcome.code == 2
    assert "inof" in outcome.line


def test_the_app_starts_though_the_model_of_the_settings_is_gone(
    spark: Spark, own_folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = own_folders / "config" / "settings.toml"
    settings.parent.mkdir()
    settings.write_text('[models]\ndefault = "gone"\n')
    started: dict[str, Any] = {}

    def app(repository: Path, **options: Any) -> Any:
        started.update(options)
        return SimpleNamespace(run=lambda: None, return_code=0)

    monkeypatch.setattr("tui.cli.open_app.check_terminal", lambda: None)
    monkeypatch.setattr("tui.cli.open_app.launch_ahead", lambda *asked: asked)
    monkeypatch.setattr("tui.app.SparkApp", app)
    monkeypatch.setattr("tui.link.engine_link.engine_client", lambda **options: options)
    assert spark(own_folders).code == 0
    (problem,) = started["problems"]
    assert "no model 'gone'" in problem
    assert "the settings name it (`default` under [models])" in problem
    assert started["make_client"]["model"] is None
    assert started["make_client"]["ahead"] == (None, "wse3")
    refused = spark(own_folders, "--model", "gone")
    assert (refused.code, "the settings" in refused.line) == (2, False)


def test_the_app_says_which_folders_it_must_do_without(
    spark: Spark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPARK_STATE_DIR", str(tmp_path / "file" / "state"))
    started: dict[str, Any] = {}

    def app(repository: Path, **options: Any) -> Any:
        started.update(options)
        return SimpleNamespace(run=lambda: None, return_code=0)

    monkeypatch.setattr("tui.cli.open_app.check_terminal", lambda: None)
    monkeypatch.setattr("tui.app.SparkApp", app)
    assert spark(tmp_path).code == 0
    (problem,) = started["problems"]
    assert "no unsaved text kept" in problem
