"""The models that were adapted here to a repository: a folder for each, beside the fetched ones.

In it lies a model folder's files, or a GGUF file of the same name.  It is whole or not there: it is
made in ``.work/NAME`` and comes to its place by one rename.  Opens no model and teaches none.
"""

import os
import re
import shutil
from itertools import chain, count
from pathlib import Path

import msgspec

from engine.model_store.shelf import installed, is_model_name, work_folder
from engine.notes import read_note
from engine.paths import models_dir

__all__ = [
    "NOTE_FILE",
    "AdaptedModel",
    "AdaptedNote",
    "adapted_folder",
    "adapted_models",
    "adapted_name",
    "own_paths",
    "put_adapted",
    "recover_adapted",
    "take_away_adapted",
]

NOTE_FILE = "adapted.json"
_CONFIG = "config.json"
_OLD = "old"
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = 100
"""Letters of a name; room is left for a number behind it."""


class AdaptedNote(msgspec.Struct, frozen=True):
    """Where an adapted model comes from, and what it gained."""

    base: str
    """The model that it was."""
    base_sha256: str
    repository: str
    """The folder that it learnt."""
    made: str
    """The day, as in 2026-01-31."""
    steps: int
    tokens: int
    figures: dict[str, object]
    """Of held-out files, before and after: `engine.adapting.messages.Adapted.figures`."""


class AdaptedModel(msgspec.Struct, frozen=True):
    """A model in a folder of its own."""

    name: str
    path: Path
    """What is opened: its folder, or the GGUF file in it."""
    note: AdaptedNote


def adapted_folder(name: str) -> Path:
    """Return where an adapted model lies, or would lie."""
    return models_dir() / name


def adapted_models() -> tuple[AdaptedModel, ...]:
    """Return the adapted models by name; a folder that is not there holds none."""
    try:
        folders = sorted(path for path in models_dir().iterdir() if is_model_name(path.name))
    except OSError:  # no folder of ours, or one that nobody may read
        return ()
    return tuple(model for path in folders if (model := _adapted(path)) is not None)


def own_paths() -> dict[str, Path]:
    """Return where the models of the folder lie, by name: fetched and adapted ones."""
    fetched = {model.name: model.path for model in installed()}
    return fetched | {model.name: model.path for model in adapted_models()}


def _adapted(folder: Path) -> AdaptedModel | None:
    file = folder / f"{folder.name}.gguf"
    place = file if file.is_file() else folder if (folder / _CONFIG).is_file() else None
    if place is None:
        return None
    note = read_note(folder / NOTE_FILE, AdaptedNote, None)
    return AdaptedModel(folder.name, place, note) if note is not None else None


def adapted_name(base: str, repository: Path) -> str:
    """Return the name of a model adapted to a repository: ``BASE+REPOSITORY``.

    Another repository's model of that name keeps it: this one gets a number.
    """
    name = f"{_plain(base)}+{_plain(repository.name) or 'repository'}"[:_LONGEST]
    taken = {model.name for model in adapted_models() if model.note.repository != str(repository)}
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(each for each in names if each not in taken)


def _plain(text: str) -> str:
    return _NOT_IN_A_NAME.sub("-", text).strip("-")


def put_adapted(whole: Path, name: str) -> AdaptedModel:
    """Move a finished folder to its place; one that was there before goes once it is replaced.

    Raises:
        OSError: It cannot be moved; what was there is there.
    """
    place, old = adapted_folder(name), work_folder(name) / _OLD
    _flush(whole)
    recover_adapted(name)
    if place.exists():
        place.rename(old)
    try:
        whole.rename(place)
    except OSError:
        recover_adapted(name)
        raise
    shutil.rmtree(old, ignore_errors=True)
    model = _adapted(place)
    assert model is not None, f"{whole} was no adapted model"
    return model


def recover_adapted(name: str) -> None:
    """Put back what was being replaced when a process was killed.

    Raises:
        OSError: It cannot be moved.
    """
    place, old = adapted_folder(name), work_folder(name) / _OLD
    if old.exists() and not place.exists():
        old.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def take_away_adapted(name: str) -> None:
    """Delete an adapted model: it is out of its place at once, whatever happens then.

    Raises:
        OSError: It cannot be moved.
    """
    gone = work_folder(name) / "removed"
    gone.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(gone, ignore_errors=True)
    adapted_folder(name).rename(gone)
    shutil.rmtree(gone)


def _flush(folder: Path) -> None:
    """Have the bytes of all files on the disk before the folder's name says that they are there."""
    for path in (*folder.iterdir(), folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
