"""Tuning: the few numbers fitted for one model.

A JSON file holds the mixture's coefficients by feature name, the threshold below which a suggestion
is hidden, and the data they were fitted on.  There are three places for it, and the first that has
one counts: the user's state folder, where ``spark-tui models fit`` writes; the model's own folder;
the package ``weights``, for models that are fetched.  A model without any writes alone, and all it
writes is shown: nobody has measured what would be better.
"""

import hashlib
import logging
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.errors import ModelError
from engine.knowledge.mixture import CONTEXT_FEATURES, LINE_FEATURES
from engine.model.formats.checksums import CHECKSUMS_FILE, read_checksums, read_file
from engine.own_files import make_own
from engine.paths import state_dir

__all__ = [
    "EXPERTS",
    "FILE",
    "Tuning",
    "find_tuning",
    "load_tuning",
    "neutral_tuning",
    "user_tuning_file",
    "write_tuning",
    "write_user_tuning",
]

FILE = "knowledge.json"
_FOLDER = "knowledge"
"""Name of the folder with a tuning for each model, in the user's state and in ``weights``."""

_log = logging.getLogger(__name__)

EXPERTS = {
    "buffer": CONTEXT_FEATURES,
    "repository": CONTEXT_FEATURES,
    "lines": LINE_FEATURES,
}
"""The experts in the mixture's order, each with the names of its features."""


class Tuning(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The numbers fitted for one model."""

    mixture: dict[str, dict[str, float]]
    """Coefficients by expert and feature."""
    threshold: float | None
    """Mean natural log-probability below which a suggestion is hidden; None: none is."""
    weights_sha256: str
    """Checksum of the weights it was fitted with (`engine.model_store.digests.weights_sha256`)."""
    fitted_on: dict[str, object]
    """For the model card: packages with versions, questions, likelihoods."""
    weight_bytes: int = 0
    """Size of the weights it was fitted with, which tells another file of the same name; 0: any."""

    def coefficients(self) -> list[NDArray[np.float64]]:
        """Return one array for each expert of `EXPERTS`, in the order of its features.

        Raises:
            KeyError: An expert or a feature has no coefficient.
        """
        return [
            np.array([self.mixture[expert][feature] for feature in features])
            for expert, features in EXPERTS.items()
        ]


def neutral_tuning() -> Tuning:
    """Return a tuning with which advice can be asked for before anything is fitted."""
    mixture = {name: dict.fromkeys(features, 0.0) for name, features in EXPERTS.items()}
    return Tuning(mixture, None, "", {})


def find_tuning(place: Path, name: str, weight_bytes: int) -> Tuning | None:
    """Return the tuning of a model from the first place that has one; None: there is none.

    Args:
        place: The model's folder or file; of a file in a folder of its own name, the folder counts.
        name: The model's name.
        weight_bytes: Size of its weights; a tuning for weights of another size does not count.

    Raises:
        ModelError: A file is not a tuning, or lacks a coefficient.
        WeightsError: A file cannot be read, or its checksum does not match.
    """
    folder = place if place.is_dir() else place.parent
    own = load_tuning(folder) if place.is_dir() or folder.name == place.stem else None
    user, shipped = _kept(user_tuning_file(name)), _kept(_shipped_file(name))
    for tuning in (user, own, shipped):
        if tuning is not None and tuning.weight_bytes in (0, weight_bytes):
            return tuning
    if user is not None or shipped is not None:
        _log.info("%s: its tuning was fitted with other weights and is not used", name)
    return None


def load_tuning(folder: Path) -> Tuning | None:
    """Return the tuning in a model folder; None if it has none.

    Raises:
        ModelError: The file is not a tuning, or lacks a coefficient.
        WeightsError: The file cannot be read, or its checksum does not match.
    """
    path = folder / FILE
    return (
        _decoded(path, read_file(folder, FILE, read_checksums(folder))) if path.exists() else None
    )


def user_tuning_file(name: str) -> Path:
    """Return the file with the numbers that a user fitted for a model; it need not exist."""
    return state_dir() / _FOLDER / _file_name(name)


def write_user_tuning(name: str, tuning: Tuning) -> Path:
    """Write a user's tuning of a model and return its file.

    Raises:
        OSError: The state folder cannot be written.
    """
    path = user_tuning_file(name)
    make_own(path.parent)
    _replace(path, _encoded(tuning))
    return path


def _shipped_file(name: str) -> Path:
    return Path(str(files("weights"))) / _FOLDER / _file_name(name)


def _file_name(name: str) -> str:
    return f"{name.replace('/', '_')}.json"


def _kept(path: Path) -> Tuning | None:
    """Return the tuning in a file of its own; None if there is, or can be, no such file."""
    with suppress(OSError):  # also a model's name that is too long for a file
        if path.exists():
            return _decoded(path, read_file(path.parent, path.name, None))
    return None


def _decoded(path: Path, data: bytes) -> Tuning:
    try:
        tuning = msgspec.json.decode(data, type=Tuning)
        tuning.coefficients()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(f"{path}: not a tuning file ({error})") from error
    except KeyError as error:
        raise ModelError(
            f"{path} has no coefficient {error}; fit it again (spark-tui models fit) or remove it"
        ) from error
    return tuning


def _encoded(tuning: Tuning) -> bytes:
    text: bytes = msgspec.json.format(msgspec.json.encode(tuning), indent=1) + b"\n"
    return text


def write_tuning(folder: Path, tuning: Tuning) -> None:
    """Write the tuning into a model folder and its checksum into ``checksums.json``."""
    data = _encoded(tuning)
    _replace(folder / FILE, data)
    sums = folder / CHECKSUMS_FILE
    if sums.exists():
        known = msgspec.json.decode(sums.read_bytes())
        known["files"][FILE] = hashlib.sha256(data).hexdigest()
        _replace(sums, msgspec.json.format(msgspec.json.encode(known), indent=2) + b"\n")


def _replace(path: Path, data: bytes) -> None:
    """Replace a file in one step, so that a reader never sees half of it."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(data)
    temporary.replace(path)
