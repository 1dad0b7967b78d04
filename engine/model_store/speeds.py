"""How fast each model wrote on this computer, as it was measured; kept in the state folder."""

from pathlib import Path

from engine.notes import read_note, write_note
from engine.paths import state_dir

__all__ = ["forget_speed", "note_speed", "speed_of"]


def _file() -> Path:
    return state_dir() / "model_speeds.json"


def _read() -> dict[str, float]:
    return read_note(_file(), dict[str, float], {})


def speed_of(name: str) -> float | None:
    """Return how many tokens a second a fetched model wrote here; None if nobody measured it."""
    return _read().get(name)


def note_speed(name: str, tokens_per_second: float) -> None:
    """Keep the measured speed of a fetched model, in host tokens a second while it writes."""
    speeds = _read()
    if speeds.get(name) != tokens_per_second:
        write_note(_file(), speeds | {name: tokens_per_second})


def forget_speed(name: str) -> None:
    """Drop what was measured for a model that is removed."""
    speeds = _read()
    if name in speeds:
        del speeds[name]
        write_note(_file(), speeds)
