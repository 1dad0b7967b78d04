"""Tuning: the few numbers that were fitted for one model, read from its folder.

``knowledge.json`` beside the weights holds the coefficients of the mixture by feature name, the
threshold of what is shown, and what they were fitted on.  `scripts/fit_knowledge.py` writes it.
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
"""The experts, in the mixture's order, and the features that weigh each."""


class Tuning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was fitted for one model."""

    mixture: dict[str, dict[str, float]]
    """Coefficients by expert and feature."""
    threshold: float | None
    """Mean log-probability below which a suggestion is not shown; None: all are shown."""
    weights_sha256: str
    """Checksum of the weights it was fitted with (`engine.model.load.weights_sha256`)."""
    fitted_on: dict[str, object]
    """Packages with versions, questions, likelihoods: for the model card."""

    def coefficients(self) -> list[NDArray[np.float64]]:
        """Return the coefficients of each expert in `EXPERTS`, in the order of its features."""
        return [
            np.array([self.mixture[expert][feature] for feature in features])
            for expert, features in EXPERTS.items()
        ]


def load_tuning(folder: Path) -> Tuning | None:
    """Return the tuning in a model folder; None where there is none.

    Raises:
        ModelError: The file is no tuning, or lacks a coefficient.
        WeightsError: It cannot be read or is not the one its checksum belongs to.
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
    """Write the tuning into a model folder and its checksum among those of the other files."""
    data: bytes = msgspec.json.format(msgspec.json.encode(tuning), indent=1) + b"\n"
    _replace(folder / FILE, data)
    sums = folder / CHECKSUMS_FILE
    if sums.exists():
        known = msgspec.json.decode(sums.read_bytes())
        known["files"][FILE] = hashlib.sha256(data).hexdigest()
        _replace(sums, msgspec.json.format(msgspec.json.encode(known), indent=2) + b"\n")


def _replace(path: Path, data: bytes) -> None:
    """Write a file in one step."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(data)
    temporary.replace(path)
