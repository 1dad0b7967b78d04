"""Runs some tokens on one of the two tiers and keeps what a trace tells of them.

The cycle tier gives every move of a wavelet, every micro-instruction and every wait inside a
rectangle of cores; the fast tier gives what its formulas know: cycles by instruction and by state.
Writes no file.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import TraceError
from engine.model.load import Model
from engine.wafer.check import first_tokens
from engine.wafer.compile.compiler import Compiled, compile_graph
from engine.wafer.fabric.network import PORTS, Routes
from engine.wafer.jit import kernel_cache
from engine.wafer.place.placement import Placement
from engine.wafer.plan.planner import plan
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.machine import MachineSpec
from engine.wafer.program.program import Program
from engine.wafer.program.states import STATES, State
from engine.wafer.timing.schedule import schedule
from engine.wafer.timing.timing import Timing

__all__ = ["LIMIT_BYTES", "CoreTables", "Events", "Rectangle", "Step", "Trace", "collect"]

LIMIT_BYTES = 1_000_000_000
"""Most bytes that a trace may have."""

_LEAST_BYTES = np.array([40, 130, 160])
"""No move, run or wait takes fewer in a log: more than so many fit are not worth keeping."""

Ints = NDArray[np.int64]
OnProgress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Cores by wafer coordinates, north-west corner first."""

    x: int
    y: int
    width: int
    height: int

    def __str__(self) -> str:
        """As on the command line."""
        return f"{self.x},{self.y},{self.width},{self.height}"


@dataclass(frozen=True, slots=True)
class CoreTables:
    """What the simulated rectangle is made of, for those who read its events.  C cores."""

    routes: Routes
    program: NDArray[np.int32]
    """Micro-instructions, core by core."""
    first: Ints
    """Each core's first, (C + 1,)."""
    base: Ints
    """Word at which each core's memory begins, (C,)."""


@dataclass(frozen=True, slots=True)
class Events:
    """What was noted in one step: see `fabric.record` for the columns."""

    moves: NDArray[np.int32]
    runs: NDArray[np.int32]
    waits: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Step:
    """One token."""

    position: int
    cycles: int
    start: int
    """Cycle of the trace with which it begins."""
    moved: Ints
    """How far each instruction of the Program moves the end of the step; sums to `cycles`."""
    begun: Ints | None
    """First cycle of each instruction; None on the fast tier."""
    ended: Ints
    """One past the last; on the fast tier where its share of the step ends."""
    states: Ints
    """Cycles of all cores of the window by state, (6,)."""
    active: int
    """Tile-cycles in which a simulated tile did something; 0 on the fast tier."""
    events: Events | None


@dataclass(frozen=True, slots=True)
class Trace:
    """Some tokens of a model on a machine."""

    tier: str
    """``cycle`` or ``fast``."""
    program: Program
    window: Rectangle
    corner: tuple[int, int]
    """Wafer coordinates of the first core of the simulated rectangle."""
    columns: int
    rows: int
    """Of the simulated rectangle."""
    steps: tuple[Step, ...]
    states: Ints
    """Cycles of every core of the window by state, int64 (H, W, 6)."""
    links: Ints | None
    """Wavelets by port (E, N, W, S, ramp), int64 (H, W, 5); None on the fast tier."""
    tables: CoreTables | None
    """None on the fast tier."""
    init_seconds: float
    simulated_seconds: float

    @property
    def cycles(self) -> int:
        """Cycles of all steps."""
        return sum(step.cycles for step in self.steps)

    def region_map(self) -> Ints:
        """Return the region of every core of the window, −1 for none; int64 (H, W)."""
        found = np.full((self.window.height, self.window.width), -1, np.int64)
        for index, region in enumerate(self.program.regions):
            rows = slice(max(0, region.y - self.window.y), region.y + region.height - self.window.y)
            columns = slice(
                max(0, region.x - self.window.x), region.x + region.width - self.window.x
            )
            if region.wafer == 0 and rows.stop > 0 and columns.stop > 0:
                found[rows, columns] = index
        return found


def collect(
    model: Model,
    spec: MachineSpec,
    *,
    tier: str,
    tokens: int = 1,
    region: tuple[int, int, int, int] | None = None,
    placement: Placement | None = None,
    reverse: bool = False,
    on_progress: OnProgress = lambda done, total, label: None,
) -> Trace:
    """Run ``tokens`` tokens, one a step, from an empty KV cache.

    Args:
        model: The model.
        spec: The machine.
        tier: ``cycle`` or ``fast``.
        tokens: How many.
        region: (x, y, width, height) of the cores to watch, on the wafer; None means those of the
            region that holds the first layer.
        placement: Where the model lies; None means as the planner says.
        reverse: Let the simulator visit in the opposite order; nothing may change.
        on_progress: Called with (done, total, label).

    Raises:
        TraceError: The tokens or the region make no sense.
        PlacementError: The model does not fit the machine, or colors run out.
    """
    if not 1 <= tokens <= model.graph.context_length:
        raise TraceError(
            f"{tokens} tokens asked for; {model.graph.name} takes 1 to "
            f"{model.graph.context_length} positions"
        )
    began = time.perf_counter()
    on_progress(0, tokens, "placing the model")
    placement = plan(model.graph, spec, formats=model.formats) if placement is None else placement
    compiled = compile_graph(model.graph, spec, placement)
    if tier == "fast":
        return _Formulas(compiled, placement, region, began).run(tokens, on_progress)
    return _Simulation(model, compiled, placement, region, tokens, began).run(on_progress, reverse)


def _window(
    program: Program,
    region: tuple[int, int, int, int] | None,
    corner: tuple[int, int],
    columns: int,
    rows: int,
) -> Rectangle:
    """Return the cores to watch.

    Raises:
        TraceError: It is not inside the rectangle that holds the model, or holds no core of it.
    """
    if region is None:
        home = next(r for r in program.regions if 0 in r.layers)
        return Rectangle(home.x, home.y, home.width, home.height)
    x, y, width, height = region
    inside = (
        width > 0
        and height > 0
        and corner[0] <= x
        and corner[1] <= y
        and x + width <= corner[0] + columns
        and y + height <= corner[1] + rows
    )
    placed = any(
        x < r.x + r.width and r.x < x + width and y < r.y + r.height and r.y < y + height
        for r in program.regions
    )
    if not (inside and placed):
        regions = "; ".join(f"{r.label} {r.x},{r.y},{r.width},{r.height}" for r in program.regions)
        raise TraceError(
            f"region {x},{y},{width},{height} is not within the placed cores: columns {corner[0]} "
            f"to {corner[0] + columns - 1}, rows {corner[1]} to {corner[1] + rows - 1} ({regions})"
        )
    return Rectangle(x, y, width, height)


class _Formulas:
    """The fast tier: cycles by instruction and by state, and nothing that happens in between."""

    def __init__(
        self,
        compiled: Compiled,
        placement: Placement,
        region: tuple[int, int, int, int] | None,
        began: float,
    ) -> None:
        self.program, self.began = compiled.program, began
        self.timing = Timing(compiled, placement)
        self.latency = schedule(
            compiled.program, compiled.steps, compiled.sites
        ).latency_by_instruction
        regions = self.program.regions
        self.corner = min(r.x for r in regions), min(r.y for r in regions)
        self.columns = max(r.x + r.width for r in regions) - self.corner[0]
        self.rows = max(r.y + r.height for r in regions) - self.corner[1]
        self.window = _window(self.program, region, self.corner, self.columns, self.rows)
        shape = self.window.height, self.window.width, len(STATES)
        self.states = np.zeros(shape, np.int64)

    def run(self, tokens: int, on_progress: OnProgress) -> Trace:
        prompt = first_tokens(self.program.vocabulary, tokens)
        steps: list[Step] = []
        for position in range(tokens):
            on_progress(position, tokens, f"token {position + 1}")
            start = steps[-1].start + steps[-1].cycles if steps else 0
            steps.append(self._step(position, start, prompt[position : position + 1]))
        return Trace(
            "fast", self.program, self.window, self.corner, self.columns, self.rows,
            tuple(steps), self.states, None, None, time.perf_counter() - self.began, 0.0,
        )  # fmt: skip

    def _step(self, position: int, start: int, token: NDArray[np.int32]) -> Step:
        moved = self.latency.copy()
        attends = self.program.instructions[:, Field.OP] == Op.ATTENTION
        moved[attends] += self.timing.growth(position)[0]
        cycles = self.timing.step_cycles(position)
        assert int(moved.sum()) == cycles, "instructions do not add up to the step"
        states = np.zeros_like(self.states)
        states[..., State.IDLE] = cycles
        expanded = self.timing.expand(self.timing.count(token, position)).states
        for region, counts in zip(self.program.regions, expanded, strict=True):
            here, there = _overlap(self.window, Rectangle(region.x, region.y, *counts.shape[1::-1]))
            states[here] = counts[there]
        self.states += states
        return Step(
            position, cycles, start, moved, None, np.cumsum(moved), states.sum(axis=(0, 1)), 0, None
        )


def _overlap(
    window: Rectangle, other: Rectangle
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return the common cores as (rows, columns) of the one and of the other."""
    x, y = max(window.x, other.x), max(window.y, other.y)
    right = max(x, min(window.x + window.width, other.x + other.width))
    bottom = max(y, min(window.y + window.height, other.y + other.height))

    def of(corner: Rectangle) -> tuple[slice, slice]:
        return slice(y - corner.y, bottom - corner.y), slice(x - corner.x, right - corner.x)

    return of(window), of(other)


class _Simulation:
    """The cycle tier, with the tiles of the window watched."""

    def __init__(
        self,
        model: Model,
        compiled: Compiled,
        placement: Placement,
        region: tuple[int, int, int, int] | None,
        tokens: int,
        began: float,
    ) -> None:
        kernel_cache.use()
        from engine.wafer.fabric.chip import SimulatedChip

        self.program, self.region, self.tokens, self.began = (
            compiled.program, region, tokens, began,
        )  # fmt: skip
        self.chip = SimulatedChip(compiled, placement, model.tensors, rows=1, context=tokens)
        network = self.chip.chip.network
        self.corner, self.columns, self.rows = self.chip.chip.corner, network.columns, network.rows
        self.window = _window(self.program, region, self.corner, self.columns, self.rows)
        rows = slice(self.window.y - self.corner[1], None)
        columns = slice(self.window.x - self.corner[0], None)
        cores = np.arange(self.rows * self.columns).reshape(self.rows, self.columns)
        self.cores = cores[rows, columns][: self.window.height, : self.window.width]
        """Numbers of the watched cores, (H, W)."""
        self.left = LIMIT_BYTES
        """Bytes that the least log of further events may have."""
        self.states = np.zeros((*self.cores.shape, len(STATES)), np.int64)
        self.links = np.zeros((*self.cores.shape, PORTS), np.int64)

    def run(self, on_progress: OnProgress, reverse: bool) -> Trace:
        from engine.wafer.fabric.chip import warm_up

        on_progress(0, self.tokens, "preparing the simulator")
        cache = kernel_cache.use()
        with kernel_cache.alone(
            cache, lambda: on_progress(0, self.tokens, "waiting for another process")
        ):
            warm_up(self.program.machine)
            kernel_cache.record(cache)
        prompt = first_tokens(self.program.vocabulary, self.tokens)
        init_seconds, simulated, steps = time.perf_counter() - self.began, 0.0, []
        start = 0
        for number in range(self.tokens):
            on_progress(number, self.tokens, f"simulating token {number + 1}")
            begun = time.perf_counter()
            steps.append(self._step(prompt[number : number + 1], start, reverse))
            simulated += time.perf_counter() - begun
            start += steps[-1].cycles
        return Trace(
            "cycle", self.program, self.window, self.corner, self.columns, self.rows,
            tuple(steps), self.states, self.links, self._tables(), init_seconds, simulated,
        )  # fmt: skip

    def _tables(self) -> CoreTables:
        """Return the chip's tables, and where each core's memory begins."""
        chip = self.chip.chip
        size = np.zeros((self.rows, self.columns), np.int64)
        for region, (words, _) in zip(self.program.regions, chip.regions, strict=True):
            y, x = region.y - self.corner[1], region.x - self.corner[0]
            size[y : y + region.height, x : x + region.width] = words
        base = np.cumsum(size.ravel()) - size.ravel()
        return CoreTables(chip.routes, chip.instructions, chip.first, base)

    def _step(self, token: NDArray[np.int32], start: int, reverse: bool) -> Step:
        from engine.wafer.fabric.record import MOVES, RUNS, WAITS, Recorder

        position = self.chip.position
        watched = np.zeros(self.rows * self.columns, np.uint8)
        watched[self.cores.ravel()] = 1
        moves, runs, waits = (self.left // _LEAST_BYTES).tolist()
        recorder = Recorder.of(watched, (moves, runs, waits))
        step = self.chip.step(token, reverse=reverse, recorder=recorder)
        self.left -= int(recorder.noted @ _LEAST_BYTES)
        if self.left < 0:
            raise TraceError(
                f"this trace would take more than {(LIMIT_BYTES - self.left) / 1e9:.1f} GB by "
                f"token {position + 1}; at most {LIMIT_BYTES / 1e9:g} GB are written: ask for a "
                "smaller --region or fewer tokens"
            )
        states = np.empty((*self.cores.shape, len(STATES)), np.int64)
        states[..., : State.IDLE] = step.states[self.cores]
        states[..., State.IDLE] = step.cycles - states[..., : State.IDLE].sum(axis=-1)
        self.states += states
        self.links += step.links.reshape(-1, PORTS)[self.cores]
        ended = step.ended[0]
        events = Events(
            recorder.moves[: recorder.noted[MOVES]].copy(),
            recorder.runs[: recorder.noted[RUNS]].copy(),
            recorder.waits[: recorder.noted[WAITS]].copy(),
        )
        return Step(
            position=position, cycles=step.cycles, start=start, moved=_moved(ended),
            begun=step.begun[0], ended=ended, states=states.sum(axis=(0, 1)), active=step.active,
            events=_in_order(events),
        )  # fmt: skip


def _moved(ended: Ints) -> Ints:
    """Return how far each instruction moves the end of a step, by when they ended."""
    order = np.argsort(ended, kind="stable")
    moved = np.zeros_like(ended)
    moved[order] = np.diff(np.maximum.accumulate(ended[order]), prepend=0)
    return moved


def _in_order(events: Events) -> Events:
    """Sort by time and place, so that the order of visits does not show."""
    from engine.wafer.fabric.record import MoveField, RunField, WaitField

    moves, runs, waits = events.moves, events.runs, events.waits
    return Events(
        moves[np.lexsort((moves[:, MoveField.WAY], moves[:, MoveField.CYCLE]))],
        runs[np.lexsort((runs[:, RunField.BEGUN], runs[:, RunField.CORE]))],
        waits[np.lexsort((waits[:, WaitField.FROM], waits[:, WaitField.CORE]))],
    )
