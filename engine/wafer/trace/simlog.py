"""`sim.log`: the text log of the vendor's simulator, as the viewer wse-viz reads it.

The grammar stands in [S4] (trace-parser.js); head and tail are worded as in public logs [S3].  A
full log names every wavelet at every router; without wavelets it has their landings alone.  Only
what was simulated is written: a log of the fast tier has a head and a tail.

A wait has one line, in the cycle it begins.  Queues are numbered by their color.  `Tn.NAME` is
the Program's instruction and the emulator's name for what the core does; the mnemonic behind it
is the vendor's nearest.

Sources: [S3] spcl/spatial-collectives, committed runs; [S4] davidz-cerebras/wse-viz, 8dff605.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.wafer.fabric.micro import Micro, MicroField
from engine.wafer.fabric.network import PORT_NAMES, PORTS, RAMP
from engine.wafer.fabric.record import ROOM, MoveField, RunField, WaitField
from engine.wafer.trace.hops import Hops, hops_of
from engine.wafer.trace.mnemonics import operands, operation
from engine.wafer.trace.traced_steps import CoreTables, Logged, TracedStep

__all__ = ["SUNSET_CYCLES", "SimLog"]

SUNSET_CYCLES = 50
"""The vendor's simulator stops this long after the last movement."""

_CHUNK = 50_000
"""Events that are put into words together."""

_SAMPLE = 500
"""Events of a kind that an estimate puts into words."""

_KINDS = 16

Ints = NDArray[np.int64]
Words = Callable[[Ints], list[str]]
"""Events by index → their lines, each ended."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """Events of one kind.  Kinds of one core and cycle are written in the order of the list."""

    cycles: Ints
    cores: Ints
    words: Words


class SimLog:
    """A trace as a log.

    Args:
        trace: What to write.
    """

    def __init__(self, trace: Logged) -> None:
        self._trace = trace
        places = np.arange(trace.rows * trace.columns)
        self._places = [f"P{x}.{y}" for y, x in zip(*np.divmod(places, trace.columns), strict=True)]

    def estimate(self, *, wavelets: bool) -> int:
        """Return about how many bytes the log will have, from some lines of each kind."""
        total = sum(len(line) for line in self._head(wavelets))
        for kinds in self._kinds(wavelets):
            for kind in kinds:
                count = kind.cycles.size
                some = np.unique(np.linspace(0, count - 1, min(count, _SAMPLE)).astype(np.int64))
                if count:
                    total += round(sum(map(len, kind.words(some))) / some.size * count)
        return total

    def text(self, *, wavelets: bool) -> Iterator[str]:
        """Return the log in pieces.

        Args:
            wavelets: Every wavelet at every router, not its landings alone.
        """
        yield from self._head(wavelets)
        for kinds in self._kinds(wavelets):
            yield from _in_order(kinds)
        yield from self._tail()

    # ── head and tail ───────────────────────────────────────────────────────────────────────

    def _head(self, wavelets: bool) -> Iterator[str]:
        trace = self._trace
        known = int(trace.tables is not None)
        yield f"@0 Create from size nx={trace.columns} ny={trace.rows}\n"
        yield f"@0 dimX={trace.columns}, dimY={trace.rows}\n"
        yield (
            f"@0 SimTraceCtf, flags:  wavelets={int(wavelets) * known} landing={known} "
            f"inst={known} switch_positions=0 stalls={known}\n"
        )
        if known:
            flags = "inst_trace,landing,stalls" + (",wavelets" if wavelets else "")
            for core in self._window():
                yield f"@0 {self._places[core]} (hwtile) tile trace flag: {flags}\n"
        yield f"@0 Architecture is: {trace.machine_name.upper()}\n"
        yield (
            f"@0 Emulated: {trace.subject}; P0.0 is the "
            f"core at column {trace.corner[0]}, row {trace.corner[1]} of the wafer; columns, rows, "
            f"width and height of the traced cores there are {trace.window}\n"
        )
        if not known:
            yield (
                "@0 Fast tier: cycles are by formula; no event of a core or a wavelet is known, "
                "so none is listed\n"
            )

    def _window(self) -> list[int]:
        """Return the numbers of the traced cores."""
        trace, window = self._trace, self._trace.window
        rows = np.arange(window.height)[:, None] + window.y - trace.corner[1]
        columns = np.arange(window.width)[None, :] + window.x - trace.corner[0]
        cores: list[int] = (rows * trace.columns + columns).ravel().tolist()
        return cores

    def _tail(self) -> Iterator[str]:
        trace = self._trace
        if trace.tables is None:
            yield f"@{trace.cycles} End of the last token, by formula\n"
            return
        end = trace.cycles + SUNSET_CYCLES
        seconds = max(trace.simulated_seconds, 1e-9)
        rate = trace.cycles / seconds
        tiles = trace.columns * trace.rows
        active = sum(step.active for step in trace.steps) / seconds
        yield f"@{end} No data movement in the last {SUNSET_CYCLES} cycles; stopping.\n"
        yield (
            f"@{end} Simulation used {trace.simulated_seconds:.2f} seconds and ran at {rate:.2f} "
            f"cyc/sec {rate * tiles:.2f} tile-cyc/sec with 1 threads, {active:.2f} active "
            "tile-cyc/sec\n"
        )
        events = [step.events for step in trace.steps if step.events is not None]
        for name, count in (
            ("num_wavelets", sum(len(e.moves) for e in events)),
            ("num_inst_dispatch", sum(len(e.runs) for e in events)),
            ("num_stalls", sum(len(e.waits) for e in events)),
        ):
            yield f"@{end} CTF Stats: {name:<17} = {count:>12}\n"

    # ── events ──────────────────────────────────────────────────────────────────────────────

    def _kinds(self, wavelets: bool) -> Iterator[list[_Kind]]:
        """Return the kinds of events of each step."""
        seen = 0
        for step in self._trace.steps:
            if step.events is None or self._trace.tables is None:
                continue
            kinds = _Cores(step, self._trace.tables, self._places).kinds()
            routers = _Routers(step, self._trace.tables, self._places, seen)
            kinds.append(routers.landings())
            if wavelets:
                kinds += routers.wavelets()
                seen = routers.seen
            yield kinds


def _in_order(kinds: list[_Kind]) -> Iterator[str]:
    """Return the lines of a step by cycle, core and kind, in pieces."""
    if not kinds:
        return
    cycles = np.concatenate([kind.cycles for kind in kinds])
    which = np.repeat(np.arange(len(kinds)), [kind.cycles.size for kind in kinds])
    inside = np.concatenate([np.arange(kind.cycles.size) for kind in kinds])
    cores = np.concatenate([kind.cores for kind in kinds])
    most = int(cores.max(initial=0)) + 1
    order = np.argsort((cycles * most + cores) * _KINDS + which, kind="stable")
    for begin in range(0, order.size, _CHUNK):
        some = order[begin : begin + _CHUNK]
        lines = np.empty(some.size, object)
        for number, kind in enumerate(kinds):
            here = np.flatnonzero(which[some] == number)
            if here.size:
                lines[here] = kind.words(inside[some[here]])
        yield "".join(lines.tolist())


class _Cores:
    """The events of a step's cores."""

    def __init__(self, step: TracedStep, tables: CoreTables, places: list[str]) -> None:
        assert step.events is not None
        self._start, self._tables, self._places = step.start, tables, places
        self._runs, self._waits = step.events.runs, step.events.waits
        self._names: dict[tuple[int, int], str] = {}

    def kinds(self) -> list[_Kind]:
        """Return their events: an instruction ends, is issued, executes, goes on, waits."""
        runs, waits = self._runs, self._waits
        core = runs[:, RunField.CORE]
        begun, started, ended = (
            runs[:, field] for field in (RunField.BEGUN, RunField.STARTED, RunField.ENDED)
        )
        follows = np.zeros(core.size, bool)
        follows[:-1] = (core[1:] == core[:-1]) & (started[1:] == ended[:-1])
        stops = np.flatnonzero(~follows)
        at, where = runs[:, RunField.AT].astype(np.int64), core.astype(np.int64)
        wait_at = waits[:, WaitField.AT].astype(np.int64)
        wait_core = waits[:, WaitField.CORE].astype(np.int64)
        since, until = waits[:, WaitField.FROM], waits[:, WaitField.UNTIL]
        stop = self._timed(ended[stops])
        return [
            _Kind(stop, where[stops], lambda i: self._stop(stop[i], where[stops[i]])),
            _Kind(
                self._timed(begun), where,
                lambda i: self._issue(self._timed(begun[i]), where[i], at[i]),
            ),
            _Kind(
                self._timed(started), where,
                lambda i: self._execute(self._timed(started[i]), where[i], at[i]),
            ),
            _Kind(
                self._timed(until), wait_core,
                lambda i: self._execute(self._timed(until[i]), wait_core[i], wait_at[i]),
            ),
            _Kind(self._timed(since), wait_core, self._wait),
        ]  # fmt: skip

    def _timed(self, cycles: NDArray[np.int32]) -> Ints:
        return cycles.astype(np.int64) + self._start

    def _heads(self, cycles: Ints, cores: Ints) -> Iterator[str]:
        """Begin lines."""
        places = self._places
        for cycle, core in zip(cycles.tolist(), cores.tolist(), strict=True):
            yield f"@{cycle} {places[core]}:"

    def _stop(self, cycles: Ints, cores: Ints) -> list[str]:
        return [f"{head} [EX OP] IDLE\n" for head in self._heads(cycles, cores)]

    def _named(self, cores: Ints, at: Ints) -> list[str]:
        """Return ``^ 0xPC: Tn.NAME MNEMONIC`` of instructions."""
        rows = self._tables.program[at][:, [MicroField.OP, MicroField.KIND, MicroField.INSTRUCTION]]
        counters = at - self._tables.first[cores]
        if self._tables.tasks is not None:
            rows[:, 2] = self._tables.tasks[rows[:, 2]]
        names = self._names
        found = []
        for (op, kind, number), counter in zip(rows.tolist(), counters.tolist(), strict=True):
            name = names.get((op, kind)) or names.setdefault((op, kind), operation(op, kind))
            found.append(f"^ 0x{counter:04x}: T{number:02d}.{name}")
        return found

    def _execute(self, cycles: Ints, cores: Ints, at: Ints) -> list[str]:
        pairs = zip(self._heads(cycles, cores), self._named(cores, at), strict=True)
        return [f"{head} [EX OP] {name}\n" for head, name in pairs]

    def _issue(self, cycles: Ints, cores: Ints, at: Ints) -> list[str]:
        rows, base = self._tables.program[at], self._tables.base[cores]
        into, out = self._colors(rows, MicroField.INTO), self._colors(rows, MicroField.OUT)
        fields: list[Any] = [rows.tolist(), base.tolist(), into.tolist(), out.tolist()]
        texts = zip(
            self._heads(cycles, cores), self._named(cores, at), zip(*fields, strict=True),
            strict=True,
        )  # fmt: skip
        return [f"{head} [IS OP] {name} {operands(*field)}\n" for head, name, field in texts]

    def _colors(self, rows: NDArray[np.int32], field: int) -> Ints:
        """Return the color of a channel that instructions name, −1 where they name none."""
        channel = np.where(rows[:, MicroField.OP] == Micro.COMPUTE, -1, rows[:, field])
        if not self._tables.routes.color.size:
            return np.full(channel.size, -1, np.int64)
        color = np.where(channel >= 0, self._tables.routes.color[channel], -1)
        return np.asarray(color, np.int64)

    def _wait(self, index: Ints) -> list[str]:
        waits = self._waits[index]
        cores = waits[:, WaitField.CORE].astype(np.int64)
        rows = self._tables.program[waits[:, WaitField.AT]]
        room = waits[:, WaitField.FOR] == ROOM
        into, out = self._colors(rows, MicroField.INTO), self._colors(rows, MicroField.OUT)
        color = np.where(room, out, into)
        source = np.where(rows[:, MicroField.OP] == Micro.RECEIVE, 0, 1)
        texts = []
        for head, is_room, hue, src in zip(
            self._heads(self._timed(waits[:, WaitField.FROM]), cores),
            room.tolist(), color.tolist(), source.tolist(), strict=True,
        ):  # fmt: skip
            why = (
                f"Backpressure on C{hue} for OUT_Q[{hue}]"
                if is_room
                else f"Not enough wavelets (0/1) for SRC{src} with C{hue}, IN_Q[{hue}], SIMD-1"
            )
            texts.append(f"{head} [EX OP] IDLE\n{head} {why}\n")
        return texts


class _Routers:
    """The events of a step's routers.

    Args:
        step: The step.
        tables: The simulated rectangle.
        places: Names of the cores.
        seen: Wavelets that earlier steps have named.
    """

    def __init__(self, step: TracedStep, tables: CoreTables, places: list[str], seen: int) -> None:
        assert step.events is not None
        self._start, self._routes, self._places = step.start, tables.routes, places
        self._moves = step.events.moves
        self._before = seen
        self.seen = seen
        """Wavelets named by now."""
        self._hops: Hops
        self._channel = tables.routes.way_channel[self._moves[:, MoveField.WAY]].astype(np.int64)
        self._router = self._routes.router[self._channel].astype(np.int64)
        self._landed = self._moves[:, MoveField.LANDED].astype(np.int64) + step.start
        self._cycle = self._moves[:, MoveField.CYCLE].astype(np.int64) + step.start

    def landings(self) -> _Kind:
        """Return the landings."""
        return _Kind(self._landed, self._router, self._land)

    def wavelets(self) -> list[_Kind]:
        """Return the wavelets as they are sent, as they come to a router and as they leave it."""
        self._hops = hops_of(self._moves, self._routes)
        self.seen = self._before + int(np.count_nonzero(self._hops.first))
        port = self._routes.rank[self._channel] % PORTS
        births = np.flatnonzero(self._hops.first & (port == RAMP))
        sent = self._landed[births] - self._routes.latency[self._channel[births]]
        late = np.flatnonzero(self._cycle > self._landed)
        return [
            _Kind(sent, self._router[births], lambda i: self._send(sent[i], births[i])),
            _Kind(self._landed, self._router, self._arrive),
            _Kind(self._cycle[late], self._router[late], lambda i: self._leave(late[i])),
        ]

    def _origin(self, index: Ints) -> Iterator[tuple[str, int, str]]:
        """Return (place, color, letter of the link) of moves."""
        channel = self._channel[index]
        routers, colors = self._router[index].tolist(), self._routes.color[channel].tolist()
        ports = (self._routes.rank[channel] % PORTS).tolist()
        for router, color, port in zip(routers, colors, ports, strict=True):
            yield self._places[router], color, PORT_NAMES[port]

    def _land(self, index: Ints) -> list[str]:
        pairs = zip(self._landed[index].tolist(), self._origin(index), strict=True)
        return [
            f"@{cycle} {place} (hwtile) landing C{color} from link {link},\n"
            for cycle, (place, color, link) in pairs
        ]

    def _send(self, sent: Ints, index: Ints) -> list[str]:
        words = self._moves[index, MoveField.VALUE].view(np.uint32).tolist()
        names = (self._hops.wavelet[index] + self._before).tolist()
        return [
            f"@{cycle} {place}: Writing wavelet C{color} data={word:08x} to OUT_Q[{color}]\n"
            f"@{cycle} {place}: Sending wavelet C{color} data={word:08x}, ident:{name:016x} "
            f"on OUT_Q[{color}]\n"
            for cycle, (place, color, _), word, name in zip(
                sent.tolist(), self._origin(index), words, names, strict=True
            )
        ]

    def _arrive(self, index: Ints) -> list[str]:
        straight = (self._cycle[index] == self._landed[index]).tolist()
        links = [link for _, _, link in self._origin(index)]
        return self._pass(self._landed[index], index, links, straight, "to_ce_from_router")

    def _leave(self, index: Ints) -> list[str]:
        many = index.size
        return self._pass(self._cycle[index], index, ["-"] * many, [True] * many, "to_ce_from_q")

    def _pass(
        self, cycles: Ints, index: Ints, links: list[str], leaves: list[bool], taken: str
    ) -> list[str]:
        """Return a line for each wavelet at a router; those that do not leave yet go nowhere."""
        moves = self._moves[index]
        values = moves[:, MoveField.VALUE].copy()
        names = (self._hops.wavelet[index] + self._before).tolist()
        control = (moves[:, MoveField.CONTROL] != 0).astype(int).tolist()
        ways = [self._hops.departing[i] for i in index.tolist()]
        texts = []
        for cycle, (place, color, _), ctrl, whole, real, word, name, link, goes, way in zip(
            cycles.tolist(), self._origin(index), control, values.tolist(),
            values.view(np.float32).tolist(), values.view(np.uint32).tolist(), names, links,
            leaves, ways, strict=True,
        ):  # fmt: skip
            end = f", {taken}" if goes and way[RAMP] != " " else ""
            texts.append(
                f"@{cycle} {place} (hwtile) wavelet C{color} ctrl={ctrl}, idx={word >> 16:04x}, "
                f"data={word:08x} ({whole}({real:g})), half=0, ident={name:016x} landing={link} "
                f"departing=/{way if goes else '     '}/{end}\n"
            )
        return texts
