"""Cycles of one broadcast, reduction or all-reduce: by our costs, simulated, or as published.

Joins analytic costs, closed forms and the cycle tier; holds no formula itself.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import sqrt

from engine.errors import PredictionError
from engine.wafer.cost import collectives
from engine.wafer.cost.collectives import Collective, group_sizes
from engine.wafer.figures import calibration, closed_forms
from engine.wafer.figures.prediction import LARGEST_SIZE, Prediction, check_choice, check_size
from engine.wafer.figures.spreads import Spread, spread
from engine.wafer.jit import kernel_cache
from engine.wafer.program import machine as machines
from engine.wafer.program.machine import MachineSpec

__all__ = [
    "ALGORITHMS",
    "DTYPES",
    "MOST_TILE_CYCLES",
    "OPERATIONS",
    "WAYS",
    "CollectiveQuestion",
    "both_groups",
    "collective",
    "multicast",
    "nearest_groups",
    "simulate",
]

WAYS = ("analytic", "cycle", "formula")
"""By our own costs, by cycle-level simulation, or by the published closed form."""

DTYPES = ("fp32", "fp16")
OPERATIONS = ("broadcast", "reduce", "allreduce")
ALGORITHMS = ("star", "chain", "tree", "two-phase", "ring", "two-tree", "multicast")

_GROUPED = ("two-phase", "two-tree")

MOST_TILE_CYCLES = 2 * 10**9
"""Cores × cycles up to which the cycle tier is asked."""


@dataclass(frozen=True, slots=True)
class CollectiveQuestion:
    """A collective over P columns × R rows of any machine; X first, then Y."""

    op: str
    """One of `OPERATIONS`; an all-reduce is a reduction and a multicast, but for the ring."""
    algorithm: str
    """One of `ALGORITHMS` that ``op`` can use."""
    cores: int
    """P columns."""
    wavelets: int
    """B, the length of every core's vector in 32-bit wavelets."""
    rows: int = 1
    """R rows."""
    groups: int | None = None
    """G groups of P/G cores; None means the divisor of P nearest √P.  Of a two-phase reduction they
    need not divide P: the last group is smaller then."""
    dtype: str = "fp32"
    """Type of the numbers in a wavelet; decides the cost of an addition."""

    def on(self, machine: MachineSpec) -> Collective:
        """Return the collective on a machine, every default filled in.

        Raises:
            PredictionError: The groups do not divide the cores.
        """
        uneven = self.algorithm == "two-phase"
        groups = both_groups(self.cores, self.rows, self.groups, uneven=uneven)
        return Collective(
            machine, self.op, self.algorithm, self.cores, self.rows, self.wavelets, groups,
            self.dtype,
        )  # fmt: skip


def collective(
    machine: str,
    question: CollectiveQuestion,
    *,
    tier: str = "analytic",
    clock_ghz: float | None = None,
) -> Prediction:
    """Return the cycles from the first injection to the last result in memory.

    Args:
        machine: Name of the machine.
        question: What to predict.
        tier: One of `WAYS`.
        clock_ghz: A clock other than the machine's own.

    Raises:
        MachineError: The machine is unknown.
        PredictionError: A size or a combination makes no sense.
    """
    spec = machines.get(machine, clock_ghz)
    _check(question, spec, tier)
    asked = question.on(spec)
    facts: dict[str, object] = {
        "op": asked.op, "algorithm": asked.algorithm, "cores": asked.columns,
        "rows": asked.rows, "wavelets": asked.wavelets, "dtype": asked.dtype,
    }  # fmt: skip
    if asked.algorithm in _GROUPED:
        members, facts["group"], last = group_sizes(asked.columns, asked.groups[0])
        if last != members:
            facts["last_group_cores"] = last
    if tier == "formula":
        cycles = _formula(asked, question.groups)
    elif tier == "cycle":
        cycles = simulate(asked)
    else:
        cycles = collectives.cycles(asked)
    calibrated = calibration.is_calibrated(machine, asked.op)
    kind = "multicast" if asked.op == "broadcast" else "collective"
    given = _spread(spec, kind, tier)
    return Prediction(round(cycles), tier, spec, calibrated, facts, spread=given)


def multicast(
    machine: str,
    *,
    cores: int,
    payload_bytes: int,
    tier: str = "analytic",
    clock_ghz: float | None = None,
) -> Prediction:
    """Return the cycles of a multicast along a row of N cores, dispatch included.

    The sender is one of the N.  Alone it would have nobody to send to; N = 1 was measured to
    take as long as one hop, and is priced as one.

    Args:
        machine: Name of the machine.
        cores: N.
        payload_bytes: Bytes; whole wavelets of 4 travel.
        tier: One of `WAYS`; the formula is the measured one on `wse3`, else B + P + 2·T_R.
        clock_ghz: A clock other than the machine's own.

    Raises:
        MachineError: The machine is unknown.
        PredictionError: A size makes no sense.
    """
    spec = machines.get(machine, clock_ghz)
    check_choice("tier", tier, WAYS)
    check_size("cores", cores, spec.columns, f"columns of {machine}")
    check_size("bytes", payload_bytes, LARGEST_SIZE, "bytes")
    wavelets = -(-payload_bytes // 4)
    _check_vector(spec, wavelets, tier)
    if tier == "formula":
        cycles = (
            closed_forms.measured_multicast(cores, payload_bytes)
            if machine == "wse3"
            else closed_forms.broadcast(cores, wavelets, spec.ramp_cycles)
        )
    else:
        question = Collective(spec, "broadcast", "multicast", max(cores, 2), 1, wavelets)
        cycles = simulate(question) if tier == "cycle" else collectives.cycles(question)
    asked: dict[str, object] = {"cores": cores, "bytes": payload_bytes, "wavelets": wavelets}
    calibrated = calibration.is_calibrated(machine, "multicast")
    given = _spread(spec, "multicast", tier)
    return Prediction(round(cycles), tier, spec, calibrated, asked, spread=given)


def _spread(spec: MachineSpec, kind: str, tier: str) -> Spread | None:
    """Return the range of our own figures; a published closed form is what it is."""
    return None if tier == "formula" else spread(spec.name, kind)


def simulate(asked: Collective, *, reverse: bool = False) -> float:
    """Return the cycles of the cycle tier, if that can be simulated in reasonable time.

    Args:
        asked: The collective.
        reverse: Visit cores in the opposite order; nothing may change.

    Raises:
        PredictionError: It would take too long, or a ring's chunks are not equal.
    """
    if asked.cores == 1:
        return 0.0
    tile_cycles = asked.cores * collectives.cycles(asked)
    where = f"over {asked.columns} × {asked.rows} cores"
    if tile_cycles > MOST_TILE_CYCLES:
        raise PredictionError(
            f"{asked.op} by {asked.algorithm} {where} takes about {tile_cycles:.1e} "
            f"tile-cycles; up to {MOST_TILE_CYCLES:.0e} are simulated: use the analytic tier, "
            "fewer cores or a shorter vector"
        )
    if asked.algorithm == "ring" and any(asked.wavelets % cores for cores in asked.size):
        raise PredictionError(
            f"a ring {where} with {asked.wavelets} wavelets: the cycle tier cuts a "
            "vector into equal chunks; use a multiple of both sides, or the analytic tier"
        )
    kernel_cache.use()  # before the simulator is imported: numba fixes the folder then
    from engine.wafer.fabric import lone_collectives

    return lone_collectives.run(asked, reverse=reverse).cycles


# ── groups ──────────────────────────────────────────────────────────────────────────────────


def nearest_groups(cores: int) -> int:
    """Return the divisor of P nearest √P, the smaller of equals.

    Example:
        >>> nearest_groups(256), nearest_groups(512), nearest_groups(7)
        (16, 16, 1)
    """
    divisors = [g for g in range(1, cores + 1) if cores % g == 0]
    return min(divisors, key=lambda g: (abs(g - sqrt(cores)), g))


def both_groups(
    cores: int, rows: int, groups: int | None, *, uneven: bool = False
) -> tuple[int, int]:
    """Return the groups along X and along Y; a number asked for also holds for Y where it fits.

    Raises:
        PredictionError: The number asked for does not divide the cores, unless it may be
            ``uneven``, or is more than there are.
    """
    if groups is None:
        return nearest_groups(cores), nearest_groups(rows)
    if uneven and 1 <= groups <= cores:
        return groups, groups if rows == cores else nearest_groups(rows)
    if groups < 1 or cores % groups:
        raise PredictionError(
            f"{groups} groups of {cores} cores asked for; groups must divide the cores: "
            f"{_listed(g for g in range(1, cores + 1) if cores % g == 0)}"
        )
    return groups, groups if rows == cores else nearest_groups(rows)


# ── the published forms ─────────────────────────────────────────────────────────────────────


def _formula(asked: Collective, groups: int | None) -> float:
    """Return the published closed forms, X then Y; Y only where there is more than one row.

    ``groups`` is the number asked for.  Without one, each form takes the number that suits it best,
    not the one in ``asked``, which is for the tiers that run.
    """
    machine, wavelets = asked.machine, asked.wavelets
    back = closed_forms.broadcast_grid(asked.columns, asked.rows, wavelets, machine.ramp_cycles)
    if asked.op == "broadcast":
        return back
    total = sum(
        _formula_of_line(machine, asked.algorithm, cores, number, wavelets)
        for cores, number in (
            (asked.columns, groups),
            (asked.rows, groups if asked.rows == asked.columns else None),
        )
        if cores > 1
    )
    if asked.op == "reduce" or asked.algorithm == "ring" or asked.cores == 1:
        return total
    if asked.algorithm == "two-tree":
        back = closed_forms.two_tree_return(
            asked.columns, asked.rows, wavelets, ramp=machine.ramp_cycles
        )
    return total + back


def _formula_of_line(
    spec: MachineSpec, algorithm: str, cores: int, groups: int | None, wavelets: int
) -> float:
    ramp = spec.ramp_cycles
    simple: dict[str, Callable[[int, int, int], float]] = {
        "star": closed_forms.star,
        "chain": closed_forms.chain,
        "tree": closed_forms.tree,
        "ring": closed_forms.ring,
    }
    if algorithm in simple:
        return simple[algorithm](cores, wavelets, ramp)
    if algorithm == "two-phase":
        return closed_forms.two_phase(cores, wavelets, groups, ramp)
    number = nearest_groups(cores) if groups is None else groups
    return closed_forms.two_tree_reduce(cores, number, wavelets, ramp=ramp)


# ── checks ──────────────────────────────────────────────────────────────────────────────────


def _check(question: CollectiveQuestion, spec: MachineSpec, tier: str) -> None:
    check_choice("tier", tier, WAYS)
    check_choice("dtype", question.dtype, DTYPES)
    _check_algorithm(question.op, question.algorithm)
    check_size("cores", question.cores, spec.columns, f"columns of {spec.name}")
    check_size("rows", question.rows, spec.rows, f"rows of {spec.name}")
    _check_vector(spec, question.wavelets, tier)


def _check_algorithm(op: str, algorithm: str) -> None:
    check_choice("operation", op, OPERATIONS)
    check_choice("algorithm", algorithm, ALGORITHMS)
    if op == "broadcast":
        usable: tuple[str, ...] = ("multicast",)
    else:
        usable = tuple(name for name in ALGORITHMS if name != "multicast")
        if op == "reduce":
            usable = tuple(name for name in usable if name != "ring")
    if algorithm not in usable:
        raise PredictionError(f"no {op} by {algorithm}: use {' or '.join(usable)}")


def _check_vector(spec: MachineSpec, wavelets: int, tier: str) -> None:
    """Refuse a vector that one core's memory does not hold; the published forms know no memory."""
    check_size("wavelets", wavelets, LARGEST_SIZE, "32-bit wavelets")
    if tier != "formula" and 4 * wavelets > spec.sram_bytes:
        raise PredictionError(
            f"{wavelets} wavelets are {4 * wavelets} bytes and a core of {spec.name} has "
            f"{spec.sram_bytes} bytes of SRAM: use at most {spec.sram_bytes // 4}, or the "
            "formula tier"
        )


def _listed(values: Iterable[int]) -> str:
    return ", ".join(str(value) for value in values)
