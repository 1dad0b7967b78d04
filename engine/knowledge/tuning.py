"""Tuning: the few numbers fitted for one model, read from its folder.

``knowledge.json`` beside the weights holds the mixture's coefficients by feature name, the
threshold below which a suggestion is hidden, and the data they were fitted on.
`scripts/fit_knowledge.py` writes it.
"""

import hashlib
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.errors import ModelError
from engine.knowledge.mixture import CONTEXT_FEATURES, LINE_FEATURES
from engine.model.formats.checksums import CHECKSUMS_FILE, read_checksums, read_file

__all__ = ["EXPERTS", "FILE", "Tuning", "load_tuning", "write_tuning"]

FILE = "knowledge.json"

EXPERTS = {
    "buffer": CONTEXT_FEATURES,
    "repository": CONTEXT_FEATURES,
    "lines": LINE_FEATURES,
}
"""The experts in the mixture's order, each with the names of its features."""


class Tuning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The numbers fitted for one model."""

    mixture: dict[str, dict[str, float]]
    """Coefficients by expert and feature."""
    threshold: float | None
    """Mean natural log-probability below which a suggestion is hidden; None: none is."""
    weights_sha256: str
    """Checksum of the weights it was fitted with (`engine.model.catalogue.weights_sha256`)."""
    fitted_on: dict[str, object]
    """For the model card: packages with versions, questions, likelihoods."""

    def coefficients(self) -> list[NDArray[np.float64]]:
        """Return one array for each expert of `EXPERTS`, in the order of its features.

        Raises:
            KeyError: An expert or a feature has no coefficient.
        """
        return [
            np.array([self.mixture[expert][feature] for feature in features])
            for expert, features in EXPERTS.items()
        ]


def load_tuning(folder: Path) -> Tuning | None:
    """Return the tuning in a model folder; None if it has none.

    Raises:
        ModelError: The file is not a tuning, or lacks a coefficient.
        WeightsError: The file cannot be read, or its checksum does not match.
    """
    path = folder / FILE
    if not path.exists():
        return None
    data = read_file(folder, FILE, read_checksums(folder))
    try:
        tuning = msgspec.json.decode(data, type=Tuning)
        tuning.coefficients()
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: not a tuning file ({error})") from error
    except KeyError as error:
        raise ModelError(
            f"{path} has no coefficient {error}; fit it again with scripts/fit_knowledge.py"
        ) from error
    return tuning


def write_tuning(folder: Path, tuning: Tuning) -> None:
    """Write the tuning into a model folder and its checksum into ``checksums.json``."""
    data: bytes = msgspec.json.format(msgspec.json.encode(tuning), indent=1) + b"\n"
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
