"""Targets of a model served on a physical CS-3: decode, its tail, pipelining, what fits."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from engine.errors import PlacementError
from engine.wafer.figures.fits import ServedConstants, fit_served
from engine.wafer.figures.priced_model import PricedModel
from engine.wafer.figures.served import DEEP_BLOCK, DEEP_BLOCKS, ServedModel
from engine.wafer.figures.served_rows import (
    DEEP_FORCED_ROWS,
    DEEP_ROWS,
    FORCED_ROWS,
    OTHER_BUILD_ROWS,
    SERVED_FORCED_SHARES,
    SERVED_ROWS,
    SERVED_SLOPE,
    SERVED_TAIL_SHARE,
    OtherBuildRow,
    ServedRow,
)
from engine.wafer.figures.targets.target import Target, exact, within
from engine.wafer.program import machine as machines

__all__ = ["decode", "deep", "known_tokens", "memory", "other_build", "pipelining", "slope", "tail"]

_SOURCE = "lab notes on a physical CS-3 (unreviewed)"
_WHERE = "wse3, Qwen3-1.7B in fp16, 8 blocks of 256 × 256 cores and a head of 128 × 256"
_TOO_LARGE = "more than 2×10⁹ tile-cycles"
_SHORT = 8_192
"""Contexts up to which constants fitted on the shortest one alone are shown."""

_LONGEST_OF_FIRST = 16_384
"""Longer contexts were measured with room for more."""

_PIPELINED_ROWS = 33
"""Rows of a step whose extra cycles are a pipelined row's."""


def fitted_on(served: ServedModel, rows: list[ServedRow]) -> ServedConstants:
    """Return the constants that a fit on ``rows`` gives with our costs."""
    measure = partial(served.measure, machines.get("wse3"))
    return fit_served(rows, SERVED_TAIL_SHARE, measure)


def decode(served: ServedModel) -> Iterator[Target]:
    """Row 3: cycles of a token by context, and the same fitted on the shortest alone."""
    spec = machines.get("wse3")
    contexts = tuple(row.context for row in SERVED_ROWS)
    alone = fitted_on(served, [row for row in SERVED_ROWS if row.context == min(contexts)])
    ours = served.measure(spec, spec.task_cycles, spec.sample_cycles_per_logit, contexts)
    other = served.measure(spec, alone.task_cycles, alone.sample_cycles_per_logit, contexts)
    for row, cycles in zip(SERVED_ROWS, ours.cycles, strict=True):
        yield _decode(row, cycles, f"3/{row.name}", "fitted" if row.fitted else "held_out")
    for row, cycles in zip(SERVED_ROWS, other.cycles, strict=True):
        if min(contexts) < row.context <= _SHORT:
            target = _decode(row, cycles, f"3/{row.name}/fitted on 256 only", "held_out")
            yield replace(target, bound=None)


def _decode(row: ServedRow, cycles: int, name: str, role: str) -> Target:
    return Target(
        id=name,
        evidence="A",
        source=_SOURCE,
        conditions=f"{_WHERE}, {row.context} KV rows, batch 1",
        unit="cycles",
        published=row.cycles,
        analytic=cycles,
        reason=_TOO_LARGE,
        role="fitted" if role == "fitted" else "held_out",
        bound=within(0.03 if row.context <= _LONGEST_OF_FIRST else 0.08),
    )


def tail(served: ServedModel) -> Iterator[Target]:
    """Row 6: the share of a step after the layers."""
    spec = machines.get("wse3")
    measured = served.measure(spec, spec.task_cycles, spec.sample_cycles_per_logit, (256,))
    yield Target(
        id="6/tail",
        evidence="A",
        source=_SOURCE,
        conditions=f"{_WHERE}, 256 KV rows: head and sampling over the whole step",
        unit="ratio",
        published=SERVED_TAIL_SHARE,
        analytic=measured.tail_share,
        reason=_TOO_LARGE,
        role="fitted",
        bound=within(0.03),
    )


def pipelining(served: ServedModel) -> Iterator[Target]:
    """Row 4: a pipelined step over a free one, with 8 blocks and with 4."""
    for blocks, published in sorted(SERVED_FORCED_SHARES.items(), reverse=True):
        model = served.priced(machines.get("wse3"), blocks, 1024)
        free, forced = model.step_cycles(256), _forced(model, 256)
        yield Target(
            id=f"4/{blocks} blocks",
            evidence="A",
            source=_SOURCE,
            conditions=f"wse3, Qwen3-1.7B, {blocks} blocks of 256 × 256 cores, 256 KV rows: one "
            "more row of a step over a step of one",
            unit="ratio",
            published=published,
            analytic=forced / free,
            reason=_TOO_LARGE,
            role="held_out",
            bound=within(0.10),
        )


def slope(served: ServedModel) -> Iterator[Target]:
    """Row 3: what a position more in the cache costs a token."""
    first, last, published = SERVED_SLOPE
    model = served.priced(machines.get("wse3"))
    yield Target(
        id="3/slope",
        evidence="A",
        source=_SOURCE,
        conditions=f"{_WHERE}, {first:,} to {last:,} KV rows",
        unit="cycles a position",
        published=published,
        analytic=(model.step_cycles(last) - model.step_cycles(first)) / (last - first),
        reason=_TOO_LARGE,
        role="held_out",
        bound=within(0.05),
    )


def known_tokens(served: ServedModel) -> Iterator[Target]:
    """Row 24: tokens that are known beforehand pass the blocks one behind the other."""
    spec = machines.get("wse3")
    model = served.priced(spec)
    for row in FORCED_ROWS:
        yield Target(
            id=f"24/known/{row.prefix}",
            evidence="A",
            source=_SOURCE,
            conditions=f"{_WHERE}, {row.tokens:,} known tokens after {row.prefix:,}; "
            f"{row.tokens_per_second:,.1f} tokens/s",
            unit="cycles",
            published=row.cycles,
            analytic=_forced(model, row.prefix + row.tokens // 2),
            reason=_TOO_LARGE,
            role="held_out",
            bound=within(0.08),
        )


def deep(served: ServedModel) -> Iterator[Target]:
    """Rows 28 and 29: the same kernels with a layer a block, priced with the same constants."""
    model = served.deep(machines.get("wse3"))
    blocks = f"{DEEP_BLOCKS} blocks of {DEEP_BLOCK[0]} × {DEEP_BLOCK[1]} cores"
    where = f"wse3, Qwen3-1.7B in fp16, {blocks} and a head of 128 × 256"
    for row in DEEP_ROWS:
        yield _deep(
            f"28/{row.name}", f"{where}, {row.context:,} KV rows", row.cycles,
            model.step_cycles(row.context), 0.05,
        )  # fmt: skip
    for known in DEEP_FORCED_ROWS:
        yield _deep(
            f"29/known/{known.prefix}",
            f"{where}, {known.tokens:,} known tokens after {known.prefix:,}", known.cycles,
            _forced(model, known.prefix + known.tokens // 2), 0.08,
        )  # fmt: skip


def _deep(name: str, conditions: str, published: float, ours: float, near: float) -> Target:
    return Target(
        id=name,
        evidence="A",
        source=_SOURCE,
        conditions=conditions,
        unit="cycles",
        published=published,
        analytic=ours,
        reason=_TOO_LARGE,
        role="held_out",
        bound=within(near),
    )


def other_build(served: ServedModel) -> Iterator[Target]:
    """Row 25: a build that shares the wafer with a prefill; a known token over a free one.

    Its absolute times are another kernel's: they stand beside ours without a bound.
    """
    model = served.priced(machines.get("wse3"))
    for row in OTHER_BUILD_ROWS:
        free, forced = model.step_cycles(row.context), _forced(model, row.context)
        yield from _of_other_build(row, free, forced)


def _of_other_build(row: OtherBuildRow, free: int, forced: float) -> Iterator[Target]:
    hertz = machines.get("wse3").clock_hz
    figures = (
        ("share", "ratio", row.forced_microseconds / row.free_microseconds, forced / free, True),
        ("known", "µs", row.forced_microseconds, forced / hertz * 1e6, False),
        ("free", "µs", row.free_microseconds, free / hertz * 1e6, False),
    )
    for name, unit, published, analytic, held in figures:
        yield Target(
            id=f"25/{name}/{row.context}",
            evidence="A",
            source=_SOURCE,
            conditions=f"wse3, Qwen3-1.7B beside a prefill on one wafer, {row.context:,} KV rows",
            unit=unit,
            published=published,
            analytic=analytic,
            reason=_TOO_LARGE,
            role="held_out" if held else "reference",
            bound=within(0.08) if held else None,
        )


def _forced(model: PricedModel, context: int) -> float:
    """Return the cycles of a row more in a step."""
    more = model.step_cycles(context, _PIPELINED_ROWS) - model.step_cycles(context)
    return more / (_PIPELINED_ROWS - 1)


def memory(served: ServedModel) -> Iterator[Target]:
    """Row 19: two blocks of 14 layers do not fit a core's memory, eight of at most 4 do."""
    for blocks, published in ((2, 0.0), (8, 1.0)):
        yield Target(
            id=f"19/{blocks} blocks",
            evidence="C",
            source=_SOURCE,
            conditions=f"wse3, Qwen3-1.7B in {blocks} blocks of 256 × 256 cores: whether it fits",
            unit="fits",
            published=published,
            analytic=float(_fits(served, blocks)),
            reason="placement",
            role="identity",
            bound=exact(),
        )


def _fits(served: ServedModel, blocks: int) -> bool:
    try:
        served.priced(machines.get("wse3"), blocks)
    except PlacementError:
        return False
    return True
