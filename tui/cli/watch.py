"""`spark-tui watch`: the panes alone for whatever uses the engine, on the screen or in words."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import click

import engine
from engine.errors import ServerError
from engine.protocol.messages import EngineReady, ThroughputPoint
from tui.cli.open_app import check_terminal
from tui.cli.output import say
from tui.link.telemetry_feed import HISTORY_LENGTH
from tui.visuals.memory_text import MemoryView
from tui.visuals.throughput_view import ThroughputView
from tui.visuals.words.memory_words import memory_words
from tui.visuals.words.throughput_words import throughput_words
from tui.visuals.words.wafer_words import wafer_words

__all__ = ["watch"]

_RETRY_SECONDS = 1.0
_IN_WORDS = ("wafer", "throughput", "memory")


@click.command(short_help="Show the panes alone, for whatever uses the engine.")
@click.option("--pane", metavar="NAME", help="Show one pane alone: wafer, throughput, memory, …")
@click.option("--text", is_flag=True, help="Print sentences and tables, without a screen.")
@click.option(
    "--interval",
    "interval_ms",
    metavar="MS",
    type=click.IntRange(20, 600_000),
    default=5000,
    show_default=True,
    help="With --text: least time between two texts; without work there are none.",
)
@click.option("--count", metavar="N", type=click.IntRange(1), help="With --text: end after N.")
def watch(pane: str | None, text: bool, interval_ms: int, count: int | None) -> int:
    """Watch the model that an app, `serve` or `lsp` uses; without one, wait for it."""
    if text:
        _check_pane(pane, _IN_WORDS)
        asyncio.run(_tell(pane, interval_ms, count))
        return 0
    check_terminal(instead="spark-tui watch --text")
    from tui.job_control import forget_stale_size
    from tui.watch_app import WATCHED_PANES, WatchApp

    _check_pane(pane, [each.NAME for each in WATCHED_PANES])
    forget_stale_size()
    app = WatchApp(alone=pane)
    app.run()
    return app.return_code or 0


def _check_pane(pane: str | None, known: Sequence[str]) -> None:
    if pane is not None and pane not in known:
        raise click.BadParameter(f"panes are {', '.join(known)}", param_hint="--pane")


async def _tell(pane: str | None, interval_ms: int, count: int | None) -> None:
    """Print what the panes say, engine after engine."""
    told, said = 0, ""
    while True:
        try:
            async for words in _words(pane, interval_ms):
                say(words + "\n")
                told, said = told + 1, ""
                if told == count:
                    return
        except ServerError as error:
            if str(error) != said:
                said = str(error)
                say(f"{said}; waiting")
        await asyncio.sleep(_RETRY_SECONDS)


async def _words(pane: str | None, interval_ms: int) -> AsyncIterator[str]:
    """Yield the panes in words after each interval with work."""
    ready: EngineReady | None = None
    memory = MemoryView()
    history: list[ThroughputPoint] = []
    async for message in engine.watch_engine(interval_ms):
        if isinstance(message, EngineReady):
            ready = message
            memory = MemoryView(ready, context_length=ready.model.context_length)
            history = []
            continue
        assert ready is not None  # it comes first
        memory = replace(memory, position=message.position)
        history = [*history, message.throughput][-HISTORY_LENGTH:]
        rates = ThroughputView(history, ready.machine.clock_ghz, remote=bool(ready.model.remote))
        found = {
            "wafer": wafer_words(ready, message),
            "throughput": throughput_words(rates),
            "memory": memory_words(memory),
        }
        yield found[pane] if pane is not None else "\n\n".join(found.values())
