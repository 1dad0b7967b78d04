"""What a model's name stands for at this moment: its path, which files these are, what they need.

Reads the folder's entries, never a file's content, so that the event loop may ask.
"""

from dataclasses import dataclass
from pathlib import Path

from engine.client import SMALL_MODEL
from engine.host_memory import session_needed_bytes
from engine.model_store import default_model
from engine.model_store.bundled import bundled_models
from engine.model_store.lookup import find_model
from engine.paths import model_identity

__all__ = ["ModelFiles", "model_files"]


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model as it lies on the disk now."""

    path: Path
    identity: str
    """Changes when a file of the model is replaced: another model, whatever its name."""
    need_bytes: int
    """Estimate of the memory that a session with it takes."""
    is_small: bool = False
    """Whether it is the bundled model that serves where no other can: always worth a try."""


def model_files(model: str | None, held_bytes: int = 0) -> ModelFiles:
    """Return what ``model`` stands for now.

    Args:
        model: A model's name or path; None is the default.
        held_bytes: Memory that open sessions hold: a default that is open is still the default.

    Raises:
        ModelError: There is no such model.
    """
    path = default_model(held_bytes).path if model is None else find_model(model)
    files = [path] if path.is_file() else path.glob("*.safetensors")
    weights = sum(file.stat().st_size for file in files)
    return ModelFiles(
        path,
        model_identity(path),
        session_needed_bytes(weights),
        path == bundled_models().get(SMALL_MODEL),
    )
