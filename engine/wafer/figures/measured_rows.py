"""Other people's measurements of kernels, row by row, in cycles; each is fitted on or kept out.

WSE-2 and WSE-3 share nothing.  Whole models that were served: `served_rows`.

Sources: [S1] He et al., WaferLLM (OSDI 2025), tables 2 to 6; [S5] lab notes on a physical CS-3
(unreviewed).
"""

from dataclasses import dataclass

from engine.wafer.figures.waferllm import DecodeLayer, PrefillLayer

__all__ = [
    "DECODE_ROWS",
    "MULTICAST_ROWS",
    "PREFILL_ROWS",
    "SIMULATED_REDUCTIONS",
    "SLOW_MULTICAST",
    "STENCIL_ROWS",
    "WAFERLLM_CLOCK_GHZ",
    "DecodeRow",
    "MulticastRow",
    "PrefillRow",
    "ReductionRow",
    "StencilRow",
]

WAFERLLM_CLOCK_GHZ = 1.1
"""The clock in WaferLLM's scripts; turns its tokens a second back into cycles [S1]."""


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
class ReductionRow:
    """A reduction along a row of 512 cores, 4,096 fp32 each, on the vendor's simulator of WSE-2."""

    algorithm: str
    groups: int | None
    cycles: int

    @property
    def name(self) -> str:
        """Algorithm and groups."""
        return self.algorithm if self.groups is None else f"{self.algorithm}/{self.groups} groups"


SIMULATED_REDUCTIONS = (
    ReductionRow("two-phase", 256, 10_055),
    ReductionRow("two-phase", 64, 9_117),
    ReductionRow("two-phase", 16, 8_973),
    ReductionRow("two-phase", 4, 9_297),
    ReductionRow("chain", None, 7_218),
)
"""WSE-2, groups of 2, 8, 32 and 128 cores and none (github.com/pr0f3ss/SpMM_Cerebras).  All kept
out."""


@dataclass(frozen=True, slots=True)
class StencilRow:
    """A five-point stencil, one element a core, on the vendor's simulator: cycles an iteration.

    Whole cycles: half of what two further iterations take in core (1, 1), rounded down.
    """

    machine: str
    side: int
    """Columns and rows."""
    cycles: int

    @property
    def fitted(self) -> bool:
        """Whether the overhead of an instruction was fitted on it: nobody waits on 3 × 3 cores."""
        return self.side == 3


def _stencil_rows() -> tuple[StencilRow, ...]:
    sides = (3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 30, 50)
    cycles = {
        "wse2": (12, 15, 16, 16, 16, 16, 16, 16, 16, 15, 15, 15),
        "wse3": (17, 21, 23, 23, 22, 24, 23, 23, 23, 23, 23, 23),
    }
    return tuple(
        StencilRow(machine, side, count)
        for machine, counts in cycles.items()
        for side, count in zip(sides, counts, strict=True)
    )


STENCIL_ROWS = _stencil_rows()
"""github.com/Jorineg/cerebras (911a327), non-tiled-tencil/experiment_results.md."""

SLOW_MULTICAST = (2048, 16)
"""(bytes, N) of the one cell that never saw the fast dispatch; no prediction is held to it."""

MULTICAST_ROWS = _multicast_rows()
"""WSE-3.  Kept out: N = 1, where the wavelets turn round in the sender's own router and take one
cycle more, and `SLOW_MULTICAST`."""
