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
    """A wave that can be looked at cycle by cycle."""

    def __init__(self, wave: TokenWave) -> None:
        self.wave = wave
        bands = wave.bands
        columns = (bands.x, bands.y, bands.width, bands.height, bands.operation)
        self._places = np.array(columns, np.int64).T.reshape(-1, len(columns))
        self._begin = np.array(bands.begin, np.int64)
        self._end = np.array(bands.end, np.int64)

    @property
    def cycles(self) -> int:
        """Cycles from the row's entry to its end."""
        return self.wave.cycles

    def operation_at(self, cycle: int) -> str:
        """Return what most bands do at a cycle; empty where none works."""
        now = self._working(cycle, cycle + 1)
        if not now.any():
            return ""
        counts = np.bincount(self._places[now, 4])
        return self.wave.operations[int(counts.argmax())]

    def active(self, cycle: int, span: int) -> Sequence[ActiveRegion]:
        """Return the bands at work in the ``span`` cycles up to ``cycle``, and their trail.

        Those at work are brightest; a band that ended fades over four spans.
        """
        seen = self._working(cycle - span * (1 + _TRAIL), cycle + 1)
        since = np.maximum(0, cycle - span - self._end[seen]) / max(1, span * _TRAIL)
        strength = np.clip(1.0 - since, _FAINTEST, 1.0)
        places = self._places[seen].tolist()
        return [
            ActiveRegion(x, y, width, height, level, self.wave.operations[operation])
            for (x, y, width, height, operation), level in zip(
                places, strength.tolist(), strict=True
            )
        ]

    def _working(self, first: int, until: int) -> NDArray[np.bool_]:
        """Return which bands work in some of the cycles from ``first`` to before ``until``."""
        return np.asarray((self._begin < until) & (self._end > first))
