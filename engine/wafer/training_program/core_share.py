"""CoreShare: the cores of a training program, and each core's even share of a model.

The stream lies along rows, heads, feed-forward and vocabulary along columns, as in the layout of
decode; shares are even, so that all cores have one memory map.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import PlacementError
from engine.wafer.ops.site import Cells
from engine.wafer.program.machine import MachineSpec
from engine.wafer.training_program.trained_model import TrainedModel

__all__ = ["CoreShare", "rows_of"]


@dataclass(frozen=True, slots=True)
class CoreShare:
    """Sizes of a core's part.

    Raises:
        PlacementError: The rectangle does not divide the model evenly, or the machine has no room.
    """

    machine: MachineSpec
    model: TrainedModel
    rows: int
    columns: int
    tokens: int
    """Of a row of the batch."""

    def __post_init__(self) -> None:
        model, machine = self.model, self.machine
        for cores, most, what in (
            (self.rows, machine.rows, "rows"), (self.columns, machine.columns, "columns"),
        ):  # fmt: skip
            if not 1 <= cores <= most:
                raise PlacementError(f"{cores} {what} of cores; {machine.name} has {most}")
        for size, cores, what, where in (
            (model.hidden, self.rows, "the stream's width", "rows"),
            (model.ffn, self.columns, "the feed-forward's width", "columns"),
            (model.vocabulary, self.columns, "the vocabulary", "columns"),
        ):
            if size % cores:
                near = max(each for each in range(1, cores) if size % each == 0)
                raise PlacementError(
                    f"{where.capitalize()} of cores divide {what} evenly in a training program: "
                    f"{size:,} over {cores} do not; use {near} {where}"
                )
        self._check_heads()

    def _check_heads(self) -> None:
        """Columns hold whole KV heads, or an even share of one head's pairs of dimensions."""
        kv, pairs = self.model.kv_heads, self.model.head_dim // 2
        if kv % self.columns and (self.columns % kv or pairs % (self.columns // kv)):
            near = max(each for each in range(1, self.columns) if kv % each == 0)
            raise PlacementError(
                f"Columns of cores hold whole KV heads, or even shares of one head's {pairs} pairs "
                f"of dimensions: {kv} heads over {self.columns} do not; use {near} columns"
            )

    @property
    def stream(self) -> int:
        """Elements of the residual stream in a core row."""
        return self.model.hidden // self.rows

    @property
    def parts(self) -> int:
        """Columns that share a KV head, each with some of its dimensions."""
        return max(1, self.columns // self.model.kv_heads)

    @property
    def dim(self) -> int:
        """Dimensions of a head in a column."""
        return self.model.head_dim // self.parts

    @property
    def heads(self) -> int:
        """Query heads of a column, whole or in part."""
        return self.sharing * self.kv_heads

    @property
    def kv_heads(self) -> int:
        """KV heads of a column, whole or in part."""
        return max(1, self.model.kv_heads // self.columns)

    @property
    def sharing(self) -> int:
        """Query heads that read one KV head."""
        return self.model.heads // self.model.kv_heads

    @property
    def queries(self) -> int:
        """Elements of a column's queries, and of its attention's output."""
        return self.heads * self.dim

    @property
    def keys(self) -> int:
        """Elements of a column's keys, and of its values."""
        return self.kv_heads * self.dim

    def part_dims(self, part: int) -> NDArray[np.int64]:
        """Return the dimensions of a head that a part holds: first halves of pairs, then second."""
        half = self.dim // 2
        first = np.arange(part * half, (part + 1) * half)
        return np.concatenate([first, first + self.model.head_dim // 2])

    def column_order(self, heads: int) -> NDArray[np.int64]:
        """Return which element of some heads stands where if columns are put side by side.

        Args:
            heads: Query heads, or KV heads, of the model.
        """
        each, width = heads // max(1, self.columns // self.parts), self.model.head_dim
        return np.concatenate(
            [
                (column // self.parts * each + head) * width + self.part_dims(column % self.parts)
                for column in range(self.columns)
                for head in range(each)
            ]
        )

    @property
    def ffn(self) -> int:
        """Elements of the feed-forward in a column."""
        return self.model.ffn // self.columns

    @property
    def gate_up(self) -> int:
        """Outputs of gate and up in a column."""
        return self.ffn * (2 if self.model.gated else 1)

    @property
    def words(self) -> int:
        """Words of the vocabulary in a column."""
        return self.model.vocabulary // self.columns

    @property
    def slots(self) -> int:
        """Positions that a core row keeps at most."""
        return -(-self.tokens // self.rows)


def rows_of(first: int, end: int) -> Cells:
    """Return whole rows of cores.

    Example:
        >>> rows_of(0, 2)
        (slice(0, 2, None), slice(None, None, None))
    """
    return slice(first, end), slice(None)
