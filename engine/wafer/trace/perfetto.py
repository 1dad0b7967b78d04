"""`trace.json`: Chrome's trace format, which Perfetto opens: where the cycles of a token went.

One track for each region.  A slice is an operation's share of a token: it begins where the
operations before it left the token's end, and ends where it moves that end to.  So slices never
overlap, and they add up to the token's cycles.  A slice's arguments say when its first core began
and its last one ended.  Collectives are spans of their own, from their first core's dispatch to
their last one's end, and overlap.  Counters: states of the traced cores, load of their links.

Times are wafer time in microseconds at the clock that the metadata names, rounded to nanoseconds;
``cycles`` in a slice's arguments is exact.

Source of the format: "Trace Event Format", Google.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.version import __version__
from engine.wafer.fabric.micro import Micro, MicroField, Reduce
from engine.wafer.fabric.network import PORTS, STEP, Routes
from engine.wafer.fabric.record import RunField
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.states import STATES
from engine.wafer.trace.occupancy import edges_of, link_load, state_cycles
from engine.wafer.trace.traced_steps import CoreTables, Trace, TracedStep

__all__ = ["text"]

_PROCESS = 1
Ints = NDArray[np.int64]
_Event = dict[str, Any]


def text(trace: Trace) -> Iterator[str]:
    """Return the file's content in pieces."""
    yield '{"displayTimeUnit": "ns",\n"otherData": ' + json.dumps(_metadata(trace)) + ","
    yield '\n"traceEvents": [\n'
    yield ",\n".join(json.dumps(event) for event in _events(trace))
    yield "\n]}\n"


def _metadata(trace: Trace) -> dict[str, object]:
    machine, window = trace.program.machine, trace.window
    return {
        "machine": machine.name,
        "clock_ghz": machine.clock_ghz,
        "tier": trace.tier,
        "model": trace.program.model,
        "program": trace.program.hash,
        "version": __version__,
        "grid": [machine.columns, machine.rows],
        "cores_used": trace.program.cores_used,
        "region": [window.x, window.y, window.width, window.height],
        "tokens": len(trace.steps),
        "cycles": trace.cycles,
        "units": (
            "ts and dur: microseconds of wafer time (cycles / clock), rounded to nanoseconds; "
            f"1 cycle = {1 / machine.clock_ghz:.6g} ns; args.cycles, begun, ended: wafer cycles"
        ),
        "slices": "how far each operation moves the end of its token; they add up to its cycles",
        "counters": (
            "core states: mean number of cores of the region; link load: % of the cycles of the "
            "links between its routers that carried any wavelet"
            if trace.tier == "cycle"
            else "core states: mean number of cores of the region over a token, by formula; link "
            "load is not known to this tier"
        ),
    }


def _events(trace: Trace) -> Iterator[_Event]:
    ghz = trace.program.machine.clock_ghz
    yield from _tracks(trace)
    for step in trace.steps:
        yield from _token(step, ghz)
        yield from _operations(trace, step, ghz)
        if trace.tables is not None:
            yield from _collectives(trace, trace.tables, step, ghz)
            yield from _simulated_counters(trace.tables, step, ghz)
        else:
            yield from _known_states(step, ghz)


def _event(phase: str, name: str, cycle: int, ghz: float, **more: object) -> _Event:
    """Return an event that begins with a cycle of the trace."""
    return {
        "ph": phase,
        "name": name,
        "pid": _PROCESS,
        "ts": _nanoseconds(cycle, ghz) / 1000,
    } | more


def _nanoseconds(cycle: int, ghz: float) -> int:
    return round(cycle / ghz)


def _tracks(trace: Trace) -> Iterator[_Event]:
    """Name the process and its tracks."""
    process = f"{trace.program.model} on {trace.program.machine.name}, {trace.tier} tier"
    yield {"ph": "M", "name": "process_name", "pid": _PROCESS, "args": {"name": process}}
    for index, region in enumerate(trace.program.regions):
        place = f"{region.label} ({region.width} × {region.height} at {region.x}, {region.y})"
        for name, value in (("thread_name", place), ("thread_sort_index", index)):
            argument = "name" if name == "thread_name" else "sort_index"
            yield {
                "ph": "M", "name": name, "pid": _PROCESS, "tid": index + 1,
                "args": {argument: value},
            }  # fmt: skip


def _token(step: TracedStep, ghz: float) -> Iterator[_Event]:
    """Yield a span over a whole token."""
    name, same = f"token at position {step.position}", {"cat": "token", "id": step.position}
    yield _event(
        "b", name, step.start, ghz, tid=1, args={"cycles": step.cycles}, **same
    )  # fmt: skip
    yield _event("e", name, step.start + step.cycles, ghz, tid=1, **same)


def _operations(trace: Trace, step: TracedStep, ghz: float) -> Iterator[_Event]:
    """Yield the slices of a token, in the order in which operations end."""
    table, buffers = trace.program.instructions, trace.program.buffers
    end = step.start
    for number in np.argsort(step.ended, kind="stable").tolist():
        cycles = int(step.moved[number])
        if not cycles:
            continue
        begin, end = end, end + cycles
        row = table[number]
        target = int(row[Field.TARGET])
        name = Op(row[Field.OP]).name.lower()
        arguments: dict[str, object] = {"cycles": cycles, "instruction": number}
        if row[Field.LAYER] >= 0:
            arguments["layer"] = int(row[Field.LAYER])
        if step.begun is not None:
            arguments["begun"] = step.start + int(step.begun[number])
            arguments["ended"] = step.start + int(step.ended[number])
        yield _event(
            "X", f"{name} {buffers[target].name}" if target >= 0 else name, begin, ghz,
            cat="operation", tid=int(row[Field.REGION]) + 1, args=arguments,
            dur=(_nanoseconds(end, ghz) - _nanoseconds(begin, ghz)) / 1000,
        )  # fmt: skip


# ── collectives ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Span:
    """One collective of an instruction, in the traced cores; cycles within its step."""

    instruction: int
    name: str
    begin: int
    end: int
    cores: int


def _collectives(
    trace: Trace, tables: CoreTables, step: TracedStep, ghz: float
) -> Iterator[_Event]:
    regions = trace.program.instructions[:, Field.REGION]
    for number, span in enumerate(_spans(tables, step)):
        same = {
            "cat": "collective", "id": f"{step.position}.{number}",
            "tid": int(regions[span.instruction]) + 1,
        }  # fmt: skip
        arguments = {
            "cycles": span.end - span.begin, "instruction": span.instruction, "cores": span.cores,
        }  # fmt: skip
        yield _event("b", span.name, step.start + span.begin, ghz, args=arguments, **same)
        yield _event("e", span.name, step.start + span.end, ghz, **same)


def _spans(tables: CoreTables, step: TracedStep) -> list[_Span]:
    """Return the collectives of a step: what the cores of one instruction do on one axis."""
    assert step.events is not None
    runs = step.events.runs
    rows = tables.program[runs[:, RunField.AT]]
    patterns = _patterns(tables)
    talks = np.flatnonzero(rows[:, MicroField.OP] != Micro.COMPUTE)
    groups: dict[tuple[int, str], list[int]] = {}
    fields = rows[talks][:, [MicroField.INSTRUCTION, MicroField.INTO, MicroField.OUT]]
    for index, (number, into, out) in zip(talks.tolist(), fields.tolist(), strict=True):
        name = patterns[number, _color(tables, out if out >= 0 else into)]
        groups.setdefault((number, name), []).append(index)
    spans = [
        _Span(
            number, name, int(runs[members, RunField.BEGUN].min()),
            int(runs[members, RunField.ENDED].max()),
            int(np.unique(runs[members, RunField.CORE]).size),
        )
        for (number, name), members in groups.items()
    ]  # fmt: skip
    return sorted(spans, key=lambda span: (span.begin, span.instruction, span.name))


def _color(tables: CoreTables, channel: int) -> int:
    return int(tables.routes.color[channel])


def _patterns(tables: CoreTables) -> dict[tuple[int, int], str]:
    """Return what an instruction does on a color, by (instruction, color), over the whole chip."""
    program, routes = tables.program, tables.routes
    talks = program[program[:, MicroField.OP] != Micro.COMPUTE]
    sums = np.isin(talks[:, MicroField.OP], (Micro.REDUCE, Micro.REDUCE_SEND, Micro.EXCHANGE))
    kinds = np.where(sums, talks[:, MicroField.KIND], -1)
    found: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
    for place in (MicroField.INTO, MicroField.OUT):
        here = talks[:, place] >= 0
        channel = talks[here, place].astype(np.int64)
        ports, copies = (
            _leaving(routes, channel) if place == MicroField.OUT else _coming(routes, channel)
        )
        numbers, colors = talks[here, MicroField.INSTRUCTION], routes.color[channel]
        keys = np.stack([numbers, colors, kinds[here], ports, copies], axis=1)
        for number, color, *fact in np.unique(keys, axis=0).tolist():
            found.setdefault((number, color), []).append((fact[0], fact[1], fact[2]))
    return {
        key: "stream along lanes" if key[1] < tables.lane_colors else _pattern(facts)
        for key, facts in found.items()
    }


def _pattern(facts: list[tuple[int, int, int]]) -> str:
    """Name a pattern from (reduction or −1, port, copies) of those who take part."""
    axis = "x" if any(STEP[port][0] for _, port, _ in facts) else "y"
    kind = max(kind for kind, _, _ in facts)
    if kind >= 0:
        return f"reduce {Reduce(kind).name.lower()} along {axis}"
    many = max(copies for _, _, copies in facts) > 1
    return f"{'multicast' if many else 'transfer'} along {axis}"


def _leaving(routes: Routes, channel: Ints) -> tuple[Ints, Ints]:
    """Return the port by which a core's wavelets leave its router, and how many go on."""
    way = _widest_ways(routes)[channel]
    first = routes.target_first[way].astype(np.int64)
    port = routes.target_link[first].astype(np.int64) % PORTS
    return port, routes.target_count[way].astype(np.int64)


def _widest_ways(routes: Routes) -> Ints:
    """Return the way of each channel that makes the most copies: a switch may begin closed."""
    order = np.lexsort((-routes.target_count, routes.way_channel))
    widest: Ints = order[routes.way_first]
    return widest


def _coming(routes: Routes, channel: Ints) -> tuple[Ints, Ints]:
    """Return the port by which a core's wavelets come to its router, and how many copies go on."""
    feeder = routes.feeder_channel[routes.feeder_first[channel]].astype(np.int64)
    copies = routes.target_count[_widest_ways(routes)[feeder]]
    return routes.rank[feeder].astype(np.int64) % PORTS, copies.astype(np.int64)


# ── counters ────────────────────────────────────────────────────────────────────────────────────


def _simulated_counters(tables: CoreTables, step: TracedStep, ghz: float) -> Iterator[_Event]:
    edges = edges_of(step.cycles)
    width = np.diff(edges)
    states = state_cycles(step, tables, edges) / width[:, None]
    load, busiest, links = link_load(step, tables.routes, edges)
    mean = 100 * load / np.maximum(links * width, 1)
    top = 100 * busiest / width
    for number, begin in enumerate(edges[:-1].tolist()):
        yield _states(states[number], step.start + begin, ghz)
        shares = {
            "mean %": round(float(mean[number]), 3),
            "busiest %": round(float(top[number]), 3),
        }
        yield _event("C", "link load", step.start + begin, ghz, args=shares)


def _known_states(step: TracedStep, ghz: float) -> Iterator[_Event]:
    """Yield one value a token: the fast tier does not know when a core was in a state."""
    yield _states(step.states / step.cycles, step.start, ghz)


def _states(counts: NDArray[np.float64], cycle: int, ghz: float) -> _Event:
    values = {name: round(float(n), 3) for name, n in zip(STATES, counts, strict=True)}
    return _event("C", "core states", cycle, ghz, args=values)
