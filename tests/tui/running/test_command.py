"""Which command runs a file."""

import sys
from pathlib import Path

import pytest

from tui.running.command import run_command


def test_the_repositorys_own_python_comes_first(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    command = run_command(file, "python", tmp_path)
    assert command[-1] == str(file)
    assert "python" in command[0]
    own = tmp_path / ".venv" / "bin" / "python"
    own.parent.mkdir(parents=True)
    own.symlink_to(sys.executable)
    assert run_command(file, "python", tmp_path) == [str(own), str(file)]


def test_a_program_runs_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "tool"
    file.write_text("#!/bin/sh\n")
    assert "cannot be run" in run_command(file, None, tmp_path)
    file.chmod(0o755)
    assert run_command(file, None, tmp_path) == [str(file)]


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "node is not on this computer" in run_command(tmp_path / "a.js", "javascript", tmp_path)
    assert "python3 or python" in run_command(tmp_path / "a.py", "python", tmp_path)
