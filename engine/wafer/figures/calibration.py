"""Calibration: every constant of a prediction that no data sheet gives, and what it rests on.

One place for the measured rows, for which of them were fitted and which kept out, for the fitted
values and for the fit itself, which anyone can repeat (`fit_decode`, `fit_prefill`,
`fit_multicast`).  WSE-2 and
WSE-3 share nothing; identities, measured and fitted constants are told apart.

Sources: [S1] He et al., WaferLLM (OSDI 2025), tables 2 to 6; [S5] lab notes on a physical CS-3
(unreviewed).
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.wafer.figures.waferllm import (
    DecodeConstants,
    DecodeLayer,
    PrefillConstants,
    PrefillLayer,
)
from engine.wafer.program import machine as machines
from engine.wafer.program.machine import MachineSpec

__all__ = [
    "DECODE_ROWS",
    "MULTICAST_ROWS",
    "PREFILL_ROWS",
    "SERVED_ROWS",
    "WSE2_DECODE",
    "WSE2_PREFILL",
    "WSE3_SERVED",
    "Constant",
    "DecodeRow",
    "MulticastRow",
    "Origin",
    "PrefillRow",
    "ServedConstants",
    "ServedRow",
    "constants",
    "facts",
    "fit_decode",
    "fit_multicast",
    "fit_prefill",
    "fit_served",
    "is_calibrated",
]

WAFERLLM_CLOCK_GHZ = 1.1
"""What WaferLLM's scripts divide cycles by; turns its tokens a second back into cycles [S1]."""

Floats = NDArray[np.float64]


# ── measured rows ───────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class DecodeRow:
    """A published decode rate: one layer was timed and multiplied by the number of layers."""

    model: str
    layer: DecodeLayer
    layers: int
    tokens_per_second: float
    fitted: bool
    table: str
    """Where it stands in [S1]."""

    @property
    def name(self) -> str:
        """Model and core grid."""
        return f"{self.model} @{self.layer.side}²"

    @property
    def cycles(self) -> float:
        """Cycles of one layer and token."""
        return WAFERLLM_CLOCK_GHZ * 1e9 / (self.tokens_per_second * self.layers)


@dataclass(frozen=True, slots=True)
class PrefillRow:
    """A published prefill rate."""

    model: str
    layer: PrefillLayer
    layers: int
    tokens_per_second: float
    fitted: bool
    table: str

    @property
    def name(self) -> str:
        """Model and core grid."""
        return f"{self.model} @{self.layer.side}²"

    @property
    def cycles(self) -> float:
        """Cycles of one layer and all tokens."""
        rate = self.tokens_per_second * self.layers
        return WAFERLLM_CLOCK_GHZ * 1e9 * self.layer.tokens / rate


def _rate_between(short: tuple[int, float], long: tuple[int, float]) -> float:
    """Return decode tokens a second from two end-to-end rates with the same prompt or near it.

    Args:
        short: (output tokens, tokens a second of the whole request).
        long: The same of a longer output.
    """
    seconds = long[0] / long[1] - short[0] / short[1]
    return (long[0] - short[0]) / seconds


def _decode_rows() -> tuple[DecodeRow, ...]:
    """Table 4 with the padded sizes of the code's configurations, and two rates from table 2."""
    small, large = ("LLaMA3-8B", 32), ("QWen2-72B", 80)
    table4 = (
        (*small, DecodeLayer(4200, 14700, 4200, 420, 20), 2699.9, True),
        (*small, DecodeLayer(4320, 14580, 4320, 540, 20), 2501.5, False),
        (*small, DecodeLayer(4620, 14520, 4620, 660, 22), 2243.3, True),
        (*large, DecodeLayer(8400, 29820, 4200, 420, 20), 839.7, True),
        (*large, DecodeLayer(8640, 29700, 4320, 540, 20), 824.3, False),
        (*large, DecodeLayer(8580, 29700, 4620, 660, 22), 787.1, True),
    )
    # 4,096 tokens in, 128 and 4,096 out: the prefill drops out of the difference.
    rate_8b = _rate_between((128, 604.4), (4096, 2459.0))
    rate_13b = _rate_between((128, 414.0), (4096, 1826.0))
    table2 = (
        (*small, DecodeLayer(4320, 14400, 4320, 360, 18), rate_8b, False),
        ("LLaMA2-13B", 40, DecodeLayer(5120, 13824, 4096, 375, 15), rate_13b, False),
    )
    return tuple(
        DecodeRow(model, layer, layers, rate, fitted, table)
        for table, rows in (("table 4", table4), ("table 2, difference of two outputs", table2))
        for model, layers, layer, rate, fitted in rows
    )


def _prefill_rows() -> tuple[PrefillRow, ...]:
    """Table 3: 4,096 tokens."""
    models = (
        ("LLaMA3-8B", 4096, 14336, 32, (20320.6, 25037.2, 27686.5), True),
        ("LLaMA2-13B", 5120, 13824, 40, (13685.1, 16854.2, 17498.3), False),
        ("QWen2-72B", 8192, 29568, 80, (2785.2, 3775.5, 4421.6), True),
    )
    return tuple(
        PrefillRow(
            model, PrefillLayer(dim, ffn, 4096, side), layers, rate,
            fitted and side != 600, "table 3",
        )
        for model, dim, ffn, layers, rates, fitted in models
        for side, rate in zip((480, 600, 720), rates, strict=True)
    )  # fmt: skip


DECODE_ROWS = _decode_rows()
"""WSE-2.  Kept out: the middle grid of both models, and what table 2 implies for other grids and
another model (its group sizes are not printed; the code's, or the divisor nearest √P)."""

PREFILL_ROWS = _prefill_rows()
"""WSE-2.  Kept out: a whole model and the middle grid of the others."""


@dataclass(frozen=True, slots=True)
class MulticastRow:
    """A row multicast on a physical CS-3: the least cycles of many runs."""

    payload_bytes: int
    cores: int
    cycles: int
    fitted: bool

    @property
    def name(self) -> str:
        """Payload and receivers."""
        return f"{self.payload_bytes} B, N = {self.cores}"


def _multicast_rows() -> tuple[MulticastRow, ...]:
    table = {
        64: (39, 53, 293),
        256: (93, 107, 347),
        1024: (309, 323, 563),
        2048: (597, 655, 851),
    }
    return tuple(
        MulticastRow(size, cores, cycles, cores > 1 and (size, cores) != SLOW_MULTICAST)
        for size, minima in table.items()
        for cores, cycles in zip((1, 16, 256), minima, strict=True)
    )


@dataclass(frozen=True, slots=True)
class ServedRow:
    """A measured decode of Qwen3-1.7B on a physical CS-3: eight blocks of 256 × 256 cores."""

    context: int
    cycles: int
    """Of one token."""
    fitted: bool

    @property
    def name(self) -> str:
        """Context."""
        return f"context {self.context}"


SERVED_ROWS = (
    ServedRow(256, 459_335, True),
    ServedRow(1024, 476_404, False),
    ServedRow(8192, 517_032, True),
)
"""WSE-3.  Kept out: the context between the two."""

SERVED_TAIL_SHARE = 0.178
"""Share of a decode step after the layers: vocabulary and sampling [S5]."""

SERVED_FORCED_SHARES = {4: 0.207, 8: 0.117}
"""Cycles of a pipelined step over those of a free one, by blocks [S5].  Kept out."""

SLOW_MULTICAST = (2048, 16)
"""(bytes, N) of the one cell that never saw the fast dispatch; no prediction is held to it."""

MULTICAST_ROWS = _multicast_rows()
"""WSE-3.  Kept out: N = 1, where the wavelets turn round in the sender's own router and take one
cycle more, and `SLOW_MULTICAST`."""


# ── fits ────────────────────────────────────────────────────────────────────────────────────


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
    """What the costs of a whole decode step leave open on WSE-3."""

    task_cycles: int
    """`MachineSpec.task_cycles`: to set a block of local work up."""
    sample_cycles_per_logit: float
    """`MachineSpec.sample_cycles_per_logit`: to choose a token among so many."""


def fit_served(
    rows: Sequence[ServedRow],
    tail_share: float,
    measure: Callable[[int, float, tuple[int, ...]], tuple[tuple[int, ...], float]],
) -> ServedConstants:
    """Fit two constants of WSE-3 on decode rows and on the share of what follows the layers.

    Args:
        rows: Measured tokens.
        tail_share: Measured share of a step after the layers.
        measure: (task cycles, sample cycles, contexts) → (cycles by context, share of the tail at
            the first).  Cycles are all but linear in both, so three measurements are enough.
    """
    contexts = tuple(row.context for row in rows)

    def parts(task: int, sample: float) -> Floats:
        cycles, share = measure(task, sample, contexts)
        return np.array([*cycles, share * cycles[0]], float)

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


# ── the constants ───────────────────────────────────────────────────────────────────────────

WSE2_DECODE = DecodeConstants(
    vector_overhead_cycles=6.0, collective_cycles=508.6729, wavelet_cycles=21.8076
)
"""`fit_decode` on the fitted `DECODE_ROWS`; a test fits again."""

WSE2_PREFILL = PrefillConstants(vector_overhead_cycles=4.7130, step_cycles=354.4228)
"""`fit_prefill` on the fitted `PREFILL_ROWS`; a test fits again."""


WSE3_SERVED = ServedConstants(task_cycles=74, sample_cycles_per_logit=118.1)
"""`fit_served` on the fitted `SERVED_ROWS` and the tail's share; a test fits again.  The preset
`wse3` has both."""


class Origin(Enum):
    """Where a constant comes from."""

    IDENTITY = "identity"
    """Follows from a definition or from a published model that is taken as it stands."""
    MEASURED = "measured"
    """Read off measurements of this machine without freedom: exact to the cycle."""
    FITTED = "fitted"
    """The best of a formula that does not meet every row."""
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
    """Rows it was not, whose errors `wafer validate` prints."""


@cache
def constants() -> tuple[Constant, ...]:
    """Return every constant of `wafer predict` and `wafer validate`, by machine."""
    return (*_wse2_constants(), *_wse3_constants())


def _names(
    rows: Sequence[DecodeRow | PrefillRow | MulticastRow | ServedRow], *, fitted: bool
) -> tuple[str, ...]:
    return tuple(row.name for row in rows if row.fitted == fitted)


def _wse2_constants() -> list[Constant]:
    spec = machines.get("wse2")
    decode = _names(DECODE_ROWS, fitted=True), _names(DECODE_ROWS, fitted=False)
    prefill = _names(PREFILL_ROWS, fitted=True), _names(PREFILL_ROWS, fitted=False)

    def fitted(name: str, value: float, unit: str, rows: tuple[tuple[str, ...], ...]) -> Constant:
        return Constant(name, "wse2", value, unit, Origin.FITTED, "[S1]", *rows)

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
        fitted("decode: vector overhead", WSE2_DECODE.vector_overhead_cycles,
               "cycles an instruction (on its bound)", decode),
        fitted("decode: collective", WSE2_DECODE.collective_cycles,
               "cycles an all-reduce", decode),
        fitted("decode: wavelet", WSE2_DECODE.wavelet_cycles, "cycles a wavelet", decode),
        fitted("prefill: vector overhead", WSE2_PREFILL.vector_overhead_cycles,
               "cycles an instruction", prefill),
        fitted("prefill: step", WSE2_PREFILL.step_cycles, "cycles a compute-shift step", prefill),
    ]  # fmt: skip


def _wse3_constants() -> list[Constant]:
    spec = machines.get("wse3")
    rows = _names(MULTICAST_ROWS, fitted=True), _names(MULTICAST_ROWS, fitted=False)
    served = (
        _names(SERVED_ROWS, fitted=True),
        (
            *_names(SERVED_ROWS, fitted=False),
            *(f"pipelining with {blocks} blocks" for blocks in SERVED_FORCED_SHARES),
        ),
    )
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
            Origin.FITTED, "[S5]", *served,
        ),
        Constant(
            "sample", "wse3", spec.sample_cycles_per_logit, "cycles a logit of the fullest core",
            Origin.FITTED, "[S5]", ("share of the tail",), served[1],
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
}


def is_calibrated(machine: str, what: str) -> bool:
    """Return whether a measurement of this machine was fitted for this kind of prediction."""
    return (machine, what) in _CALIBRATED
