"""Verifies and removes models.  Reads and deletes files of ours only."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from engine.errors import StoreError
from engine.model_store.adapted import adapted_folder, adapted_models, take_away_adapted
from engine.model_store.bundled import bundled_models
from engine.model_store.child_process import folder_bytes
from engine.model_store.digests import file_sha256
from engine.model_store.killed import forget_killed
from engine.model_store.shelf import (
    FetchedModel,
    installed,
    is_model_name,
    locked,
    model_file,
    note_file,
    work_folder,
)
from engine.model_store.speeds import forget_speed

__all__ = ["Verification", "remove", "verify"]

_CHECKSUMS = "checksums.json"


class Verification(msgspec.Struct, frozen=True):
    """A file of a model, compared with its digest."""

    name: str
    """The model."""
    path: Path
    state: str
    """``"right"``, ``"wrong"`` or ``"unknown"`` (nobody has noted its digest)."""
    expected_sha256: str | None
    found_sha256: str | None
    """None if the file cannot be read."""


def verify(
    name: str | None = None, on_file: Callable[[str, int, int], None] | None = None
) -> tuple[Verification, ...]:
    """Read a model's files and compare them with their digests.

    Args:
        name: A fetched, adapted or bundled model; None means all of them.
        on_file: Called with the model's name, the bytes read and the bytes of the file.

    Raises:
        StoreError: No such model is fetched, adapted or bundled.
    """
    files = list(_files(name))
    if name is not None and not files:
        raise StoreError(f"no model {name!r} is fetched, adapted or bundled; {_known()}")
    return tuple(_verified(*file, on_file) for file in files)


def _known() -> str:
    fetched = ", ".join(model.name for model in installed())
    adapted = ", ".join(model.name for model in adapted_models())
    also = f"; adapted: {adapted}" if adapted else ""
    return f"fetched: {fetched or 'none'}{also}; bundled: {', '.join(bundled_models())}"


def _files(name: str | None) -> Iterator[tuple[str, Path, str | None]]:
    """Yield the files of a model, or of all, with their digests."""
    folders = bundled_models() | {
        model.name: adapted_folder(model.name) for model in adapted_models()
    }
    for own, folder in folders.items():
        if name in (None, own):
            listed = json.loads((folder / _CHECKSUMS).read_text(encoding="utf-8"))["files"]
            yield from ((own, folder / file, digest) for file, digest in listed.items())
    for model in installed():
        if name in (None, model.name):
            yield model.name, model.path, model.expected_sha256


def _verified(
    name: str,
    path: Path,
    expected: str | None,
    on_file: Callable[[str, int, int], None] | None,
) -> Verification:
    try:
        size = path.stat().st_size
        found = file_sha256(path, on_file and (lambda done: on_file(name, done, size)))
    except OSError:
        return Verification(name, path, "wrong", expected, None)
    state = "unknown" if expected is None else "right" if found == expected else "wrong"
    return Verification(name, path, state, expected, found)


def remove(name: str) -> int:
    """Delete a fetched or adapted model, what came of one that is not finished, and its notes here.

    Returns:
        Bytes that became free.

    Raises:
        StoreError: It is not fetched, is being fetched, or cannot be deleted.
    """
    if not is_model_name(name) or not any(place.exists() for place in _own_places(name)):
        bundled = is_model_name(name) and name in bundled_models()
        hint = "it comes with the program" if bundled else _known()
        raise StoreError(f"no fetched or adapted model {name!r} to remove; {hint}")
    with locked(name, None):
        try:
            return _delete(name)
        except OSError as error:
            raise StoreError(
                f"{error.filename or name} cannot be deleted ({error.strerror})"
            ) from error


def _own_places(name: str) -> list[Path]:
    """Return where a model of ours, and what came of it so far, may lie."""
    is_adapted = any(model.name == name for model in adapted_models())
    folders = [adapted_folder(name)] if is_adapted else []
    return [model_file(name), *folders, work_folder(name)]


def _delete(name: str) -> int:
    model = next((each for each in installed() if each.name == name), None)
    folders = _own_places(name)[1:]
    freed = _own_bytes(model) + sum(map(folder_bytes, folders))
    if adapted_folder(name) in folders:
        take_away_adapted(name)
    model_file(name).unlink(missing_ok=True)
    note_file(name).unlink(missing_ok=True)
    if work_folder(name).exists():
        shutil.rmtree(work_folder(name))
    forget_speed(name)
    forget_killed(name)
    return freed


def _own_bytes(model: FetchedModel | None) -> int:
    return model.size_bytes if model else 0
