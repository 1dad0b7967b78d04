"""CoreShare: the cores of a training program, and each core's even share of a model.

The stream lies along rows, heads, feed-forward and vocabulary along columns, as in the layout of
decode; shares are even, so that all cores have one memory map.
"""

from dataclasses import dataclass

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
            (model.kv_heads, self.columns, "KV heads", "columns"),
            (model.ffn, self.columns, "the feed-forward's width", "columns"),
            (model.vocabulary, self.columns, "the vocabulary", "columns"),
        ):
            if size % cores:
                near = max(each for each in range(1, cores) if size % each == 0)
                raise PlacementError(
                    f"{where.capitalize()} of cores divide {what} evenly in a training program: "
                    f"{size:,} over {cores} do not; use {near} {where}"
                )

    @property
    def stream(self) -> int:
        """Elements of the residual stream in a core row."""
        return self.model.hidden // self.rows

    @property
    def heads(self) -> int:
        """Query heads of a column."""
        return self.model.heads // self.columns

    @property
    def kv_heads(self) -> int:
        """KV heads of a column."""
        return self.model.kv_heads // self.columns

    @property
    def sharing(self) -> int:
        """Query heads that read one KV head."""
        return self.model.heads // self.model.kv_heads

    @property
    def queries(self) -> int:
        """Elements of a column's queries, and of its attention's output."""
        return self.heads * self.model.head_dim

    @property
    def keys(self) -> int:
        """Elements of a column's keys, and of its values."""
        return self.kv_heads * self.model.head_dim

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
