"""Which folder or file a model's name means, and the checksum of its weights.

Looks at names and bytes only; what is in them is `engine.model.load`'s to read.
"""

import hashlib
from pathlib import Path

from engine.model_store.bundled import bundled_models
from engine.model_store.lookup import locate_model
from engine.model_store.shelf import file_sha256

__all__ = ["bundled_models", "find_model", "weights_sha256"]

_BYTES_AT_ONCE = 1 << 20


def find_model(name_or_path: str | Path | None = None) -> Path:
    """Return the folder or GGUF file of a model.

    Args:
        name_or_path: The name of a bundled, fetched or found model, the beginning of exactly one,
            a model folder or a ``.gguf`` file; None is the default model.

    Raises:
        ModelError: Nothing, or more than one, is meant.
    """
    return locate_model(name_or_path)


def weights_sha256(name_or_path: str | Path | None = None) -> str:
    """Return the SHA-256 of a GGUF file, or of a folder's files with tensors, one after the other.

    It tells which weights something was measured with or fitted to.

    Raises:
        ModelError: As `find_model`.
    """
    place = find_model(name_or_path)
    if place.is_file():
        return file_sha256(place)
    digest = hashlib.sha256()
    for file in sorted(place.glob("*.safetensors")):
        with file.open("rb") as stream:
            while piece := stream.read(_BYTES_AT_ONCE):
                digest.update(piece)
    return digest.hexdigest()
