"""Measure how fast the cycle tier simulates: reductions, dense loads, a whole wafer, BookSim2.

Prints a table, then one JSON object as the last line.  It leads with *active* tile-cycles a second,
which count a tile only in the cycles in which its core handled a wavelet or its router moved one.
The vendor's own unit counts all tiles × simulated cycles; its two figures are from a run that it
committed on a fabric of the same size, 519 × 3: another machine, five threads, a program that is
not known; they say what is usual, not which is better.

The whole wafer is dense: all its cores send and take a wavelet a cycle.  Its memory is the most
that this process held.  ``--booksim PATH`` takes the binary of BookSim2, which you have built
yourself, runs it on a mesh of the same size, and compares the time of a flit's hop: BookSim routes
each flit and allocates its channels, here routes are static.  Seconds are processor time of one
thread, without compiling: what others do on the computer hardly counts.  A benchmark, not a test:
the figures depend on the machine.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
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
from engine.wafer.fabric.network import EAST, PORTS, RAMP, WEST, Network, bit  # noqa: E402
from engine.wafer.fabric.simulator import DONE, Fabric, Totals, new_fabric, simulate  # noqa: E402

VENDOR_TILE_CYCLES_PER_SECOND = 544_728
VENDOR_ACTIVE_TILE_CYCLES_PER_SECOND = 326_083
"""spcl/spatial-collectives, commit 2e850a0: 519 × 3, 781 cycles in 3.729 s."""

SPEC = machine.get("wse2")
WAFER = machine.get("wse3")

MESH = 16
"""Columns and rows of the mesh on which BookSim runs; it slows down with the square."""

BOOKSIM = """
topology = mesh; k = {side}; n = 2; routing_function = dor;
num_vcs = 4; vc_buf_size = 4; credit_delay = 1;
routing_delay = 0; vc_alloc_delay = 1; sw_alloc_delay = 1;
traffic = uniform; packet_size = 1; injection_rate = 0.2;
sim_type = throughput; warmup_periods = 1; sample_period = 2000; max_samples = 3; seed = 1;
"""
"""Single flits to random places, at a rate that the mesh carries; routers of two cycles."""


@dataclass(frozen=True, slots=True)
class Speed:
    """One load, measured; the seconds are processor time of the fastest run."""

    name: str
    columns: int
    rows: int
    wavelets: int
    cycles: int
    sent: int
    active_tile_cycles: int
    seconds: float
    set_up_seconds: float
    flit_hops: int
    """Wavelets over links between routers."""
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


def across(columns: int, rows: int, wavelets: int) -> Fabric:
    """Every row's first core sends its vector through all routers to the last."""
    network, programs = Network(SPEC, columns, rows), Programs(columns * rows)
    y = np.arange(rows)
    network.route(0, np.zeros(rows, np.int64), y, bit(RAMP), bit(EAST))
    inner = np.arange(1, columns - 1)[None, :]
    network.route(0, inner, y[:, None], bit(WEST), bit(EAST))
    network.route(0, np.full(rows, columns - 1), y, bit(WEST), bit(RAMP))
    routes = network.build()
    for column, op in ((0, Micro.SEND), (columns - 1, Micro.RECEIVE)):
        cores = y * columns + column
        ends = (
            {"out": network.inlet(0)[:, 0]} if column == 0 else {"into": network.outlet(0)[:, -1]}
        )
        programs.add(cores, op, address=cores * wavelets, count=wavelets, **ends)
    return new_fabric(routes, *programs.tables(), np.ones(columns * rows * wavelets, np.int32))


def measure(
    name: str, load: Callable[[int, int, int], Fabric], size: tuple[int, int, int], repeats: int
) -> Speed:
    """Simulate a load ``repeats`` times from rest and return the fastest run.

    Raises:
        RuntimeError: The simulation did not finish, or two runs differ.
    """
    best, set_up, outcome, fabric = float("inf"), float("inf"), None, None
    for _ in range(repeats):
        began = time.process_time()
        fabric = load(*size)
        ready = time.process_time()
        ended, cycles = simulate(fabric)
        seconds = time.process_time() - ready
        best, set_up = min(best, seconds), min(set_up, ready - began)
        if ended != DONE or outcome not in (None, (cycles, fabric.totals.tolist())):
            raise RuntimeError(f"{name}: ended with {ended} after {cycles} cycles, not as before")
        outcome = cycles, fabric.totals.tolist()
    columns, rows, wavelets = size
    cycles, totals = outcome
    active = totals[Totals.ACTIVE]
    hops = int(fabric.link_count.reshape(-1, PORTS)[:, :RAMP].sum())
    return Speed(
        name, columns, rows, wavelets, cycles, totals[Totals.SENT], active, best, set_up, hops,
        cycles / best, columns * rows * cycles / best, active / best,
    )  # fmt: skip


def table(speeds: list[Speed]) -> str:
    """Return the figures for a person; M is a million."""
    head = (
        f"{'load':34} {'M active/s':>11} {'tiles':>7} {'B':>5} {'cycles':>7} {'wavelets':>9} "
        f"{'seconds':>8} {'cycles/s':>9} {'M tile-cyc/s':>13}"
    )
    lines = [head, "-" * len(head)]
    lines += [
        f"{one.name:34} {one.active_tile_cycles_per_second / 1e6:11,.1f} "
        f"{one.columns * one.rows:7,} {one.wavelets:5} {one.cycles:7,} {one.sent:9,} "
        f"{one.seconds:8.4f} {one.cycles_per_second:9,.0f} "
        f"{one.tile_cycles_per_second / 1e6:13,.1f}"
        for one in speeds
    ]
    lines.append(
        f"{'published, vendor (not comparable)':34} "
        f"{VENDOR_ACTIVE_TILE_CYCLES_PER_SECOND / 1e6:11.3f} {1557:7,} {'?':>5} {781:7,} {'?':>9} "
        f"{3.729:8} {209:9,} {VENDOR_TILE_CYCLES_PER_SECOND / 1e6:13.3f}"
    )
    lines.append("The vendor's run: another machine, five threads, a program that is not known.")
    busy = os.getloadavg()[0]
    lines.append(
        f"Here: one thread of {os.cpu_count()}"
        + (f"; load average {busy:.1f}: others were at work too." if busy > 1.5 else ".")
    )
    return "\n".join(lines)


def peak_bytes() -> int:
    """Return the most memory that this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@dataclass(frozen=True, slots=True)
class BookSim:
    """A run of BookSim2."""

    side: int
    cycles: int
    flits: float
    """Taken in all cycles: its accepted rate × nodes × cycles."""
    hops: float
    """Of a flit, as it counts them."""
    seconds: float
    """Its processor time, start and end included."""

    @property
    def nanoseconds_per_flit_hop(self) -> float:
        """Processor time of a flit's hop."""
        return self.seconds / (self.flits * self.hops) * 1e9


def run_booksim(binary: Path, side: int) -> BookSim:
    """Run BookSim2 on a mesh of ``side`` × ``side`` nodes.

    Raises:
        RuntimeError: It fails, or says something else than it used to.
    """
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "mesh"
        config.write_text(BOOKSIM.format(side=side))
        call = [str(binary.resolve()), str(config)]
        before = _children_seconds()
        done = subprocess.run(call, capture_output=True, text=True, check=False, cwd=folder)
        seconds = _children_seconds() - before
    found = [_last_number(pattern, done.stdout) for pattern in _BOOKSIM_SAYS]
    if None in found:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise RuntimeError(f"{binary} ended with {done.returncode} and no figures: {last}")
    cycles, rate, hops = (float(number) for number in found if number is not None)
    return BookSim(side, int(cycles), rate * side * side * cycles, hops, seconds)


_BOOKSIM_SAYS = (
    r"Time taken is (\d+) cycles",
    r"Accepted flit rate average = ([\d.e+-]+)",
    r"Hops average = ([\d.e+-]+)",
)


def _children_seconds() -> float:
    """Return the processor time of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _last_number(pattern: str, text: str) -> float | None:
    found = re.findall(pattern, text)
    return float(found[-1]) if found else None


def beside_booksim(binary: Path, side: int, repeats: int) -> dict[str, object]:
    """Print and return the processor time of a flit's hop, BookSim2's and ours."""
    theirs = run_booksim(binary, side)
    ours = measure("streams across a square", across, (side, side, 4096), repeats)
    own = ours.seconds / ours.flit_hops * 1e9
    ratio = theirs.nanoseconds_per_flit_hop / own
    print(
        f"A flit's hop on a mesh of {side} × {side}: BookSim2 "
        f"{theirs.nanoseconds_per_flit_hop:,.0f} ns ({theirs.cycles:,} cycles, "
        f"{theirs.flits:,.0f} flits of {theirs.hops:.1f} hops), here "
        f"{own:,.1f} ns ({ours.cycles:,} cycles, {ours.flit_hops:,} hops): {ratio:,.1f} times. It "
        "routes each flit and allocates its channels; here routes are static."
    )
    facts = asdict(theirs) | {"nanoseconds_per_flit_hop": theirs.nanoseconds_per_flit_hop}
    return {"booksim": facts, "here": asdict(ours) | {"nanoseconds_per_flit_hop": own},
            "ratio": ratio}  # fmt: skip


def whole_wafer(columns: int, rows: int, wavelets: int) -> dict[str, object]:
    """Simulate a dense load on a wafer once, and print and return what it took."""
    speed = measure("whole wafer, dense: shift by one", shift, (columns, rows, wavelets), 1)
    peak = peak_bytes()
    print(
        f"{speed.active_tile_cycles_per_second / 1e6:,.1f} M active tile-cycles a second on a "
        f"whole wafer: {columns * rows:,} cores, dense, {speed.cycles:,} cycles in "
        f"{speed.seconds:.1f} s of processor time, {speed.set_up_seconds:.1f} s to set up, at most "
        f"{peak / 1e9:.2f} GB of memory"
    )
    return asdict(speed) | {"peak_bytes": peak}


def _size(text: str) -> tuple[int, int]:
    columns, _, rows = text.partition("x")
    if not (columns.isdigit() and rows.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write COLUMNSxROWS")
    return int(columns), int(rows)


def main() -> None:
    """Measure all loads and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9, help="runs of a load; the fastest counts")
    parser.add_argument(
        "--wafer", type=_size, default=(WAFER.columns, WAFER.rows), metavar="COLUMNSxROWS",
        help="cores of the whole wafer; 0x0 leaves it out",
    )  # fmt: skip
    parser.add_argument("--wafer-wavelets", type=int, default=32, help="that each core sends")
    parser.add_argument("--booksim", type=Path, metavar="PATH", help="the binary of BookSim2")
    parser.add_argument("--mesh", type=int, default=MESH, help="columns and rows beside BookSim2")
    options = parser.parse_args()
    simulate(chain(3, 1, 2))  # compiles, or loads from the cache
    columns, rows = options.wafer
    wafer = whole_wafer(columns, rows, options.wafer_wavelets) if columns * rows else None
    speeds = [
        measure("chain reduce, B = 16", chain, (519, 3, 16), options.repeats),
        measure("chain reduce, B = 256", chain, (519, 3, 256), options.repeats),
        measure("dense: shift by one core", shift, (519, 3, 512), options.repeats),
        measure("dense: shift by one core, square", shift, (128, 128, 64), options.repeats),
    ]
    print(table(speeds))
    beside = None
    if options.booksim is not None:
        beside = beside_booksim(options.booksim, options.mesh, options.repeats)
    print(json.dumps({
        "machine": SPEC.name,
        "host": {"cpus": os.cpu_count(), "threads": 1, "load": round(os.getloadavg()[0], 2)},
        "wafer": wafer,
        "loads": [asdict(one) for one in speeds],
        "beside_booksim": beside,
        "published": {
            "tile_cycles_per_second": VENDOR_TILE_CYCLES_PER_SECOND,
            "active_tile_cycles_per_second": VENDOR_ACTIVE_TILE_CYCLES_PER_SECOND,
            "conditions": "519 x 3, 781 cycles, 5 threads; another machine, program not known",
        },
    }))  # fmt: skip


if __name__ == "__main__":
    main()
