"""Which ruff is run, and what is made of what it says; programs in a repository are traps."""

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tui.navigation.python_helper import Cursor, PythonHelper
from tui.navigation.ruff_program import RuffNotFoundError, ruff_program

RUFF = str(Path(sys.executable).with_name("ruff"))
TEXT = "import os\nimport sys  # noqa: F401\n\nx = '字', y\n"


@pytest.fixture
async def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PythonHelper]:
    monkeypatch.setenv("SPARK_CACHE_DIR", str(tmp_path / "cache"))
    one = PythonHelper()
    yield one
    await one.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    top = tmp_path / "repo"
    (top / ".git").mkdir(parents=True)
    (top / "package").mkdir()
    return top


def program(path: Path, script: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def cursor(root: Path, text: str = TEXT) -> Cursor:
    return Cursor(root, root / "user.py", text)


# ── which one ───────────────────────────────────────────────────────────────────────────────────


def test_the_environment_that_was_activated_comes_first_then_the_path(
    root: Path, tmp_path: Path
) -> None:
    on_path = program(tmp_path / "bin" / "ruff")
    environment = {"PATH": f"/nowhere:{on_path.parent}"}
    assert ruff_program("auto", root, environment) == str(on_path)
    active = program(root / ".venv" / "bin" / "ruff")
    environment["VIRTUAL_ENV"] = str(root / ".venv")
    assert ruff_program("auto", root, environment) == str(active)
    active.unlink()
    assert ruff_program("auto", root, environment) == str(on_path)
    assert ruff_program("none", root, environment) == ""
    assert ruff_program("auto", root, {}) == ""


def test_one_that_lies_in_the_repository_is_none_unless_it_was_chosen(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = program(root / ".venv" / "bin" / "ruff")
    program(root / "ruff")
    link = tmp_path / "bin" / "ruff"
    link.parent.mkdir()
    link.symlink_to(trap)
    (tmp_path / "linked").symlink_to(trap.parent)
    monkeypatch.chdir(root)
    folders = [".", "", ".venv/bin", str(trap.parent), str(link.parent), str(tmp_path / "linked")]
    for folder in folders:
        assert ruff_program("auto", root, {"PATH": folder}) == "", folder
        assert ruff_program("auto", root / "package", {"PATH": folder}) == "", folder
    assert ruff_program("auto", root, {"PATH": "", "VIRTUAL_ENV": ".venv"}) == ""
    assert ruff_program(str(trap), root, {}) == str(trap)


@pytest.mark.parametrize("setting", ["ruff", "./ruff", "/nowhere/ruff", "/etc/passwd", "/"])
def test_what_the_settings_name_must_be_a_program(setting: str, root: Path) -> None:
    with pytest.raises(RuffNotFoundError, match="no program with a full path"):
        ruff_program(setting, root, {"PATH": str(Path(RUFF).parent)})


# ── what it says ────────────────────────────────────────────────────────────────────────────────


async def test_problems_have_their_place_and_the_rule(helper: PythonHelper, root: Path) -> None:
    answer = await helper.ask("problems", cursor(root), 60, ruff=RUFF)
    assert answer == {
        "found": [
            [0, 7, 9, "`os` imported but unused (F401)", False],
            [3, 9, 10, "Undefined name `y` (F821)", False],
        ],
        "remark": "",
    }
    answer = await helper.ask("problems", cursor(root, "def f(:\n"), 60, ruff=RUFF)
    assert answer["found"][0][0] == 0
    assert all(each[4] for each in answer["found"])


async def test_the_configuration_of_the_file_s_folder_holds(
    helper: PythonHelper, root: Path
) -> None:
    (root / "ruff.toml").write_text('exclude = ["package"]\n[lint]\nselect = ["E711"]\n')
    answer = await helper.ask("problems", cursor(root, "import os\nx = y == None\n"), 60, ruff=RUFF)
    (problem,) = answer["found"]
    assert problem[3] == "Comparison to `None` should be `cond is None` (E711)"
    excluded = Cursor(root, root / "package" / "a.py", "x = y == None\n")
    assert (await helper.ask("problems", excluded, 60, ruff=RUFF))["found"] == []
    assert sorted(each.name for each in root.iterdir()) == [".git", "package", "ruff.toml"]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'no rule of\nmine' >&2; exit 2", "no rule of mine"),
        ("echo '[{}]'; exit 1", "location"),
        ("echo 'hello'", "Expecting value"),
        ("kill -9 $$", "ended with -9"),
    ],
)
async def test_where_it_fails_pyflakes_looks_and_it_is_said(
    helper: PythonHelper, root: Path, tmp_path: Path, script: str, why: str
) -> None:
    broken = program(tmp_path / "ruff", script)
    answer = await helper.ask("problems", cursor(root), 60, ruff=str(broken))
    assert "'os' imported but unused" in [each[3] for each in answer["found"]]
    assert answer["remark"].startswith("ruff did not look at this file, pyflakes did: ")
    assert why in answer["remark"]


async def test_it_starts_outside_the_repository_and_ends_with_the_question(
    helper: PythonHelper, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    note = tmp_path / "note"
    slow = program(
        tmp_path / "ruff", f'echo "$PWD $$" > {note}.new; mv {note}.new {note}; sleep 600'
    )
    asking = asyncio.ensure_future(helper.ask("problems", cursor(root), 60, ruff=str(slow)))
    await until(note.exists)
    folder, number = note.read_text().split()
    assert folder == "/"
    assert _lives(int(number))
    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking
    await until(lambda: not _lives(int(number)))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


def _lives(number: int) -> bool:
    """Whether a process runs; one that has ended may wait for its parent."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{number}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"
