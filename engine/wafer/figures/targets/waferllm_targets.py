"""Targets of WaferLLM on WSE-2: GEMV, decode, prefill, and algorithms against each other."""

from collections.abc import Iterator
from dataclasses import replace
from math import ceil

from engine.wafer.figures import calibration, layer_questions, waferllm
from engine.wafer.figures.collective_questions import (
    CollectiveQuestion,
    collective,
    nearest_groups,
)
from engine.wafer.figures.fits import fit_decode
from engine.wafer.figures.measured_rows import (
    DECODE_ROWS,
    PREFILL_ROWS,
    WAFERLLM_CLOCK_GHZ,
    DecodeRow,
    PrefillRow,
)
from engine.wafer.figures.targets.target import Target, exact, within
from engine.wafer.figures.waferllm import DecodeConstants
from engine.wafer.program import machine as machines

__all__ = ["comparisons", "decode", "gemv", "kv_capacity", "prefill"]

_SOURCE = "He et al., WaferLLM, OSDI 2025"
_NOT_SIMULATED = "a whole layer of fp16 kernels is priced, not simulated"


def gemv() -> Iterator[Target]:
    """Row 8: y[1, 16K] = x[1, 16K]·W."""
    yield Target(
        id="8/gemv 16K",
        evidence="B",
        source=f"{_SOURCE}, table 6 (0.0012 ms at 1.1 GHz)",
        conditions="wse2, [1,16K]·[16K,16K], 512² cores in 32 groups assumed",
        unit="cycles",
        published=0.0012e-3 * WAFERLLM_CLOCK_GHZ * 1e9,
        analytic=layer_questions.gemv("wse2", k=16384, n=16384, side=512, groups=32).cycles,
        reason=_NOT_SIMULATED,
        role="held_out",
        bound=within(0.10),
    )


def decode() -> Iterator[Target]:
    """Row 9: decode cycles a layer, and the same by constants fitted on the other model alone."""
    for row in DECODE_ROWS:
        yield _decode(row, calibration.WSE2_DECODE, f"9/{row.name}", row.fitted)
    table4 = [row for row in DECODE_ROWS if row.table == "table 4"]
    spec = machines.get("wse2")
    for left_out in sorted({row.model for row in table4}):
        others = [row for row in table4 if row.model != left_out]
        constants = fit_decode(others, spec)
        for row in table4:
            if row.model == left_out:
                target = _decode(row, constants, f"9/{row.name}/model left out", False)
                yield replace(target, conditions=f"{target.conditions}; fitted on the other model")


def _decode(row: DecodeRow, constants: DecodeConstants, name: str, fitted: bool) -> Target:
    layer = row.layer
    return Target(
        id=name,
        evidence="B",
        source=f"{_SOURCE}, {row.table}",
        conditions=f"wse2, one decode layer, dim {layer.dim}, ffn {layer.ffn}, "
        f"{layer.seq} KV rows, {layer.groups} groups; "
        f"{row.tokens_per_second:.1f} tokens/s at 1.1 GHz",
        unit="cycles",
        published=row.cycles,
        analytic=waferllm.total(layer.operations(machines.get("wse2"), constants)),
        reason=_NOT_SIMULATED,
        role="fitted" if fitted else "held_out",
        bound=within(0.06) if fitted else None,
    )


def prefill() -> Iterator[Target]:
    """Row 10: prefill cycles a layer, the gain of more cores, and how much of the peak is used."""
    for row in PREFILL_ROWS:
        yield Target(
            id=f"10/{row.name}",
            evidence="B",
            source=f"{_SOURCE}, {row.table}",
            conditions=_prefill_conditions(row),
            unit="cycles",
            published=row.cycles,
            analytic=_prefill_cycles(row),
            reason=_NOT_SIMULATED,
            role="fitted" if row.fitted else "held_out",
            bound=within(0.08) if row.fitted else None,
        )
    for row in PREFILL_ROWS:
        yield _utilisation(row)
    for model in sorted({row.model for row in PREFILL_ROWS}):
        few, many = (
            next(r for r in PREFILL_ROWS if (r.model, r.layer.side) == (model, side))
            for side in (480, 720)
        )
        yield Target(
            id=f"10/{model}/480² → 720²",
            evidence="B",
            source=f"{_SOURCE}, table 3",
            conditions="wse2, prefill of 4,096 tokens: how much faster on 2.25 times the cores",
            unit="ratio",
            published=few.cycles / many.cycles,
            analytic=_prefill_cycles(few) / _prefill_cycles(many),
            reason=_NOT_SIMULATED,
            role="reference",
        )


def _prefill_conditions(row: PrefillRow) -> str:
    layer = row.layer
    return (
        f"wse2, one prefill layer, {layer.tokens} tokens, dim {layer.dim}, ffn {layer.ffn}; "
        f"{row.tokens_per_second:.1f} tokens/s at 1.1 GHz"
    )


def _prefill_cycles(row: PrefillRow) -> int:
    spec = machines.get("wse2")
    return waferllm.total(row.layer.operations(spec, calibration.WSE2_PREFILL))


def _utilisation(row: PrefillRow) -> Target:
    """Return the MACs of a layer over those that all cores could do in its cycles."""
    layer, spec = row.layer, machines.get("wse2")
    by_token = 4 * layer.dim**2 + 3 * layer.dim * layer.ffn + 2 * layer.tokens * layer.dim
    ideal = layer.tokens * by_token / (layer.side**2 * spec.fmac_fp16)
    return Target(
        id=f"10/{row.name}/utilisation",
        evidence="B",
        source=f"{_SOURCE}, table 3",
        conditions="wse2, share of 4 multiply–accumulates a cycle and core",
        unit="ratio",
        published=ideal / row.cycles,
        analytic=ideal / _prefill_cycles(row),
        reason=_NOT_SIMULATED,
        role="reference",
    )


def kv_capacity() -> Iterator[Target]:
    """Row 12: positions that fit where one core row holds all new ones, and where all rows share.

    Shifting spreads positions evenly, so P core rows hold P times what one holds.  So the number
    printed for one row must be the other number divided by the rows of its decode grid.
    """
    for model, rows, one_row, all_rows in (
        ("LLaMA3-8B", 360, 382, 137_548),
        ("LLaMA2-13B", 375, 16, 6_168),
    ):
        yield Target(
            id=f"12/{model}",
            evidence="B",
            source=f"{_SOURCE}, table 5",
            conditions=f"wse2, longest output on {rows} core rows: concatenated, from {all_rows} "
            "shifted; whole positions",
            unit="positions",
            published=float(one_row),
            analytic=float(all_rows // rows),
            reason="arithmetic",
            role="identity",
            bound=exact(),
        )


def comparisons() -> Iterator[Target]:
    """Row 13: GEMV by two trees against a pipelined all-reduce; row 11: other systems."""
    side, groups, size = 720, 24, 16384
    ways = {
        tier: _gemv_by_chain(size, side, tier) / _gemv_by_trees(size, side, groups, tier)
        for tier in ("analytic", "cycle")
    }
    yield Target(
        id="13/gemv",
        evidence="B",
        source=f"{_SOURCE}, text: about 4.6 times a GEMV with a pipelined all-reduce",
        conditions=f"wse2, 16K GEMV on {side}² cores (size and grid assumed), fp16; both "
        "all-reduces simulated, the product priced",
        unit="ratio",
        published=4.6,
        analytic=ways["analytic"],
        simulated=ways["cycle"],
        role="reference",
    )
    published = {"T10": 2699.9 / 418.3, "Ladder": 2699.9 / 14.6}
    for system, ratio in published.items():
        yield Target(
            id=f"11/{system}",
            evidence="B",
            source=f"{_SOURCE}, table 4",
            conditions="wse2, LLaMA3-8B decode on 420² cores: times slower than WaferLLM",
            unit="ratio",
            published=ratio,
            reason="what these systems place where is not published; nothing is predicted",
            role="reference",
        )


def _gemv_by_trees(size: int, side: int, groups: int, tier: str) -> float:
    return _product(size, side) + _all_reduce("two-tree", size, side, groups, tier)


def _gemv_by_chain(size: int, side: int, tier: str) -> float:
    return _product(size, side) + _all_reduce("chain", size, side, None, tier)


def _product(size: int, side: int) -> float:
    spec = machines.get("wse2")
    operations = waferllm.gemv_operations(spec, size, size, side, nearest_groups(side))
    return dict(operations)["product"]


def _all_reduce(algorithm: str, size: int, side: int, groups: int | None, tier: str) -> float:
    wavelets = ceil(ceil(size / side) / 2)  # two fp16 each
    question = CollectiveQuestion(
        "allreduce", algorithm, side, wavelets, groups=groups, dtype="fp16"
    )
    return collective("wse2", question, tier=tier).cycles
