"""Works: the cost of each COMPUTE of an operation, noted for its lowering."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.wafer.cost.ledger import Cells, Cycles
from engine.wafer.ops.site import Site

__all__ = ["Works"]


class Works:
    """Notes the cost of each COMPUTE that an operation tells of itself (a `ledger.MicroSteps`).

    Communication needs no note: the fabric finds out how long it takes.
    """

    def __init__(self, site: Site) -> None:
        self._shape = (site.rows, site.columns)
        self._task = site.machine.task_cycles
        self.told: list[dict[str, NDArray[np.int64]]] = []

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

    def reduce(self, line: Any, group: int, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Nothing to note."""

    def multicast(self, line: Any, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Nothing to note."""

    def look_up(self, hops: int, wavelets: Cycles, vector: Cycles, pipe: Cycles) -> None:
        """Note the comparison; the lowering adds the owner's work."""
        self.work((slice(None), slice(None)), vector=1)

    def send(self, cells: Cells, wavelets: Cycles) -> None:
        """Nothing to note."""

    def receive(self, cells: Cells, hops: Cycles, wavelets: Cycles, link_cycles: int = 0) -> None:
        """Nothing to note."""
