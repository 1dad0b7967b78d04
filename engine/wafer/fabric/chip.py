"""A model on the simulated chip: steps of rows in, traces, cycles and states out.

Owns the fabric between steps.  The host's part is small and stands here: it writes token numbers
and rotary angles into the head's west line before a step, and may look at traces after it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine import scalars
from engine.errors import EngineError, FabricError
from engine.model.tensors.tensor import Tensor
from engine.progress import OnProgress, quiet
from engine.wafer.compile.compiler import Compiled
from engine.wafer.fabric.diagnosis import diagnose
from engine.wafer.fabric.every_row import every_row_has_logits
from engine.wafer.fabric.lower import Chip, lower
from engine.wafer.fabric.micro import Programs
from engine.wafer.fabric.network import Network
from engine.wafer.fabric.record import Recorder
from engine.wafer.fabric.simulator import (
    BLOCKED,
    DONE,
    STOPPED,
    Fabric,
    Totals,
    new_fabric,
    simulate,
)
from engine.wafer.fabric.state import Accounts, KvShares
from engine.wafer.place.placement import Placement
from engine.wafer.program.machine import MachineSpec
from engine.wafer.program.program import Program

__all__ = ["ChipStep", "FilledChip", "SimulatedChip", "rotary_angles", "warm_up"]

CYCLE_LIMIT = 500_000_000
"""No step takes so long; a simulation that does is stuck in some other way than waiting."""

_SLICES = 50
"""Parts of the expected cycles after which progress is told, and a signal heard."""


@dataclass(frozen=True, slots=True)
class ChipStep:
    """The outcome of a step."""

    cycles: int
    trace: NDArray[np.int32]
    """Results that observers asked for, (rows, words); `Chip.taps` says where each lies."""
    begun: NDArray[np.int64]
    """First cycle of each instruction by row, (rows, instructions); the largest int64 if none."""
    ended: NDArray[np.int64]
    """One past the last."""
    states: NDArray[np.int64]
    """Cycles by state but idle of every core of the network, (cores, 5)."""
    sent: int
    copied: int
    taken: int
    busiest_link: int
    """Wavelets that crossed the busiest link; at most `cycles`."""
    active: int
    links: NDArray[np.int64]
    """Wavelets that each link carried; link = core·5 + port, (links,)."""


def rotary_angles(program: Program, context: int) -> NDArray[np.float32]:
    """Return the angles of the first positions, float32 (context, cosines and sines of all kinds).

    Lane 0 carries a row of them beside a row of the stream.
    """
    tables = [
        table
        for kind in program.rotaries
        for table in scalars.rotary_tables(kind.base, kind.head_dim, context, kind.factors)
    ]
    return np.concatenate(tables, axis=1)


def warm_up(machine: MachineSpec) -> None:
    """Compile the simulator, or load it from the cache, with an idle core."""
    network = Network(machine, 1, 1)
    instructions, first = Programs(1).tables()
    fabric = new_fabric(network.build(), instructions, first, np.zeros(1, np.int32))
    simulate(fabric, 0, 1, CYCLE_LIMIT, False)


class FilledChip:
    """A chip whose memories are filled, between steps.

    Args:
        chip: What was lowered.
        rows: Most rows of a step.
        context: KV positions it has memory for.
    """

    def __init__(self, chip: Chip, *, rows: int, context: int) -> None:
        self.chip, self.rows, self.context = chip, rows, context
        self.position = 0
        self.words = chip.words.copy()
        self._expected = self._slice = CYCLE_LIMIT
        self._told: tuple[OnProgress, str] = quiet, ""

    def expect(self, cycles: int, on_progress: OnProgress, label: str) -> None:
        """Tell ``on_progress`` how far a step is that takes about so many cycles.

        It is called with (cycles done, expected, label), and may raise, which ends the step.
        """
        self._expected = max(1, cycles)
        self._slice = max(1, self._expected // _SLICES)
        self._told = on_progress, label

    def run(
        self,
        count: int,
        *,
        every_row: bool = False,
        reverse: bool = False,
        recorder: Recorder | None = None,
    ) -> ChipStep:
        """Run a step of ``count`` rows, whose words lie in memory, until the chip is at rest.

        The options are those of `SimulatedChip.step`.

        Raises:
            EngineError: Too many rows or positions.
            FabricError: The fabric cannot finish; the message says who waits for whom.
        """
        self._refuse_too_many(count)
        fabric = self.fabric(count, every_row=every_row)
        if recorder is not None:
            fabric = fabric._replace(recorder=recorder)
        outcome, cycles = self.simulate(fabric, count, reverse)
        if outcome == BLOCKED:
            raise FabricError(f"the fabric is blocked: {diagnose(fabric).text()}")
        if outcome != DONE:
            raise FabricError(f"the fabric does not come to rest within {cycles} cycles")
        totals = fabric.totals
        if totals[Totals.REWRITTEN]:
            raise FabricError(
                f"{totals[Totals.REWRITTEN]} routes were set while a stream had not passed: two "
                "streams would have met on one color"
            )
        self.position += count
        return ChipStep(
            cycles=int(cycles), trace=fabric.trace, begun=fabric.begun, ended=fabric.ended,
            states=fabric.states, sent=int(totals[Totals.SENT]),
            copied=int(totals[Totals.COPIED]), taken=int(totals[Totals.TAKEN]),
            busiest_link=int(fabric.link_count.max()), active=int(totals[Totals.ACTIVE]),
            links=fabric.link_count,
        )  # fmt: skip

    def _refuse_too_many(self, count: int) -> None:
        if not 1 <= count <= self.rows or self.position + count > self.context:
            raise EngineError(
                f"a step of {count} rows at position {self.position}; this chip was built for "
                f"steps of {self.rows} rows and {self.context} positions"
            )

    def simulate(self, fabric: Fabric, rows: int, reverse: bool) -> tuple[int, int]:
        """Run a step on a fabric that was filled, in slices; say before each how far it is.

        A test that disturbs wavelets replaces this.
        """
        on_progress, label = self._told
        limit = 0
        while True:
            on_progress(min(limit, self._expected), self._expected, label)
            limit = min(limit + self._slice, CYCLE_LIMIT)
            outcome, cycles = simulate(fabric, self.position, rows, limit, reverse)
            if outcome != STOPPED or limit == CYCLE_LIMIT:
                return outcome, cycles

    def fabric(self, rows: int, *, every_row: bool = False) -> Fabric:
        """Return a fabric at rest over this chip's memory, for a step of ``rows`` rows."""
        chip = self.chip
        instructions, first, words = chip.instructions, chip.first, chip.trace_words
        if every_row:
            instructions, first = every_row_has_logits(
                chip.program, instructions, first, rows, words
            )
            words *= rows
        return new_fabric(
            chip.routes, instructions, first, self.words,
            kv=KvShares(chip.kv_row, chip.program.kv_rows),
            accounts=Accounts(rows, len(chip.program.instructions), words),
        )  # fmt: skip


class SimulatedChip(FilledChip):
    """A Program with its weights on the fabric."""

    def __init__(
        self,
        compiled: Compiled,
        placement: Placement,
        tensors: Mapping[str, Tensor],
        *,
        rows: int,
        context: int,
    ) -> None:
        """Lower the Program and fill every core's memory.

        Args:
            compiled: What to run.
            placement: Where it lies.
            tensors: The model's tensors.
            rows: Most rows of a step.
            context: KV positions that will be asked for.

        Raises:
            PlacementError: Colors run out.
        """
        chip = lower(compiled, placement, tensors, rows=rows, context=context)
        super().__init__(chip, rows=rows, context=context)
        self._angles = rotary_angles(compiled.program, context)

    def step(
        self,
        tokens: NDArray[np.int32],
        *,
        every_row: bool = False,
        reverse: bool = False,
        recorder: Recorder | None = None,
    ) -> ChipStep:
        """Run a step of the tokens (M,) and wait for the chip to come to rest.

        Args:
            tokens: Token numbers.
            every_row: Compute the logits of every row, not only of the last: `every_row_has_logits`
                says where the trace has them.
            reverse: Visit in the opposite order, see `simulate`.
            recorder: Tables to note events in; None means that nothing is watched.

        Raises:
            EngineError: Too many rows or positions.
            FabricError: The fabric cannot finish; the message says who waits for whom.
        """
        self._refuse_too_many(tokens.size)
        self.write_host(tokens)
        return self.run(tokens.size, every_row=every_row, reverse=reverse, recorder=recorder)

    def write_host(self, tokens: NDArray[np.int32]) -> None:
        """Write a step's tokens, and its angles for row 0, where the head's west line reads."""
        for row, (address, words) in enumerate(self.chip.host_words):
            for m, token in enumerate(tokens):
                at = address + m * words
                self.words[at] = token
                if row == 0:
                    angles = self._angles[self.position + m]
                    self.words[at + 1 : at + words] = angles.view(np.int32)
