"""LogEvents: the landings and tasks of a `sim.log`, the vendor's or ours, as flat arrays.

The grammar is the one that `simlog` writes and public viewers read.  A vendor's log also has lines
of host interfaces and of what no viewer reads: those are passed over.  A line of a known kind that
does not fit its form is counted, and the first such is kept.

Sources: [S4] davidz-cerebras/wse-viz, trace-parser.js; [S3] spcl/spatial-collectives, committed
runs of simfabric.
"""

import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.errors import TraceError

__all__ = ["LANDING", "TASK", "LogEvents", "read_events"]

Ints = NDArray[np.int64]

LANDING = ("cycle", "x", "y", "color", "link")
"""Columns of `LogEvents.landings`; a link is a place in `LINKS`."""

TASK = ("begin", "end", "x", "y", "task")
"""Columns of `LogEvents.tasks`."""

LINKS = "ENWSR"

# No fabric has longer numbers than these.
_AT = r"@(\d{1,15}) P(\d{1,5})\.(\d{1,5})"
_INSTRUCTION = r"(?:IDLE|\^ 0x([0-9a-fA-F]{1,8}): T(\d{1,6})\b)"
_LANDING = re.compile(_AT + r" \(\w+\) landing C(\d{1,3}) from link ([ENWSR]),")
_WAVELET = re.compile(_AT + r" \(\w+\) wavelet C(\d{1,3}) .* landing=([ENWSRD-]) ")
_EXECUTE = re.compile(_AT + r": .*\[EX OP\] " + _INSTRUCTION)
_ISSUE = re.compile(_AT + r": .*\[IS OP\] " + _INSTRUCTION)
_SIZE = re.compile(r"@\d+ dimX=(\d{1,5}), dimY=(\d{1,5})\b")
_FIGURE = r"(\d+(?:\.\d+)?)"
_SPEED = re.compile(
    rf"@\d+ Simulation used {_FIGURE} seconds and ran at {_FIGURE} cyc/sec {_FIGURE}"
)
_IO_TILE = "(iotile)"

_OPEN_RUNS = 2
"""Instructions of a task may still execute when the next task's first one is issued."""

_MOST_CORES = 1 << 14
"""Columns or rows; a fabric has fewer."""


@dataclass(frozen=True, slots=True)
class LogEvents:
    """What a log says."""

    columns: int
    rows: int
    landings: Ints
    """A row for each wavelet that came to a router, `LANDING`, in the order of the log."""
    tasks: Ints
    """A row for each run of a task at a core, `TASK`.  A task runs anew when its core issues the
    instruction again with which it began."""
    last_cycle: int
    lines: int
    misread: int
    """Lines of a known kind that do not fit its form."""
    first_misread: str
    """Number and beginning of the first of them."""
    speed: tuple[float, float, float] | None
    """Seconds, cycles a second and tile-cycles a second that the log tells."""


def read_events(lines: Iterable[str], name: str) -> LogEvents:
    """Read a log.

    Args:
        lines: Its lines.
        name: Its name, for messages.

    Raises:
        TraceError: It gives no size of a fabric: it is no such log.
    """
    reader = _Reader()
    for line in lines:
        reader.read(line)
    return reader.events(name)


@dataclass(slots=True)
class _Running:
    """A run of a task at a core."""

    task: int
    address: int
    """Of its first instruction."""
    begin: int
    end: int
    idle: bool = False
    """Whether the core has executed nothing since `end`."""


@dataclass(slots=True)
class _Reader:
    """Takes one line after the other."""

    size: tuple[int, int] = (0, 0)
    landed: "array[int]" = field(default_factory=lambda: array("q"))
    came: "array[int]" = field(default_factory=lambda: array("q"))
    ran: "array[int]" = field(default_factory=lambda: array("q"))
    running: dict[tuple[int, int], list[_Running]] = field(default_factory=dict)
    last: int = 0
    lines: int = 0
    misread: int = 0
    first_misread: str = ""
    speed: tuple[float, float, float] | None = None

    def read(self, line: str) -> None:
        """Take a line."""
        self.lines += 1
        if not line.startswith("@") or _IO_TILE in line:
            return
        if ") landing C" in line:
            self._note(self.landed, _LANDING.match(line), line)
        elif ") wavelet C" in line:
            self._note(self.came, _WAVELET.match(line), line)
        elif "[EX OP]" in line:
            self._execute(line)
        elif "[IS OP]" in line:
            self._issue(line)
        elif "dimX=" in line and self.size == (0, 0):
            self._measure(line)
        elif "Simulation used" in line:
            found = _SPEED.match(line)
            if found:
                self.speed = float(found[1]), float(found[2]), float(found[3])

    def _measure(self, line: str) -> None:
        found = _SIZE.match(line)
        if found and 0 < int(found[1]) < _MOST_CORES and 0 < int(found[2]) < _MOST_CORES:
            self.size = int(found[1]), int(found[2])

    def _note(self, table: "array[int]", found: "re.Match[str] | None", line: str) -> None:
        """Add a landing; the lines of wavelets that wait or start at a core are none."""
        if found is None:
            self._misread(line)
        elif found[5] in LINKS:
            cycle, x, y, color = (int(part) for part in found.groups()[:4])
            table.extend((cycle, x, y, color, LINKS.index(found[5])))
            self.last = max(self.last, cycle)

    def _misread(self, line: str) -> None:
        self.misread += 1
        if not self.first_misread:
            self.first_misread = f"line {self.lines}: {line.rstrip()[:100]}"

    def _issue(self, line: str) -> None:
        """A run of a task begins with another task's first instruction, or its own once more."""
        found = _ISSUE.match(line)
        if found is None:
            self._misread(line)
            return
        if found[5] is None:
            return
        cycle, place = int(found[1]), (int(found[2]), int(found[3]))
        address, task = int(found[4], 16), int(found[5])
        self.last = max(self.last, cycle)
        runs = self.running.setdefault(place, [])
        if runs and runs[-1].task == task and runs[-1].address != address:
            return
        runs.append(_Running(task, address, cycle, cycle))
        if len(runs) > _OPEN_RUNS:
            self._close(place, runs.pop(0))

    def _execute(self, line: str) -> None:
        found = _EXECUTE.match(line)
        if found is None:
            self._misread(line)
            return
        cycle, place = int(found[1]), (int(found[2]), int(found[3]))
        self.last = max(self.last, cycle)
        runs = self.running.get(place, [])
        for run in runs:
            if not run.idle:
                run.end, run.idle = max(run.end, cycle), True
        if found[5] is not None:
            task = int(found[5])
            for run in reversed(runs):
                if run.task == task:
                    run.end, run.idle = cycle + 1, False
                    break

    def _close(self, place: tuple[int, int], run: _Running) -> None:
        self.ran.extend((run.begin, run.end, *place, run.task))

    def events(self, name: str) -> LogEvents:
        """Return what was read."""
        if self.size == (0, 0):
            raise TraceError(
                f"{name} is no sim.log: it has no line `@0 dimX=…, dimY=…`; name a log of the "
                "vendor's simulator or of `wafer trace`, or a sim_stats.json"
            )
        for place, runs in self.running.items():
            for run in runs:
                self._close(place, run)
        self.running = {}
        landings = self.landed if len(self.landed) else self.came
        return LogEvents(
            *self.size, _table(landings), _table(self.ran), self.last, self.lines, self.misread,
            self.first_misread, self.speed,
        )  # fmt: skip


def _table(values: "array[int]") -> Ints:
    """Return rows of five."""
    return np.array(values, np.int64).reshape(-1, 5)
