"""Measure how fast the cycle tier simulates: chain reductions, and loads that keep all cores busy.

Prints a table, then one JSON object as the last line.  *Tile-cycles* a second is the unit of the
vendor's simulator: all tiles × simulated cycles ÷ seconds; *active* ones count a tile only in the
cycles in which its core handled a wavelet or its router moved one.  The vendor's two figures are
from a run it committed on a fabric of the same size, 519 × 3: another machine, five threads, a
program that is not known; they say what is usual, not which is better.  Host time, one thread,
without compiling.  A benchmark, not a test: the figures depend on the machine.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.wafer.jit import kernel_cache
from engine.wafer.program import machine

kernel_cache.use()  # before the simulator is imported

from engine.wafer.fabric.micro import Micro, Programs, Reduce  # noqa: E402
from engine.wafer.fabric.network import EAST, RAMP, WEST, Network, bit  # noqa: E402
from engine.wafer.fabric.simulator import DONE, Fabric, Totals, new_fabric, simulate  # noqa: E402

VENDOR_TILE_CYCLES_PER_SECOND = 544_728
VENDOR_ACTIVE_TILE_CYCLES_PER_SECOND = 326_083
"""spcl/spatial-collectives, commit 2e850a0: 519 × 3, 781 cycles in 3.729 s."""

SPEC = machine.get("wse2")


@dataclass(frozen=True, slots=True)
class Speed:
    """One load, measured; the seconds are those of the fastest run."""

    name: str
    columns: int
    rows: int
    wavelets: int
    cycles: int
    sent: int
    active_tile_cycles: int
    seconds: float
    set_up_seconds: float
    cycles_per_second: float
    tile_cycles_per_second: float
    active_tile_cycles_per_second: float


def chain(columns: int, rows: int, wavelets: int) -> Fabric:
    """Every row's vectors are summed westwards, a wavelet a cycle: a pipelined chain reduce."""
    network, programs = Network(SPEC, columns, rows), Programs(columns * rows)
    x, y = np.arange(columns)[None, :], np.arange(rows)[:, None]
    for color in (0, 1):
        network.route(color, x[:, (x[0] % 2 == color) & (x[0] > 0)], y, bit(RAMP), bit(WEST))
        takes = (x[0] % 2 != color) & (x[0] < columns - 1)
        network.route(color, x[:, takes], y, bit(EAST), bit(RAMP))
    routes = network.build()
    for column in range(columns):
        cores = np.arange(rows) * columns + column
        fields = {"address": cores * wavelets, "count": wavelets, "kind": Reduce.ADD_F32}
        if column < columns - 1:
            fields["into"] = network.outlet((column + 1) % 2)[:, column]
        if column > 0:
            fields["out"] = network.inlet(column % 2)[:, column]
        op = Micro.REDUCE_SEND if 0 < column < columns - 1 else Micro.REDUCE
        programs.add(cores, Micro.SEND if column == columns - 1 else op, **fields)
    words = np.ones(columns * rows * wavelets, np.float32).view(np.int32)
    return new_fabric(routes, *programs.tables(), words)


def shift(columns: int, rows: int, wavelets: int) -> Fabric:
    """Every core sends its vector to its eastern neighbour while it takes the western one's."""
    network, programs = Network(SPEC, columns, rows), Programs(columns * rows)
    x, y = np.arange(columns)[None, :], np.arange(rows)[:, None]
    for color in (0, 1):
        sends = (x[0] % 2 == color) & (x[0] < columns - 1)
        network.route(color, x[:, sends], y, bit(RAMP), bit(EAST))
        network.route(color, x[:, sends] + 1, y, bit(WEST), bit(RAMP))
    routes = network.build()
    for column in range(columns):
        cores = np.arange(rows) * columns + column
        mine, theirs = 2 * wavelets * cores, 2 * wavelets * cores + wavelets
        fields = {"count": wavelets, "address": mine}
        if column < columns - 1:
            fields["out"] = network.inlet(column % 2)[:, column]
        if column > 0:
            fields["into"] = network.outlet((column + 1) % 2)[:, column]
        if column == 0:
            programs.add(cores, Micro.SEND, **fields)
        elif column == columns - 1:
            programs.add(cores, Micro.RECEIVE, **fields | {"address": theirs})
        else:
            programs.add(cores, Micro.EXCHANGE, kind=Reduce.TAKE, address_2=theirs, **fields)
    return new_fabric(routes, *programs.tables(), np.ones(2 * columns * rows * wavelets, np.int32))


def measure(
    name: str, load: Callable[[int, int, int], Fabric], size: tuple[int, int, int], repeats: int
) -> Speed:
    """Simulate a load ``repeats`` times from rest and return the fastest run.

    Raises:
        RuntimeError: The simulation did not finish, or two runs differ.
    """
    best, set_up, outcome, fabric = float("inf"), float("inf"), None, None
    for _ in range(repeats):
        began = time.perf_counter()
        fabric = load(*size)
        ready = time.perf_counter()
        ended, cycles = simulate(fabric)
        seconds = time.perf_counter() - ready
        best, set_up = min(best, seconds), min(set_up, ready - began)
        if ended != DONE or outcome not in (None, (cycles, fabric.totals.tolist())):
            raise RuntimeError(f"{name}: ended with {ended} after {cycles} cycles, not as before")
        outcome = cycles, fabric.totals.tolist()
    columns, rows, wavelets = size
    cycles, totals = outcome
    active = totals[Totals.ACTIVE]
    return Speed(
        name, columns, rows, wavelets, cycles, totals[Totals.SENT], active, best, set_up,
        cycles / best, columns * rows * cycles / best, active / best,
    )  # fmt: skip


def table(speeds: list[Speed]) -> str:
    """Return the figures for a person; M is a million."""
    head = (
        f"{'load':34} {'tiles':>7} {'B':>5} {'cycles':>7} {'wavelets':>9} {'seconds':>8} "
        f"{'cycles/s':>9} {'M tile-cyc/s':>13} {'M active/s':>11}"
    )
    lines = [head, "-" * len(head)]
    lines += [
        f"{one.name:34} {one.columns * one.rows:7,} {one.wavelets:5} {one.cycles:7,} "
        f"{one.sent:9,} {one.seconds:8.4f} {one.cycles_per_second:9,.0f} "
        f"{one.tile_cycles_per_second / 1e6:13,.1f} "
        f"{one.active_tile_cycles_per_second / 1e6:11,.1f}"
        for one in speeds
    ]
    lines.append(
        f"{'published, vendor (not comparable)':34} {1557:7,} {'?':>5} {781:7,} {'?':>9} {3.729:8} "
        f"{209:9,} {VENDOR_TILE_CYCLES_PER_SECOND / 1e6:13.3f} "
        f"{VENDOR_ACTIVE_TILE_CYCLES_PER_SECOND / 1e6:11.3f}"
    )
    lines.append("The vendor's run: another machine, five threads, a program that is not known.")
    busy = os.getloadavg()[0]
    lines.append(
        f"Here: one thread of {os.cpu_count()}"
        + (f"; load average {busy:.1f}: others were at work too." if busy > 1.5 else ".")
    )
    return "\n".join(lines)


def main() -> None:
    """Measure all loads and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9, help="runs of a load; the fastest counts")
    options = parser.parse_args()
    simulate(chain(3, 1, 2))  # compiles, or loads from the cache
    speeds = [
        measure("chain reduce, B = 16", chain, (519, 3, 16), options.repeats),
        measure("chain reduce, B = 256", chain, (519, 3, 256), options.repeats),
        measure("dense: shift by one core", shift, (519, 3, 512), options.repeats),
        measure("dense: shift by one core, square", shift, (128, 128, 64), options.repeats),
    ]
    print(table(speeds))
    print(json.dumps({
        "machine": SPEC.name,
        "host": {"cpus": os.cpu_count(), "threads": 1, "load": round(os.getloadavg()[0], 2)},
        "loads": [asdict(one) for one in speeds],
        "published": {
            "tile_cycles_per_second": VENDOR_TILE_CYCLES_PER_SECOND,
            "active_tile_cycles_per_second": VENDOR_ACTIVE_TILE_CYCLES_PER_SECOND,
            "conditions": "519 x 3, 781 cycles, 5 threads; another machine, program not known",
        },
    }))  # fmt: skip


if __name__ == "__main__":
    main()
