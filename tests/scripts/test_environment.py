"""`scripts/environment.sh` and `scripts/make_environment.py`: set up once, repair, explain."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("bash", "dirname", "cat", "cksum", "env", "sed", "tr")


def load_script() -> ModuleType:
    """Return ``scripts/make_environment.py`` as a module; scripts are no package."""
    path = ROOT / "scripts" / "make_environment.py"
    spec = importlib.util.spec_from_file_location("make_environment", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository whose set-up only writes down that it was asked for."""
    root = tmp_path / "checkout"
    (root / "scripts").mkdir(parents=True)
    for name in ("run", "test", "environment.sh"):
        shutil.copy(ROOT / "scripts" / name, root / "scripts" / name)
    (root / "pyproject.toml").write_text("dependencies = []\n")
    (root / "requirements.lock").write_text("click==1\n")
    (root / "requirements-dev.lock").write_text("pytest==1\n")
    (root / "scripts" / "make_environment.py").write_text(
        f"import pathlib, sys\n"
        f"with open({str(root / 'set-ups')!r}, 'a') as log: print(sys.argv[1], file=log)\n"
        f"home = pathlib.Path(sys.argv[2], 'bin')\n"
        f"home.mkdir(parents=True, exist_ok=True)\n"
        f"python = home / 'python'\n"
        f"python.write_text('#!/bin/bash\\n"
        f'[ "$1" = -V ] && echo Python 3.11.0 || echo "$PWD: $*"\\n\')\n'
        f"python.chmod(0o755)\n"
    )
    return root


def call(
    command: Path, *arguments: str, cwd: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command, *arguments],
        cwd=cwd,
        env=os.environ | {"SPARK_PYTHON": sys.executable} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def set_ups(root: Path) -> list[str]:
    log = root / "set-ups"
    return log.read_text().split() if log.exists() else []


def test_a_second_call_does_no_work_and_keeps_the_callers_folder(
    checkout: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        done = call(checkout / "scripts" / "run", "a file.py", "--clock", "1", cwd=tmp_path)
        assert done.stdout == f"{tmp_path}: -P -m tui a file.py --clock 1\n"
        assert done.stderr == ""
    assert set_ups(checkout) == ["run"]


def test_the_development_environment_serves_the_app_too(checkout: Path) -> None:
    done = call(checkout / "scripts" / "test", "-k", "ghost", cwd=checkout.parent)
    assert done.stdout.startswith(f"{checkout}: -m pytest ")
    assert done.stdout.endswith(" -k ghost\n")
    call(checkout / "scripts" / "run", cwd=checkout)
    assert set_ups(checkout) == ["dev"]


@pytest.mark.parametrize(
    "change",
    [
        "dependencies",
        "requirements.lock",
        "requirements-dev.lock",
        "python",
        "half made",
        "no python",
    ],
)
def test_what_is_out_of_date_is_made_again(checkout: Path, change: str) -> None:
    run = checkout / "scripts" / "run"
    call(run, cwd=checkout)
    python = checkout / ".venv" / "bin" / "python"
    if change == "dependencies":
        (checkout / "pyproject.toml").write_text("dependencies = ['click']\n")
    elif change.endswith(".lock"):
        (checkout / change).write_text("click==2\n")
    elif change == "python":
        python.write_text(python.read_text().replace("3.11.0", "3.12.0"))
    elif change == "half made":
        (checkout / ".venv" / ".making").touch()
    else:
        python.unlink()
    call(run, cwd=checkout)
    assert set_ups(checkout) == ["run", "run"]


def test_the_settings_of_tools_make_no_work(checkout: Path) -> None:
    settings = "dependencies = []\n[tool.pytest.ini_options]\naddopts = '-q'\n"
    for text in (settings, settings + "[tool.ruff]\nline-length = 80\n"):
        (checkout / "pyproject.toml").write_text(text)
        call(checkout / "scripts" / "run", cwd=checkout)
    assert set_ups(checkout) == ["run"]


def test_a_moved_repository_is_set_up_again(checkout: Path) -> None:
    call(checkout / "scripts" / "run", cwd=checkout)
    moved = checkout.rename(checkout.with_name("moved"))
    script = moved / "scripts" / "make_environment.py"
    script.write_text(script.read_text().replace(str(checkout), str(moved)))
    call(moved / "scripts" / "run", cwd=moved)
    assert set_ups(moved) == ["run", "run"]


def test_cold_tests_see_empty_caches_that_are_gone_afterwards(checkout: Path) -> None:
    script = checkout / "scripts" / "make_environment.py"
    script.write_text(
        script.read_text().replace("$PWD: $*", "$NUMBA_CACHE_DIR $SPARK_CACHE_DIR $*")
    )
    done = call(checkout / "scripts" / "test", "--cold", "-x", cwd=checkout, TMPDIR=str(checkout))
    numba, spark, *rest = done.stdout.split()
    assert (rest[:2], rest[-1]) == (["-m", "pytest"], "-x")
    assert numba.startswith(f"{checkout}/spark-cold.")
    assert spark.startswith(f"{checkout}/spark-cold.")
    assert not list(checkout.glob("spark-cold.*"))


def test_without_a_python_that_runs_it_says_what_to_install(checkout: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in TOOLS:
        (tools / tool).symlink_to(str(shutil.which(tool)))
    executable(tools / "python3.12", "echo 'shim: not installed' >&2; exit 127")
    executable(tools / "python3", "exit 1")  # too old
    done = call(checkout / "scripts" / "run", cwd=checkout, PATH=str(tools), SPARK_PYTHON="")
    assert done.returncode == 1
    assert done.stderr.startswith("spark-tui: needs Python 3.11")
    assert "apt install" in done.stderr
    assert set_ups(checkout) == []


def test_an_environment_is_sound_only_if_whole_working_and_in_its_place(tmp_path: Path) -> None:
    script = load_script()
    environment = tmp_path / ".venv"
    assert not script.is_sound(environment, tmp_path)
    executable(environment / "bin" / "python", f'exec "{sys.executable}" "$@"')
    assert script.is_sound(environment, tmp_path)
    (environment / ".made-for").write_text("/another/place")
    assert not script.is_sound(environment, tmp_path)
    (environment / ".made-for").write_text(str(tmp_path))
    assert script.is_sound(environment, tmp_path)
    (environment / ".making").touch()
    assert not script.is_sound(environment, tmp_path)


@pytest.mark.parametrize(
    ("extras", "locks"),
    [
        ("", ["requirements.lock", "requirements-build.lock"]),
        ("[dev]", ["requirements.lock", "requirements-build.lock", "requirements-dev.lock"]),
    ],
)
def test_packages_come_from_the_lock_before_the_repository(
    tmp_path: Path, extras: str, locks: list[str]
) -> None:
    python = tmp_path / ".venv" / "bin" / "python"
    executable(python, f'[ "$3" = pip ] && echo "$@" >>{tmp_path}/calls; exit 0')
    load_script().make(tmp_path, extras, tmp_path / ".venv")
    first, second, third = (tmp_path / "calls").read_text().splitlines()
    assert "--no-deps --require-hashes" in first
    assert first.endswith(" ".join(f"--requirement {tmp_path}/{name}" for name in locks))
    assert second.endswith(f"--editable {tmp_path}")
    for nothing_unlocked in ("--no-index", "--no-deps", "--no-build-isolation"):
        assert nothing_unlocked in second
    assert third.endswith("check")  # what this platform needs and the locks lack is found here


def test_a_failed_installation_stays_marked_as_unfinished(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = load_script()
    python = tmp_path / ".venv" / "bin" / "python"
    executable(python, '[ "$3" = pip ] && { echo "no such package"; exit 1; }; exit 0')
    with pytest.raises(script.SetupError, match=r"install\.log"):
        script.make(tmp_path, "[dev]", tmp_path / ".venv")
    assert "no such package" in capsys.readouterr().err
    assert not script.is_sound(tmp_path / ".venv", tmp_path)


def test_a_python_without_venv_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = load_script()
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(script.SetupError, match=r"apt install python3\.\d+-venv"):
        script.make(tmp_path, "", tmp_path / ".venv")
    assert not (tmp_path / ".venv").exists()


# ── other users, and other people's folders ─────────────────────────────────────────────────


def give_away(folder: Path) -> None:
    """Make a folder another user's: root gives it away, anybody else has a link to root's."""
    if os.geteuid() == 0:
        folder.mkdir(exist_ok=True)
        os.chown(folder, 1, 1)
    else:
        folder.symlink_to("/usr")


def test_an_environment_of_another_user_is_left_alone(checkout: Path, tmp_path: Path) -> None:
    give_away(checkout / ".venv")
    before = sorted(os.listdir(checkout / ".venv"))
    for _ in range(2):
        done = call(checkout / "scripts" / "run", cwd=checkout, XDG_CACHE_HOME=str(tmp_path / "c"))
        assert (done.returncode, done.stderr) == (0, "")
    assert sorted(os.listdir(checkout / ".venv")) == before
    assert set_ups(checkout) == ["run"]
    (made,) = (tmp_path / "c" / "spark-tui" / "environments").iterdir()
    assert sorted(path.name for path in made.iterdir()) == [".ready-run", "bin"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_good_environment_of_another_user_is_used_as_it_is(
    checkout: Path, tmp_path: Path
) -> None:
    call(checkout / "scripts" / "run", cwd=checkout)
    for path in (checkout / ".venv", *(checkout / ".venv").rglob("*")):
        os.chown(path, 1, 1)
    done = call(checkout / "scripts" / "run", cwd=checkout, HOME="", XDG_CACHE_HOME="")
    assert done.stdout == f"{checkout}: -P -m tui\n"
    assert set_ups(checkout) == ["run"]


def test_without_a_home_for_an_environment_of_ones_own_it_says_so(checkout: Path) -> None:
    give_away(checkout / ".venv")
    done = call(checkout / "scripts" / "run", cwd=checkout, HOME="", XDG_CACHE_HOME="")
    assert done.returncode == 1
    assert done.stderr.endswith("set HOME\n")
    assert set_ups(checkout) == []


@pytest.mark.parametrize("whose", ["another user's", "a link", "of another making"])
def test_what_was_not_made_here_for_this_user_is_never_deleted(tmp_path: Path, whose: str) -> None:
    script = load_script()
    environment = tmp_path / ".venv"
    if whose == "another user's":
        give_away(environment)
    elif whose == "a link":
        (tmp_path / "elsewhere").mkdir()
        environment.symlink_to(tmp_path / "elsewhere")
    else:  # as uv makes one: it works, and has no pip
        executable(environment / "bin" / "python", "exit 1")
    with pytest.raises(script.SetupError, match=r"left as it is|have not made it"):
        script.make(tmp_path, "", environment)
    assert environment.exists()


@pytest.mark.parametrize("question", ["is_sound", "_pip"])
def test_no_module_of_the_callers_folder_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    script = load_script()
    for name in ("pip", "sys", "site"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    environment = tmp_path / ".venv"
    executable(environment / "bin" / "python", f'exec "{sys.executable}" "$@"')
    monkeypatch.chdir(tmp_path)
    if question == "is_sound":
        assert script.is_sound(environment, tmp_path)
    else:
        with (tmp_path / "log").open("w") as log:
            script._pip(environment, ["--help"], log)
    assert not (tmp_path / "ran").exists()


def test_a_python_is_looked_for_without_the_callers_modules(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "sys.py").write_text("")
    executable(tmp_path / "python", f'echo "$@" >>{tmp_path}/calls; exec "{sys.executable}" "$@"')
    call(checkout / "scripts" / "run", cwd=tmp_path, SPARK_PYTHON=str(tmp_path / "python"))
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [line.split()[0] for line in calls] == ["-I", "-I"]


def test_cdpath_leads_to_no_other_scripts(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "other" / "scripts").mkdir(parents=True)
    done = call(Path("scripts/run"), cwd=checkout, CDPATH=str(tmp_path / "other"))
    assert (done.returncode, set_ups(checkout)) == (0, ["run"])


def test_every_python_that_is_started_ignores_the_current_folder() -> None:
    """With ``-I``, ``-P`` or a folder of our own; otherwise a ``pip.py`` there would be run."""
    command = re.compile(r"sys\.executable, \"-[mc]\"(?:\)|, ?(\S+))")
    found = {
        (path.relative_to(ROOT).as_posix(), (match[1] or "").strip('",)]'))
        for top in ("engine", "tui", "scripts")
        for path in (ROOT / top).rglob("*.py")
        for match in command.finditer(path.read_text(encoding="utf-8"))
    }
    in_our_own_folder = {
        ("engine/engine_process.py", "engine.server"),
        ("engine/server/child_lines.py", ""),  # whatever its callers name
        ("engine/wafer/jit/compile_jobs.py", "engine.wafer.jit.compile_helper"),
    }
    measuring = {each for each in found if each[0].startswith(("scripts/bench", "scripts/try_"))}
    assert found - measuring == in_our_own_folder
