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
from engine.remote_host import is_remote, remote_address

__all__ = ["ModelFiles", "model_files"]


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model as it lies on the disk now."""

    path: Path
    """Its folder or file; of a remote model the name alone."""
    identity: str
    """Changes when a file of the model is replaced: another model, whatever its name."""
    need_bytes: int
    """Estimate of the memory that a session with it takes."""
    is_small: bool = False
    """Whether it is the bundled model that serves where no other can: always worth a try."""
    remote: str = ""
    """Its address, if another engine runs it."""

    @property
    def opens(self) -> str:
        """What a session is opened with."""
        return self.remote or str(self.path)


def model_files(model: str | None, held_bytes: int = 0) -> ModelFiles:
    """Return what ``model`` stands for now.

    Args:
        model: A model's name, path or remote address; None is the default.
        held_bytes: Memory that open sessions hold: a default that is open is still the default.

    Raises:
        ModelError: There is no such model.
    """
    if model is not None and is_remote(model):
        return ModelFiles(Path(remote_address(model).model), model, 0, remote=model)
    path = default_model(held_bytes).path if model is None else find_model(model)
    files = [path] if path.is_file() else path.glob("*.safetensors")
    weights = sum(file.stat().st_size for file in files)
    return ModelFiles(
        path,
        model_identity(path),
        session_needed_bytes(weights),
        path == bundled_models().get(SMALL_MODEL),
    )
