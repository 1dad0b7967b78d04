"""Write the lock files: every package that CI and the scripts install, with version and hashes.

pip chooses the versions on this Python, from the ranges in pyproject.toml.  Then it is asked once
for every target, a platform and a Python, which file it would take there; the hashes of all those
files are the ones allowed.  Nothing is installed, and no address of a registry is written down.

Limit: pip judges a requirement's markers by the Python that runs it.  A package that only another
target needs would be missing here; `tests/scripts/test_lock.py` looks for such.
Standard library only.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RUN_LOCK, BUILD_LOCK, DEV_LOCK = (
    "requirements.lock", "requirements-build.lock", "requirements-dev.lock",
)  # fmt: skip
HEAD = """\
# Written by scripts/lock from the ranges in pyproject.toml.  Do not edit.
# {what}
# For Python {pythons} on Linux (x86-64 and ARM, glibc 2.28 or newer)
# and on macOS 13 or newer (Apple silicon).
"""
WHAT = {
    RUN_LOCK: "What the program needs.",
    BUILD_LOCK: "What building the package needs beside requirements.lock.",
    DEV_LOCK: "What development needs beside the other two.",
}
EDITABLE = ["editables~=0.3"]
"""What hatchling asks for besides itself to install the repository so that it can be edited."""

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = {
    **{
        f"linux {machine}": [
            *(f"manylinux_2_{minor}_{machine}" for minor in range(28, 4, -1)),
            f"manylinux2014_{machine}",
        ]
        for machine in ("x86_64", "aarch64")
    },
    # numpy has one file for macOS 14 and newer and another for those before it.
    "macos 13 arm64": ["macosx_13_0_arm64"],
    "macos 14 arm64": ["macosx_14_0_arm64"],
}
"""The platform tags that each target accepts, best first.  Intel Macs have no numba any more."""


class LockError(Exception):
    """No lock can be written; the message says what to do."""


def lock(root: Path, freed: Iterable[str] | None) -> dict[str, str]:
    """Return the text of each lock file of the repository at ``root``.

    Args:
        root: The repository.
        freed: Packages whose locked versions do not count; None frees all of them.

    Raises:
        LockError: pip finds no versions that fit together, or no file for a target.
    """
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    needs = settings["project"]["dependencies"]
    building = settings["build-system"]["requires"] + EDITABLE
    developing = settings["project"]["optional-dependencies"]["dev"]
    kept = {} if freed is None else _locked(root)
    for name in freed or ():
        kept.pop(_normal(name), None)
    homes: dict[str, dict[str, str]] = {}
    everything: dict[str, str] = {}
    for file, more in ((RUN_LOCK, []), (BUILD_LOCK, building), (DEV_LOCK, developing)):
        needs = needs + more
        found = _resolve(needs, kept | everything)
        homes[file] = {name: found[name] for name in found if name not in everything}
        everything |= found
    hashes = _hashes(everything)
    return {name: _render(name, pins, hashes) for name, pins in homes.items()}


def _locked(root: Path) -> dict[str, str]:
    """Return the versions in the lock files that are there."""
    texts = (path.read_text(encoding="utf-8") for path in root.glob("requirements*.lock"))
    return {
        name: version for text in texts for name, version in re.findall(r"(?m)^(\S+)==(\S+)", text)
    }


def _resolve(requirements: list[str], kept: dict[str, str]) -> dict[str, str]:
    """Return the versions that pip chooses for ``requirements``, those in ``kept`` unchanged."""
    with tempfile.TemporaryDirectory(prefix="spark-lock-") as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("".join(f"{pin}\n" for pin in _pins(kept)), encoding="utf-8")
        report = _ask_pip(["--constraint", str(constraints), *requirements])
    return {
        _normal(item["metadata"]["name"]): item["metadata"]["version"] for item in report["install"]
    }


def _hashes(pins: dict[str, str]) -> dict[str, set[str]]:
    """Return the SHA-256 of every file that some target would install."""
    found = defaultdict(set)
    for platform, tags in PLATFORMS.items():
        for python in PYTHONS:
            print(f"lock: {platform}, Python {python}", file=sys.stderr, flush=True)
            options = ["--no-deps", "--python-version", python, "--target", "unused"]
            options += [part for tag in tags for part in ("--platform", tag)]
            for item in _ask_pip([*options, *_pins(pins)])["install"]:
                digest = item["download_info"]["archive_info"]["hashes"]["sha256"]
                found[_normal(item["metadata"]["name"])].add(digest)
    return found


def _ask_pip(arguments: list[str]) -> dict[str, Any]:
    """Return pip's report of what it would install; it installs nothing.

    Raises:
        LockError: pip finds no solution.
    """
    command = [sys.executable, "-I", "-m", "pip", "install", "--dry-run"]
    command += [
        "--ignore-installed",
        "--only-binary",
        ":all:",
        "--quiet",
        "--report",
        "-",
        *arguments,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        said = "\n".join(errors or done.stderr.splitlines()[-3:])
        raise LockError(
            f"{said}\npip finds no such set; change a range in pyproject.toml, or free the"
            " versions that are locked (scripts/lock NAME …, scripts/lock --upgrade)"
        )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _render(name: str, pins: dict[str, str], hashes: dict[str, set[str]]) -> str:
    """Return the text of one lock file."""
    entries = [
        " \\\n".join([pin, *(f"    --hash=sha256:{digest}" for digest in sorted(hashes[package]))])
        for package, pin in zip(sorted(pins), _pins(pins), strict=True)
    ]
    head = HEAD.format(what=WHAT[name], pythons=", ".join(PYTHONS))
    return head + "\n" + "\n".join(entries) + "\n"


def _pins(versions: dict[str, str]) -> list[str]:
    """Return exact requirements, sorted by name."""
    return [f"{name}=={versions[name]}" for name in sorted(versions)]


def _normal(name: str) -> str:
    """Return a package's name in the one spelling that registries compare."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main(arguments: list[str] | None = None) -> int:
    """Write the lock files; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--upgrade", action="store_true", help="take the newest of every package")
    parser.add_argument("names", nargs="*", metavar="NAME", help="take the newest of this package")
    options = parser.parse_args(arguments)
    try:
        files = lock(ROOT, None if options.upgrade else options.names)
    except LockError as error:
        print(f"lock: {error}", file=sys.stderr)
        return 1
    for name, text in files.items():
        (ROOT / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
