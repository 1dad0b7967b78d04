"""Which models cost the engine process its life here, for lack of memory; kept in the state folder.

Such a model is no default until somebody chooses it and it opens.
"""

import os
import tempfile
from pathlib import Path

import msgspec

from engine.paths import state_dir

__all__ = ["forget_killed", "note_killed", "was_killed"]


def _file() -> Path:
    return state_dir() / "models_killed.json"


def _read() -> set[str]:
    """Return the names; a file that cannot be read holds none."""
    try:
        return msgspec.json.decode(_file().read_bytes(), type=set[str])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return set()


def _write(names: set[str]) -> None:
    """Replace the file; where it cannot be written, the next death notes it again."""
    try:
        _file().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=_file().parent, delete=False) as draft:
            draft.write(msgspec.json.encode(sorted(names)))
        os.replace(draft.name, _file())
    except OSError:
        return


def was_killed(name: str) -> bool:
    """Return whether a model is to be left alone."""
    return name in _read()


def note_killed(name: str) -> None:
    """Remember a model that was killed with its process.

    Args:
        name: Its name, or its file.
    """
    _write(_read() | {Path(name).name.removesuffix(".gguf")})


def forget_killed(name: str) -> None:
    """Forget it: it was chosen again, and opened."""
    names = _read()
    if name in names:
        _write(names - {name})
