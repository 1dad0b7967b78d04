"""Where the panels of a Program's matrices will lie, before a weight is read.

Every tensor of a stack has panels of its own, in the storage of its weight format
(`engine.wafer.fast.kernels.dot.storage_table`).
"""

from dataclasses import dataclass, field

from engine.model.tensors import FORMATS
from engine.wafer.fast.kernels.dot.panel_layout import GROUP, PANEL
from engine.wafer.fast.kernels.dot.storage import Storage
from engine.wafer.fast.kernels.dot.storage_table import STORAGES, plain_storage
from engine.wafer.program.program import Matrix

__all__ = ["PanelPlaces", "storage_of"]


def storage_of(format_name: str) -> Storage:
    """Return the storage of a weight format: its own, or a plain one."""
    if format_name in STORAGES:
        return STORAGES[format_name]
    format = FORMATS[format_name]
    return plain_storage(format.block, minima=format.has_minima)


@dataclass(slots=True)
class PanelPlaces:
    """Panels one after the other, as matrices are added."""

    size_bytes: int = 0
    pieces: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    """Rows of `operands.Panels.pieces`."""
    storages: list[Storage] = field(default_factory=list)
    """What the last number of a piece counts."""
    tensors: list[tuple[str, list[int]]] = field(default_factory=list)
    """Each tensor's name, and the first byte of each of its panels."""

    def add(self, matrix: Matrix) -> None:
        """Make room for the panels of a matrix.

        Those of its tensors lie mixed as evenly as possible, so that threads that share them in
        runs of neighbours have as much to do, whatever the formats.
        """
        columns = [sum(matrix.widths[:number]) for number in range(len(matrix.widths))]
        order = sorted(
            ((panel + 0.5) / _panels(width), number, panel)
            for number, width in enumerate(matrix.widths)
            for panel in range(_panels(width))
        )
        starts: list[list[int]] = [[] for _ in matrix.widths]
        for _, number, panel in order:
            first = panel * PANEL
            outputs = min(PANEL, matrix.widths[number] - first)
            starts[number].append(self.size_bytes)
            self._add_panel(
                storage_of(matrix.formats[number]),
                matrix.inputs // GROUP,
                outputs,
                columns[number] + first,
            )
        self.tensors += zip(matrix.tensors, starts, strict=True)

    def _add_panel(self, storage: Storage, groups: int, outputs: int, column: int) -> None:
        if storage not in self.storages:
            self.storages.append(storage)
        number = self.storages.index(storage)
        self.pieces.append((self.size_bytes, groups, outputs, column, number))
        self.size_bytes += storage.panel_bytes(groups)


def _panels(outputs: int) -> int:
    return -(-outputs // PANEL)
