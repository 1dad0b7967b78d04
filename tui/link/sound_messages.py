"""Whether the numbers of a message can be drawn: a door, so that no pane must think of it.

An engine of another making, or one with an error, may send anything that has the right types.
"""

from collections.abc import Iterable, Iterator
from math import isfinite
from typing import TYPE_CHECKING, Any

import msgspec

from engine import STATES
from engine.protocol.messages import (
    Answered,
    Completed,
    EngineReady,
    OtherText,
    Rewritten,
    Telemetry,
)

if TYPE_CHECKING:
    from tui.app_messages import EngineNews

__all__ = ["flaw_of"]

_LOGARITHMS = ("mean_logprob", "threshold")
"""Fields that are logarithms of a share, so never above 0."""
_STATE_BYTES = 8
_SIDE_CORES = 100_000
_CORES = 100_000_000
"""Longest side of a region, and most cores of all: more than a thousand wafers have."""


def flaw_of(message: "EngineNews") -> str | None:
    """Return what is wrong with the numbers of a message, in a few words; None if nothing is."""
    if isinstance(message, Telemetry | EngineReady | Completed | OtherText | Rewritten | Answered):
        wrong = [name for name, number in _numbers(message) if not isfinite(number) or number < 0]
        if wrong:
            return f"{wrong[0]} is no amount"
    match message:
        case Telemetry():
            return _flaw_of_counters(message)
        case EngineReady():
            return _flaw_of_machine(message)
    return None


def _numbers(struct: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """Yield the fields of a message that are amounts, and those of what it holds."""
    for field in struct.__struct_fields__:
        value = getattr(struct, field)
        if isinstance(value, msgspec.Struct):
            yield from _numbers(value, field)
        elif field == "likelihoods":
            yield from ((field, number) for pair in value for number in pair)
        elif isinstance(value, int | float) and field not in _LOGARITHMS:
            yield field, value
        elif isinstance(value, float):
            yield field, -value


def _flaw_of_counters(telemetry: Telemetry) -> str | None:
    for states in telemetry.states_by_region:
        if len(states) != len(STATES) or not _are_amounts(states):
            return f"a region has not {len(STATES)} counters"
    cores = telemetry.cores
    cells = cores.columns * cores.rows if cores is not None and cores.sound else 0
    if len(telemetry.cell_states) not in (0, cells * _STATE_BYTES * len(STATES)):
        return "there are not as many counters of cores as were asked for"
    if not _are_amounts(telemetry.cycles_by_operation.values()):
        return "an operation has no amount of cycles"
    return None


def _flaw_of_machine(ready: EngineReady) -> str | None:
    cores = 0
    for region in ready.machine.regions:
        sides = region.width, region.height
        if not all(1 <= side <= _SIDE_CORES for side in sides):
            return "a region has no size"
        if not _are_amounts((region.x, region.y, *region.sram_bytes.values())):
            return "a region has no place"
        cores += region.width * region.height
    if cores > _CORES:
        return f"{cores} cores are too many to draw"
    return None if ready.machine.clock_ghz else "its clock stands still"


def _are_amounts(numbers: Iterable[int]) -> bool:
    return all(number >= 0 for number in numbers)
