"""A token's wave at one cycle: which bands of cores work then, and which did a moment ago.

Numbers in, rectangles out; knows no widget.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.protocol.xray import TokenWave
from tui.visuals.active_region import ActiveRegion

__all__ = ["PlayedWave"]

_TRAIL = 4
"""How many times the shown span a band stays visible after it has ended, ever fainter."""
_FAINTEST = 0.15


class PlayedWave:
    """A wave that can be looked at cycle by cycle.

    Layers use the same bands again, so that there are far fewer places than bands.
    """

    def __init__(self, wave: TokenWave) -> None:
        self.wave = wave
        bands = wave.bands
        corners = np.array((bands.x, bands.y, bands.width, bands.height), np.int64).T
        places, which = np.unique(corners.reshape(-1, 4), axis=0, return_inverse=True)
        self._places = places.tolist()
        self._which = which.ravel()
        self._operation = np.array(bands.operation, np.int64)
        self._begin = np.array(bands.begin, np.int64)
        self._end = np.array(bands.end, np.int64)

    @property
    def cycles(self) -> int:
        """Cycles from the row's entry to its end."""
        return self.wave.cycles

    def operation_at(self, cycle: int) -> str:
        """Return what most bands do at a cycle; empty where none works."""
        now = self._working(cycle, cycle + 1)
        if not now.size:
            return ""
        return self.wave.operations[int(np.bincount(self._operation[now]).argmax())]

    def active(self, cycle: int, span: int) -> Sequence[ActiveRegion]:
        """Return the bands at work in the ``span`` cycles up to ``cycle``, and their trail.

        Those at work are brightest; a band that ended fades over four spans.
        """
        seen = self._working(cycle - span * (1 + _TRAIL), cycle + 1)
        since = np.maximum(0, cycle - span - self._end[seen]) / max(1, span * _TRAIL)
        strength = np.zeros(len(self._places))
        np.maximum.at(strength, self._which[seen], np.clip(1.0 - since, _FAINTEST, 1.0))
        doing = np.zeros(len(self._places), np.int64)
        doing[self._which[seen]] = self._operation[seen]  # the latest there
        shown = np.flatnonzero(strength)
        operations = self.wave.operations
        found = zip(shown.tolist(), strength[shown].tolist(), doing[shown].tolist(), strict=True)
        return [
            ActiveRegion(x, y, width, height, level, operations[operation])
            for place, level, operation in found
            for x, y, width, height in (self._places[place],)
        ]

    def _working(self, first: int, until: int) -> NDArray[np.int64]:
        """Return which bands work in some of the cycles from ``first`` to before ``until``."""
        return np.flatnonzero((self._begin < until) & (self._end > first))
