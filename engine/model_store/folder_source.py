"""Copies a model from a folder or a file of the person's."""

import hashlib
from pathlib import Path

from engine.model_store.shelf import READ_BYTES
from engine.model_store.transfer import ProgressMeter, SourceError, WholeFile, require_space

__all__ = ["fetch_folder"]

_SOURCE = "folder"


def fetch_folder(
    place: Path, names: tuple[str, ...], work: Path, meter: ProgressMeter
) -> WholeFile:
    """Copy a model's file into a folder.

    Args:
        place: The file, or a folder it lies in.
        names: What it may be called there, the likeliest first.
        work: Where the copy goes.
        meter: Told of the progress.

    Raises:
        SourceError: It is not there or cannot be read.
        StoreError: The disk has no room.
    """
    source = _find(place, names)
    target = work / "copy"
    work.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    size = source.stat().st_size
    require_space(work, size, f"copying {source}")
    meter.begin("fetching", _SOURCE, size)
    try:
        return WholeFile(target, _copy(source, target, meter), str(source))
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _find(place: Path, names: tuple[str, ...]) -> Path:
    try:
        if place.is_file():
            return place.resolve()
        for name in names:
            if (place / name).is_file():
                return (place / name).resolve()
    except OSError as error:
        raise SourceError(f"{place} cannot be read ({error.strerror})") from error
    if not place.is_dir():
        raise SourceError(f"{place}: no such file or folder")
    raise SourceError(f"{place} holds no {' or '.join(names)}")


def _copy(source: Path, target: Path, meter: ProgressMeter) -> str:
    """Copy and return the SHA-256 of what was read."""
    digest, done = hashlib.sha256(), 0
    try:
        opened = source.open("rb")
    except OSError as error:
        raise SourceError(f"{source} cannot be read ({error.strerror})") from error
    with opened, target.open("wb") as out:
        while block := opened.read(READ_BYTES):
            digest.update(block)
            out.write(block)
            done += len(block)
            meter.at(done)
    return digest.hexdigest()
