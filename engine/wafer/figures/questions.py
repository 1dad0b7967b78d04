"""What ``wafer predict`` is asked, checked and answered: sizes of any kind → cycles.

Joins formulas, analytic costs, calibration and the cycle tier; holds no formula itself.  Every
refusal says what was asked, the limit and what to do.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import sqrt

from engine.errors import PredictionError
from engine.units import Gigahertz, seconds
from engine.wafer.cost import collectives
from engine.wafer.cost.collectives import Collective
from engine.wafer.figures import calibration, closed_forms, waferllm
from engine.wafer.figures.waferllm import DecodeLayer, Operations, PrefillLayer
from engine.wafer.program import machine as machines
from engine.wafer.program.machine import MachineSpec

__all__ = [
    "ALGORITHMS",
    "DTYPES",
    "MOST_TILE_CYCLES",
    "OPERATIONS",
    "TIERS",
    "Prediction",
    "collective",
    "decode_layer",
    "gemv",
    "multicast",
    "nearest_groups",
    "prefill_layer",
]

TIERS = ("analytic", "cycle", "formula")
DTYPES = ("fp32", "fp16")
OPERATIONS = ("broadcast", "reduce", "allreduce")
ALGORITHMS = ("star", "chain", "tree", "two-phase", "ring", "two-tree", "multicast")

_GROUPED = ("two-phase", "two-tree")
_LARGEST = 10**9
"""A size above this is a slip."""

MOST_TILE_CYCLES = 2 * 10**9
"""Cores × cycles up to which the cycle tier is asked."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """An answer: wafer cycles and what they rest on."""

    cycles: int
    tier: str
    machine: MachineSpec
    calibrated: bool
    """False where no measurement of this machine was fitted."""
    asked: dict[str, object]
    """The question with every default filled in."""
    operations: Operations = ()
    """(name, cycles) of the parts, where there are any."""
    key: str = "cycles"
    """What the cycles are called."""

    def as_json(self) -> dict[str, object]:
        """Return the object that ``--json`` prints."""
        clock = Gigahertz(self.machine.clock_ghz)
        answer: dict[str, object] = {
            self.key: self.cycles,
            "tier": self.tier,
            "machine": self.machine.name,
            "clock_ghz": self.machine.clock_ghz,
            "seconds": seconds(self.cycles, clock),
            "calibrated": self.calibrated,
        }
        parts = {"operations": {name: round(cycles, 1) for name, cycles in self.operations}}
        return answer | self.asked | (parts if self.operations else {})


# ── collectives ─────────────────────────────────────────────────────────────────────────────


def collective(
    machine: str,
    *,
    op: str,
    algorithm: str,
    cores: int,
    wavelets: int,
    rows: int = 1,
    groups: int | None = None,
    dtype: str = "fp32",
    tier: str = "analytic",
    clock_ghz: float | None = None,
) -> Prediction:
    """Return the cycles from the first injection to the last result in memory.

    Args:
        machine: Name of the machine.
        op: One of `OPERATIONS`; an all-reduce is a reduction and a multicast, but for the ring.
        algorithm: One of `ALGORITHMS` that ``op`` can use.
        cores: P columns.
        wavelets: B, the length of every core's vector in 32-bit wavelets.
        rows: R rows; X first, then Y.
        groups: G groups of P/G cores; None means the divisor of P nearest √P.
        dtype: What a wavelet holds; decides what an addition costs.
        tier: One of `TIERS`.
        clock_ghz: A clock other than the machine's own.

    Raises:
        MachineError: The machine is unknown.
        PredictionError: A size or a combination makes no sense.
    """
    spec = machines.get(machine, clock_ghz)
    _check_choice("tier", tier, TIERS)
    _check_choice("dtype", dtype, DTYPES)
    _check_algorithm(op, algorithm)
    _check_size("cores", cores, spec.columns, f"columns of {machine}")
    _check_size("rows", rows, spec.rows, f"rows of {machine}")
    _check_vector(spec, wavelets, tier)
    along_x, along_y = _both_groups(cores, rows, groups)
    asked: dict[str, object] = {
        "op": op, "algorithm": algorithm, "cores": cores, "rows": rows,
        "wavelets": wavelets, "dtype": dtype,
    }  # fmt: skip
    if algorithm in _GROUPED:
        asked["group"] = along_x
    question = Collective(spec, op, algorithm, cores, rows, wavelets, (along_x, along_y), dtype)
    if tier == "formula":
        cycles = _formula(question, groups)
    elif tier == "cycle":
        cycles = _simulated(question)
    else:
        cycles = collectives.cycles(question)
    calibrated = calibration.is_calibrated(machine, op)
    return Prediction(round(cycles), tier, spec, calibrated, asked)


def nearest_groups(cores: int) -> int:
    """Return the divisor of P nearest √P, the smaller of equals.

    Example:
        >>> nearest_groups(256), nearest_groups(512), nearest_groups(7)
        (16, 16, 1)
    """
    divisors = [g for g in range(1, cores + 1) if cores % g == 0]
    return min(divisors, key=lambda g: (abs(g - sqrt(cores)), g))


def _both_groups(cores: int, rows: int, groups: int | None) -> tuple[int, int]:
    """Groups along X and along Y; a number that was asked for holds for Y where it fits both."""
    if groups is None:
        return nearest_groups(cores), nearest_groups(rows)
    if groups < 1 or cores % groups:
        raise PredictionError(
            f"{groups} groups of {cores} cores asked for; groups must divide the cores: "
            f"{_listed(g for g in range(1, cores + 1) if cores % g == 0)}"
        )
    return groups, groups if rows == cores else nearest_groups(rows)


def _formula(asked: Collective, groups: int | None) -> float:
    """The published closed forms, X then Y; along Y only where there is more than one row.

    ``groups`` is what was asked for: without it each form takes the number that is best for it, not
    the one that ``asked`` holds for the tiers that run.
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


def _simulated(asked: Collective) -> float:
    """Cycles of the cycle tier, if that can be simulated in reasonable time."""
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
    from engine.wafer.jit import kernel_cache

    kernel_cache.use()
    from engine.wafer.fabric import lone_collectives

    return lone_collectives.run(asked).cycles


def multicast(
    machine: str,
    *,
    cores: int,
    payload_bytes: int,
    tier: str = "analytic",
    clock_ghz: float | None = None,
) -> Prediction:
    """Return the cycles of a multicast along a row of N cores, dispatch included.

    The sender is one of the N.  Alone it has nobody to send to: what was measured as N = 1 is as
    long as one hop, and is taken as such.

    Args:
        machine: Name of the machine.
        cores: N.
        payload_bytes: Bytes; whole wavelets of 4 travel.
        tier: One of `TIERS`; the formula is the measured one on `wse3`, else B + P + 2·T_R.
        clock_ghz: A clock other than the machine's own.

    Raises:
        MachineError: The machine is unknown.
        PredictionError: A size makes no sense.
    """
    spec = machines.get(machine, clock_ghz)
    _check_choice("tier", tier, TIERS)
    _check_size("cores", cores, spec.columns, f"columns of {machine}")
    _check_size("bytes", payload_bytes, _LARGEST, "bytes")
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
        cycles = _simulated(question) if tier == "cycle" else collectives.cycles(question)
    asked: dict[str, object] = {"cores": cores, "bytes": payload_bytes, "wavelets": wavelets}
    calibrated = calibration.is_calibrated(machine, "multicast")
    return Prediction(round(cycles), tier, spec, calibrated, asked)


# ── WaferLLM ────────────────────────────────────────────────────────────────────────────────


def gemv(
    machine: str,
    *,
    k: int,
    n: int,
    side: int,
    groups: int | None = None,
    clock_ghz: float | None = None,
) -> Prediction:
    """Return the cycles of y[1, N] = x[1, K]·W in fp16 on P × P cores, all-reduce included.

    Args:
        machine: Name of the machine.
        k: K, inputs.
        n: N, outputs.
        side: P.
        groups: Groups of the two-tree; None means the divisor of P nearest √P.
        clock_ghz: A clock other than the machine's own.

    Raises:
        MachineError: The machine is unknown.
        PredictionError: A size makes no sense.
        PlacementError: A core's tile does not fit its SRAM.
    """
    spec = _square(machine, side, clock_ghz)
    _check_size("k", k, _LARGEST, "inputs")
    _check_size("n", n, _LARGEST, "outputs")
    number, _ = _both_groups(side, side, groups)
    operations = waferllm.gemv_operations(spec, k, n, side, number)
    return _layer(spec, "gemv", operations, {"k": k, "n": n, "side": side, "group": number})


def decode_layer(
    machine: str,
    *,
    dim: int,
    ffn: int,
    seq: int,
    side: int,
    groups: int | None = None,
    clock_ghz: float | None = None,
) -> Prediction:
    """Return the cycles of one decode layer in WaferLLM's way.

    Args:
        machine: Name of the machine; the constants are WSE-2's on every machine.
        dim: Width of the residual stream.
        ffn: Width of the feed-forward activations.
        seq: Rows in the KV cache.
        side: P.
        groups: Groups of the two-tree; None means the divisor of P nearest √P.
        clock_ghz: A clock other than the machine's own.

    Raises:
        MachineError: The machine is unknown.
        PredictionError: A size makes no sense.
        PlacementError: A core's share of the layer does not fit its SRAM.
    """
    spec = _square(machine, side, clock_ghz)
    for name, size in (("dim", dim), ("ffn", ffn), ("seq", seq)):
        _check_size(name, size, _LARGEST, "elements")
    number, _ = _both_groups(side, side, groups)
    layer = DecodeLayer(dim, ffn, seq, side, number)
    asked: dict[str, object] = {
        "dim": dim, "ffn": ffn, "seq": seq, "side": side, "group": number,
    }  # fmt: skip
    operations = layer.operations(spec, calibration.WSE2_DECODE)
    return _layer(spec, "decode-layer", operations, asked)


def prefill_layer(
    machine: str,
    *,
    dim: int,
    ffn: int,
    tokens: int,
    side: int,
    clock_ghz: float | None = None,
) -> Prediction:
    """Return the cycles of one prefill layer of ``tokens`` tokens in WaferLLM's way.

    Args:
        machine: Name of the machine; the constants are WSE-2's on every machine.
        dim: Width of the residual stream.
        ffn: Width of the feed-forward activations.
        tokens: T.
        side: P.
        clock_ghz: A clock other than the machine's own.

    Raises:
        MachineError: The machine is unknown.
        PredictionError: A size makes no sense.
        PlacementError: A core's share of the layer does not fit its SRAM.
    """
    spec = _square(machine, side, clock_ghz)
    for name, size in (("dim", dim), ("ffn", ffn), ("tokens", tokens)):
        _check_size(name, size, _LARGEST, "elements")
    layer = PrefillLayer(dim, ffn, tokens, side)
    operations = layer.operations(spec, calibration.WSE2_PREFILL)
    asked: dict[str, object] = {"dim": dim, "ffn": ffn, "tokens": tokens, "side": side}
    return _layer(spec, "prefill-layer", operations, asked)


def _square(machine: str, side: int, clock_ghz: float | None) -> MachineSpec:
    spec = machines.get(machine, clock_ghz)
    _check_size("side", side, min(spec.columns, spec.rows), f"cores a side on {machine}")
    return spec


def _layer(
    spec: MachineSpec, kind: str, operations: Operations, asked: dict[str, object]
) -> Prediction:
    calibrated = calibration.is_calibrated(spec.name, kind)
    cycles = waferllm.total(operations)
    return Prediction(cycles, "analytic", spec, calibrated, asked, operations)


# ── checks ──────────────────────────────────────────────────────────────────────────────────


def _check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise PredictionError(f"unknown {name} {value!r}: known are {', '.join(allowed)}")


def _check_algorithm(op: str, algorithm: str) -> None:
    _check_choice("operation", op, OPERATIONS)
    _check_choice("algorithm", algorithm, ALGORITHMS)
    if op == "broadcast":
        usable: tuple[str, ...] = ("multicast",)
    else:
        usable = tuple(name for name in ALGORITHMS if name != "multicast")
        if op == "reduce":
            usable = tuple(name for name in usable if name != "ring")
    if algorithm not in usable:
        raise PredictionError(f"no {op} by {algorithm}: use {' or '.join(usable)}")


def _check_size(name: str, value: int, most: int, of: str) -> None:
    if not 1 <= value <= most:
        raise PredictionError(f"{name} is {value}: it must be 1 to {most} ({of})")


def _check_vector(spec: MachineSpec, wavelets: int, tier: str) -> None:
    """A vector lies in one core's memory; the published forms know no memory."""
    _check_size("wavelets", wavelets, _LARGEST, "32-bit wavelets")
    if tier != "formula" and 4 * wavelets > spec.sram_bytes:
        raise PredictionError(
            f"{wavelets} wavelets are {4 * wavelets} bytes and a core of {spec.name} has "
            f"{spec.sram_bytes} bytes of SRAM: use at most {spec.sram_bytes // 4}, or the "
            "formula tier"
        )


def _listed(values: Iterable[int]) -> str:
    return ", ".join(str(value) for value in values)
