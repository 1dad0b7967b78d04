"""Runs a training program on the host, each instruction for all its cores at once: the fast tier.

Sums over the inner dimension of a product, and along lines of cores, go in the Program's order;
what has no order is one NumPy operation.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine import scalars
from engine.model.sum_orders import ReduceOrder
from engine.wafer.ops.site import ALONG_ROWS
from engine.wafer.training_program.instructions import (
    CoreWork,
    Elementwise,
    LineMulticast,
    LineSum,
    Matvec,
    Peak,
    RankOne,
    Total,
    TrainingInstruction,
    VectorPart,
)

__all__ = ["run"]

Floats = NDArray[np.float32]

_WHOLE: dict[str, Callable[[Floats, Floats], Any]] = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide,
    "max": lambda left, right: np.where(left >= right, left, right),
    "move": lambda left, right: right,
    "exp": lambda left, right: scalars.exp32(left),
    "rsqrt": lambda left, right: scalars.rsqrt32(left),
}  # fmt: skip


def run(
    instructions: Iterable[TrainingInstruction],
    words: Floats,
    orders: tuple[ReduceOrder, ReduceOrder, ReduceOrder],
) -> None:
    """Run instructions on the memories of a rectangle of cores.

    Args:
        instructions: In their order.
        words: (rows, columns, words), float32; written to.
        orders: Of sums along rows (from north to south), along columns, and over the columns of a
            head.

    Exactness:
        The bits of `reference_step` and of the cycle tier.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for each in instructions:
            if isinstance(each, CoreWork):
                cells = words[each.cells]
                for part in each.parts:
                    _work(part, cells)
            elif isinstance(each, LineSum):
                _sum(each, words, orders[2 if each.length else each.axis])
            else:
                _spread(each, words)


def _work(part: VectorPart, cells: Floats) -> None:
    if isinstance(part, Elementwise):
        _elementwise(part, cells)
    elif isinstance(part, Matvec):
        _matvec(part, cells)
    elif isinstance(part, RankOne):
        target = _strided(cells, part.target, part.rows, part.columns, part.apart)
        left = _at(cells, part.left, part.rows)[..., None]
        target += left * _at(cells, part.right, part.columns)[..., None, :]
    elif isinstance(part, Total):
        total = np.zeros(cells.shape[:2], np.float32)
        for i in range(part.count):
            total += cells[..., part.source + i]
        cells[..., part.target] = total
    elif isinstance(part, Peak):
        peaks = _at(cells, part.source, part.count).max(axis=-1)
        cells[..., part.target] = np.maximum(cells[..., part.target], peaks)


def _elementwise(part: Elementwise, cells: Floats) -> None:
    left = _at(cells, part.left, part.count)
    right: Floats = _at(cells, part.right, 1 if part.scalar else part.count)
    if part.number is not None:
        right = np.full_like(left, part.number)
    target = _at(cells, part.target, part.count)
    if part.name == "multiply_add":
        target += left * right
    else:
        target[...] = _WHOLE[part.name](left, right)


def _matvec(part: Matvec, cells: Floats) -> None:
    total = np.zeros((*cells.shape[:2], part.outputs), np.float32)
    for j in range(part.inputs):
        first = part.matrix + j * part.columns_apart
        apart = max(part.rows_apart, 1)
        column = cells[..., first : first + (part.outputs - 1) * apart + 1 : apart]
        total += column * cells[..., part.vector + j, None]
    _at(cells, part.target, part.outputs)[...] = total


def _at(cells: Floats, first: int, count: int) -> Floats:
    return cells[..., first : first + count]


def _strided(cells: Floats, first: int, rows: int, columns: int, apart: int) -> Floats:
    """Return rows of words, ``apart`` words from one to the next, as a view."""
    strides = (*cells.strides[:2], apart * cells.strides[2], cells.strides[2])
    shape = (*cells.shape[:2], rows, columns)
    return np.lib.stride_tricks.as_strided(cells[..., first:], shape, strides)


def _sum(each: LineSum, words: Floats, order: ReduceOrder) -> None:
    """Fold the lines as `ReduceOrder` says.

    The first core of every group but the last keeps its group's sum in its memory, as on the chip.
    """
    fold: Callable[[Floats, Floats], Any] = _WHOLE["max" if each.largest else "add"]
    for line in _lines(each, words):
        begins = range(0, len(line), order.group)
        firsts = np.stack([_chain(line[begin : begin + order.group], fold) for begin in begins])
        line[: begins[-1] : order.group] = firsts[:-1]
        line[0] = _chain(firsts, fold)


def _lines(each: LineSum | LineMulticast, words: Floats) -> Iterator[Floats]:
    """Yield the lines of an instruction end to end, cores first."""
    cells = words[each.cells][..., each.address : each.address + each.count]
    line = cells if each.axis == ALONG_ROWS else cells.swapaxes(0, 1)
    length = each.length or len(line)
    for begin in range(0, len(line), length):
        yield line[begin : begin + length]


def _chain(parts: Floats, fold: Callable[[Floats, Floats], Any]) -> Any:
    total = parts[-1]
    for own in parts[-2::-1]:
        total = fold(own, total)
    return total


def _spread(each: LineMulticast, words: Floats) -> None:
    for line in _lines(each, words):
        line[1:] = line[:1]
