"""Answers one point of a sweep, in any process: plain values that depend on the point alone."""

from typing import Any

from engine.errors import EngineError
from engine.inspection import check_wafer, decode_model, plan_wafer
from engine.sweep.grid import Point

__all__ = ["answer"]

_PLAN = (
    "cycles_per_token", "cycles_are", "tokens_per_second", "cores_used", "wafers", "clock_ghz",
    "dtype", "context", "blocks", "sram_bytes_per_core", "colors_used", "joules_per_token",
    "context_limit", "why",
)  # fmt: skip
"""What a result keeps of a plan."""
_CHECK = (
    "bit_identical", "cycles_analytic", "cycles_simulated", "relative_error", "values_compared",
)  # fmt: skip


def answer(point: Point) -> dict[str, Any]:
    """Return what a point asks for; ``error`` says in one line why there is none."""
    try:
        return _ASK[point.question](point)
    except EngineError as error:
        return {"error": str(error)}


def _plan(point: Point) -> dict[str, Any]:
    found = plan_wafer(
        point.model,
        point.machine,
        point.clock_ghz,
        context=point.context or None,
        dtype=None if point.dtype == "model" else point.dtype,
        blocks=point.blocks,
        block=point.block,
        beside_int8=False,  # no result keeps it, and it is a second plan
    )
    return {name: found[name] for name in _PLAN}


def _decode(point: Point) -> dict[str, Any]:
    return decode_model(
        point.model,
        point.machine,
        context=point.context or None,
        blocks=point.blocks,
        block=point.block,
        dtype="int8" if point.dtype == "model" else point.dtype,
        clock_ghz=point.clock_ghz,
    ).as_json()


def _simulate(point: Point) -> dict[str, Any]:
    """Simulate one layer core by core; the placement is the tiers' own."""
    if point.placement != "auto" or point.dtype != "model" or point.context:
        raise EngineError(
            'a simulation takes the model as it runs: placement "auto", dtype "model", context 0'
        )
    report = check_wafer(point.model, point.machine, point.clock_ghz, tokens=1, layers=1)
    return {name: value for name, value in report.as_json().items() if name in _CHECK}


_ASK = {"plan": _plan, "decode": _decode, "simulate": _simulate}
