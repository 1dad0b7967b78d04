"""What the commands print, and that all of them print through one door."""

import ast
import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import tui.cli
from tui.cli.failures import WrongCallError, guarded
from tui.cli.main import run
from tui.cli.output import rewrite_line, say, say_data, say_json, tell

HOSTILE = "b\x1b]0;PWNED\x07\x9b41m\u202e.py"
SHOWN = "b␛]0;PWNED␇·41m‧.py"


def test_no_character_of_a_name_reaches_the_terminal_raw(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say(HOSTILE)
    say(f"a\n{HOSTILE}")
    tell(f"a\n{HOSTILE}")
    assert capsys.readouterr() == (f"{SHOWN}\na\n{SHOWN}\n", f"a␊{SHOWN}\n")
    say_json({"name": f"{HOSTILE}\udcff"})
    assert capsys.readouterr().out.isascii()
    rewrite_line(f"fetching {HOSTILE}\n")
    assert capsys.readouterr().err == f"\rfetching {SHOWN}␊"  # in no terminal, nothing erases


def test_data_is_shown_in_a_terminal_and_left_alone_elsewhere(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    say_data(f"x = '{HOSTILE}'\n", end_line=False)
    say_data(Path("caf\udce9"))
    assert capsysbinary.readouterr().out == f"x = '{HOSTILE}'\n".encode() + b"caf\xe9\n"
    terminal = SimpleNamespace(stdout=SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("tui.cli.output.sys", terminal)
    say_data(f"x = '{HOSTILE}'", end_line=True)
    assert capsysbinary.readouterr().out == f"x = '{SHOWN}'\n".encode()


def test_an_error_is_one_line_whatever_it_names(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise WrongCallError(f"'{HOSTILE}' does\nnot exist")

    assert guarded(fail) == 2
    assert capsys.readouterr().err == f"spark-tui: '{SHOWN}' does not exist\n"


def test_doctor_names_folders_that_would_steer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tui.cli.doctor import Report

    folder = str(tmp_path / f"{HOSTILE}\n")
    facts = {"log_file": folder, "models": [{"name": HOSTILE, "folder": folder, "checksums": "x"}]}
    report = Report(facts, [f"no {folder}"], [f"set {folder}"])
    monkeypatch.setattr("tui.cli.doctor.examine", lambda model: report)
    assert run(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert printed.count(f"{SHOWN}␊") == 4
    assert "\x1b" not in printed
    assert "\x9b" not in printed


def test_only_the_door_prints() -> None:
    """`main` prints a line before it knows whose `engine` it would import."""
    folder = Path(tui.cli.__file__).parent
    raw = {
        file.name
        for file in folder.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("click.echo", "print")
    }
    assert raw == {"output.py", "main.py"}


def test_a_call_that_has_closed_standard_output_is_no_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    assert guarded(stream.close) == 0
