"""An interval of telemetry as plain values with names: what ``--json`` and the clipboard get."""

from typing import Any

import msgspec

from engine import STATES
from engine.protocol.messages import EngineReady, Telemetry
from engine.units import Gigahertz, tokens_per_second
from tui.visuals.wafer_text import state_shares

__all__ = ["telemetry_values"]


def telemetry_values(ready: EngineReady, telemetry: Telemetry) -> dict[str, Any]:
    """Return one interval as plain values: the telemetry with names, and shares of the states."""
    plain: dict[str, Any] = msgspec.to_builtins(telemetry)
    for name in ("cell_states", "cores", "session", "states_by_region"):
        del plain[name]
    clock = ready.machine.clock_ghz
    cycles = telemetry.throughput.wafer_decode_cycles_per_token
    rate = None if not cycles else float(tokens_per_second(cycles, Gigahertz(clock)))
    shares = state_shares(telemetry.states_by_region)
    return {
        "model": ready.model.name,
        "machine": ready.machine.name,
        "clock_ghz": clock,
        **plain,
        "wafer_decode_tokens_per_second": rate,
        "state_shares": None if shares is None else dict(zip(STATES, shares, strict=True)),
    }
