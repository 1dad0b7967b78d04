"""Works: the cost of each COMPUTE of an operation, and its reductions, noted for its lowering."""

import numpy as np
from numpy.typing import NDArray

from engine.wafer.cost.ledger import Cells, Cycles
from engine.wafer.cost.lines import Line
from engine.wafer.ops.site import Site
from engine.wafer.place.streams import Runs, Tree

__all__ = ["Works"]


class Works:
    """Notes the cost of each COMPUTE that an operation tells of itself (a `ledger.MicroSteps`).

    Of communication it notes which reductions are phases of one tree: the fabric finds out how
    long it takes.
    """

    def __init__(self, site: Site, *, head: bool) -> None:
        self._shape = (site.rows, site.columns)
        self._task = site.machine.task_cycles
        self.told: list[dict[str, NDArray[np.int64]]] = []
        self._runs = Runs(head=head)

    @property
    def trees(self) -> list[Tree]:
        """The trees of its reductions, in the order in which they begin."""
        return self._runs.trees()

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
        """Note one COMPUTE by core, a keeping core's work included: see `Kind.KEEP`."""
        given = {
            "mac": mac, "vector": vector + keep_vector, "pipe": pipe + keep_pipe,
            "mac_kv": kv_mac, "vector_kv": kv_vector,
        }  # fmt: skip
        cost = {name: np.zeros(self._shape, np.int64) for name in given}
        for name, cycles in given.items():
            cost[name][cells] = cycles
        cost["miss_pipe"] = np.where(sum(cost.values()) > 0, self._task, 0)
        cost["pipe"] += cost["miss_pipe"]
        self.told.append(cost)

    def reduce(self, line: Line, group: int, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Note a reduction, or a phase of one."""
        if line.length > 1:
            self._runs.reduce(line, group)

    def multicast(self, line: Line, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Note that the reductions along its axis are over."""
        if line.length > 1:
            self._runs.multicast(line.axis)

    def look_up(self, hops: int, wavelets: Cycles, vector: Cycles, pipe: Cycles) -> None:
        """Note the comparison; the lowering adds the owner's work."""
        self.work((slice(None), slice(None)), vector=1)

    def send(self, cells: Cells, wavelets: Cycles) -> None:
        """Nothing to note."""

    def receive(self, cells: Cells, hops: Cycles, wavelets: Cycles, link_cycles: int = 0) -> None:
        """Nothing to note."""
