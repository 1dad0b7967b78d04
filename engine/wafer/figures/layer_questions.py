"""Cycles of a product or a layer in WaferLLM's way, for any sizes.

Joins its operations with the constants that were fitted; holds no formula itself.
"""

from engine.wafer.figures import calibration, waferllm
from engine.wafer.figures.collective_questions import both_groups
from engine.wafer.figures.prediction import LARGEST_SIZE, Prediction, check_size
from engine.wafer.figures.spreads import spread
from engine.wafer.figures.waferllm import DecodeLayer, Operations, PrefillLayer
from engine.wafer.program import machine as machines
from engine.wafer.program.machine import MachineSpec

__all__ = ["decode_layer", "gemv", "prefill_layer"]


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
    check_size("k", k, LARGEST_SIZE, "inputs")
    check_size("n", n, LARGEST_SIZE, "outputs")
    number, _ = both_groups(side, side, groups)
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
        check_size(name, size, LARGEST_SIZE, "elements")
    number, _ = both_groups(side, side, groups)
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
        check_size(name, size, LARGEST_SIZE, "elements")
    layer = PrefillLayer(dim, ffn, tokens, side)
    operations = layer.operations(spec, calibration.WSE2_PREFILL)
    asked: dict[str, object] = {"dim": dim, "ffn": ffn, "tokens": tokens, "side": side}
    return _layer(spec, "prefill-layer", operations, asked)


def _square(machine: str, side: int, clock_ghz: float | None) -> MachineSpec:
    spec = machines.get(machine, clock_ghz)
    check_size("side", side, min(spec.columns, spec.rows), f"cores a side on {machine}")
    return spec


def _layer(
    spec: MachineSpec, kind: str, operations: Operations, asked: dict[str, object]
) -> Prediction:
    calibrated = calibration.is_calibrated(spec.name, kind)
    cycles = waferllm.total(operations)
    given = spread(spec.name, kind)
    return Prediction(cycles, "analytic", spec, calibrated, asked, operations, spread=given)
