"""Both tiers on the same tokens: are their numbers the same, and how far apart are their cycles?

Runs a prefill and some decoded tokens on the fast tier, one instruction at a time, and on the
simulated chip, and compares every value of the Program bit for bit, core by core, then cycles and
states.  Neither tier knows of the other.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.model.catalogue import find_model
from engine.model.load import Model, load_model
from engine.protocol.messages import Progress
from engine.wafer.compile.compiler import compile_graph
from engine.wafer.fast.fast_runner import WaferRunner, open_wafer
from engine.wafer.jit import kernel_cache
from engine.wafer.program import machine as machines
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.machine import MachineSpec
from engine.wafer.program.program import Program
from engine.wafer.program.states import STATES, State

__all__ = [
    "PREFILL_ROWS",
    "STATE_CYCLES",
    "STATE_SHARE",
    "CheckReport",
    "Comparison",
    "Difference",
    "StateError",
    "check",
    "check_wafer",
]

PREFILL_ROWS = 8
STATE_SHARE, STATE_CYCLES = 0.06, 20
"""A state's count in a core may differ by this share or so many cycles a row of a step;
multiply–accumulate may not differ at all."""

Ints = NDArray[np.int64]
OnProgress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Difference:
    """The first value that is not the same in both tiers."""

    operation: str
    instruction: int
    layer: int
    value: str
    """Name of the value in the Program."""
    core: tuple[int, int]
    """(column, row) on the wafer."""
    index: int
    """Element of the value."""
    row: int
    """Row of the step."""
    fast: float
    simulated: float

    def __str__(self) -> str:
        return (
            f"{self.operation} (instruction {self.instruction}) at core "
            f"({self.core[0]}, {self.core[1]}): {self.value}[{self.index}] of row {self.row} is "
            f"{self.simulated!r} on the simulated chip and {self.fast!r} on the fast tier"
        )


@dataclass(frozen=True, slots=True)
class OperationCycles:
    """One operation's cycles by both tiers: how far it moves the end of the step."""

    analytic: int
    simulated: int
    relative_error: float
    """(analytic − simulated) ÷ simulated; 0 where both are 0."""


@dataclass(frozen=True, slots=True)
class StateError:
    """How far one state's counts are apart, over all cores and steps."""

    largest: int
    """Largest difference in one core and step, cycles."""
    core: tuple[int, int]
    mean: float
    """Mean absolute difference, cycles."""
    beyond: int
    """Cores, counted in every step, that are further apart than the bounds of this module."""
    compared: int
    """Cores × steps."""

    @property
    def holds(self) -> bool:
        """Whether every core is within bounds in every step."""
        return self.beyond == 0


@dataclass(slots=True)
class CheckReport:
    """What the comparison found."""

    model: str
    machine: str
    program: str
    rows: int
    """Rows of all steps."""
    bit_identical: bool = True
    first_difference: Difference | None = None
    values_compared: int = 0
    cycles_analytic: int = 0
    cycles_simulated: int = 0
    skew_cycles: int = 0
    """Cycles of a token less those of its instructions alone, by the analytic tier."""
    relative_error: float = 0.0
    by_op: dict[str, OperationCycles] = field(default_factory=dict)
    """Of the decoded tokens; rows of a prefill overlap."""
    states: dict[str, StateError] = field(default_factory=dict)
    wavelets: dict[str, int] = field(default_factory=dict)
    """sent, copied, taken: sent + copied = taken."""
    busiest_link: float = 0.0
    """Largest share of a step's cycles in which a link carried a wavelet."""
    colors_used: int = 0
    tile_cycles_per_second: float = 0.0
    """Cores placed × cycles ÷ seconds of simulation."""
    seconds: float = 0.0
    """Lowering, both tiers and the comparison; not compilation."""

    @property
    def holds(self) -> bool:
        """Whether nothing that is exact on a real chip is broken: bits, MACs, wavelets, links."""
        return (
            self.bit_identical
            and self.states["mac"].holds
            and self.wavelets["sent"] + self.wavelets["copied"] == self.wavelets["taken"]
            and self.busiest_link <= 1.0
        )

    def as_json(self) -> dict[str, object]:
        """Return the report as plain values."""
        return asdict(self)


def check_wafer(
    model: str | None,
    machine: str,
    clock_ghz: float | None = None,
    *,
    tokens: int = 2,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> CheckReport:
    """Compare the tiers for a model and a machine by name.

    Args:
        model: A bundled name, or a model folder's path; None means the bundled default.
        machine: A preset's name.
        clock_ghz: Another clock; changes no cycle.
        tokens: Decoded tokens.
        on_progress: Called with what is being done.

    Raises:
        EngineError: As `check`; also where the model cannot be found or loaded.
    """

    def report(done: int, total: int, label: str) -> None:
        on_progress(Progress("check", done, total, label))

    loaded = load_model(find_model(model))
    return check(loaded, machines.get(machine, clock_ghz), tokens=tokens, on_progress=report)


def check(
    model: Model,
    spec: MachineSpec,
    *,
    tokens: int = 2,
    prefill: int = PREFILL_ROWS,
    on_progress: OnProgress = lambda done, total, label: None,
) -> CheckReport:
    """Compare the tiers on a prefill and ``tokens`` decoded tokens.

    Stops at the first value that differs.

    Args:
        model: The model.
        spec: The machine.
        tokens: Decoded tokens, each the most likely one.
        prefill: Rows of the first step.
        on_progress: Called with (done, total, label).

    Raises:
        EngineError: The rows do not fit the context, or the fabric comes to rest too early.
        PlacementError: The model does not fit the machine, or colors run out.
    """
    context = prefill + tokens
    if tokens < 0 or context > model.graph.context_length:
        raise EngineError(
            f"{tokens} tokens after a prefill of {prefill} asked for; {model.graph.name} takes "
            f"{model.graph.context_length} positions: ask for 0 to "
            f"{model.graph.context_length - prefill}"
        )
    runner = open_wafer(model, spec, on_progress=on_progress)
    return Comparison(model, runner, prefill, tokens, on_progress).run()


class Comparison:
    """One comparison under way: both tiers are open, and the chip is lowered.

    Args:
        model: The model.
        runner: The fast tier, at position 0.
        prefill: Rows of the first step.
        tokens: Decoded tokens.
        on_progress: Called with (done, total, label).
    """

    def __init__(
        self,
        model: Model,
        runner: WaferRunner,
        prefill: int,
        tokens: int,
        on_progress: OnProgress = lambda done, total, label: None,
    ) -> None:
        self.runner, self.prefill, self.tokens = runner, prefill, tokens
        self.on_progress = on_progress
        self.program: Program = runner.program
        self.report = CheckReport(
            model.graph.name, self.program.machine.name, self.program.hash, prefill + tokens
        )
        from engine.wafer.fabric.chip import SimulatedChip, warm_up

        on_progress(0, 1, "preparing the simulator")
        cache = kernel_cache.use()
        with kernel_cache.alone(cache, lambda: on_progress(0, 1, "waiting for another process")):
            warm_up(self.program.machine)
            kernel_cache.record(cache)
        self.started = time.perf_counter()
        on_progress(0, 1, "lowering the program")
        compiled = compile_graph(model.graph, self.program.machine, runner.placement)
        self.chip = SimulatedChip(
            compiled, runner.placement, model.tensors, rows=prefill, context=prefill + tokens
        )
        self.simulating = 0.0

    def run(self) -> CheckReport:
        """Run all steps, or up to the first difference."""
        report, timing = self.report, self.runner.timing
        report.colors_used = self.chip.chip.colors_used
        report.skew_cycles = timing.skew_cycles
        report.wavelets = {"sent": 0, "copied": 0, "taken": 0}
        analytic: dict[str, int] = {}
        simulated = np.zeros(len(Op), np.int64)
        states = _StateSums(self.program, self.chip.chip.corner, self.chip.chip.network.columns)
        step_tokens = first_tokens(self.program.vocabulary, self.prefill)
        for number in range(1 + self.tokens):
            self.on_progress(number, 1 + self.tokens, f"step of {step_tokens.size} rows")
            position = self.chip.position
            begun = time.perf_counter()
            step = self.chip.step(step_tokens)
            self.simulating += time.perf_counter() - begun
            logits = self._compare(step_tokens, step.trace)
            if report.first_difference is not None:
                break
            report.cycles_simulated += step.cycles
            report.cycles_analytic += timing.step_cycles(position, step_tokens.size)
            if step_tokens.size == 1:
                for name, cycles in timing.cycles_by_operation(position).items():
                    analytic[name] = analytic.get(name, 0) + cycles
                simulated += progress_by_operation(self.program, step.ended)
            states.add(
                timing.expand(timing.count(step_tokens, position)).states,
                step.states, step.cycles, step_tokens.size,
            )  # fmt: skip
            report.wavelets["sent"] += step.sent
            report.wavelets["copied"] += step.copied
            report.wavelets["taken"] += step.taken
            report.busiest_link = max(report.busiest_link, step.busiest_link / step.cycles)
            step_tokens = np.array([int(np.argmax(logits))], np.int32)
        report.bit_identical = report.first_difference is None
        report.states = states.errors()
        if report.cycles_simulated:
            report.relative_error = report.cycles_analytic / report.cycles_simulated - 1
            report.tile_cycles_per_second = (
                self.program.cores_used * report.cycles_simulated / self.simulating
            )
        report.by_op = {
            op.name.lower(): _operation(analytic.get(op.name.lower(), 0), int(simulated[op]))
            for op in Op
            if op in self.program.instructions[:, Field.OP]
        }
        report.seconds = time.perf_counter() - self.started
        return report

    def _compare(self, tokens: NDArray[np.int32], trace: NDArray[np.int32]) -> NDArray[np.float32]:
        """Run the fast tier's step and look for the first difference; return its logits."""
        executor, table = self.runner.executor, self.program.instructions
        taps = {tap.instruction: tap for tap in self.chip.chip.taps}
        logits = np.zeros(0, np.float32)
        for number in executor.step_by_instruction(tokens):
            if number not in taps or self.report.first_difference is not None:
                continue
            tap = taps[number]
            name = self.program.buffers[tap.buffer].name
            values = executor.value(name, tokens.size)
            rows = range(tokens.size - 1 if table[number, Field.LAST_ROW] else 0, tokens.size)
            for row in rows:
                fast, seen = values[row, tap.elements], trace[row, tap.words].view(np.float32)
                self.report.values_compared += fast.size
                differs = np.flatnonzero(fast.view(np.int32) != seen.view(np.int32))
                if differs.size:
                    first = int(differs[0])
                    self.report.first_difference = Difference(
                        operation=Op(table[number, Field.OP]).name.lower(), instruction=number,
                        layer=int(table[number, Field.LAYER]), value=name,
                        core=self._on_wafer(int(tap.cores[first])),
                        index=int(tap.elements[first]), row=row, fast=float(fast[first]),
                        simulated=float(seen[first]),
                    )  # fmt: skip
                    break
            if name == "logits":
                logits = values[-1]
        return logits

    def _on_wafer(self, core: int) -> tuple[int, int]:
        chip = self.chip.chip
        row, column = divmod(core, chip.network.columns)
        return column + chip.corner[0], row + chip.corner[1]


class _StateSums:
    """Differences of the states of all placed cores, step by step."""

    def __init__(self, program: Program, corner: tuple[int, int], columns: int) -> None:
        grids = [
            np.meshgrid(
                np.arange(region.y, region.y + region.height),
                np.arange(region.x, region.x + region.width),
                indexing="ij",
            )
            for region in program.regions
        ]
        self._rows = np.concatenate([rows.ravel() for rows, _ in grids])
        self._columns = np.concatenate([place.ravel() for _, place in grids])
        self._cores = (self._rows - corner[1]) * columns + self._columns - corner[0]
        self._apart: list[NDArray[np.int64]] = []
        self._beyond: list[NDArray[np.bool_]] = []

    def add(self, analytic: tuple[Ints, ...], busy: Ints, cycles: int, rows: int) -> None:
        """Add a step: states by region as `Timing.expand` gives them, and the simulated ones."""
        expected = np.concatenate([region.reshape(-1, len(STATES)) for region in analytic])
        found = np.empty_like(expected)
        found[:, : State.IDLE] = busy[self._cores]
        found[:, State.IDLE] = cycles - found[:, : State.IDLE].sum(axis=1)
        apart = np.abs(expected - found)
        allowed = np.maximum(STATE_SHARE * found, STATE_CYCLES * rows)
        allowed[:, State.MAC] = 0
        self._apart.append(apart)
        self._beyond.append(apart > allowed)

    def errors(self) -> dict[str, StateError]:
        """Return every state's error."""
        if not self._apart:
            return {}
        apart, beyond = np.stack(self._apart), np.stack(self._beyond)
        errors = {}
        for index, name in enumerate(STATES):
            worst = int(apart[:, :, index].max(axis=0).argmax())
            errors[name] = StateError(
                largest=int(apart[:, :, index].max()),
                core=(int(self._columns[worst]), int(self._rows[worst])),
                mean=float(apart[:, :, index].mean()),
                beyond=int(np.count_nonzero(beyond[:, :, index])),
                compared=beyond.shape[0] * beyond.shape[1],
            )
        return errors


def first_tokens(vocabulary: int, count: int) -> NDArray[np.int32]:
    """Return the prompt of a check: the same numbers for everybody, spread over the vocabulary."""
    return np.array([(7919 * i + 17) % vocabulary for i in range(count)], np.int32)


def progress_by_operation(program: Program, ended: Ints) -> Ints:
    """Return by operation how far its instructions moved the end of a step; sums to the cycles.

    Args:
        program: The instructions.
        ended: One past the last cycle of each instruction by row, (rows, instructions).
    """
    order = np.argsort(ended, axis=None, kind="stable")
    times = ended.ravel()[order]
    steps = np.diff(np.maximum.accumulate(times), prepend=0)
    operations = np.tile(program.instructions[:, Field.OP], len(ended))[order]
    return np.bincount(operations, weights=steps, minlength=len(Op)).astype(np.int64)


def _operation(analytic: int, simulated: int) -> OperationCycles:
    error = analytic / simulated - 1 if simulated else 0.0
    return OperationCycles(analytic, simulated, error)
