"""How fast each model wrote on this computer, as it was measured; kept in the state folder."""

import os
import tempfile
from pathlib import Path

import msgspec

from engine.paths import state_dir

__all__ = ["forget_speed", "note_speed", "speed_of"]


def _file() -> Path:
    return state_dir() / "model_speeds.json"


def _read() -> dict[str, float]:
    """Return all speeds; a file that cannot be read holds none, and the next note mends it."""
    try:
        return msgspec.json.decode(_file().read_bytes(), type=dict[str, float])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return {}


def _write(speeds: dict[str, float]) -> None:
    """Replace the file; where it cannot be written, the next start measures again."""
    try:
        _file().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=_file().parent, delete=False) as draft:
            draft.write(msgspec.json.encode(speeds))
        os.replace(draft.name, _file())
    except OSError:
        return


def speed_of(name: str) -> float | None:
    """Return how many tokens a second a fetched model wrote here; None if nobody measured it."""
    return _read().get(name)


def note_speed(name: str, tokens_per_second: float) -> None:
    """Keep the measured speed of a fetched model, in host tokens a second while it writes."""
    speeds = _read()
    if speeds.get(name) != tokens_per_second:
        _write(speeds | {name: tokens_per_second})


def forget_speed(name: str) -> None:
    """Drop what was measured for a model that is removed."""
    speeds = _read()
    if name in speeds:
        del speeds[name]
        _write(speeds)
