"""Published closed forms, as printed: cycles of collectives, of GEMV and of GEMM shifts.

Arithmetic only: no machine but the numbers passed in, no rounding, nothing fitted.  These are held
against `engine.wafer.cost.collectives`, which prices our own emulated machine.

Symbols: P cores of a row, B = wavelets of a vector, T_R = `ramp` cycles between a core and its
router, σ = 2·T_R + 1 cycles of one software stage.  Sources: [S1] He et al., WaferLLM (OSDI 2025)
and its code; [S2] Luczynski et al., Near-Optimal Wafer-Scale Reduce (HPDC 2024); [S5] lab notes
on a physical CS-3 (unreviewed).
"""

from math import ceil, log2, sqrt

__all__ = [
    "broadcast",
    "broadcast_grid",
    "chain",
    "measured_multicast",
    "ring",
    "star",
    "tree",
    "two_phase",
    "two_tree_allreduce",
    "two_tree_reduce",
    "two_tree_return",
]

PUBLISHED_RAMP_CYCLES = 2
"""T_R of [S2], also hard-coded in its scripts."""


def _stage(ramp: int) -> int:
    """σ: cycles of one software stage, two ramps and the core's own cycle."""
    return 2 * ramp + 1


def broadcast(cores: int, wavelets: int, ramp: int = PUBLISHED_RAMP_CYCLES) -> float:
    """Return the cycles of a multicast along a row: B + P + 2·T_R [S2]."""
    return wavelets + cores + 2 * ramp


def broadcast_grid(
    columns: int, rows: int, wavelets: int, ramp: int = PUBLISHED_RAMP_CYCLES
) -> float:
    """Return the cycles of a multicast over a × b cores: B + a + b − 2 + 2·T_R + 1 [S2]."""
    return wavelets + columns + rows - 2 + _stage(ramp)


def star(cores: int, wavelets: int, ramp: int = PUBLISHED_RAMP_CYCLES) -> float:
    """Return the cycles of a star reduction, all senders to one root: B·(P − 1) + σ [S2]."""
    return wavelets * (cores - 1) + _stage(ramp)


def chain(cores: int, wavelets: int, ramp: int = PUBLISHED_RAMP_CYCLES) -> float:
    """Return the cycles of a pipelined chain reduction: B + (2·T_R + 2)·(P − 1) [S2]."""
    return wavelets + (2 * ramp + 2) * (cores - 1)


def tree(cores: int, wavelets: int, ramp: int = PUBLISHED_RAMP_CYCLES) -> float:
    """Return the cycles of a binary tree reduction.

    max(B·log₂P, B·P/(2·(P − 1))·log₂P + P − 1) + σ·log₂P [S2]; P need not be a power of two.
    """
    if cores == 1:
        return float(wavelets)
    depth = log2(cores)
    spread = wavelets * cores / (2 * (cores - 1)) * depth + cores - 1
    return max(wavelets * depth, spread) + _stage(ramp) * depth


def two_phase(
    cores: int, wavelets: int, groups: int | None = None, ramp: int = PUBLISHED_RAMP_CYCLES
) -> float:
    """Return the cycles of a two-phase reduction: chains in groups, then a chain of their roots.

    Args:
        cores: P.
        wavelets: B.
        groups: G groups of P/G cores; None means √P groups, whole or not, as published.
        ramp: T_R.

    Source:
        [S2], terms assembled for √P groups: max(2B, 2B·(P − √P)/(P − 1) + P − 1) +
        σ·(2·√P − 2).  With G groups of m cores the energy is B·(2P − G − m) and the depth
        m + G − 2; one group, or groups of one core, is the chain.
    """
    if cores == 1:
        return float(wavelets)
    number = sqrt(cores) if groups is None else groups
    members = cores / number
    streams = 1 if number == 1 or members == 1 else 2
    spread = wavelets * (2 * cores - number - members) / (cores - 1) + cores - 1
    return max(streams * wavelets, spread) + _stage(ramp) * (members + number - 2)


def ring(cores: int, wavelets: int, ramp: int = PUBLISHED_RAMP_CYCLES) -> float:
    """Return the cycles of a ring all-reduce: 2·(P − 1)·B/P + 4P − 6 + 2·(P − 1)·σ [S2]."""
    if cores == 1:
        return float(wavelets)
    return 2 * (cores - 1) * wavelets / cores + 4 * cores - 6 + 2 * (cores - 1) * _stage(ramp)


def two_tree_reduce(
    cores: int,
    groups: int,
    wavelets: float,
    *,
    ramp: int = PUBLISHED_RAMP_CYCLES,
    hop: float = 1.0,
    per_wavelet: float = 2.0,
) -> float:
    """Return the cycles of WaferLLM's two-tree up to the middle core, without the way back [S1].

    Args:
        cores: P.
        groups: g groups of m = P/g cores.
        wavelets: B, two fp16 each.
        ramp: T_R.
        hop: Cycles a hop, α.
        per_wavelet: Cycles a wavelet takes in each of the two phases.

    Source:
        Read in its code: m/2 + (g/2)·m hops, m/2 + g/2 stages of σ, two phases of 2 cycles a
        wavelet of packed fp16 (the 2 is assumed).
    """
    members = cores / groups
    hops = members / 2 + groups / 2 * members
    stages = members / 2 + groups / 2
    return hop * hops + _stage(ramp) * stages + 2 * per_wavelet * wavelets


def two_tree_return(
    columns: int,
    rows: int,
    wavelets: float,
    *,
    ramp: int = PUBLISHED_RAMP_CYCLES,
    hop: float = 1.0,
    per_wavelet: float = 2.0,
) -> float:
    """Return the cycles of the multicast from the middle back to all cores [S1].

    P/2 hops along every axis that has more than one core, one stage, and a third time B wavelets.
    """
    hops = sum(cores / 2 for cores in (columns, rows) if cores > 1)
    return hop * hops + _stage(ramp) + per_wavelet * wavelets


def two_tree_allreduce(
    cores: int,
    groups: int,
    wavelets: float,
    *,
    ramp: int = PUBLISHED_RAMP_CYCLES,
    hop: float = 1.0,
    per_wavelet: float = 2.0,
) -> float:
    """Return the cycles of WaferLLM's two-tree all-reduce as read in its code [S1].

    hops·α + stages·σ + 6·B with hops = m/2 + (g/2)·m + P/2 and stages = m/2 + g/2 + 1.  Arguments
    as in `two_tree_reduce`.
    """
    return two_tree_reduce(
        cores, groups, wavelets, ramp=ramp, hop=hop, per_wavelet=per_wavelet
    ) + two_tree_return(cores, 1, wavelets, ramp=ramp, hop=hop, per_wavelet=per_wavelet)


def measured_multicast(cores: int, payload_bytes: int) -> float:
    """Return the fitted minimum of a row multicast on a CS-3, its start included [S5].

    20 + 9·⌈bytes/4⌉/8 + (N − 1), and one cycle more for N = 1; exact to the cycle on 19 of the 20
    measured minima, the last never saw the fast dispatch.
    """
    return 20 + 9 * ceil(payload_bytes / 4) / 8 + (cores - 1) + (cores == 1)
