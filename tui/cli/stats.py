"""`spark-tui stats`: the counters of a running engine, a line for each interval."""

import asyncio
from collections.abc import Mapping
from typing import Any

import click

import engine
from engine.protocol.messages import EngineReady
from tui.cli.output import say, say_json
from tui.format import clock_text, count_text, rate_text
from tui.visuals.telemetry_values import telemetry_values

__all__ = ["stats"]


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
        line = telemetry_values(ready, message)
        if as_json:
            say_json(line)
        else:
            say(_words(line))
        told += 1
        if told == count:
            return


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
