"""Make the repository's virtual environment, or bring it up to date; standard library only.

Called by `scripts/environment.sh` when its stamp does not match.  The packages come from the lock
files, by version and hash; the repository itself is installed after them, editable.  One process
at a time works on the environment.  Its file `.making` exists while pip writes: an environment
that still has it, whose Python does not start, or that was made at another place is thrown away
and made again, if it was made here and for this user; any other is left alone.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = {"run": "", "dev": "[dev]"}
LOCKS = {"": ["requirements.lock", "requirements-build.lock"]}
LOCKS["[dev]"] = [*LOCKS[""], "requirements-dev.lock"]
"""The lock files that an environment with these extras is made from."""

LOG_LINES_SHOWN = 15


class SetupError(Exception):
    """The environment cannot be made; the message says what to do."""


def main(arguments: list[str]) -> int:
    """Make an environment hold what ``run`` or ``dev`` needs; return the exit code."""
    if len(arguments) != 2 or arguments[0] not in EXTRAS:
        print(f"usage: make_environment.py {'|'.join(EXTRAS)} FOLDER", file=sys.stderr)
        return 2
    what, folder = arguments
    try:
        with _alone(ROOT):
            make(ROOT, EXTRAS[what], Path(folder))
    except SetupError as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        _say("interrupted; call it again to go on")
        return 130
    return 0


def make(root: Path, extras: str, environment: Path) -> None:
    """Create an environment where it is missing or broken, and install ``root`` into it.

    Args:
        root: The repository.
        extras: ``""`` or ``"[dev]"``, as pip writes them.
        environment: Its folder.

    Raises:
        SetupError: This Python has no `venv`, pip failed, or the folder is not one to be changed.
    """
    if os.path.lexists(environment):
        _check_owner(environment)
        if not is_sound(environment, root):
            _remove(environment)
    if not environment.exists():
        _create(environment)
    _install(environment, root, extras)


def _check_owner(environment: Path) -> None:
    """Raise SetupError unless an environment is a folder of this user's."""
    if environment.is_symlink() or environment.lstat().st_uid != os.geteuid():
        raise SetupError(
            f"{environment} is a link or another user's, so it is left as it is; remove it, or"
            " clone the repository to a place of your own"
        )


def _remove(environment: Path) -> None:
    """Throw away an environment that was made here; one of somebody else's making stays."""
    marks = (".making", ".made-for", *(f".ready-{name}" for name in EXTRAS))
    if not any((environment / mark).exists() for mark in marks):
        raise SetupError(
            f"{environment} does not work, and these scripts have not made it; move it away"
        )
    _say(f"the environment in {environment} is unfinished or was moved: making it again")
    shutil.rmtree(environment)


def is_sound(environment: Path, root: Path) -> bool:
    """Return whether ``environment`` is complete, starts, and was made for ``root``."""
    if (environment / ".making").exists():
        return False
    made_for = environment / ".made-for"
    if made_for.exists() and made_for.read_text(encoding="utf-8") != str(root):
        return False
    check = "import pip, sys; sys.exit(sys.version_info < (3, 11))"
    command = [environment / "bin" / "python", "-I", "-c", check]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _create(environment: Path) -> None:
    """Make an empty virtual environment with pip, marked as unfinished."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    try:
        import ensurepip  # noqa: F401  (Debian ships Python without it)
    except ImportError as error:
        short = ".".join(version.split(".")[:2])
        raise SetupError(
            f"Python {version} ({sys.executable}) has no venv module; install it"
            f" (Debian, Ubuntu: sudo apt install python{short}-venv or python3-venv)"
        ) from error
    _say(f"making {environment} with Python {version}")
    environment.mkdir(parents=True)
    (environment / ".making").touch()
    try:
        venv.create(environment, with_pip=True, symlinks=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError(f"cannot make {environment}: {error}") from error


def _install(environment: Path, root: Path, extras: str) -> None:
    """Install the repository, editable, with ``extras``; pip's words go to a log file."""
    making = environment / ".making"
    making.touch()
    for stamp in environment.glob(".ready-*"):
        stamp.unlink()
    what = "run-time and development packages" if extras else "run-time packages"
    _say(f"installing {what} (about a minute the first time)")
    # Two steps, because pip takes no folder where it is to check hashes.  The second one fetches
    # nothing: it builds with what the first one brought.
    locked = [part for name in LOCKS[extras] for part in ("--requirement", str(root / name))]
    log = environment / "install.log"
    with log.open("w", encoding="utf-8") as output:
        _pip(environment, ["install", "--no-deps", "--require-hashes", *locked], output)
        repository = ["--no-index", "--no-deps", "--no-build-isolation", "--editable", str(root)]
        _pip(environment, ["install", *repository], output)
        _pip(environment, ["check"], output)
    (environment / ".made-for").write_text(str(root), encoding="utf-8")
    making.unlink()


def _pip(environment: Path, arguments: list[str], log: TextIO) -> None:
    """Run a command of pip in ``environment``; its words go to ``log``.

    Raises:
        SetupError: pip failed; its last lines are on stderr.
    """
    command = [str(environment / "bin" / "python"), "-I", "-m", "pip"]
    command += ["--disable-pip-version-check", "--no-input", *arguments]
    if subprocess.run(command, stdout=log, stderr=log, check=False).returncode:
        log.flush()
        lines = Path(log.name).read_text(encoding="utf-8", errors="replace").splitlines()
        print("\n".join(lines[-LOG_LINES_SHOWN:]), file=sys.stderr)
        raise SetupError(
            f"pip could not install the packages; all it said: {log.name}\n"
            "They exist for Python 3.11 to 3.14 on Linux and on macOS 13 or newer (Apple silicon)."
        )


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the lock on the environment of ``root``; waits for another process that has it."""
    with (root / "pyproject.toml").open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another process is setting up an environment: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _say(text: str) -> None:
    print(f"spark-tui: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
