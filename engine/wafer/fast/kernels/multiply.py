"""Matrix–vector products with int8 weights in panels of 64 outputs, sums in the Program's order."""

import numpy as np
from numba import prange

from engine.wafer.fast.kernels.dot import GROUP_BYTES, PANEL, terms_of_four, terms_of_one
from engine.wafer.jit.decorators import helper, kernel, parallel_kernel

__all__ = ["ROW_BLOCK", "matmul", "matmul_parallel"]

ROW_BLOCK = 4
"""Rows that share one pass over the weights."""


@helper
def _add_part(
    path, weights, panel, scales, groups, first, last, inputs, stride, input_scales, corrections,
    row, rows, part,
):  # fmt: skip
    """Part ← Σ over groups first … last of f32(dot) × (weight scale × input scale)."""
    for i in range(rows * PANEL):
        part[i] = np.float32(0.0)
    for g in range(first, last):
        tile = panel * groups + g
        x = row * stride + g * 32
        c = row * groups + g
        if rows == ROW_BLOCK:
            terms_of_four(
                path, weights, tile * GROUP_BYTES, scales, tile * PANEL, inputs, x, stride,
                input_scales, corrections, c, groups, part,
            )  # fmt: skip
        else:
            terms_of_one(
                path, weights, tile * GROUP_BYTES, scales, tile * PANEL, inputs, x, stride,
                input_scales, corrections, c, groups, part,
            )  # fmt: skip


@helper
def _panel(
    path, weights, panel, scales, groups, parts, group, inputs, stride, input_scales, corrections,
    row, rows, out, out_stride, outputs,
):  # fmt: skip
    """One panel of outputs for one block of rows: parts from the last to the first, two phases."""
    size = rows * PANEL
    part = np.empty(size, np.float32)
    chain = np.empty(size, np.float32)
    total = np.empty(size, np.float32)
    last_group = (parts - 1) // group
    for number in range(last_group, -1, -1):
        low = number * group
        high = min(low + group, parts) - 1
        for p in range(high, low - 1, -1):
            first, last = p * groups // parts, (p + 1) * groups // parts
            _add_part(
                path, weights, panel, scales, groups, first, last, inputs, stride, input_scales,
                corrections, row, rows, part,
            )  # fmt: skip
            if p == high:
                chain[:] = part
            else:
                for i in range(size):
                    chain[i] = part[i] + chain[i]
        if number == last_group:
            total[:] = chain
        else:
            for i in range(size):
                total[i] = chain[i] + total[i]
    left = panel * PANEL
    width = min(PANEL, outputs - left)
    for r in range(rows):
        for j in range(width):
            out[(row + r) * out_stride + left + j] = total[r * PANEL + j]


@helper
def _rows_of_panel(
    path, weights, panel, scales, groups, parts, group, inputs, stride, input_scales, corrections,
    first_row, last_row, out, out_stride, outputs,
):  # fmt: skip
    row = first_row
    while row < last_row:
        rows = ROW_BLOCK if last_row - row >= ROW_BLOCK else 1
        _panel(
            path, weights, panel, scales, groups, parts, group, inputs, stride, input_scales,
            corrections, row, rows, out, out_stride, outputs,
        )  # fmt: skip
        row += rows


@kernel
def matmul(
    path, weights, scales, groups, parts, group, inputs, stride, input_scales, corrections,
    first_row, last_row, out, out_stride, outputs,
):  # fmt: skip
    """Out ← inputs × weights.  Writes rows ``first_row`` … ``last_row − 1`` of ``out``.

    Args:
        path: `dot.VNNI`, `dot.AVX2` or `dot.PORTABLE`; its type chooses the code.
        weights: uint8, panels of 64 outputs × ``groups`` × 2,048 bytes, C-contiguous.
        scales: float32, panels × ``groups`` × 64.
        groups: Groups of 32 inputs.
        parts: Parts of the reduction that own groups.
        group: Parts of a first-phase group.
        inputs: int8, rows of ``stride``.
        stride: Bytes from one row of inputs to the next.
        input_scales: float32, rows × ``groups``.
        corrections: int32, rows × ``groups``: −128 · Σ of each group's inputs.
        first_row: First row to compute.
        last_row: One past the last.
        out: float32, rows of ``out_stride``; written.
        out_stride: Elements from one row of the output to the next.
        outputs: Outputs N; the last panel may be wider.

    Exactness:
        Bit-exact with ``engine.model.reference``'s quantised matmul of the same order.
    """
    for panel in range((outputs + PANEL - 1) // PANEL):
        _rows_of_panel(
            path, weights, panel, scales, groups, parts, group, inputs, stride, input_scales,
            corrections, first_row, last_row, out, out_stride, outputs,
        )  # fmt: skip


@parallel_kernel
def matmul_parallel(
    path, weights, scales, groups, parts, group, inputs, stride, input_scales, corrections,
    first_row, last_row, out, out_stride, outputs,
):  # fmt: skip
    """The same with panels shared among threads; a panel's sums stay in one thread."""
    for panel in prange((outputs + PANEL - 1) // PANEL):
        _rows_of_panel(
            path, weights, panel, scales, groups, parts, group, inputs, stride, input_scales,
            corrections, first_row, last_row, out, out_stride, outputs,
        )  # fmt: skip
