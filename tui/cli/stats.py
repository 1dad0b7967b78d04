"""`spark-tui stats`: the counters of a running engine, a line for each interval."""

import asyncio
from collections.abc import Mapping
from typing import Any

import click
import msgspec

import engine
from engine.protocol.messages import EngineReady, Telemetry
from engine.units import Gigahertz, tokens_per_second
from tui.cli.output import say, say_json
from tui.format import clock_text, count_text, rate_text
from tui.visuals.wafer_text import state_shares

__all__ = ["stats", "stats_line"]


@click.command(short_help="Print the counters of a running engine, line by line.")
@click.option(
    "--interval",
    "interval_ms",
    metavar="MS",
    type=click.IntRange(20, 60_000),
    default=1000,
    show_default=True,
    help="Least time between two lines; without work there are none.",
)
@click.option("--count", metavar="N", type=click.IntRange(1), help="End after so many lines.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def stats(interval_ms: int, count: int | None, as_json: bool) -> None:
    """Print what the model that an app uses now does, until that engine ends."""
    asyncio.run(_follow(interval_ms, count, as_json))


async def _follow(interval_ms: int, count: int | None, as_json: bool) -> None:
    ready: EngineReady | None = None
    told = 0
    async for message in engine.watch_engine(interval_ms):
        if isinstance(message, EngineReady):
            ready = message
            continue
        assert ready is not None  # it comes first
        line = stats_line(ready, message)
        if as_json:
            say_json(line)
        else:
            say(_words(line))
        told += 1
        if told == count:
            return


def stats_line(ready: EngineReady, telemetry: Telemetry) -> dict[str, Any]:
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
        "state_shares": None if shares is None else dict(zip(engine.STATES, shares, strict=True)),
    }


def _words(line: Mapping[str, Any]) -> str:
    rates = line["throughput"]
    return (
        f"{line['model']}  host (measured) {rate_text(rates['host_decode_tokens_per_second'])} "
        f"decode, {rate_text(rates['host_prefill_tokens_per_second'])} prefill tokens/s  "
        f"wafer (emulated, {line['machine']} at {clock_text(line['clock_ghz'])}) "
        f"{rate_text(line['wafer_decode_tokens_per_second'])} tokens/s, "
        f"{count_text(line['elapsed_cycles'])} cycles  "
        f"KV {count_text(line['position'])}/{count_text(line['context_length'])}"
    )
