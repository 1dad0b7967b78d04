"""Two logs side by side: their wavelets and tasks aligned, and the cycles in which they differ.

A queue is first in, first out, so the k-th wavelet of a color that came over a link to a router is
the same one in both logs; the k-th run of a task at a core likewise.  Cycles count in each log from
the first event that both have: what the host did before does not matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import TraceError
from engine.wafer.trace.log_events import LINKS, LogEvents

__all__ = ["EventDifference", "LogComparison", "compare_logs"]

Ints = NDArray[np.int64]

_HOST_COLUMNS, _HOST_ROWS = 7, 2
"""Columns and rows that a fabric of the vendor's simulator has beside a program's."""
_HOST_OFFSET = (4, 1)
"""Where a program lies in such a fabric."""


@dataclass(frozen=True, slots=True)
class EventDifference:
    """One event in both logs."""

    what: str
    """``C3 from W`` or ``task 9``."""
    x: int
    y: int
    """The core, as the program counts."""
    number: int
    """Which of its kind there, from 0."""
    theirs: int
    ours: int
    """Cycles since the first common event."""

    def as_json(self) -> dict[str, object]:
        """Return it as plain values."""
        return {"what": self.what, "x": self.x, "y": self.y, "number": self.number,
                "theirs": self.theirs, "ours": self.ours,
                "difference": self.ours - self.theirs}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LogComparison:
    """What two logs have in common, and how far they are apart."""

    offset: tuple[int, int]
    """Where the program's core (0, 0) lies in their log."""
    colors: dict[int, int]
    """Their color → ours."""
    zero: tuple[int, int]
    """Cycle of the first common event, theirs and ours."""
    span: tuple[int, int]
    """Cycles from there to the last common event."""
    wavelets: list[dict[str, Any]]
    """By color: `_row`."""
    tasks: list[dict[str, Any]]
    """By task: `_row`, and the cycles of a run in both."""
    first: EventDifference | None
    """The earliest common event that comes in another cycle."""
    worst: list[EventDifference]
    """Those that are farthest apart, one for each core."""

    def as_json(self) -> dict[str, object]:
        """Return it as plain values."""
        return {
            "offset": list(self.offset),
            "colors": {str(theirs): ours for theirs, ours in self.colors.items()},
            "zero": {"theirs": self.zero[0], "ours": self.zero[1]},
            "cycles": {"theirs": self.span[0], "ours": self.span[1]},
            "wavelets": self.wavelets,
            "tasks": self.tasks,
            "first_difference": None if self.first is None else self.first.as_json(),
            "worst": [each.as_json() for each in self.worst],
        }


def compare_logs(
    theirs: LogEvents,
    ours: LogEvents,
    *,
    offset: tuple[int, int] | None = None,
    colors: Mapping[int, int] | None = None,
    worst: int = 8,
) -> LogComparison:
    """Align two logs.

    Args:
        theirs: The vendor's, or any other.
        ours: The emulator's.
        offset: Where the program's core (0, 0) lies in their fabric; None: told by the sizes.
        colors: Their color → ours; the others are told by where they land.
        worst: How many of the farthest events to keep.

    Raises:
        TraceError: The sizes tell no offset, or no event is common.
    """
    found = _offset(theirs, ours) if offset is None else offset
    landed = theirs.landings - np.array([0, *found, 0, 0])
    ran = theirs.tasks - np.array([0, 0, *found, 0])
    named = _named(landed, ours.landings, dict(colors or {}))
    landed[:, 3] = _renamed(landed[:, 3], named)
    pairs = [
        _Pairs.of("wavelet", landed, ours.landings, (1, 2, 3, 4)),
        _Pairs.of("task", ran, ours.tasks, (2, 3, 4)),
    ]
    return _Alignment(pairs, found, named).comparison(worst)


def _offset(theirs: LogEvents, ours: LogEvents) -> tuple[int, int]:
    more = theirs.columns - ours.columns, theirs.rows - ours.rows
    if more == (0, 0):
        return 0, 0
    if more == (_HOST_COLUMNS, _HOST_ROWS):
        return _HOST_OFFSET
    raise TraceError(
        f"their fabric has {theirs.columns} × {theirs.rows} cores, ours {ours.columns} × "
        f"{ours.rows}: say where core (0, 0) of the program lies in theirs with --offset X,Y"
    )


def _named(theirs: Ints, ours: Ints, given: dict[int, int]) -> dict[int, int]:
    """Return their color → ours: as given, else those that land in the same places."""
    places = [_places(each) for each in (theirs, ours)]
    found = dict(given)
    for color, where in places[0].items():
        if color not in found:
            same = [
                other
                for other, there in places[1].items()
                if there == where and other not in found.values()
            ]
            if len(same) == 1 or color in same:
                found[color] = color if color in same else same[0]
    for color in places[0]:
        if color not in found and color in places[1] and color not in found.values():
            found[color] = color
    return found


def _places(landings: Ints) -> dict[int, frozenset[tuple[int, ...]]]:
    """Return the links over which each color comes."""
    unique = np.unique(landings[:, 1:], axis=0)
    return {
        color: frozenset(map(tuple, unique[unique[:, 2] == color][:, [0, 1, 3]].tolist()))
        for color in np.unique(unique[:, 2]).tolist()
    }


def _renamed(colors: Ints, named: Mapping[int, int]) -> Ints:
    """Return their colors by our names; one that we have not becomes −1 − color."""
    return np.array([named.get(color, -1 - color) for color in colors.tolist()], np.int64)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """The events of one kind that both logs have, and how many only one has."""

    kind: str
    keys: Ints
    """What tells queues or tasks of cores apart, and the number of the event there, (n, k + 1)."""
    theirs: Ints
    ours: Ints
    """Rows of the events, (n, 5)."""
    only_theirs: Ints
    only_ours: Ints
    """Keys without a counterpart, (m, k + 1)."""

    @classmethod
    def of(cls, kind: str, theirs: Ints, ours: Ints, by: tuple[int, ...]) -> "_Pairs":
        """Pair the k-th event of each key in one table with the k-th in the other."""
        left, right = _numbered(theirs, by), _numbered(ours, by)
        both = np.concatenate([left, right])
        _, code = np.unique(both, axis=0, return_inverse=True)
        code = code.reshape(-1)
        mine, yours = code[: len(left)], code[len(left) :]
        _, at_left, at_right = np.intersect1d(mine, yours, return_indices=True)
        return cls(
            kind, left[at_left], theirs[at_left], ours[at_right],
            left[~np.isin(mine, yours)], right[~np.isin(yours, mine)],
        )  # fmt: skip

    def name(self, key: Ints) -> str:
        """Return what an event of a key is."""
        if self.kind == "task":
            return f"task {key[2]}"
        return f"C{key[2]} from {LINKS[key[3]]}"


def _numbered(events: Ints, by: tuple[int, ...]) -> Ints:
    """Return each event's key and its number among those of that key, in the order of cycles."""
    keys = events[:, list(by)]
    if not len(keys):
        return np.zeros((0, len(by) + 1), np.int64)
    order = np.lexsort((events[:, 0], *keys.T[::-1]))
    ordered = keys[order]
    begins = np.ones(len(order), bool)
    begins[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    at = np.arange(len(order))
    first = np.maximum.accumulate(np.where(begins, at, 0))
    number = np.empty(len(order), np.int64)
    number[order] = at - first
    return np.column_stack([keys, number])


class _Alignment:
    """Paired events with cycles from the first of them on."""

    def __init__(
        self, pairs: list[_Pairs], offset: tuple[int, int], colors: dict[int, int]
    ) -> None:
        self.pairs, self.offset, self.colors = pairs, offset, colors
        known = [each for each in pairs if len(each.theirs)]
        if not known:
            raise TraceError(
                "the logs have no event in common: name the colors (--color THEIRS=OURS) and the "
                "place of core (0, 0) in their fabric (--offset X,Y)"
            )
        starts = [(each, int(np.argmin(each.theirs[:, 0]))) for each in known]
        first, at = min(starts, key=lambda start: int(start[0].theirs[start[1], 0]))
        self.zero = int(first.theirs[at, 0]), int(first.ours[at, 0])

    def comparison(self, worst: int) -> LogComparison:
        wavelets, tasks = self.pairs
        apart = [self._apart(each) for each in self.pairs]
        events = [
            (pair, at)
            for pair, differences in zip(self.pairs, apart, strict=True)
            for at in np.flatnonzero(differences).tolist()
        ]
        first = min(events, key=lambda event: int(event[0].theirs[event[1], 0]), default=None)
        ends = [
            [int(each[:, 0].max()) for each in side if len(each)]
            for side in zip(*((pair.theirs, pair.ours) for pair in self.pairs), strict=True)
        ]
        return LogComparison(
            self.offset, self.colors, self.zero,
            (max(ends[0]) - self.zero[0], max(ends[1]) - self.zero[1]),
            self._rows(wavelets, 2), [*self._task_rows(tasks)],
            None if first is None else self._difference(*first), self._worst(apart, worst),
        )  # fmt: skip

    def _apart(self, pairs: _Pairs) -> Ints:
        """Return our cycle less theirs of each event."""
        apart: Ints = (pairs.ours[:, 0] - self.zero[1]) - (pairs.theirs[:, 0] - self.zero[0])
        return apart

    def _difference(self, pairs: _Pairs, at: int) -> EventDifference:
        key = pairs.keys[at]
        return EventDifference(
            pairs.name(key), int(key[0]), int(key[1]), int(key[-1]),
            int(pairs.theirs[at, 0]) - self.zero[0], int(pairs.ours[at, 0]) - self.zero[1],
        )  # fmt: skip

    def _worst(self, apart: list[Ints], count: int) -> list[EventDifference]:
        """Return the event that is farthest apart in each core, the worst cores first."""
        found: dict[tuple[int, int], tuple[int, _Pairs, int]] = {}
        for pairs, differences in zip(self.pairs, apart, strict=True):
            order = np.argsort(-np.abs(differences), kind="stable")
            for at in order[differences[order] != 0].tolist():
                place, far = tuple(pairs.keys[at, :2].tolist()), abs(int(differences[at]))
                if place not in found or found[place][0] < far:
                    found[place] = far, pairs, at
        ordered = sorted(found.items(), key=lambda each: (-each[1][0], each[0]))
        return [self._difference(pairs, at) for _, (_, pairs, at) in ordered[:count]]

    def _rows(self, pairs: _Pairs, column: int) -> list[dict[str, Any]]:
        """Return a row for each color or task that either log has."""
        apart = self._apart(pairs)
        names = np.unique(
            np.concatenate([each[:, column] for each in
                            (pairs.keys, pairs.only_theirs, pairs.only_ours)])
        ).tolist()  # fmt: skip
        return [
            _row(name, apart[pairs.keys[:, column] == name],
                 int(np.count_nonzero(pairs.only_theirs[:, column] == name)),
                 int(np.count_nonzero(pairs.only_ours[:, column] == name)))
            for name in names
        ]  # fmt: skip

    def _task_rows(self, pairs: _Pairs) -> list[dict[str, Any]]:
        rows = self._rows(pairs, 2)
        for row in rows:
            here = pairs.keys[:, 2] == row["number"]
            for side, table in (("theirs", pairs.theirs), ("ours", pairs.ours)):
                spent = table[here, 1] - table[here, 0]
                row[f"cycles_{side}"] = float(spent.mean()) if spent.size else None
        return rows


def _row(number: int, apart: Ints, only_theirs: int, only_ours: int) -> dict[str, Any]:
    """Return the events of one color or task in numbers; one of theirs alone is −1 − its color."""
    return {
        "number": number if number >= 0 else -1 - number,
        "common": int(apart.size),
        "only_theirs": only_theirs,
        "only_ours": only_ours,
        "same_cycle": int(np.count_nonzero(apart == 0)),
        "mean_difference": float(apart.mean()) if apart.size else None,
        "least_difference": int(apart.min()) if apart.size else None,
        "largest_difference": int(apart.max()) if apart.size else None,
    }
