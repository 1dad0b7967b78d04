"""Make the repository's `.venv`, or bring it up to date; standard library only.

Called by `scripts/environment.sh` when its stamp does not match.  The packages come from the lock
files, by version and hash; the repository itself is installed after them, editable.  One process
at a time works on the environment.  `.venv/.making` exists while pip writes: an environment that
still has it, whose Python does not start, or that was made at another place is thrown away and
made again.
"""

import fcntl
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
LOCKS = {"": ["requirements.lock"], "[dev]": ["requirements.lock", "requirements-dev.lock"]}
"""The lock files that an environment with these extras is made from."""

LOG_LINES_SHOWN = 15


class SetupError(Exception):
    """The environment cannot be made; the message says what to do."""


def main(arguments: list[str]) -> int:
    """Make `.venv` hold what ``arguments[0]`` (``run`` or ``dev``) needs; return the exit code."""
    if len(arguments) != 1 or arguments[0] not in EXTRAS:
        print(f"usage: make_environment.py {'|'.join(EXTRAS)}", file=sys.stderr)
        return 2
    try:
        with _alone(ROOT):
            make(ROOT, EXTRAS[arguments[0]])
    except SetupError as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        _say("interrupted; call it again to go on")
        return 130
    return 0


def make(root: Path, extras: str) -> None:
    """Create ``root/.venv`` where it is missing or broken, and install ``root`` into it.

    Args:
        root: The repository.
        extras: ``""`` or ``"[dev]"``, as pip writes them.

    Raises:
        SetupError: This Python has no `venv`, or pip failed.
    """
    environment = root / ".venv"
    if environment.exists() and not is_sound(environment, root):
        _say("the environment in .venv is unfinished or was moved: making it again")
        shutil.rmtree(environment)
    if not environment.exists():
        _create(environment)
    _install(environment, root, extras)


def is_sound(environment: Path, root: Path) -> bool:
    """Return whether ``environment`` is complete, starts, and was made for ``root``."""
    if (environment / ".making").exists():
        return False
    made_for = environment / ".made-for"
    if made_for.exists() and made_for.read_text(encoding="utf-8") != str(root):
        return False
    check = "import pip, sys; sys.exit(sys.version_info < (3, 11))"
    try:
        return (
            subprocess.run(
                [environment / "bin" / "python", "-c", check], capture_output=True, check=False
            ).returncode
            == 0
        )
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
    _say(f"making .venv with Python {version}")
    environment.mkdir()
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
    # Two steps, because pip takes no folder where it is to check hashes.  The second one adds what
    # the lock does not name for this platform, within the ranges of pyproject.toml.
    locked = [part for name in LOCKS[extras] for part in ("--requirement", str(root / name))]
    log = environment / "install.log"
    with log.open("w", encoding="utf-8") as output:
        _pip(environment, ["--no-deps", "--require-hashes", *locked], output)
        _pip(environment, ["--editable", f"{root}{extras}"], output)
    (environment / ".made-for").write_text(str(root), encoding="utf-8")
    making.unlink()


def _pip(environment: Path, arguments: list[str], log: TextIO) -> None:
    """Run ``pip install`` in ``environment``; pip's words go to ``log``.

    Raises:
        SetupError: pip failed; its last lines are on stderr.
    """
    command = [str(environment / "bin" / "python"), "-m", "pip", "install"]
    command += ["--disable-pip-version-check", "--no-input", *arguments]
    if subprocess.run(command, stdout=log, stderr=log, check=False).returncode:
        log.flush()
        lines = Path(log.name).read_text(encoding="utf-8", errors="replace").splitlines()
        print("\n".join(lines[-LOG_LINES_SHOWN:]), file=sys.stderr)
        raise SetupError(
            f"pip could not install the packages; all it said: {log.name}\n"
            "They exist for Python 3.11 to 3.14 on Linux and on macOS 12 or newer (Apple silicon)."
        )


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the lock on the environment of ``root``; waits for another process that has it."""
    with (root / "pyproject.toml").open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another process is setting up .venv: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _say(text: str) -> None:
    print(f"spark-tui: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
