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
from engine.wafer.cost.ledger import Cells, Counted, Cycles, Ledger
from engine.wafer.cost.lines import Line, Times
from engine.wafer.ops.site import Site
from engine.wafer.plan.color_use import Color, ColorUse
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.states import Busy
from engine.wafer.timing.schedule import schedule

__all__ = ["CoreStep", "RegionClocks", "region_clocks", "row_program"]

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
class RegionClocks:
    """When the cores of every region do their last work for a token, by formula."""

    latency: int
    """Cycles from the token's entry to the choice of the next."""
    ends: tuple[Ints, ...]
    """By region, the cycle in which each core is free for good, int64 (H, W)."""


def region_clocks(compiled: Compiled) -> RegionClocks:
    """Return when every core does its last work for a token, with one KV row in every core."""
    ledgers: dict[int, Ledger] = {}
    found = schedule(
        compiled.program,
        compiled.steps,
        compiled.sites,
        by_core=False,
        hear=lambda region, number, ledger: ledgers.setdefault(region, ledger),
    )
    ends = tuple(ledgers[region].clock for region in range(len(compiled.sites)))
    return RegionClocks(found.latency, ends)


def row_program(compiled: Compiled, region: int, row: int, column: int) -> tuple[CoreStep, ...]:
    """Return all that a core does for one token whose logits are asked for.

    Args:
        compiled: The model with its micro-steps.
        region: The core's region.
        row: The core's row as the region counts it.
        column: Its column there.
    """
    notes = _Notes(compiled, region, (row, column))
    schedule(compiled.program, compiled.steps, compiled.sites, by_core=False, hear=notes.hear)
    return tuple(notes.steps)


class _Notes:
    """Hears the instructions of one region and keeps what one core does."""

    def __init__(self, compiled: Compiled, region: int, core: tuple[int, int]) -> None:
        self._compiled, self._region, self._core = compiled, region, core
        self._known: dict[tuple[int, bytes], list[CoreStep]] = {}
        self.steps: list[CoreStep] = []

    def hear(self, region: int, number: int, ledger: Ledger) -> object:
        """Run an instruction of the region on a ledger that notes; leave others alone."""
        if region != self._region:
            return None
        counted = self._compiled.steps[number]
        site, start = self._compiled.sites[region], int(ledger.clock.min())
        noted = self._noted(number, counted, site, ledger, start)
        row = self._compiled.program.instructions[number]
        self.steps += [
            replace(
                step, instruction=number, layer=int(row[Field.LAYER]),
                operation=Op(row[Field.OP]).name.lower(),
                begin=step.begin + start, end=step.end + start,
            )
            for step in noted
        ]  # fmt: skip
        return None

    def _noted(
        self, number: int, counted: Counted, site: Site, ledger: Ledger, start: int
    ) -> list[CoreStep]:
        """Return the core's micro-steps of an instruction, their cycles counted from ``start``."""
        skew = ledger.clock - start
        between = self._compiled.program.instructions[number, Field.OP] in (Op.RECEIVE, Op.EMBED)
        key = (number if between else id(counted), blake2b(skew.tobytes()).digest())
        if key not in self._known:
            noting = _NotingLedger(ledger, self._core, site, start)
            counted.run(noting, site)
            self._known[key] = noting.steps
        return self._known[key]


class _NotingLedger(Ledger):
    """A ledger, aligned with another, that notes what one core does in each micro-step."""

    __slots__ = ("_at", "_site", "_start", "steps")

    def __init__(self, like: Ledger, core: tuple[int, int], site: Site, start: int) -> None:
        super().__init__(like.machine, like.height, like.width)
        self.clock, self.departures = like.clock.copy(), like.departures.copy()
        self._at, self._site, self._start = core, site, start
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
        use = ColorUse(self._site)
        tell(use)
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
        begin, end = begin - self._start, end - self._start
        self.steps.append(
            CoreStep(0, "", -1, kind, begin, end, mac, vector, comm, pipe, taken, given)
        )

    def _booked(self) -> Ints:
        """Return what the core has booked, with its one KV row, int64 (4,)."""
        return np.asarray(self.states[(slice(None), slice(None), *self._at)].sum(axis=0))


_IN_ORDER = (Busy.MAC, Busy.VECTOR, Busy.COMM, Busy.PIPE)
