"""AttentionCycles: what a Program's attentions take, whatever number of KV rows each core holds.

One column of cores is run for each position, by the micro-steps that the compiler noted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.model.sum_orders import ReduceOrder
from engine.wafer.compile.compiler import Compiled
from engine.wafer.cost import lines
from engine.wafer.cost.ledger import Cycles, Ledger
from engine.wafer.cost.lines import Line
from engine.wafer.ops import multicast
from engine.wafer.ops.attention import HeadSplit
from engine.wafer.ops.site import ALONG_COLUMNS, ALONG_ROWS, Site
from engine.wafer.program.isa import Field, Op

__all__ = ["AttentionCycles"]


class _ColumnLedger(Ledger):
    """One column of cores for each position; collectives over a band of columns cost it time."""

    def reduce(self, line: Line, group: int, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Reduce along the column; over a band, wait for its farthest core."""
        if line.axis == ALONG_ROWS:
            Ledger.reduce(self, line, group, wavelets, kv_wavelets)
        else:
            self._wait((line.length - 1) * lines.stage(self.machine, line.pitch), kv_wavelets)

    def multicast(self, line: Line, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Multicast along the column; over a band, wait as its farthest core does."""
        if line.axis == ALONG_ROWS:
            Ledger.multicast(self, line, wavelets, kv_wavelets)
        else:
            self._wait(lines.travel(self.machine, line.length - 1), kv_wavelets)

    def _wait(self, latency: int, kv_wavelets: int) -> None:
        assert self.kv is not None
        pace = lines.pace(self.machine)
        lasting = lines.all_lasting(kv_wavelets * self.kv, pace)
        self.clock += np.where(lasting > 0, self.machine.dispatch_cycles + latency + lasting, 0)


@dataclass(frozen=True, slots=True)
class _Attention:
    """An attention in one column, whose cores may hold any number of KV rows."""

    site: Site
    split: HeadSplit
    order: ReduceOrder
    wavelets: int
    """Of its queries, keys and values."""
    steps: Callable[..., None]
    """Its micro-steps."""
    window: int
    """Last positions that a row sees; 0: all."""

    def run(self, kv: NDArray[np.int64], keeps: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        """Return the cycles for each column of ``kv`` (core rows, positions)."""
        machine = self.site.machine
        number = kv.shape[1]
        ledger = _ColumnLedger(machine, self.site.rows, number, kv, keeps)
        site = replace(self.site, columns=number)
        multicast.steps(ledger, site, ALONG_COLUMNS, np.full(number, self.wavelets))
        split = replace(self.split, columns=number)
        self.steps(ledger, site, split, self.order)
        return np.asarray(ledger.clock.max(axis=0), np.int64)


class AttentionCycles:
    """The attentions of a Program, in the order of their instructions."""

    def __init__(self, compiled: Compiled) -> None:
        table = compiled.program.instructions
        numbers = np.flatnonzero(table[:, Field.OP] == Op.ATTENTION)
        each = [_attention_at(compiled, int(number)) for number in numbers]
        self.alike = tuple(dict.fromkeys(each))
        """One attention of each group that takes the same cycles."""
        self._group = np.array([self.alike.index(attention) for attention in each])
        self.regions = table[numbers, Field.REGION]
        """Where each lies, int64 (attentions,)."""
        self._kinds = [compiled.program.attentions[i] for i in table[numbers, Field.VARIANT]]
        self.windows = tuple(dict.fromkeys(kind.window for kind in self._kinds))
        """The windows of the Program, each once."""

    def run(
        self, kv: Mapping[int, NDArray[np.int64]], keeps: NDArray[np.bool_] | None
    ) -> NDArray[np.int64]:
        """Return the cycles for each column of ``kv``: by window, int64 (core rows, positions).

        Returns:
            int64 (positions, attentions).
        """
        cycles = [attention.run(kv[attention.window], keeps) for attention in self.alike]
        return np.asarray(np.stack(cycles, axis=1)[:, self._group])

    def products(self, position: int) -> int:
        """Return the multiply–accumulates of all of them for a row at ``position``."""
        total = 0
        for kind in self._kinds:
            seen = min(position + 1, kind.window or position + 1)
            total += 2 * kind.heads * kind.head_dim * seen
        return total

    def in_region(self, region: int, window: int) -> list[int]:
        """Return which of them, by number, lie in a region and have a window."""
        kinds = zip(self.regions.tolist(), self._kinds, strict=True)
        return [n for n, (at, kind) in enumerate(kinds) if (at, kind.window) == (region, window)]


def _attention_at(compiled: Compiled, number: int) -> _Attention:
    """Return the attention of an instruction; the one before it brings its source."""
    table = compiled.program.instructions
    split, order = compiled.steps[number].arguments
    assert isinstance(split, HeadSplit)
    assert isinstance(order, ReduceOrder)
    wavelets = int(table[number - 1, Field.COUNT])
    site = compiled.sites[int(table[number, Field.REGION])]
    kind = compiled.program.attentions[int(table[number, Field.VARIANT])]
    return _Attention(site, split, order, wavelets, compiled.steps[number].steps, kind.window)
