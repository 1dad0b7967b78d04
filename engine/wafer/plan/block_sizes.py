"""The sizes of a block that the planner compares: rows and columns over which a model splits."""

from collections.abc import Iterable, Sequence
from math import ceil

from engine.wafer.place.model_shape import ModelShape
from engine.wafer.program.geometry import GROUP
from engine.wafer.program.machine import MachineSpec

__all__ = ["block_sizes"]

_SPANS = (2, 4, 8, 16, 32)


def block_sizes(model: ModelShape, machine: MachineSpec, runs: bool) -> Iterable[tuple[int, int]]:
    """Yield (columns, rows) of the blocks that are compared."""
    for rows in _row_choices(model, machine):
        for columns in _column_choices(model, machine, runs):
            yield columns, rows


def _row_choices(model: ModelShape, machine: MachineSpec) -> Sequence[int]:
    """Rows over which the stream splits evenly, or, without groups, that an even share needs."""
    if not model.formats.in_groups:
        shares = [
            *range(1, 9),
            *range(10, 17, 2),
            *(2**n * m for n in range(3, 14) for m in (2, 3)),
        ]
        rows = {ceil(model.hidden / share) for share in shares if share <= model.hidden}
    else:
        groups = model.hidden // GROUP
        rows = {n for n in range(1, groups + 1) if groups % n == 0}
        rows |= {groups * span for span in _SPANS}
    return sorted(n for n in rows if n <= machine.rows)


def _column_choices(model: ModelShape, machine: MachineSpec, runs: bool) -> Sequence[int]:
    """Columns that hold whole heads or equal shares of one.

    To be priced only also those that divide the wafer or the feed-forward well; heads then lie on
    as many of them as they can.
    """
    heads, half = model.attention.heads, model.attention.head_dim // 2
    columns = {n for n in range(1, heads + 1) if heads % n == 0}
    columns |= {heads * n for n in range(2, half + 1) if half % n == 0}
    if not runs:
        columns |= {machine.columns // n for n in range(1, 7)}
        columns |= {ceil(model.ffn / GROUP / n) for n in range(1, 5)}
    return sorted(n for n in columns if n <= machine.columns)
