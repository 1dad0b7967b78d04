"""SHA-256 of a file, and of the weights of a model.  Reads bytes; knows no format."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from engine.model_store.lookup import find_model
from engine.model_store.shelf import READ_BYTES
from engine.plain_files import open_plain

__all__ = ["file_sha256", "weights_sha256"]


def file_sha256(file: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """Return the SHA-256 of a file.

    Args:
        file: The file.
        on_bytes: Called with the number of bytes read so far.

    Raises:
        OSError: It cannot be read.
    """
    digest, done = hashlib.sha256(), 0
    with open_plain(file) as opened:
        while block := opened.read(READ_BYTES):
            digest.update(block)
            done += len(block)
            if on_bytes is not None:
                on_bytes(done)
    return digest.hexdigest()


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
        with open_plain(file) as opened:
            while block := opened.read(READ_BYTES):
                digest.update(block)
    return digest.hexdigest()
