"""Targets of a served model's prefill: by a program of its own, and streamed through decode's."""

from collections.abc import Iterator

from engine.wafer.figures import calibration, waferllm
from engine.wafer.figures.dedicated_prefill import DedicatedPrefill
from engine.wafer.figures.served import BLOCK, ServedModel
from engine.wafer.figures.served_rows import (
    DEDICATED_ROWS,
    SERVED_CLOCK_GHZ,
    STREAMED_PREFILL,
    DedicatedRow,
)
from engine.wafer.figures.targets.target import Target, within
from engine.wafer.program import machine as machines

__all__ = ["dedicated", "placed_as_measured", "streamed"]

_SOURCE = "lab notes on a physical CS-3 (unreviewed)"
_BLOCKS = 8


def placed_as_measured(served: ServedModel, row: DedicatedRow) -> DedicatedPrefill:
    """Return the placement of a measured row."""
    return DedicatedPrefill(served.shape, BLOCK[0], _BLOCKS, row.chunk, row.tokens)


def dedicated(served: ServedModel) -> Iterator[Target]:
    """Row 26: a prefill by MeshGEMM, by length of the prompt."""
    spec = machines.get("wse3")
    for row in DEDICATED_ROWS:
        placed = placed_as_measured(served, row)
        operations = placed.operations(spec, calibration.WSE3_DEDICATED)
        yield Target(
            id=f"26/{row.name}",
            evidence="A",
            source=_SOURCE,
            conditions=f"wse3, Qwen3-1.7B in fp16, prefill of {row.tokens:,} tokens in chunks of "
            f"{row.chunk} by {_BLOCKS} blocks of 256 × 256 cores",
            unit="cycles",
            published=row.cycles,
            analytic=waferllm.total(operations),
            reason="its sums have another order: priced only",
            role="fitted" if row.fitted else "held_out",
            bound=within(0.10),
        )


def streamed(served: ServedModel) -> Iterator[Target]:
    """Row 27: the same prompt as known tokens of decode, from an empty cache."""
    tokens, full, whole = STREAMED_PREFILL
    cycles = served.priced(machines.get("wse3")).step_cycles(0, tokens)
    ours = tokens / cycles * SERVED_CLOCK_GHZ * 1e9
    for name, published in (("blocks full", full), ("start and end included", whole)):
        yield Target(
            id=f"27/{name}",
            evidence="A",
            source=_SOURCE,
            conditions=f"wse3, Qwen3-1.7B in fp16, {tokens:,} known tokens from an empty cache, "
            f"{_BLOCKS} blocks of 256 × 256 cores",
            unit="tokens/s",
            published=published,
            analytic=ours,
            reason="more than 2×10⁹ tile-cycles",
            role="held_out",
            bound=within(0.10),
        )
