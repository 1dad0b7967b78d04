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
    AnswerWave,
    AnswerXray,
    Compared,
    Completed,
    CoreTold,
    EngineReady,
    OtherText,
    Rewritten,
    Still,
    Telemetry,
    WhatIfTold,
)
from engine.protocol.peers import PeerComparison
from engine.protocol.what_if import WhatIfCurve
from engine.protocol.xray import TokenWave, Xray

if TYPE_CHECKING:
    from tui.app_messages import EngineNews

__all__ = ["flaw_of"]

_LOGARITHMS = ("mean_logprob", "threshold")
"""Fields that are logarithms of a share, so never above 0."""
_STATE_BYTES = 8
_LATEST = 1 << 48
"""Cycles that no wave takes."""
_USES = frozenset({"code", "weights", "kv", "buffers"})
"""Of a core's memory."""
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
        case AnswerXray(xray=xray):
            return _flaw_of_xray(xray)
        case AnswerWave(wave=wave):
            return _flaw_of_wave(wave)
        case Still():
            return _flaw_of_cells(message)
        case CoreTold():
            return _flaw_of_core(message)
        case Compared(comparison=comparison):
            return _flaw_of_comparison(comparison)
        case WhatIfTold(curve=curve):
            return _flaw_of_curve(curve)
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


def _flaw_of_cells(still: Still) -> str | None:
    cells = still.cores.columns * still.cores.rows if still.cores.sound else 0
    of_states = still.what in ("states", "marked")
    expected = cells * _STATE_BYTES * (len(STATES) if of_states else 1)
    if len(still.values) not in (0 if still.what == "marked" else expected, expected):
        return "there are not as many numbers of cells as were asked for"
    return None


def _flaw_of_core(core: CoreTold) -> str | None:
    numbers = [*core.memory.values(), *core.last_states, *core.total_states, core.latency]
    for step in core.steps:
        numbers += [step.begin, step.end - step.begin, step.mac, step.vector, step.comm, step.pipe]
    numbers += [color.wavelets for color in core.colors]
    numbers += [tile.bytes for tile in core.tiles]
    if not _are_amounts(numbers) or not _USES.issuperset(core.memory):
        return "a core has no amount of something"
    if {len(core.last_states), len(core.total_states)} != {len(STATES)}:
        return f"a core has not {len(STATES)} counters"
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


def _flaw_of_xray(xray: Xray) -> str | None:
    """Return what cannot be of an X-ray: it names steps and regions by their places."""
    for step in xray.steps:
        amounts = (step.cycles, step.host_ms, step.sram_bytes, *step.joules)
        if not all(isfinite(each) for each in amounts) or step.cycles < 1 or step.used < 1:
            return "a step has no amount"
        if min(amounts) < 0 or not _are_amounts(step.cycles_by_operation.values()):
            return "a step has no amount"
        if any(not 0 <= visit.region < len(xray.regions) for visit in step.visits):
            return "a region is visited that there is not"
        if any(len(states) != len(STATES) for states in step.states_by_region):
            return f"a region has not {len(STATES)} counters"
    for token in xray.tokens:
        if not 0 <= token.step < len(xray.steps):
            return "a token comes from no step"
        chances = (token.probability, *(chance for _, chance in token.others))
        if not all(0 <= chance <= 1.000001 for chance in chances):
            return "a chance is no share"
    return None if isfinite(xray.clock_ghz) and xray.clock_ghz > 0 else "its clock stands still"


def _flaw_of_wave(wave: TokenWave) -> str | None:
    bands = wave.bands
    columns = (
        bands.x, bands.y, bands.width, bands.height, bands.begin, bands.end, bands.operation,
    )  # fmt: skip
    if len({len(column) for column in columns}) != 1 or wave.cycles < 1:
        return "a wave has no bands"
    if not all(_are_amounts(column) and max(column, default=0) < _LATEST for column in columns):
        return "a band has no place"
    if any(number >= len(wave.operations) for number in bands.operation):
        return "a band has no operation"
    return None


def _flaw_of_comparison(comparison: PeerComparison) -> str | None:
    structs = (comparison, *comparison.peers)
    found = (number for each in structs for _, number in _numbers(each))
    return None if all(isfinite(n) and n >= 0 for n in found) else "a machine has no amount"


def _flaw_of_curve(curve: WhatIfCurve) -> str | None:
    found = (number for each in (curve, *curve.points) for _, number in _numbers(each))
    if not all(isfinite(n) and n >= 0 for n in found):
        return "a point has no amount"
    if not all(point.setup.clock_ghz for point in curve.points):
        return "its clock stands still"
    if not 0 <= curve.chosen < len(curve.points) <= curve.total:
        return "a curve has not the points that it names"
    if not all(_are_amounts(point.cycles_by_operation.values()) for point in curve.points):
        return "an operation has no amount of cycles"
    return None


def _are_amounts(numbers: Iterable[int]) -> bool:
    return all(number >= 0 for number in numbers)
