import os
import pwd
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from engine import paths
from engine.engine_process import start
from tui import user_folders

KINDS = ("CACHE", "CONFIG", "MODELS", "RUNTIME", "STATE")


@pytest.fixture
def homeless(tmp_path, monkeypatch):
    """A user without HOME, XDG folders and an entry in the password database."""
    for name in ("HOME", *(f"SPARK_{kind}_DIR" for kind in KINDS)):
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.startswith("XDG_")]:
        monkeypatch.delenv(name)

    def nobody(number):
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"spark-tui-{os.geteuid()}"


def all_folders():
    return {
        "cache": paths.cache_dir(),
        "config": user_folders.settings_file().parent,
        "models": paths.models_dir(),
        "state": paths.state_dir(),
    }


def test_without_a_home_everything_lies_in_a_private_temporary_folder(homeless):
    assert all_folders() == {name: homeless / name for name in all_folders()}
    assert homeless.stat().st_mode & 0o777 == 0o700
    (line,) = user_folders.complaints()
    assert line.startswith("HOME is not set")
    assert str(homeless) in line


@pytest.mark.parametrize("home", ["", "relative/home"])
def test_a_home_that_is_no_absolute_path_is_none(homeless, monkeypatch, home):
    monkeypatch.setenv("HOME", home)
    assert paths.state_dir() == homeless / "state"


def test_without_a_home_what_lies_there_by_another_user_is_not_used(homeless):
    homeless.symlink_to(homeless.parent)
    assert {str(path.parent) for path in all_folders().values()} == {"/dev/null/spark-tui"}
    said = "\n".join(user_folders.complaints())
    assert f"nothing is kept, for {homeless} cannot be used" in said
    assert "no log is written" in said
    assert "kernels are compiled at every start" in said


def test_a_tilde_without_a_home_stays(homeless):
    assert paths.expanded("~/models") == Path("~/models")
    assert paths.expanded("~no-such-user/m") == Path("~no-such-user/m")


@pytest.mark.parametrize("kind", KINDS)
def test_a_relative_folder_is_the_same_in_a_child_with_another_folder(tmp_path, monkeypatch, kind):
    monkeypatch.setenv(f"SPARK_{kind}_DIR", "mine")
    monkeypatch.chdir(tmp_path)
    assert paths.child_environment()[f"SPARK_{kind}_DIR"] == str(tmp_path / "mine")
    monkeypatch.delenv(f"SPARK_{kind}_DIR")
    assert f"SPARK_{kind}_DIR" not in paths.child_environment()


def test_the_engine_process_gets_absolute_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("SPARK_CACHE_DIR", "mine")
    monkeypatch.chdir(tmp_path)
    code = "import os, sys; sys.exit(os.environ['SPARK_CACHE_DIR'])"
    assert start([sys.executable, "-I", "-S", "-c", code], tmp_path / "a.sock").wait() == 1
    assert (tmp_path / "a.err").read_text() == f"{tmp_path / 'mine'}\n"


def test_in_a_folder_that_is_gone_relative_ones_are_replaced(tmp_path, monkeypatch, homeless):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    monkeypatch.setenv("SPARK_STATE_DIR", "state")
    gone.rmdir()
    assert paths.state_dir() == homeless / "state"


def test_folders_that_work_are_no_complaint(tmp_path, monkeypatch):
    for kind in KINDS:
        monkeypatch.setenv(f"SPARK_{kind}_DIR", str(tmp_path / kind))
    assert user_folders.complaints() == []


def test_each_folder_that_cannot_be_used_is_a_line(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for kind in KINDS:
        monkeypatch.setenv(f"SPARK_{kind}_DIR", str(tmp_path / "file" / kind))
    state, cache = user_folders.complaints()
    assert "SPARK_STATE_DIR" in state
    assert "Not a directory" in state
    assert "SPARK_CACHE_DIR" in cache


def test_a_cache_of_another_user_is_a_line(tmp_path, monkeypatch):
    monkeypatch.setenv("SPARK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("SPARK_STATE_DIR", str(tmp_path / "state"))
    assert user_folders.complaints() == []
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    (line,) = user_folders.complaints()
    assert "it belongs to another user" in line


def test_a_full_disk_is_a_line(tmp_path, monkeypatch):
    """An empty file can be made on it, and nothing be written."""
    monkeypatch.setenv("SPARK_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("SPARK_STATE_DIR", str(tmp_path))

    def full(**options):
        return Path("/dev/full").open("wb", buffering=0)

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    assert ["No space left on device" in line for line in user_folders.complaints()] == [True] * 2


def test_a_log_on_a_full_disk_costs_its_lines_and_nothing_else():
    """Otherwise each line that is not written is a traceback on the screen."""
    code = (
        "import logging, pathlib; from engine import paths; from tui.cli import log\n"
        "paths.log_file = lambda: pathlib.Path('/dev/full')\n"
        "log.start(); logging.info('not written'); print('goes on')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("goes on\n", "")


def test_the_program_runs_without_a_home(tmp_path):
    """As a whole, in an environment with nothing in it: the log came first, and a traceback."""
    code = (
        "import os, pwd, sys\n"
        "def nobody(number): raise KeyError(number)\n"
        "pwd.getpwuid = nobody\n"
        "from tui.cli.main import run\n"
        "sys.exit(run(['complete', 'gone.py:1']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(user_folders.__file__).parents[1]), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    first, second = done.stderr.splitlines()
    assert "HOME is not set" in first
    assert "gone.py" in second
    assert done.returncode == 2
