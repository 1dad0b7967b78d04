"""Calibration: every constant of a prediction that no data sheet gives, and what it rests on.

The fitted values stand here; `measured_rows` and `served_rows` have the rows, `fits` how they were
fitted.  Identities, measured and fitted constants are told apart.

Sources: [S1] He et al., WaferLLM (OSDI 2025); [S5] lab notes on a physical CS-3 (unreviewed).
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from engine.wafer.figures.fits import ServedConstants, fit_decode, fit_prefill
from engine.wafer.figures.measured_rows import (
    DECODE_ROWS,
    MULTICAST_ROWS,
    PREFILL_ROWS,
    DecodeRow,
    MulticastRow,
    PrefillRow,
)
from engine.wafer.figures.mesh_products import DedicatedConstants
from engine.wafer.figures.served_rows import (
    DEDICATED_ROWS,
    FORCED_ROWS,
    SERVED_FORCED_SHARES,
    SERVED_ROWS,
    DedicatedRow,
    ServedRow,
)
from engine.wafer.figures.waferllm import DecodeConstants, PrefillConstants
from engine.wafer.program import machine as machines

__all__ = [
    "WSE2_DECODE",
    "WSE2_PREFILL",
    "WSE3_DEDICATED",
    "WSE3_SERVED",
    "WSE3_SERVED_RANGES",
    "Constant",
    "Origin",
    "constants",
    "facts",
    "is_calibrated",
]

_Row = TypeVar("_Row")
_Constants = TypeVar("_Constants")

WSE2_DECODE = DecodeConstants(
    vector_overhead_cycles=6.0, collective_cycles=508.6729, wavelet_cycles=21.8076
)
"""`fit_decode` on the fitted `DECODE_ROWS`; a test fits again."""

WSE2_PREFILL = PrefillConstants(vector_overhead_cycles=4.7130, step_cycles=354.4228)
"""`fit_prefill` on the fitted `PREFILL_ROWS`; a test fits again."""


WSE3_SERVED = ServedConstants(task_cycles=182, sample_cycles_per_logit=61.9)
"""`fit_served` on the fitted `SERVED_ROWS` and the tail's share; a test fits again.  The preset
`wse3` has both."""


WSE3_DEDICATED = DedicatedConstants(
    vector_overhead_cycles=4.98016, step_cycles=189.3755, attention_step_cycles=420.7379
)
"""The first is read off `PRODUCT_BODY_CYCLES`, a mean over 192 instructions of one cycle each; the
others are `fit_dedicated` on the fitted `DEDICATED_ROWS`.  A test fits again."""


class Origin(Enum):
    """Where a constant comes from."""

    IDENTITY = "identity"
    """Follows from a definition or from a published model that is taken as it stands."""
    MEASURED = "measured"
    """Read off measurements of this machine, with nothing to choose: exact to the cycle."""
    FITTED = "fitted"
    """The best fit of a formula that does not meet every row."""
    ASSUMED = "assumed"
    """No source."""


@dataclass(frozen=True, slots=True)
class Constant:
    """One constant of a prediction."""

    name: str
    machine: str
    value: float
    unit: str
    origin: Origin
    source: str
    fitted_on: tuple[str, ...] = ()
    """Rows it was fitted on, or read off."""
    kept_out: tuple[str, ...] = ()
    """Rows it was not fitted on; `wafer validate` prints their errors."""
    range: tuple[float, float] | None = None
    """(least, most) of the fits that leave one of its rows out; None where there is no fit."""


WSE3_SERVED_RANGES = {"task_cycles": (170.0, 190.0), "sample_cycles_per_logit": (60.3, 68.9)}
"""(Least, most) of `fit_served` without one of its rows; a test fits again.  The others are found
when they are asked for: they take no time."""


def _left_out(
    rows: Sequence[_Row], fit: Callable[[Sequence[_Row]], _Constants], name: str
) -> tuple[float, float]:
    """Return (least, most) of a constant over the fits that leave one row out."""
    found = [
        float(getattr(fit([other for other in rows if other is not row]), name)) for row in rows
    ]
    return min(found), max(found)


@cache
def constants() -> tuple[Constant, ...]:
    """Return every constant of `wafer predict` and `wafer validate`, by machine."""
    return (*_wse2_constants(), *_wse3_constants())


def _names(
    rows: Sequence[DecodeRow | PrefillRow | MulticastRow | ServedRow | DedicatedRow],
    *,
    fitted: bool,
) -> tuple[str, ...]:
    return tuple(row.name for row in rows if row.fitted == fitted)


def _wse2_constants() -> list[Constant]:
    spec = machines.get("wse2")
    decode = _names(DECODE_ROWS, fitted=True), _names(DECODE_ROWS, fitted=False)
    prefill = _names(PREFILL_ROWS, fitted=True), _names(PREFILL_ROWS, fitted=False)

    def of_decode(name: str, field: str, unit: str) -> Constant:
        rows = [row for row in DECODE_ROWS if row.fitted]
        found = _left_out(rows, lambda some: fit_decode(some, spec), field)
        value = getattr(WSE2_DECODE, field)
        return Constant(name, "wse2", value, unit, Origin.FITTED, "[S1]", *decode, found)

    def of_prefill(name: str, field: str, unit: str) -> Constant:
        rows = [row for row in PREFILL_ROWS if row.fitted]
        found = _left_out(rows, lambda some: fit_prefill(some, spec), field)
        value = getattr(WSE2_PREFILL, field)
        return Constant(name, "wse2", value, unit, Origin.FITTED, "[S1]", *prefill, found)

    def given(name: str, value: float, unit: str, source: str) -> Constant:
        return Constant(name, "wse2", value, unit, Origin.IDENTITY, source)

    return [
        given("ramp", spec.ramp_cycles, "cycles", "T_R of Luczynski et al., HPDC 2024"),
        given("hop", spec.hop_cycles, "cycles", "the same"),
        given("inject", spec.inject_cycles_per_wavelet, "cycles a wavelet", "the same"),
        given("dispatch", spec.dispatch_cycles, "cycles", "the same: its model has none"),
        Constant(
            "fp16 add", "wse2", spec.add_fp16_cycles_per_wavelet, "cycles a wavelet",
            Origin.ASSUMED, "two values a wavelet, one a cycle",
        ),
        Constant(
            "vector overhead", "wse2", spec.vector_overhead_cycles, "cycles an instruction",
            Origin.ASSUMED, "between what prefill and a GEMV of 16K ask for", (), ("GEMV 16K",),
        ),
        Constant(
            "core watts", "wse2", spec.core_watts, "watts a placed core", Origin.MEASURED,
            "JIP 34 (2026), p. 132", ("GEMM 33,000²",),
        ),
        Constant(
            "operation", "wse2", spec.operation_picojoules, "picojoules", Origin.MEASURED,
            "JIP 34 (2026), p. 132", ("GEMM 33,000²",),
        ),
        of_decode("decode: vector overhead", "vector_overhead_cycles",
                  "cycles an instruction (on its bound)"),
        of_decode("decode: collective", "collective_cycles", "cycles an all-reduce"),
        of_decode("decode: wavelet", "wavelet_cycles", "cycles a wavelet"),
        of_prefill("prefill: vector overhead", "vector_overhead_cycles", "cycles an instruction"),
        of_prefill("prefill: step", "step_cycles", "cycles a compute-shift step"),
    ]  # fmt: skip


def _wse3_constants() -> list[Constant]:
    spec = machines.get("wse3")
    rows = _names(MULTICAST_ROWS, fitted=True), _names(MULTICAST_ROWS, fitted=False)
    served = (
        _names(SERVED_ROWS, fitted=True),
        (
            *_names(SERVED_ROWS, fitted=False),
            "slope",
            *(f"known tokens after {row.prefix}" for row in FORCED_ROWS),
            *(f"pipelining with {blocks} blocks" for blocks in SERVED_FORCED_SHARES),
        ),
    )
    dedicated = _names(DEDICATED_ROWS, fitted=True), _names(DEDICATED_ROWS, fitted=False)
    return [
        Constant(
            "dispatch", "wse3", spec.dispatch_cycles, "cycles", Origin.MEASURED, "[S5]", *rows
        ),
        Constant(
            "inject", "wse3", spec.inject_cycles_per_wavelet, "cycles a wavelet",
            Origin.MEASURED, "[S5]", *rows,
        ),
        Constant(
            "ramp", "wse3", spec.ramp_cycles, "cycles", Origin.IDENTITY, "as on WSE-2, assumed"
        ),
        Constant("hop", "wse3", spec.hop_cycles, "cycles", Origin.MEASURED, "[S5]", *rows),
        Constant(
            "task", "wse3", spec.task_cycles, "cycles a block of local work",
            Origin.FITTED, "[S5]", *served, WSE3_SERVED_RANGES["task_cycles"],
        ),
        Constant(
            "sample", "wse3", spec.sample_cycles_per_logit, "cycles a logit of the fullest core",
            Origin.FITTED, "[S5]", ("share of the tail",), served[1],
            WSE3_SERVED_RANGES["sample_cycles_per_logit"],
        ),
        Constant(
            "dedicated prefill: vector overhead", "wse3", WSE3_DEDICATED.vector_overhead_cycles,
            "cycles an instruction", Origin.MEASURED, "[S5]", ("body of a product's step",),
        ),
        Constant(
            "dedicated prefill: step", "wse3", WSE3_DEDICATED.step_cycles,
            "cycles a step of a product", Origin.FITTED, "[S5]", *dedicated,
        ),
        Constant(
            "dedicated prefill: attention", "wse3", WSE3_DEDICATED.attention_step_cycles,
            "cycles a step of an attention's product", Origin.FITTED, "[S5]", *dedicated,
        ),
    ]  # fmt: skip


def facts() -> list[dict[str, Any]]:
    """Return every constant as one object, for ``wafer validate``."""
    return [asdict(constant) | {"origin": constant.origin.value} for constant in constants()]


_CALIBRATED = {
    ("wse2", "gemv"),
    ("wse2", "decode-layer"),
    ("wse2", "prefill-layer"),
    ("wse3", "multicast"),
    ("wse3", "broadcast"),
    ("wse3", "decode"),
    ("wse3", "prefill"),
}


def is_calibrated(machine: str, what: str) -> bool:
    """Return whether a measurement of this machine was fitted for this kind of prediction."""
    return (machine, what) in _CALIBRATED
