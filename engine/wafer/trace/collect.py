"""Runs some tokens on one of the two tiers and keeps the content of a trace.

The cycle tier gives every move of a wavelet, every micro-instruction and every wait inside a
rectangle of cores; the fast tier gives what its formulas know: cycles by instruction and by state.
Writes no file.
"""

import time
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from engine.errors import TraceError
from engine.model.tensors.tensor import Tensor
from engine.progress import OnProgress, quiet
from engine.wafer.check.comparison import first_tokens
from engine.wafer.fabric.network import PORTS
from engine.wafer.fabric.prepare import prepare_simulator
from engine.wafer.jit import kernel_cache
from engine.wafer.place.lanes import lane_colors
from engine.wafer.plan.placed import Placed
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.program import Program
from engine.wafer.program.states import STATES, State
from engine.wafer.trace.traced_steps import CoreTables, Events, Rectangle, Trace, TracedStep

__all__ = ["LIMIT_BYTES", "collect", "in_order"]

LIMIT_BYTES = 1_000_000_000
"""Most bytes that a trace may have."""

_LEAST_BYTES = np.array([40, 130, 160])
"""No move, run or wait takes fewer in a log: more than so many fit are not worth keeping."""

Ints = NDArray[np.int64]


def collect(
    placed: Placed,
    tensors: Mapping[str, Tensor],
    *,
    tier: str,
    tokens: int = 1,
    region: tuple[int, int, int, int] | None = None,
    reverse: bool = False,
    on_progress: OnProgress = quiet,
) -> Trace:
    """Run ``tokens`` tokens, one a step, from an empty KV cache.

    Args:
        placed: The model on its machine.
        tensors: The model's tensors by name.
        tier: ``cycle`` or ``fast``.
        tokens: How many.
        region: (x, y, width, height) of the cores to watch, on the wafer; None means those of the
            region that holds the first layer.
        reverse: Let the simulator visit in the opposite order; nothing may change.
        on_progress: Called with (done, total, label).

    Raises:
        TraceError: The tokens or the region make no sense.
        PlacementError: Colors run out.
    """
    graph = placed.graph
    if not 1 <= tokens <= graph.context_length:
        raise TraceError(
            f"{tokens} tokens asked for; {graph.name} takes 1 to {graph.context_length} positions"
        )
    if tier == "fast":
        return _Formulas(placed, region).run(tokens, on_progress)
    return _Simulation(placed, tensors, region, tokens, on_progress).run(reverse)


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

    def __init__(self, placed: Placed, region: tuple[int, int, int, int] | None) -> None:
        self.began = time.perf_counter()
        self.program, self.timing = placed.program, placed.timing
        regions = self.program.regions
        self.corner = min(r.x for r in regions), min(r.y for r in regions)
        self.columns = max(r.x + r.width for r in regions) - self.corner[0]
        self.rows = max(r.y + r.height for r in regions) - self.corner[1]
        self.window = _window(self.program, region, self.corner, self.columns, self.rows)
        shape = self.window.height, self.window.width, len(STATES)
        self.states = np.zeros(shape, np.int64)

    def run(self, tokens: int, on_progress: OnProgress) -> Trace:
        prompt = first_tokens(self.program.vocabulary, tokens)
        steps: list[TracedStep] = []
        for position in range(tokens):
            on_progress(position, tokens, f"token {position + 1}")
            start = steps[-1].start + steps[-1].cycles if steps else 0
            steps.append(self._step(position, start, prompt[position : position + 1]))
        return Trace(
            "fast", self.program, self.window, self.corner, self.columns, self.rows,
            tuple(steps), self.states, None, None, time.perf_counter() - self.began, 0.0,
        )  # fmt: skip

    def _step(self, position: int, start: int, token: NDArray[np.int32]) -> TracedStep:
        moved = self.timing.latency_by_instruction.copy()
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
        return TracedStep(
            position=position, cycles=cycles, start=start, moved=moved, begun=None,
            ended=np.cumsum(moved), states=states.sum(axis=(0, 1)), active=0, events=None,
        )  # fmt: skip


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
        placed: Placed,
        tensors: Mapping[str, Tensor],
        region: tuple[int, int, int, int] | None,
        tokens: int,
        on_progress: OnProgress,
    ) -> None:
        self.began = time.perf_counter()
        self.program, self.tokens, self.on_progress = placed.program, tokens, on_progress
        kernel_cache.use()  # compiles nothing yet: a wrong region is refused before that
        from engine.wafer.fabric.chip import SimulatedChip

        self.chip = SimulatedChip(
            placed.compiled, placed.placement, tensors, rows=1, context=tokens
        )
        network = self.chip.chip.network
        self.corner, self.columns, self.rows = self.chip.chip.corner, network.columns, network.rows
        self.window = _window(self.program, region, self.corner, self.columns, self.rows)
        rows = slice(self.window.y - self.corner[1], None)
        columns = slice(self.window.x - self.corner[0], None)
        cores = np.arange(self.rows * self.columns).reshape(self.rows, self.columns)
        self.cores = cores[rows, columns][: self.window.height, : self.window.width]
        """Numbers of the watched cores, (H, W)."""
        self.left = LIMIT_BYTES
        """Bytes left for the shortest log of further events."""
        self.states = np.zeros((*self.cores.shape, len(STATES)), np.int64)
        self.links = np.zeros((*self.cores.shape, PORTS), np.int64)

    def run(self, reverse: bool) -> Trace:
        prepare_simulator(self.program.machine, self.on_progress)
        prompt = first_tokens(self.program.vocabulary, self.tokens)
        init_seconds, simulated, steps = time.perf_counter() - self.began, 0.0, []
        start = 0
        for number in range(self.tokens):
            self.on_progress(number, self.tokens, f"simulating token {number + 1}")
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
        return CoreTables(
            chip.routes, chip.instructions, chip.first, base, lane_colors(chip.program.regions)
        )

    def _step(self, token: NDArray[np.int32], start: int, reverse: bool) -> TracedStep:
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
        return TracedStep(
            position=position, cycles=step.cycles, start=start, moved=_moved(ended),
            begun=step.begun[0], ended=ended, states=states.sum(axis=(0, 1)), active=step.active,
            events=in_order(events),
        )  # fmt: skip


def _moved(ended: Ints) -> Ints:
    """Return how far each instruction moves the end of a step, in the order in which they end."""
    order = np.argsort(ended, kind="stable")
    moved = np.zeros_like(ended)
    moved[order] = np.diff(np.maximum.accumulate(ended[order]), prepend=0)
    return moved


def in_order(events: Events) -> Events:
    """Sort by time and place, so that the order of visits does not show."""
    from engine.wafer.fabric.record import MoveField, RunField, WaitField

    moves, runs, waits = events.moves, events.runs, events.waits
    return Events(
        moves[np.lexsort((moves[:, MoveField.WAY], moves[:, MoveField.CYCLE]))],
        runs[np.lexsort((runs[:, RunField.BEGUN], runs[:, RunField.CORE]))],
        waits[np.lexsort((waits[:, WaitField.FROM], waits[:, WaitField.CORE]))],
    )
