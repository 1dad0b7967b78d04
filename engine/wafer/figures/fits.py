"""Fits constants to measured rows; anyone can repeat the fits.

Each fit minimises the squares of relative errors.  Holds no row and no result.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.wafer.figures.dedicated_prefill import DedicatedPrefill
from engine.wafer.figures.measured_rows import DecodeRow, MulticastRow, PrefillRow
from engine.wafer.figures.mesh_products import DedicatedConstants
from engine.wafer.figures.served_rows import ServedRow
from engine.wafer.figures.waferllm import DecodeConstants, PrefillConstants
from engine.wafer.program.machine import MachineSpec

__all__ = [
    "ServedConstants",
    "ServedFigures",
    "fit_decode",
    "fit_dedicated",
    "fit_multicast",
    "fit_prefill",
    "fit_served",
]

Floats = NDArray[np.float64]


def fit_decode(rows: Sequence[DecodeRow], machine: MachineSpec) -> DecodeConstants:
    """Fit the three constants of a decode layer on ``rows``, least squares of relative errors.

    The rows alone would make the vector overhead negative: products are a small part of a decode
    layer, and what grows with a vector is also in c_w.  So it may not fall below the machine's
    own, which GEMV and prefill agree on; the other two not below 0.
    """
    bounds = np.array([machine.vector_overhead_cycles, 0.0, 0.0])

    def predicted(values: Floats) -> Floats:
        constants = DecodeConstants(*values.tolist())
        return np.array([_sum(row.layer.operations(machine, constants)) for row in rows])

    start = np.array([6.0, 500.0, 20.0])
    return DecodeConstants(*_fit(_published(rows), predicted, start, bounds))


def fit_prefill(rows: Sequence[PrefillRow], machine: MachineSpec) -> PrefillConstants:
    """Fit the two constants of a prefill layer on ``rows``, least squares of relative errors."""

    def predicted(values: Floats) -> Floats:
        constants = PrefillConstants(*values.tolist())
        return np.array([_sum(row.layer.operations(machine, constants)) for row in rows])

    start = np.array([5.0, 350.0])
    return PrefillConstants(*_fit(_published(rows), predicted, start, np.zeros(2)))


def fit_dedicated(
    rows: Sequence[tuple[DedicatedPrefill, float]], machine: MachineSpec, overhead: float
) -> DedicatedConstants:
    """Fit the two step constants of a dedicated prefill, least squares of relative errors.

    Args:
        rows: Placements and their measured cycles.
        machine: The machine that was measured.
        overhead: Cycles of a vector instruction beyond its elements; read off a measured body.
    """

    def predicted(values: Floats) -> Floats:
        constants = DedicatedConstants(overhead, *values.tolist())
        return np.array([_sum(each.operations(machine, constants)) for each, _ in rows])

    published = np.array([cycles for _, cycles in rows])
    fitted = _fit(published, predicted, np.array([200.0, 400.0]), np.zeros(2))
    return DedicatedConstants(overhead, *fitted)


def fit_multicast(rows: Sequence[MulticastRow], machine: MachineSpec) -> tuple[float, float]:
    """Return (dispatch cycles, inject cycles a wavelet) of cycles = start + B·inject + (N − 1).

    The start is what is left after two ramps and the core's own cycle: the dispatch.
    """
    wavelets = np.array([row.payload_bytes / 4 for row in rows])
    rest = np.array([row.cycles - (row.cores - 1) * machine.hop_cycles for row in rows], float)
    design = np.stack([np.ones(wavelets.size), wavelets], axis=1)
    start, inject = np.linalg.lstsq(design, rest, rcond=None)[0]
    return float(start - 2 * machine.ramp_cycles - 1), float(inject)


@dataclass(frozen=True, slots=True)
class ServedConstants:
    """Constants of WSE-3 that only whole decode steps can settle."""

    task_cycles: int
    """`MachineSpec.task_cycles`: to set up a block of local work."""
    sample_cycles_per_logit: float
    """`MachineSpec.sample_cycles_per_logit`: to choose a token among so many."""


@dataclass(frozen=True, slots=True)
class ServedFigures:
    """A machine's figures for the placement that was measured."""

    cycles: tuple[int, ...]
    """Cycles of one token after each context asked for."""
    tail_share: float
    """Share of a token's cycles after the layers, at the first of them."""


def fit_served(
    rows: Sequence[ServedRow],
    tail_share: float,
    measure: Callable[[int, float, tuple[int, ...]], ServedFigures],
) -> ServedConstants:
    """Fit two constants of WSE-3 on decode rows and on the share of what follows the layers.

    Args:
        rows: Measured tokens.
        tail_share: Measured share of a step after the layers.
        measure: (task cycles, sample cycles, contexts) → the figures of a machine with these
            constants.  Cycles are all but linear in both, so three measurements are enough.
    """
    contexts = tuple(row.context for row in rows)

    def parts(task: int, sample: float) -> Floats:
        found = measure(task, sample, contexts)
        return np.array([*found.cycles, found.tail_share * found.cycles[0]], float)

    first = parts(0, 1.0)
    slopes = np.stack([(parts(100, 1.0) - first) / 100, (parts(0, 101.0) - first) / 100])

    def predicted(values: Floats) -> Floats:
        whole = first + (values - (0.0, 1.0)) @ slopes
        return np.array([*whole[:-1], whole[-1] / whole[0]])

    published = np.array([*(row.cycles for row in rows), tail_share], float)
    task, sample = _fit(published, predicted, np.array([50.0, 50.0]), np.zeros(2))
    return ServedConstants(round(task), round(sample, 1))


def _sum(operations: Sequence[tuple[str, float]]) -> float:
    return sum(cycles for _, cycles in operations)


def _published(rows: Sequence[DecodeRow] | Sequence[PrefillRow]) -> Floats:
    return np.array([row.cycles for row in rows])


def _fit(
    published: Floats,
    predicted: Callable[[Floats], Floats],
    start: Floats,
    bounds: Floats,
) -> list[float]:
    """Return the constants with the least sum of squared relative errors, none below its bound.

    Gauss–Newton with differences of one, exact where cycles are linear in the constants; a
    constant that would cross its bound stays there and the others are fitted again.
    """
    free = np.ones(start.size, bool)
    while True:
        values = _gauss_newton(published, predicted, np.where(free, start, bounds), free)
        crossed = free & (values < bounds)
        if not crossed.any():
            return [float(value) for value in values]
        free &= ~crossed


def _gauss_newton(
    published: Floats,
    predicted: Callable[[Floats], Floats],
    values: Floats,
    free: NDArray[np.bool_],
) -> Floats:
    for _ in range(20):
        now = predicted(values) / published - 1.0
        slopes = [
            predicted(values + unit) / published - 1.0 - now for unit in np.eye(values.size)[free]
        ]
        step = np.linalg.lstsq(np.stack(slopes, axis=1), now, rcond=None)[0]
        values = values.copy()
        values[free] -= step
        if np.abs(step).max() < 1e-9:
            break
    return values
