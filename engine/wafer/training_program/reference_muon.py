"""A first step of Muon, slow and obvious: whole matrices, the Program's orders of sums."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.model.sum_orders import ReduceOrder
from engine.scalars import rsqrt32
from engine.wafer.training_program.muon_text import (
    ITERATIONS,
    LEAST_NORM,
    NEWTON_SCHULZ,
    MuonRates,
)
from engine.wafer.training_program.ordered_sums import in_order, meet

__all__ = ["muon_moved"]

Floats = NDArray[np.float32]


def muon_moved(
    weight: Floats,
    gradient: Floats,
    rates: MuonRates,
    orders: tuple[ReduceOrder, ReduceOrder],
    *,
    inputs_along_rows: bool,
) -> Floats:
    """Return a matrix after its first step.

    Args:
        weight: (N, K).
        gradient: (N, K).
        rates: Of the step.
        orders: Of sums along rows of cores, and along columns.
        inputs_along_rows: Whether the K inputs lie along rows of cores, else along columns.
    """
    kept = np.float32(rates.momentum)
    momentum = gradient * np.float32(1.0 - rates.momentum)
    ahead = gradient + (momentum - gradient) * kept
    outputs, inputs = weight.shape
    wide = outputs <= inputs
    x = (ahead if wide else ahead.T) + np.float32(0.0)
    rows_hold_long = inputs_along_rows == wide
    long, short = orders if rows_hold_long else orders[::-1]
    x = x / _norm(x, orders, rows_hold_long=rows_hold_long)
    for _ in range(ITERATIONS):
        x = _iterated(x, short, long)
    step = np.float32(-rates.rate * max(1.0, outputs / inputs) ** 0.5)
    moved: Floats = weight * np.float32(1.0 - rates.rate * rates.decay)
    return moved + (x if wide else x.T) * step


def _norm(x: Floats, orders: tuple[ReduceOrder, ReduceOrder], *, rows_hold_long: bool) -> Any:
    """Return the length of all elements: of every core, along the columns, along the rows."""
    along_rows, along_columns = orders
    short, long = (along_columns, along_rows) if rows_hold_long else (along_rows, along_columns)
    height, width = len(x) // short.parts, x.shape[1] // long.parts

    def core(row: int, column: int) -> Any:
        first, second = (column, row) if rows_hold_long else (row, column)
        tile = x[first * height :][:height, second * width :][:, :width].ravel()
        return in_order(list(tile * tile), np.float32(0.0))

    lines = [
        meet([core(row, column) for column in range(along_columns.parts)], along_columns)
        for row in range(along_rows.parts)
    ]
    total = np.float32(meet(lines, along_rows))
    return total * rsqrt32(total) + np.float32(LEAST_NORM)


def _iterated(x: Floats, short: ReduceOrder, long: ReduceOrder) -> Floats:
    a, b, c = (np.float32(each) for each in NEWTON_SCHULZ)
    gram = np.stack([_times(x.T, row, long) for row in x])
    square = np.stack([_times(gram, gram[:, i], long) for i in range(len(x))])
    polynomial = gram * b + square * c
    return np.stack([x[i] * a + _times(x, polynomial[i], short) for i in range(len(x))])


def _times(rows: Floats, vector: Floats, order: ReduceOrder) -> Any:
    """Return Σ rows[j] · vector[j]: j in equal parts, each in order, then the parts."""
    width = len(vector) // order.parts
    like = np.zeros(rows.shape[1], np.float32)
    return meet(
        [
            in_order([rows[j] * vector[j] for j in range(at, at + width)], like)
            for at in range(0, len(vector), width)
        ],
        order,
    )
