"""What paths share: the sum that takes back a storage's zero, and fp16 by the processor."""

from typing import Any

from llvmlite import ir

from engine.wafer.fast.kernels.dot.storage import Storage
from engine.wafer.fast.kernels.dot.vector_code import F32, broadcast, constant

__all__ = ["from_zero", "native_half"]


def from_zero(builder: Any, storage: Storage, total: Any, kind: Any) -> Any:
    """Return −zero · Σ of the inputs for every output: where a sum of unsigned levels begins."""
    if storage.zero == 0:
        return constant(kind, 0)
    start = builder.mul(total, ir.Constant(total.type, -storage.zero))
    return broadcast(builder, start, kind)


def native_half(builder: Any, bits: Any) -> Any:
    """Return fp16 numbers as float32, by the instruction that a processor has for it (F16C)."""
    halves = builder.bitcast(bits, ir.VectorType(ir.HalfType(), bits.type.count))
    return builder.fpext(halves, ir.VectorType(F32, bits.type.count))
