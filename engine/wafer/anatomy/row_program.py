"""What one core does for a row, micro-step by micro-step, and when, by formula.

The same clocks as `timing.schedule`, with one KV row in every core; the micro-steps of one region
are heard by a ledger that notes what a chosen core books.  Runs nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from engine.wafer.compile.compiler import Compiled
from engine.wafer.cost.ledger import Cells, Cycles, Ledger
from engine.wafer.cost.lines import Line, Times
from engine.wafer.ops.site import Site
from engine.wafer.plan.color_use import Color, ColorUse
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.states import Busy
from engine.wafer.timing.schedule import schedule

__all__ = ["CoreStep", "RowPrograms"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CoreStep:
    """One micro-step of a core; cycles count from the token's entry."""

    instruction: int
    """Number in the Program."""
    operation: str
    """Name of its operation, in lower case."""
    layer: int
    """−1 outside the layers."""
    kind: str
    """``compute``, ``send``, ``receive``, ``reduce`` or ``reduce and send``; a lookup's gathering
    is a ``receive`` in column 0, a ``send`` elsewhere."""
    begin: int
    """When the core was free for it."""
    end: int
    mac: int
    vector: int
    comm: int
    pipe: int
    """Booked cycles by state; the rest of ``end − begin`` is waiting."""
    takes: tuple[Color, ...]
    gives: tuple[Color, ...]

    @property
    def waits(self) -> int:
        """Cycles in which it waits for a wavelet."""
        return self.end - self.begin - self.mac - self.vector - self.comm - self.pipe


@dataclass(frozen=True, slots=True)
class _Moment:
    """A region at the beginning of an instruction; all cycles count from its first free core."""

    clock: NDArray[np.int32]
    """When each core is free, (H, W)."""
    departures: Ints
    """When the first wavelet of each lane left the region before, (H,)."""


class RowPrograms:
    """The row programs of all cores for one token whose logits are asked for.

    The clocks are found once; what one core does is told by running the instructions of its region
    again on a ledger that notes it, each that differs once.  With one KV row in every core.
    """

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._begun: dict[int, list[tuple[int, int, tuple[int, bytes]]]] = {}
        self._moments: dict[tuple[int, tuple[int, bytes]], _Moment] = {}
        program, steps, sites = compiled.program, compiled.steps, compiled.sites
        found = schedule(program, steps, sites, by_core=False, hear=self._hear)
        self.latency = found.latency
        """Cycles from the token's entry to the choice of the next."""

    def _hear(self, region: int, number: int, ledger: Ledger) -> None:
        """Note when an instruction begins in the cores of its region."""
        start = int(ledger.clock.min())
        skew = (ledger.clock - start).astype(np.int32)
        waits = self._compiled.program.instructions[number, Field.OP] in (Op.RECEIVE, Op.EMBED)
        alike = number if waits else id(self._compiled.steps[number])
        key = alike, blake2b(skew.tobytes(), digest_size=16).digest()
        self._begun.setdefault(region, []).append((number, start, key))
        if (region, key) not in self._moments:
            self._moments[region, key] = _Moment(skew, ledger.departures - start)

    def of(self, region: int, row: int, column: int) -> tuple[CoreStep, ...]:
        """Return all that a core does.

        Args:
            region: The core's region.
            row: The core's row as the region counts it.
            column: Its column there.
        """
        known: dict[tuple[int, bytes], list[CoreStep]] = {}
        told: list[CoreStep] = []
        for number, start, key in self._begun[region]:
            if key not in known:
                moment = self._moments[region, key]
                head = not self._compiled.program.regions[region].layers
                site = self._compiled.sites[region]
                noting = _NotingLedger(moment, site, (row, column), head=head)
                self._compiled.steps[number].run(noting, self._compiled.sites[region])
                known[key] = noting.steps
            instruction = self._compiled.program.instructions[number]
            told += [
                replace(
                    step, instruction=number, layer=int(instruction[Field.LAYER]),
                    operation=Op(instruction[Field.OP]).name.lower(),
                    begin=step.begin + start, end=step.end + start,
                )
                for step in known[key]
            ]  # fmt: skip
        return tuple(told)


class _NotingLedger(Ledger):
    """A ledger that begins at a moment and notes what one core does in each micro-step."""

    __slots__ = ("_at", "_head", "_site", "steps")

    def __init__(self, moment: _Moment, site: Site, core: tuple[int, int], *, head: bool) -> None:
        super().__init__(site.machine, site.rows, site.columns)
        self.clock, self.departures = moment.clock.astype(np.int64), moment.departures.copy()
        self._at, self._site, self._head = core, site, head
        self.steps: list[CoreStep] = []

    def work(
        self,
        cells: Cells,
        *,
        mac: Cycles = 0,
        vector: Cycles = 0,
        pipe: Cycles = 0,
        kv_mac: int = 0,
        kv_vector: int = 0,
        keep_vector: int = 0,
        keep_pipe: int = 0,
    ) -> None:
        """Note a COMPUTE; no row is kept."""
        self._note(
            "compute",
            lambda: Ledger.work(
                self, cells, mac=mac, vector=vector, pipe=pipe, kv_mac=kv_mac, kv_vector=kv_vector
            ),
        )

    def reduce(self, line: Line, group: int, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Note the core's part of a chain."""
        self._note_move(
            lambda: Ledger.reduce(self, line, group, wavelets, kv_wavelets),
            lambda use: use.reduce(line, group, wavelets, kv_wavelets),
        )

    def multicast(self, line: Line, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Note the core's part of a multicast."""
        self._note_move(
            lambda: Ledger.multicast(self, line, wavelets, kv_wavelets),
            lambda use: use.multicast(line, wavelets, kv_wavelets),
            takes="receive",
        )

    def look_up(self, hops: int, wavelets: Cycles, vector: Cycles, pipe: Cycles) -> None:
        """Note the comparison and what comes of it as one micro-step."""
        before = len(self.steps)
        self._note_move(
            lambda: Ledger.look_up(self, hops, wavelets, vector, pipe),
            lambda use: use.look_up(hops, wavelets, vector, pipe),
            takes="receive",
        )
        del self.steps[before:-1]  # the comparison alone, which the last one includes

    def send(self, cells: Cells, wavelets: Cycles) -> None:
        """Note a SEND on a lane."""
        self._note_move(
            lambda: Ledger.send(self, cells, wavelets), lambda use: use.send(cells, wavelets)
        )

    def receive(self, cells: Cells, hops: Cycles, wavelets: Cycles, link_cycles: int = 0) -> None:
        """Note a RECEIVE from a lane."""
        self._note_move(
            lambda: Ledger.receive(self, cells, hops, wavelets, link_cycles),
            lambda use: use.receive(cells, hops, wavelets, link_cycles),
            takes="receive",
        )

    def _stream(self, line: Line, times: Times, count: Ints, kv_wavelets: int) -> None:
        """Book streams of KV rows, too: every core has one."""
        Ledger._stream(self, line, times, count, 0)

    def _note_move(
        self,
        run: Callable[[], None],
        tell: Callable[[ColorUse], None],
        takes: str = "reduce",
    ) -> None:
        """Note a movement, with the colors that the core takes and gives in it."""
        use = ColorUse(self._site, head=self._head)
        tell(use)
        use.end()
        taken = tuple(use.at(use.taken, *self._at))
        given = tuple(use.at(use.given, *self._at))
        kind = " and ".join(filter(None, (takes * bool(taken), "send" * bool(given))))
        self._note(kind or "compute", run, taken, given)

    def _note(
        self,
        kind: str,
        run: Callable[[], None],
        taken: tuple[Color, ...] = (),
        given: tuple[Color, ...] = (),
    ) -> None:
        begin, before = int(self.clock[self._at]), self._booked()
        run()
        end, booked = int(self.clock[self._at]), self._booked() - before
        if end == begin:
            return
        mac, vector, comm, pipe = (int(booked[state]) for state in _IN_ORDER)
        self.steps.append(
            CoreStep(0, "", -1, kind, begin, end, mac, vector, comm, pipe, taken, given)
        )

    def _booked(self) -> Ints:
        """Return what the core has booked, with its one KV row, int64 (4,)."""
        return np.asarray(self.states[(slice(None), slice(None), *self._at)].sum(axis=0))


_IN_ORDER = (Busy.MAC, Busy.VECTOR, Busy.COMM, Busy.PIPE)
