"""Measurements of Qwen3-1.7B served on a physical CS-3: decode, pipelined decode, prefill.

Each row is fitted on or kept out.  All come from one laboratory's notes, unreviewed [S5], which
name several builds of the kernels.  Rows here are of the build with blocks of 256 × 256 cores whose
decode takes 459,335 cycles at 256 KV rows, unless they say another.  Seconds there are cycles at
0.85 GHz.
"""

from dataclasses import dataclass

__all__ = [
    "DEDICATED_ROWS",
    "DEEP_FORCED_ROWS",
    "DEEP_ROWS",
    "FORCED_ROWS",
    "OTHER_BUILD_ROWS",
    "PRODUCT_BODY_CYCLES",
    "ROTARY_BODY",
    "SERVED_CLOCK_GHZ",
    "SERVED_FORCED_SHARES",
    "SERVED_ROWS",
    "SERVED_SLOPE",
    "SERVED_TAIL_SHARE",
    "STREAMED_PREFILL",
    "DedicatedRow",
    "ForcedRow",
    "OtherBuildRow",
    "ServedRow",
]

SERVED_CLOCK_GHZ = 0.85
"""The clock by which the notes turn cycles into tokens a second."""


@dataclass(frozen=True, slots=True)
class ServedRow:
    """A measured decode, eight blocks of 256 × 256 cores, batch 1."""

    context: int
    cycles: int
    """Cycles of one token."""
    fitted: bool

    @property
    def name(self) -> str:
        """Context."""
        return f"context {self.context}"


SERVED_ROWS = (
    ServedRow(256, 459_335, True),
    ServedRow(1024, 476_404, False),
    ServedRow(4096, 499_383, False),
    ServedRow(8192, 517_032, True),
    ServedRow(16384, 552_414, False),
    ServedRow(24576, 616_791, False),
    ServedRow(32000, 645_063, False),
)
"""1850.5, 1784.2, 1702.1, 1644.0, 1538.7, 1378.1 and 1317.7 tokens/s.  Kept out: all but the first
context and the middle one; the last two are longer than the kernels had room for when the others
were compiled."""

SERVED_TAIL_SHARE = 0.178
"""Share of a decode step after the layers: vocabulary and sampling."""

SERVED_FORCED_SHARES = {4: 0.207, 8: 0.117}
"""Cycles of a pipelined step over those of a free one, by blocks, in another build.  Kept out."""

SERVED_SLOPE = (4_096, 16_384, 4.32)
"""(from context, to context, cycles of a token for each position more).  Kept out."""


@dataclass(frozen=True, slots=True)
class ForcedRow:
    """Tokens that were known beforehand, pipelined over eight blocks."""

    prefix: int
    """KV rows before the first of them."""
    tokens: int
    tokens_per_second: float

    @property
    def cycles(self) -> float:
        """Cycles of one token."""
        return SERVED_CLOCK_GHZ * 1e9 / self.tokens_per_second


FORCED_ROWS = tuple(
    ForcedRow(prefix, 1024, rate)
    for prefix, rate in (
        (256, 15_872.9),
        (1024, 15_260.0),
        (4096, 14_703.2),
        (8192, 14_095.3),
        (16384, 12_924.6),
    )
)
"""The build of `SERVED_ROWS`.  Kept out."""

DEEP_ROWS = tuple(
    ServedRow(context, round(SERVED_CLOCK_GHZ * 1e9 / rate), False)
    for context, rate in (
        (256, 1425.4),
        (1024, 1380.7),
        (4096, 1314.3),
        (8192, 1259.4),
        (16384, 1162.2),
    )
)
"""The same kernels in 28 blocks of 64 × 256 cores, a layer each.  Kept out."""

DEEP_FORCED_ROWS = tuple(
    ForcedRow(prefix, 1024, rate)
    for prefix, rate in (
        (256, 46_858.4),
        (1024, 45_378.2),
        (4096, 43_478.0),
        (8192, 41_341.4),
        (16384, 37_433.2),
    )
)
"""Known tokens there.  Kept out."""

STREAMED_PREFILL = (8192, 14_882.69, 13_682.74)
"""(tokens into an empty cache, tokens/s with all blocks full, with start and end).  Kept out."""


@dataclass(frozen=True, slots=True)
class OtherBuildRow:
    """A pipelined and a free step of a build that shares one wafer with a prefill.

    Its free steps take 16 % more cycles at 1,024 KV rows than those of `SERVED_ROWS`, and 24.07
    more a position where ours take 4.32.
    """

    context: int
    forced_microseconds: float
    free_microseconds: float


OTHER_BUILD_ROWS = (OtherBuildRow(1_024, 76.26, 652.7), OtherBuildRow(6_400, 98.05, 804.9))
"""Kept out."""


@dataclass(frozen=True, slots=True)
class DedicatedRow:
    """A prefill by a program of its own, in chunks that pass eight blocks one after the other."""

    tokens: int
    chunk: int
    cycles: float
    """From the first token on the chip to the logits of the last."""
    fitted: bool
    build: str = ""
    """What tells it from the rows without a word here."""

    @property
    def name(self) -> str:
        """Tokens, chunk, and the build."""
        return f"{self.tokens} tokens by {self.chunk}{', ' if self.build else ''}{self.build}"


def _rate(tokens: int, chunk: int, tokens_per_second: float, *, fitted: bool) -> DedicatedRow:
    cycles = tokens / tokens_per_second * SERVED_CLOCK_GHZ * 1e9
    return DedicatedRow(tokens, chunk, cycles, fitted)


DEDICATED_ROWS = (
    _rate(256, 512, 4532.2, fitted=True),
    _rate(1024, 512, 13_761.8, fitted=False),
    _rate(4096, 768, 23_583.6, fitted=True),
    _rate(8192, 768, 24_700.2, fitted=False),
    DedicatedRow(8192, 512, 430_044_189, False, "profiled"),
    DedicatedRow(8192, 256, 1_101_615_635, False, "an earlier build"),
)
"""Kept out: two of the four lengths, a chunk of 512 at length, and a build with chunks of 256."""

PRODUCT_BODY_CYCLES = 1148.19
"""Cycles of the body of a product's step in one core, the mean of a layer's four products in chunks
of 512 tokens, nothing that moves included."""

ROTARY_BODY = (18, 576.25)
"""(vector instructions, cycles) of the body of a rotation in one core, chunks of 512 tokens: the
mean of queries with four pairs of features and keys with two, six instructions a pair.  Their
number is assumed: the notes give the pairs, not the code."""
