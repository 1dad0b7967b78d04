"""The wafer pane in words: what the cores did in the last interval, all together and by region."""

from collections.abc import Sequence

from engine import STATES
from engine.protocol.messages import EngineReady, MachineInfo, Telemetry
from engine.visible_text import visible
from tui.format import clock_text, count_text, percent_text
from tui.visuals.wafer_text import STATE_NAMES, state_shares
from tui.visuals.words.word_table import word_table

__all__ = ["wafer_words"]

_SHORT = ("MAC", "vector", "send", "wavelet", "pipe", "idle")
"""Columns of the table by region, in the order of `engine.STATES`."""


def wafer_words(ready: EngineReady | None, telemetry: Telemetry | None) -> str:
    """Return sentences and two tables.

    Args:
        ready: The model on its machine; None before there is one.
        telemetry: The last interval in which cores worked; None before there was one.
    """
    if ready is None:
        return "The wafer: known once the engine is ready."
    machine = ready.machine
    if ready.model.remote:
        return f"The wafer is idle: {visible(ready.model.remote)} computes the model."
    parts = [_placed(machine)]
    shares = None if telemetry is None else state_shares(telemetry.states_by_region)
    if telemetry is None or shares is None:
        return "\n".join([*parts, "No core has worked yet."])
    parts.append(
        f"In the last interval with work ({count_text(telemetry.elapsed_cycles)} wafer cycles, "
        "emulated) all cores together spent their cycles so:"
    )
    parts.append(word_table(("state", "share"), list(zip(STATE_NAMES, _told(shares), strict=True))))
    parts.append("The same by region, the busiest first:")
    parts.append(_by_region(machine, telemetry.states_by_region))
    if telemetry.cycles_by_operation:
        parts.append("Cycles of the interval by operation, the most first:")
        parts.append(_by_operation(telemetry.cycles_by_operation))
    return "\n".join(parts)


def _placed(machine: MachineInfo) -> str:
    total = machine.columns * machine.rows
    return (
        f"The wafer, emulated: {visible(machine.name)} at {clock_text(machine.clock_ghz)}. "
        f"{count_text(machine.cores_used)} of {count_text(total)} cores hold the model, "
        f"in {len(machine.regions)} regions."
    )


def _told(shares: Sequence[float]) -> list[str]:
    return [percent_text(share) for share in shares]


def _by_region(machine: MachineInfo, states_by_region: Sequence[Sequence[int]]) -> str:
    rows = []
    for region, states in zip(machine.regions, states_by_region, strict=True):
        shares = state_shares([states])
        if shares is not None:
            rows.append((1 - shares[STATES.index("idle")], visible(region.label), _told(shares)))
    rows.sort(key=lambda row: -row[0])
    return word_table(("region", *_SHORT), [(label, *told) for _, label, told in rows])


def _by_operation(cycles: dict[str, int]) -> str:
    total = max(1, sum(cycles.values()))
    rows = sorted(cycles.items(), key=lambda each: -each[1])
    told = [(name, count_text(count), percent_text(count / total)) for name, count in rows]
    return word_table(("operation", "cycles", "share"), told)
