"""Which models cost the engine process its life here, for lack of memory; kept in the state folder.

Such a model is no default until somebody chooses it and it opens.
"""

from pathlib import Path

from engine.notes import read_note, write_note
from engine.paths import state_dir

__all__ = ["forget_killed", "note_killed", "was_killed"]


def _file() -> Path:
    return state_dir() / "models_killed.json"


def _read() -> set[str]:
    return read_note(_file(), set[str], set())


def was_killed(name: str) -> bool:
    """Return whether a model is to be left alone."""
    return name in _read()


def note_killed(name: str) -> None:
    """Remember a model that was killed with its process.

    Args:
        name: Its name, or its file.
    """
    write_note(_file(), sorted(_read() | {Path(name).name.removesuffix(".gguf")}))


def forget_killed(name: str) -> None:
    """Forget it: it was chosen again, and opened."""
    names = _read()
    if name in names:
        write_note(_file(), sorted(names - {name}))
