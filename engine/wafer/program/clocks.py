"""Core clocks that people convert wafer cycles with, by name and source.

Cycles are what is predicted; a clock only turns them into seconds.  No official clock of WSE-3 was
found.
"""

from dataclasses import dataclass
from difflib import get_close_matches

from engine.errors import MachineError

__all__ = ["CLOCKS", "NamedClock", "clock_ghz"]


@dataclass(frozen=True, slots=True)
class NamedClock:
    """One clock and who uses it."""

    ghz: float
    source: str


CLOCKS = {
    "fabric": NamedClock(0.75, "core_frequency in a CS-3's fabric.json (unreviewed lab notes)"),
    "sdk": NamedClock(0.85, "SDK examples, papers on CS-2 and CS-3"),
    "mid": NamedClock(0.875, "in use for CS-3; no primary source was found"),
    "round": NamedClock(0.9, "in use for CS-3; no primary source was found"),
    "hot-chips": NamedClock(1.1, "Hot Chips 34 for WSE-2, WaferLLM's scripts"),
}
"""The clocks by name, slowest first."""


def clock_ghz(name: str) -> float:
    """Return the clock of a name, in GHz.

    Raises:
        MachineError: No clock has this name.
    """
    if name not in CLOCKS:
        close = get_close_matches(name, CLOCKS, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        known = ", ".join(f"{each} ({clock.ghz:g})" for each, clock in CLOCKS.items())
        raise MachineError(f"unknown clock {name!r}: write GHz, or one of {known}{hint}")
    return CLOCKS[name].ghz
