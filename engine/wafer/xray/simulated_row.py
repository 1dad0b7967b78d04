"""One row simulated on the cycle tier at its position: which cores worked when.

The keys and values of earlier positions are left at zero: how long a core takes depends on how
many there are, not on what they are.  So the cycles are those of the token, the logits are not.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import TraceError
from engine.model.tensors.tensor import Tensor
from engine.progress import OnProgress, quiet
from engine.wafer.compile.compiler import Compiled, compile_graph
from engine.wafer.fabric.prepare import prepare_simulator
from engine.wafer.jit import kernel_cache
from engine.wafer.plan.placed import Placed
from engine.wafer.program.isa import Field
from engine.wafer.xray.wave import BANDS

__all__ = ["MOST_WORK", "SimulatedRow", "simulate_row"]

Ints = NDArray[np.int64]

MOST_WORK = 3_000_000
"""Most instructions, counted in every core that runs them: beyond, a simulation takes minutes and
gigabytes.  spark-nano on wse3 has half a million."""


@dataclass(frozen=True, slots=True)
class SimulatedRow:
    """A row as it was simulated."""

    cycles: int
    bands: Ints
    """int64 (·, 7): `wave.BAND_FIELDS`."""


def simulate_row(
    placed: Placed,
    tensors: Mapping[str, Tensor],
    *,
    position: int,
    token: int,
    on_progress: OnProgress = quiet,
) -> SimulatedRow:
    """Simulate the row of a token at a position.

    Args:
        placed: The model on its machine.
        tensors: The model's tensors by name.
        position: KV rows before it.
        token: The token that enters.
        on_progress: Called with (done, total, label).

    Raises:
        TraceError: The model is too large for that.
        PlacementError: Colors run out.
    """
    _refuse_large(placed)
    kernel_cache.use()
    prepare_simulator(placed.machine, on_progress)
    from engine.wafer.fabric.chip import SimulatedChip
    from engine.wafer.fabric.record import RUNS, WAITS, Recorder

    expected = placed.timing.step_cycles(position)

    on_progress(0, expected, "lowering the program")
    compiled = compile_graph(placed.graph, placed.machine, placed.placement, by_core=False)
    chip = SimulatedChip(compiled, placed.placement, tensors, rows=1, context=position + 1)
    chip.position = position
    chip.expect(expected, on_progress, f"simulating token {position}")
    cores, most = chip.chip.first.size - 1, len(chip.chip.instructions)
    recorder = Recorder.of(np.ones(cores, np.uint8), (0, most, 3 * most))
    step = chip.step(np.array([token], np.int32), recorder=recorder)
    runs = recorder.runs[: min(most, recorder.noted[RUNS])].astype(np.int64)
    waits = recorder.waits[: min(3 * most, recorder.noted[WAITS])].astype(np.int64)
    network = chip.chip.network
    places = _Places(chip.chip.instructions, network.columns, chip.chip.corner)
    return SimulatedRow(step.cycles, _bands(runs, waits, places, compiled))


def _refuse_large(placed: Placed) -> None:
    regions, table = placed.program.regions, placed.program.instructions
    counts = np.bincount(table[:, Field.REGION], minlength=len(regions))
    work = sum(int(n) * r.width * r.height for n, r in zip(counts, regions, strict=True))
    if work > MOST_WORK:
        raise TraceError(
            f"{placed.program.model} is too large to be simulated here: its cores run {work:,} "
            f"instructions for a token, at most {MOST_WORK:,} are simulated; the formulas' wave "
            "is the same schedule, priced"
        )


@dataclass(frozen=True, slots=True)
class _Places:
    """Where micro-instructions lie."""

    program: NDArray[np.int32]
    columns: int
    corner: tuple[int, int]


def _bands(runs: Ints, waits: Ints, places: _Places, compiled: Compiled) -> Ints:
    """Return the runs as bands: of each instruction, computing or talking, by parts of its region.

    A core that talks is at work from its first wavelet on.
    """
    from engine.wafer.fabric.micro import Micro, MicroField
    from engine.wafer.fabric.record import RunField

    micro = places.program[runs[:, RunField.AT]]
    numbers = micro[:, MicroField.INSTRUCTION].astype(np.int64)
    talks = micro[:, MicroField.OP] != Micro.COMPUTE
    begun = np.where(talks, _first_wavelets(runs, waits), runs[:, RunField.BEGUN])
    ended = runs[:, RunField.ENDED]
    core = runs[:, RunField.CORE]
    x, y = core % places.columns + places.corner[0], core // places.columns + places.corner[1]
    table = compiled.program.instructions
    regions = compiled.program.regions
    region = table[numbers, Field.REGION]
    edges = np.array([(r.x, r.y, r.width, r.height) for r in regions], np.int64)[region]
    across = _part(x - edges[:, 0], edges[:, 2])
    down = _part(y - edges[:, 1], edges[:, 3])
    order = np.lexsort((across, down, talks, numbers))
    keys = np.stack([numbers, talks, down, across], axis=1)[order]
    starts = np.flatnonzero(np.any(np.diff(keys, axis=0, prepend=keys[:1] - 1), axis=1))
    west, east = (f.reduceat(x[order], starts) for f in (np.minimum, np.maximum))
    north, south = (f.reduceat(y[order], starts) for f in (np.minimum, np.maximum))
    return np.stack(
        [
            west, north, east - west + 1, south - north + 1,
            np.minimum.reduceat(begun[order], starts),
            np.maximum.reduceat(ended[order], starts),
            keys[starts, 0],
        ],
        axis=1,
    )  # fmt: skip


def _part(place: Ints, length: Ints) -> Ints:
    """Return the band of a place of a side."""
    return np.asarray(place * np.minimum(BANDS, length) // length)


def _first_wavelets(runs: Ints, waits: Ints) -> Ints:
    """Return when each run has its first wavelet: after the wait that it begins with, if any."""
    from engine.wafer.fabric.record import RunField, WaitField

    begun = runs[:, RunField.BEGUN].copy()
    keys = runs[:, RunField.CORE] << 32 | runs[:, RunField.AT]
    order = np.argsort(keys)
    ordered = keys[order]
    mine = waits[:, WaitField.CORE] << 32 | waits[:, WaitField.AT]
    at = np.minimum(np.searchsorted(ordered, mine), max(0, ordered.size - 1))
    if not ordered.size or not mine.size:
        return begun
    run = order[at]
    first = (ordered[at] == mine) & (waits[:, WaitField.FROM] <= runs[run, RunField.STARTED] + 1)
    np.maximum.at(begun, run[first], waits[first, WaitField.UNTIL])
    return begun
