"""Schedule: runs the row program of every region once, on clocks that carry over between steps.

Takes the micro-steps that the compiler noted for each instruction and finds when every core takes
part, how long one row takes through everything, and how long it occupies each region.  Knows no
model, text or value.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from engine.wafer.cost.ledger import Counted, Ledger
from engine.wafer.ops.site import Site
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.program import Program

__all__ = ["RegionRun", "Schedule", "schedule"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RegionRun:
    """The cost of one row, and of one step, in a region, with one KV row in every core."""

    busy_row: Ints
    """Booked cycles of a row, int64 (2, 4, H, W): without KV rows, for each of a core's."""
    busy_step: Ints
    """The same, for the instructions that run for a step's last row only."""
    active_row: Ints
    """Cycles from a core's first wavelet of a row to its last instruction, int64 (H, W)."""
    active_again: Ints
    """The same of a further row of a step, which waits at the door: never longer than the slowest
    region's interval, int64 (H, W)."""
    active_step: Ints
    """Cycles that the last row adds."""
    idle_step: Ints | None
    """Only for the head, which begins and ends a step: cycles of the step before a core's first
    wavelet and after its last instruction.  In between, its cores wait inside the last row's
    program.  None for the other regions."""
    done: Ints
    """Cycle of a token with logits in which each core is free for good, int64 (H, W)."""
    interval: int
    """Fewest cycles between two rows in this region."""
    interval_logits: int
    """The same between two rows whose logits are asked for."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """One row through everything, at one KV row in every core."""

    regions: tuple[RegionRun, ...]
    latency: int
    """Cycles from the token's entry to the choice of the next."""
    latency_by_instruction: Ints
    """How much each instruction moves the last core's clock, int64 (instructions,)."""
    interval: int
    """Cycles that each further row of a step takes: the slowest region's."""
    interval_by_instruction: Ints
    """The same by instruction; those of other regions take none."""
    interval_logits: int
    """Cycles that each further row takes whose logits are asked for: the slowest region's."""
    interval_logits_by_instruction: Ints
    """The same by instruction."""


@dataclass(slots=True)
class _Visit:
    """A region while its instructions are run."""

    ledger: Ledger
    entered: Ints | None = None
    """When each core first took part in the row program; set once that has ended."""
    busy: Ints | None = None
    clocks: Ints | None = None
    """Set with it: the cycles booked, and when the cores were free."""
    returns: bool = False
    """True: the stream comes back here after it has left."""
    west: list[tuple[int, Ints]] = field(default_factory=list)
    """Each instruction of the row program and the west line's clocks after it."""
    tail: list[tuple[int, Ints]] = field(default_factory=list)
    """The same of the instructions for rows with logits."""
    waiting: list[tuple[int, Ints]] = field(default_factory=list)
    """``west`` of a row that waited at the region's door; empty where none does."""
    waited: int = 0
    """Cycles that such a row takes."""
    before: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    """The west line's clocks before it."""

    def end_row(self) -> None:
        """Keep what the row program cost; the rest runs for a step's last row only."""
        ledger = self.ledger
        self.entered = np.where(ledger.took_part(), ledger.enter, ledger.clock)
        self.busy, self.clocks = ledger.states, ledger.clock.copy()
        ledger.begin()


def schedule(
    program: Program,
    counted: Sequence[Counted],
    sites: Sequence[Site],
    *,
    by_core: bool = True,
    hear: Callable[[int, int, Ledger], object] | None = None,
) -> Schedule:
    """Run the row program of every region once.

    Args:
        program: The instructions, in order.
        counted: Their micro-steps.
        sites: The regions as operations see them.
        by_core: False: find the cycles, book no states.
        hear: Called before each instruction with its region, its number and the region's ledger,
            whose clocks it may read.
    """
    visits = [
        _Visit(Ledger(site.machine, site.rows, site.columns, booked=by_core)) for site in sites
    ]
    known: dict[tuple[int, bytes], Ints] = {}
    moved = np.zeros(len(counted), np.int64)
    front, here = 0, int(program.instructions[0, Field.REGION])
    for number, (row, steps) in enumerate(zip(program.instructions, counted, strict=True)):
        region = int(row[Field.REGION])
        visit, site = visits[region], sites[region]
        if region != here:
            visit.ledger.departures = visits[here].ledger.departures
            visit.returns = bool(visit.west)
            here = region
        if row[Field.LAST_ROW] and visit.clocks is None:
            visit.end_row()
        if hear is not None:
            hear(region, number, visit.ledger)
        if by_core or row[Field.OP] in _BETWEEN_REGIONS:
            steps.run(visit.ledger, site)
        else:
            _run_once(visit.ledger, steps, site, known)
        ran = visit.tail if row[Field.LAST_ROW] else visit.west
        ran.append((number, visit.ledger.clock[:, 0].copy()))
        reached = int(visit.ledger.clock.max())
        moved[number], front = max(0, reached - front), max(front, reached)
    for visit, site in zip(visits, sites, strict=True):
        _let_rows_wait(visit, site, counted, program.instructions, known)
    runs = _runs(visits, front)
    slowest = max(range(len(runs)), key=lambda index: runs[index].interval)
    slowest_logits = max(range(len(runs)), key=lambda index: runs[index].interval_logits)
    return Schedule(
        regions=runs,
        latency=front,
        latency_by_instruction=moved,
        interval=runs[slowest].interval,
        interval_by_instruction=_shares(visits[slowest], runs[slowest], len(counted)),
        interval_logits=runs[slowest_logits].interval_logits,
        interval_logits_by_instruction=_shares_logits(
            visits[slowest_logits], runs[slowest_logits], len(counted)
        ),
    )


_BETWEEN_REGIONS = (Op.EMBED, Op.SEND, Op.RECEIVE)


def _run_once(
    ledger: Ledger, steps: Counted, site: Site, known: dict[tuple[int, bytes], Ints]
) -> None:
    """Run an instruction, or shift what it did from the same skew before: layers repeat."""
    start = int(ledger.clock.min())
    skew = ledger.clock - start
    key = (id(steps), blake2b(skew.tobytes(), digest_size=16).digest())
    if key in known:
        ledger.clock = known[key] + start
        return
    steps.run(ledger, site)
    known[key] = ledger.clock - start


def _let_rows_wait(
    visit: _Visit,
    site: Site,
    counted: Sequence[Counted],
    table: Ints,
    known: dict[tuple[int, bytes], Ints],
) -> None:
    """Run two further rows that wait at a region's door, and keep what the second one takes.

    A row that comes while the one before is in the region waits in its lanes, so that the skew with
    which it was sent is gone: only the region's own cores are waited for.  The first of the two
    still has the skew of the row before it.  A head's rows come from its own lookup: none waits.
    """
    if not visit.west or table[visit.west[0][0], Field.OP] != Op.RECEIVE:
        return
    ledger = Ledger(site.machine, site.rows, site.columns, booked=False)
    ledger.clock = (visit.ledger.clock if visit.clocks is None else visit.clocks).copy()
    for _ in range(2):
        ledger.departures = np.zeros(site.rows, np.int64)
        begun, visit.before, visit.waiting = int(ledger.clock.max()), ledger.clock[:, 0].copy(), []
        for number, _ in visit.west:
            if table[number, Field.OP] in _BETWEEN_REGIONS:
                counted[number].run(ledger, site)
            else:
                _run_once(ledger, counted[number], site, known)
            visit.waiting.append((number, ledger.clock[:, 0].copy()))
        visit.waited = int(ledger.clock.max()) - begun


def _runs(visits: Sequence[_Visit], latency: int) -> tuple[RegionRun, ...]:
    """Return what each region costs; in no region is a further row longer than in the slowest."""
    runs = [_run(visit, latency) for visit in visits]
    interval = max(run.interval for run in runs)
    return tuple(replace(run, active_again=np.minimum(run.active_row, interval)) for run in runs)


def _run(visit: _Visit, latency: int) -> RegionRun:
    """Return what a region's row program and its last row cost."""
    if visit.clocks is None:
        visit.end_row()
    assert visit.entered is not None
    assert visit.busy is not None
    assert visit.clocks is not None
    ledger = visit.ledger
    active = visit.clocks - visit.entered
    interval = visit.waited if visit.waiting else int(active.max(initial=0))
    return RegionRun(
        busy_row=visit.busy,
        busy_step=ledger.states,
        active_row=active,
        active_again=active,
        active_step=ledger.clock - visit.clocks,
        idle_step=visit.entered + latency - ledger.clock if visit.returns else None,
        done=ledger.clock,
        interval=interval,
        interval_logits=interval + int(ledger.active().max(initial=0)),
    )


def _shares(visit: _Visit, run: RegionRun, instructions: int) -> Ints:
    """Return how an interval divides over the instructions, in a core where it is longest."""
    shares = np.zeros(instructions, np.int64)
    assert visit.entered is not None
    if visit.waiting:
        row = int(np.argmax(visit.waiting[-1][1]))
        before, ran = int(visit.before[row]), visit.waiting
    else:
        row = int(np.argmax(run.active_row[:, 0]))
        before, ran = int(visit.entered[row, 0]), visit.west
    for number, clocks in ran:
        shares[number] = clocks[row] - before
        before = int(clocks[row])
    if shares.size:
        shares[visit.west[-1][0]] += run.interval - int(shares.sum())
    return shares


def _shares_logits(visit: _Visit, run: RegionRun, instructions: int) -> Ints:
    """Return the same for a row with logits: its row program, then what follows."""
    shares = _shares(visit, run, instructions)
    if not visit.tail:
        return shares
    row = int(np.argmax(visit.ledger.active()[:, 0]))
    before = int(visit.ledger.enter[row, 0])
    for number, clocks in visit.tail:
        shares[number] += max(0, int(clocks[row]) - before)
        before = max(before, int(clocks[row]))
    shares[visit.tail[-1][0]] += run.interval_logits - int(shares.sum())
    return shares
