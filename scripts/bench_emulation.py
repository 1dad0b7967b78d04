"""Measure what the emulated wafer costs the host: its orders of sums, and counting for the panes.

    .venv/bin/python scripts/bench_emulation.py MODEL [--prompt 256] [--decode 24] [--threads 2]

Runs a model's Program as it was placed, and the same Program with every sum in one part: the same
kernels with the cheapest order.  Prefill and decode alternate between the two, round by round, so
that whatever else the computer does meets both alike; the medians count.  Counting is timed by
itself: the note of a step, and the states of the cells that a pane draws, for a frame; beside
that, what a frame would take from the states of every core.  Prints a table, then
one JSON object as the last line.  All times are host time.  It needs memory for the model twice.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.model.load import Model, load_model
from engine.model.sum_orders import ReduceOrder
from engine.model_store.lookup import find_model
from engine.server.connection import PAUSE_FOR_MAKING
from engine.wafer.fast.fast_runner import FastRunner, open_fast
from engine.wafer.plan.placed import Placed, open_placed
from engine.wafer.program import machine as machines
from engine.wafer.program.program import Program
from engine.wafer.timing.blocks import CellGrid

FRAMES_PER_SECOND = 10
"""Messages to the panes at the shortest interval that the settings allow; a tenth of the time at
most (`PAUSE_FOR_MAKING`)."""

PANE = (56, 80)
"""Half-blocks across and down of the wafer pane in a large terminal."""

DECODES = 64
"""Of a repeat, counted together."""

REPEATS = 50


@dataclass(frozen=True, slots=True)
class Emulation:
    """Host times of a model with and without what the wafer asks for."""

    model: str
    threads: int
    path: str
    placed_prefill_ms: float
    """A token of a prompt, sums in the placement's order."""
    cheapest_prefill_ms: float
    """The same, every sum in one part."""
    placed_decode_ms: float
    cheapest_decode_ms: float
    order_prefill_share: float
    """What the placement's order adds: placed ÷ cheapest − 1."""
    order_decode_share: float
    note_ms: float
    """To count a step."""
    frame_ms: float
    """To work out what the cells of a pane did between two frames."""
    expand_ms: float
    """The same for every core, one by one."""
    cores: int
    counting_share: float
    """Both, of a decode with that many frames a second."""


def cheapest(program: Program) -> Program:
    """Return a Program with every sum in one part; the results' last bits differ."""
    one = ReduceOrder(1, 1)
    return replace(
        program,
        orders=tuple(one for _ in program.orders),
        attentions=tuple(replace(kind, dim_parts=1) for kind in program.attentions),
    )


def open_both(model: Model, threads: int) -> tuple[FastRunner, FastRunner]:
    """Return a runner of the placed model, and one of its cheapest Program."""
    placed = open_placed(model.graph, machines.get("wse3"), formats=model.formats)
    first = open_fast(placed, model.tensors, threads=threads)
    from engine.wafer.fast.executor import Executor

    second = Executor(cheapest(placed.program), model.tensors, threads=threads)
    return first, FastRunner(placed, second)


def seconds(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def run(runner: FastRunner, prompt: np.ndarray, decode: int) -> tuple[float, float]:
    """Return the seconds of a prompt's token and of a decode after it."""
    runner.rewind(0)
    prefill = seconds(
        lambda: [runner.step(part, 1) for part in np.split(prompt, range(64, prompt.size, 64))]
    )
    steps = [seconds(lambda: runner.step(prompt[:1], 1)) for _ in range(decode)]
    return prefill / prompt.size, statistics.median(steps)


def drawn(placed: Placed) -> CellGrid:
    """Return the cells of the placed cores in a pane of `PANE` half-blocks."""
    regions = placed.program.regions
    x, y = min(each.x for each in regions), min(each.y for each in regions)
    width = max(each.x + each.width for each in regions) - x
    height = max(each.y + each.height for each in regions) - y
    block = max(1, -(-width // PANE[0]), -(-height // PANE[1]))
    columns, rows = -(-width // block), -(-height // block)
    return CellGrid(x, y, columns * block, rows * block, columns, rows)


def counting(placed: Placed, position: int) -> tuple[float, float, float]:
    """Return the seconds to count a decode, of a frame, and of one by every core."""
    token = np.zeros(1, np.int32)
    note, frame, expand = [], [], []
    view = placed.view(drawn(placed))

    def decodes() -> None:  # counted when somebody asks
        for number in range(DECODES):
            placed.note_step(token, position + number)
        _ = placed.counts

    for _ in range(REPEATS):
        older = placed.counts
        note.append(seconds(decodes) / DECODES)
        did = placed.counts.since(older)
        frame.append(seconds(partial(view.activity, did)))
        expand.append(seconds(partial(placed.expand, did)))
    return statistics.median(note), statistics.median(frame), statistics.median(expand)


def measure(model: Model, prompt: int, decode: int, threads: int, rounds: int) -> Emulation:
    """Measure a model in alternate rounds."""
    runners = open_both(model, threads)
    tokens = np.random.default_rng(0).integers(0, model.graph.vocabulary, prompt).astype(np.int32)
    for runner in runners:  # loads and compiles what is left
        run(runner, tokens[:8], 1)
    found = [[run(runner, tokens, decode) for runner in runners] for _ in range(rounds)]
    (placed_prefill, placed_decode), (cheap_prefill, cheap_decode) = (
        [statistics.median(round[number][kind] for round in found) for kind in range(2)]
        for number in range(2)
    )
    ratios = [
        statistics.median(round[0][kind] / round[1][kind] for round in found) - 1
        for kind in range(2)
    ]
    note, frame, expand = counting(runners[0].placed, prompt)
    return Emulation(
        model=model.name,
        threads=threads,
        path=runners[0].processor_path,
        placed_prefill_ms=1e3 * placed_prefill,
        cheapest_prefill_ms=1e3 * cheap_prefill,
        placed_decode_ms=1e3 * placed_decode,
        cheapest_decode_ms=1e3 * cheap_decode,
        order_prefill_share=ratios[0],
        order_decode_share=ratios[1],
        note_ms=1e3 * note,
        frame_ms=1e3 * frame,
        expand_ms=1e3 * expand,
        cores=runners[0].placed.program.cores_used,
        counting_share=note / placed_decode
        + min(frame * FRAMES_PER_SECOND, 1 / (1 + PAUSE_FOR_MAKING)),
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("model", nargs="?", help="a name, a folder or a file; the default model")
    parser.add_argument("--prompt", type=int, default=256, help="tokens of the prompt")
    parser.add_argument("--decode", type=int, default=24, help="tokens after it, of each round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    model = load_model(find_model(asked.model))
    done = measure(model, asked.prompt, asked.decode, asked.threads, asked.rounds)
    for name, value in asdict(done).items():
        print(f"{name:22} {value:.4f}" if isinstance(value, float) else f"{name:22} {value}")
    print(json.dumps(asdict(done)))


if __name__ == "__main__":
    main()
