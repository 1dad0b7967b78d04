"""Measure what watching the wafer costs: the map in the app, and the decode that is watched.

    .venv/bin/python scripts/bench_panes.py MODEL [--seconds 5] [--rounds 3] [--tokens 48]

The map: 120 × 40 cells of the model as it is placed, at eight frames a second, each the counters of
other steps of the model (prompts and decodes at many positions); the processor time of the app less
that of the same app to which nothing is told.  By colours; "noise" has random counters in every
cell, which no model has: the worst case.
The decode: the same tokens with and without a thread that counts the cells of that map eight times
a second, in turn, round by round; medians count.  What a still number of all cells and one core
take to ask is timed once cold and once warm.  Prints a table, then one JSON object as the last
line.  All times are host time.
"""

import argparse
import asyncio
import json
import statistics
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from textual.app import App, ComposeResult

from engine.errors import EngineError
from engine.model.load import load_model
from engine.model_store.lookup import find_model
from engine.protocol.messages import MachineInfo, RegionInfo, WatchedCores
from engine.wafer.anatomy.anatomy import STILLS, Anatomy
from engine.wafer.fast.fast_runner import FastRunner, open_fast
from engine.wafer.plan.placed import Placed, open_placed
from engine.wafer.program import machine as machines
from engine.wafer.timing.blocks import CellGrid
from tui.visuals.map_kinds import kind_named
from tui.widgets.wafer_map import WaferMap

FRAMES_PER_SECOND = 8
_FRAMES = 50
MAP = (120, 40)
"""Terminal cells across and down."""


@dataclass(frozen=True, slots=True)
class MapCost:
    """The app's processor time for the map."""

    colours: str
    frame_ms: float
    core_share: float
    """Of one core at `FRAMES_PER_SECOND`."""


class MapApp(App[None]):
    """The map alone on the screen."""

    def compose(self) -> ComposeResult:
        """Fill the screen."""
        yield WaferMap()


def machine_info(placed: Placed) -> MachineInfo:
    """Return a placed model as an engine tells it."""
    spec, program = placed.machine, placed.program
    regions = [
        RegionInfo(each.label, each.x, each.y, each.width, each.height, each.sram_bytes)
        for each in program.regions
    ]
    return MachineInfo(
        spec.name, spec.clock_ghz, spec.columns, spec.rows, spec.sram_bytes, program.hash,
        program.cores_used, regions,
    )  # fmt: skip


def frames_of(placed: Placed, cores: WatchedCores, count: int) -> list[bytes]:
    """Return states of cells that change from frame to frame: a prompt, then decodes."""
    grid = CellGrid(cores.x, cores.y, cores.width, cores.height, cores.columns, cores.rows)
    view, frames = placed.view(grid), []
    for frame in range(count):
        tokens = np.arange(64 if frame == 0 else 1, dtype=np.int32)
        counts = placed.timing.count(tokens, 37 * frame, 1)
        frames.append(view.activity(counts).cells.astype("<u8").tobytes())
    return frames


def noise(cores: WatchedCores, count: int) -> list[bytes]:
    """Return frames without two equal cells beside each other."""
    random = np.random.default_rng(1)
    cells = cores.columns * cores.rows
    return [random.integers(1, 10_000, (cells, 6)).astype("<u8").tobytes() for _ in range(count)]


async def map_costs(placed: Placed, seconds: float) -> list[MapCost]:
    """Return the cost of a frame by what the colours mean."""
    app, found = MapApp(), []
    async with app.run_test(size=MAP) as pilot:
        wafer = app.query_one(WaferMap)
        wafer.show_machine(machine_info(placed))
        await pilot.pause()
        cores = wafer.watched
        assert cores is not None
        real = frames_of(placed, cores, 8)
        idle = await _processor_seconds(seconds, lambda frame: None)
        for name, frames in (
            ("state", real), ("work", real), ("nothing", []), ("noise", noise(cores, 8))
        ):  # fmt: skip
            wafer.show_kind(kind_named("work" if name == "work" else "state"))

            def show(frame: int, frames: list[bytes] = frames) -> None:
                if frames:
                    wafer.show_states(cores, frames[frame % len(frames)])

            share = (await _processor_seconds(seconds, show) - idle) / seconds
            found.append(MapCost(name, share / FRAMES_PER_SECOND * 1e3, share))
    return found


async def _processor_seconds(seconds: float, show: Callable[[int], None]) -> float:
    """Return the processor time of this process while frames are shown."""
    began = time.process_time()
    for frame in range(round(seconds * FRAMES_PER_SECOND)):
        show(frame)
        await asyncio.sleep(1 / FRAMES_PER_SECOND)
    return time.process_time() - began


# ── the decode that is watched ──────────────────────────────────────────────────────────────


def decode_seconds(runner: FastRunner, tokens: int, watch: Callable[[], object] | None) -> float:
    """Return the time of some decodes behind a prompt."""
    ended = threading.Event()

    def watching() -> None:
        while watch is not None and not ended.wait(1 / FRAMES_PER_SECOND):
            watch()

    watcher = threading.Thread(target=watching)
    runner.rewind(0)
    runner.prefill(np.arange(1, 65, dtype=np.int32))
    watcher.start()
    began = time.perf_counter()
    for token in range(tokens):
        runner.decode(token + 1)
    spent = time.perf_counter() - began
    ended.set()
    watcher.join()
    return spent


def watched_share(runner: FastRunner, grid: CellGrid, tokens: int, rounds: int) -> dict[str, float]:
    """Return what a decode loses to being watched, of the median of rounds in turn."""
    view, older = runner.placed.view(grid), runner.placed.counts

    def watch() -> None:
        nonlocal older
        newer = runner.placed.counts
        view.activity(newer.since(older))
        older = newer

    decode_seconds(runner, tokens, None)
    spent = []
    for _ in range(_FRAMES):
        began = time.thread_time()
        watch()
        spent.append(time.thread_time() - began)
    alone, watched = [], []
    for _ in range(rounds):
        alone.append(decode_seconds(runner, tokens, None))
        watched.append(decode_seconds(runner, tokens, watch))
    plain, seen = statistics.median(alone), statistics.median(watched)
    return {
        "decode_ms": plain / tokens * 1e3,
        "watched_decode_ms": seen / tokens * 1e3,
        "watched_share": seen / plain - 1,
        "count_frame_ms": statistics.median(spent) * 1e3,
        "count_core_share": statistics.median(spent) * FRAMES_PER_SECOND,
    }


def question_ms(placed: Placed, grid: CellGrid) -> dict[str, float]:
    """Return what questions take: the first of each kind, and one more."""
    anatomy, region = Anatomy(placed), placed.program.regions[0]
    questions: dict[str, Callable[[], Any]] = {
        what: (lambda what=what: anatomy.still(what, grid, 128)) for what in STILLS
    }
    places = iter(range(4))
    questions["core"] = lambda: anatomy.core(region.x + next(places), region.y)
    found = {}
    for name, ask in questions.items():
        for which in ("first", "again"):
            began = time.perf_counter()
            ask()
            found[f"{name}_{which}_ms"] = (time.perf_counter() - began) * 1e3
    return found


def main() -> int:
    """Measure, print a table, then JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    try:
        model = load_model(find_model(asked.model))
        placed = open_placed(model.graph, machines.get("wse3"), formats=model.formats)
        runner = open_fast(placed, model.tensors, threads=asked.threads)
    except EngineError as error:
        print(error, file=sys.stderr)
        return 2
    costs = asyncio.run(map_costs(placed, asked.seconds))
    across = max(region.x + region.width for region in placed.program.regions)
    down = max(region.y + region.height for region in placed.program.regions)
    grid = CellGrid(0, 0, across, down, min(MAP[0], across), min(2 * MAP[1], down))
    decode = watched_share(runner, grid, asked.tokens, asked.rounds)
    runner.close()
    questions = question_ms(placed, grid)
    print(f"{asked.model}, {MAP[0]} × {MAP[1]} cells, {FRAMES_PER_SECOND} frames a second")
    for cost in costs:
        share = f"{cost.core_share:6.1%} of a core"
        print(f"  map by {cost.colours:8} {cost.frame_ms:6.2f} ms a frame {share}")
    print(f"  decode {decode['decode_ms']:.2f} ms a token, watched {decode['watched_share']:+.1%}")
    print(f"  counting its cells {decode['count_frame_ms']:.2f} ms a frame")
    for name, spent in questions.items():
        print(f"  {name:18} {spent:8.1f}")
    maps = {
        cost.colours: {"frame_ms": cost.frame_ms, "core_share": cost.core_share} for cost in costs
    }
    print(json.dumps({"model": asked.model, "map": maps, "decode": decode, "questions": questions}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
