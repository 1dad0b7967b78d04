import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import paths
from engine.errors import PlacementError, PromptError, WeightsError
from tui.settings import parse_settings

Spark = Callable[..., Any]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    file = tmp_path / "package" / "module.py"
    file.parent.mkdir()
    file.write_bytes(b"def f(x):\n    return x\n")
    return file


def test_json_has_exactly_the_promised_fields(spark: Spark, session: Any, source: Path) -> None:
    outcome = spark("complete", f"{source}:1", "--json")
    assert outcome.code == 0
    assert list(outcome.json) == [
        "text",
        "finish_reason",
        "model",
        "prompt_tokens",
        "cached_tokens",
        "completion_tokens",
        "host",
        "wafer",
        "repository",
        "mean_logprob",
        "shown",
        "likelihoods",
        "held_back",
        "answer",
    ]
    assert list(outcome.json["host"]) == [
        "prefill_ms",
        "decode_ms",
        "first_text_ms",
        "tokens_per_second",
        "guessed_tokens",
        "accepted_tokens",
        "queue_ms",
        "trim_ms",
    ]
    assert list(outcome.json["wafer"]) == [
        "machine",
        "clock_ghz",
        "program",
        "cores_used",
        "cycles_prefill",
        "cycles_per_token",
        "tokens_per_second",
        "mac_utilisation",
        "sram_bytes_per_core_max",
        "priced_only",
    ]
    assert outcome.json["text"] == "return x\n"
    assert outcome.json["model"] == "canned"
    assert session.closed == 1


def test_an_xray_comes_when_it_is_asked_for(spark: Spark, session: Any, source: Path) -> None:
    told = spark("complete", f"{source}:1", "--json", "--xray").json["xray"]
    assert told["answer"] == 3
    assert [token["text"] for token in told["tokens"]][:2] == ["return", " total"]
    assert told["steps"][1]["cycles"] == sum(told["steps"][1]["cycles_by_operation"].values())

    outcome = spark("complete", f"{source}:1", "--xray")
    assert outcome.out == "return x\n"
    assert "  76.0%     55 660  ' len'; 'raise' 4.0%, 'self' 2.0%, 'None' 1.0%" in outcome.err
    assert "token, 1 row at 41: host 14 ms, reads 12.8 MB; wafer 55 660 cycles" in outcome.err
    assert "22.4 mJ (179 µJ to 2.02 J)" in outcome.err


def test_text_goes_to_stdout_and_the_rest_to_stderr(
    spark: Spark, session: Any, source: Path
) -> None:
    session.text = "naïve → 😀"
    outcome = spark("complete", f"{source}:1")
    assert outcome.out == "naïve → 😀"
    assert "host (measured)" in outcome.err
    assert "wafer (emulated" in outcome.err


def test_an_empty_text_is_no_failure(spark: Spark, session: Any, source: Path) -> None:
    session.text = ""
    outcome = spark("complete", f"{source}:1")
    assert (outcome.code, outcome.out) == (0, "")


def test_options_reach_the_session(spark: Spark, session: Any, source: Path) -> None:
    spark(
        *("complete", f"{source}:2:5", "--max-tokens", "7", "--temperature", "0.5"),
        *("--seed", "3", "--machine", "wse2", "--clock", "1.1", "--tier", "reference"),
        "--no-speculation",
    )
    assert session.opened == [
        {
            "model": None,
            "machine": "wse2",
            "clock_ghz": 1.1,
            "tier": "reference",
            "speculation": False,
        }
    ]
    (request,) = session.requests
    assert request.path == "package/module.py"
    assert (request.prefix, request.suffix) == ("def f(x):\n    ", "return x\n")
    assert (request.max_tokens, request.temperature, request.seed) == (7, 0.5, 3)


def test_the_repository_is_read_first_unless_told_otherwise(
    spark: Spark, session: Any, source: Path
) -> None:
    root = str(source.parent.parent)
    spark("complete", f"{source}:1")
    spark("complete", f"{source}:1", "--no-repository")
    assert session.read == [(root, ())]
    assert [request.repository for request in session.requests] == [root, None]


def test_the_setting_decides_where_no_option_does(
    spark: Spark, session: Any, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    off = parse_settings("[suggestions]\nrepository_knowledge = false\n")
    monkeypatch.setattr("tui.cli.complete.load_settings", lambda: off)
    spark("complete", f"{source}:1")
    spark("complete", f"{source}:1", "--repository")
    assert [request.repository is None for request in session.requests] == [True, False]


def test_stdin_replaces_the_file(
    spark: Spark, session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = io.TextIOWrapper(io.BytesIO("a = 'ü'\r\nb".encode()))
    monkeypatch.setattr("sys.stdin", typed)
    assert spark("complete", f"{tmp_path}/new.py:1", "--stdin").code == 0
    (request,) = session.requests
    assert (request.path, request.prefix, request.suffix) == ("new.py", "a = 'ü'", "\nb")


@pytest.mark.parametrize(
    ("content", "prefix", "suffix"),
    [
        (b"a\r\nb\r\n", "a", "\nb\n"),
        (b"\xef\xbb\xbfa\nb\n", "a", "\nb\n"),
        (b"", "", ""),
    ],
)
def test_the_model_sees_plain_newlines_and_no_byte_order_mark(
    spark: Spark, session: Any, source: Path, content: bytes, prefix: str, suffix: str
) -> None:
    source.write_bytes(content)
    assert spark("complete", f"{source}:1").code == 0
    assert (session.requests[0].prefix, session.requests[0].suffix) == (prefix, suffix)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{file}"], "FILE:LINE"),
        (["{file}:0"], "lines 1 to 3"),
        (["{file}:4"], "lines 1 to 3"),
        (["{file}:99999999999999999999"], "lines 1 to 3"),
        (["{file}:1:11"], "columns 1 to 10"),
        (["{file}:1:99999999999999999999"], "columns 1 to 10"),
        (["{folder}/loop:1"], "Too many levels of symbolic links"),
        (["{folder}/loop/a.py:1", "--stdin"], "Too many levels of symbolic links"),
        (["{folder}/" + "d" * 300 + "/a.py:1", "--stdin"], "File name too long"),
        (["{file}:1:0"], "columns 1 to 10"),
        (["{folder}:1"], "is a directory"),
        (["{folder}/none.py:1"], "does not exist"),
        (["{folder}/none/none.py:1"], "does not exist"),
        (["{file}:1", "--max-tokens", "0"], "--max-tokens"),
        (["{file}:1", "--temperature", "nan"], "finite"),
        (["{file}:1", "--temperature", "-1"], "at least 0"),
        (["{file}:1", "--temperature", "warm"], "is no number"),
        (["{file}:1", "--clock", "0"], "more than 0"),
        (["{file}:1", "--clock", "inf"], "finite"),
        (["{file}:1", "--clock", "1e308"], "more than 0 and at most 1000000"),
        (["{file}:1", "--tier", "slow"], "fast"),
        (["{file}:1", "--machine", "wse9"], "wse3"),
        (["{file}:1", "--model", "gpt-99"], "spark-nano"),
        (["{file}:1", "--model", "~nosuch/x"], "spark-nano"),
        (["{file}:1", "--model", "m" * 300], "spark-nano"),
        (["{file}:1", "--modle", "x"], "--model"),
        ([], "FILE:LINE"),
    ],
)
def test_wrong_calls_end_with_2_and_one_line(
    spark: Spark,
    session: Any,
    source: Path,
    arguments: list[str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source.with_name("loop").symlink_to("loop")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"x\n")))
    filled = [text.format(file=source, folder=source.parent) for text in arguments]
    outcome = spark("complete", *filled)
    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.line
    assert not session.opened


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("latin.py", b"caf\xe9 = 1\n", "not valid UTF-8 (byte 3)"),
        ("image.py", b"\x89PNG\0\0", "binary"),
        (".env", b"TOKEN=1\n", "secrets"),
        ("id_rsa", b"key\n", "secrets"),
    ],
)
def test_files_that_are_no_usable_text_are_refused(
    spark: Spark, session: Any, source: Path, name: str, content: bytes, words: str
) -> None:
    file = source.with_name(name)
    file.write_bytes(content)
    outcome = spark("complete", f"{file}:1")
    assert outcome.code == 2
    assert words in outcome.line
    assert not session.opened


def test_a_link_to_a_secret_is_a_secret(spark: Spark, session: Any, source: Path) -> None:
    source.with_name(".env").write_text("TOKEN=1\n")
    link = source.with_name("settings.py")
    link.symlink_to(".env")
    outcome = spark("complete", f"{link}:1")
    assert outcome.code == 2
    assert "secrets" in outcome.line


def test_patterns_of_the_settings_file_are_secret_too(
    spark: Spark, session: Any, source: Path, own_folders: Path
) -> None:
    settings = own_folders / "config" / "settings.toml"
    settings.parent.mkdir()
    settings.write_text('[privacy]\nextra_patterns = ["module.py"]\n')
    outcome = spark("complete", f"{source}:1")
    assert outcome.code == 2
    assert "module.py" in outcome.line


@pytest.mark.parametrize(
    "content",
    [
        b"[privacy",
        b"\xff",
        b'[privacy]\nextra_patterns = "module.py"\n',
        b'[privacy]\nextra_pattern = ["module.py"]\n',
        None,
    ],
    ids=["no TOML", "no UTF-8", "wrong type", "wrong name", "a directory"],
)
def test_unknown_private_patterns_are_a_refusal(
    spark: Spark, session: Any, source: Path, own_folders: Path, content: bytes | None
) -> None:
    settings = own_folders / "config" / "settings.toml"
    settings.parent.mkdir()
    if content is None:
        settings.mkdir()
    else:
        settings.write_bytes(content)
    outcome = spark("complete", f"{source}:1")
    assert (outcome.code, outcome.out) == (2, "")
    assert "private patterns are unknown" in outcome.line
    assert str(settings) in outcome.line
    assert not session.opened


def test_other_mistakes_in_the_settings_are_said_and_forgiven(
    spark: Spark, session: Any, source: Path, own_folders: Path
) -> None:
    settings = own_folders / "config" / "settings.toml"
    settings.parent.mkdir()
    settings.write_text("[suggestions]\ndelay = 3\n")
    outcome = spark("complete", f"{source}:1")
    assert outcome.code == 0
    assert f"{settings}: unknown setting suggestions.delay" in outcome.err


@pytest.mark.parametrize(
    ("redirection", "words"),
    [("--stdin <&-", "standard input is closed"), (">&-", "standard output is closed")],
)
def test_a_closed_stream_is_a_wrong_call(source: Path, redirection: str, words: str) -> None:
    done = _shell(f"complete {source}:1 {redirection}")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert words in line


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_is_a_plain_line() -> None:
    done = _shell("wafer info > /dev/full")
    assert done.returncode == 1
    assert done.stderr == "spark-tui: writing failed: No space left on device; free some space\n"


def _shell(arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        f"{sys.executable} -m tui {arguments}",
        shell=True,
        capture_output=True,
        text=True,
        cwd=Path(paths.__file__).parents[1],
        check=False,
    )


def test_a_pipe_without_a_writer_does_not_hang(spark: Spark, session: Any, source: Path) -> None:
    pipe = source.with_name("pipe.py")
    os.mkfifo(pipe)
    outcome = spark("complete", f"{pipe}:1")
    assert outcome.code == 2
    assert "not a regular file" in outcome.line


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WeightsError("model.safetensors is truncated:\n 3 of 9 bytes"), 1),
        (PlacementError("core (0, 0) needs 60,000 bytes"), 1),
        (PromptError("no such place"), 2),
        (KeyboardInterrupt(), 130),
    ],
)
def test_the_kind_of_failure_decides_the_exit_code(
    spark: Spark, session: Any, source: Path, error: BaseException, code: int
) -> None:
    session.error = error
    outcome = spark("complete", f"{source}:1", "--json")
    assert (outcome.code, outcome.out) == (code, "")
    said = [line for line in outcome.err.splitlines() if line]
    assert said == [f"spark-tui: {' '.join(str(error).split())}"] if str(error) else not said
    assert session.closed == 1


def test_the_unexpected_names_the_log_which_has_the_details(
    spark: Spark, session: Any, source: Path
) -> None:
    session.error = ZeroDivisionError("oh")
    outcome = spark("complete", f"{source}:1")
    assert outcome.code == 1
    assert str(paths.log_file()) in outcome.err
    assert "Traceback" not in outcome.err
    assert "ZeroDivisionError: oh" in paths.log_file().read_text()
