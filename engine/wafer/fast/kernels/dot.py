"""The terms of one group of 32 inputs for 64 outputs, for 1 or 4 rows: integer products, scaled.

part ← part + f32(dot) × (weight scale × input scale): the dot product is exact in int32, each
product and the sum are rounded to float32 once.  One compiled piece from the bytes to the sums, so
that nothing of it is written and read again between.

Weights are unsigned bytes (w + 128) in panels: eight quads of inputs × 64 outputs × 4 inputs.
Activations are signed bytes; ``correction`` is −128 · Σ activations of the group, so that the
sums are exactly those of the signed weights.

Three paths with the same bits, chosen by the *type* of the ``path`` argument, so that a processor
without the instructions never sees their code: `VNNI` uses one dot-product instruction
(``vpdpbusd``, u8 × s8 → i32, no saturation), `AVX2` multiplies magnitudes by signed bytes
(``vpmaddubsw``, u8 × s8 → i16 in pairs), `PORTABLE` plain widening multiplications.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.core import config as _numba_config
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

__all__ = [
    "AVX2",
    "GROUP_BYTES",
    "PANEL",
    "PORTABLE",
    "VNNI",
    "best_path",
    "has_avx2",
    "has_vnni",
    "path_name",
    "terms_of_four",
    "terms_of_one",
]

PANEL = 64
"""Outputs of a panel."""
GROUP_BYTES = 32 * PANEL
"""Bytes of one group of a panel."""

PORTABLE = np.int8(0)
VNNI = np.int16(0)
AVX2 = np.int32(0)
Path = np.int8 | np.int16 | np.int32

_NAMES = {np.int8: "portable", np.int16: "avx512-vnni", np.int32: "avx2"}

config: Any = _numba_config  # its fields are made at run time

_QUADS = 8
_VECTORS = 4  # 16 outputs each
_HALVES = 8  # 8 outputs each
_I1, _I8, _I16, _I32 = ir.IntType(1), ir.IntType(8), ir.IntType(16), ir.IntType(32)
_F32 = ir.FloatType()
_V16X32, _V64X8 = ir.VectorType(_I32, 16), ir.VectorType(_I8, 64)
_V64X16, _V64X32 = ir.VectorType(_I16, 64), ir.VectorType(_I32, 64)
_V8X32, _V16X16, _V32X8 = ir.VectorType(_I32, 8), ir.VectorType(_I16, 16), ir.VectorType(_I8, 32)


# ── which path ──────────────────────────────────────────────────────────────────────────────


def has_vnni() -> bool:
    """Say whether code for this processor, as numba will generate it, may use `VNNI`."""
    return _has("avx512vnni", "avx512bw")


def has_avx2() -> bool:
    """Say whether code for this processor, as numba will generate it, may use `AVX2`."""
    return _has("avx2")


def _has(*features: str) -> bool:
    if config.CPU_NAME is not None and binding.get_host_cpu_name() != config.CPU_NAME:
        return False
    if config.CPU_FEATURES is not None:
        asked = config.CPU_FEATURES.split(",")
        return all(f"+{feature}" in asked for feature in features)
    known = binding.get_host_cpu_features()
    return all(known.get(feature) for feature in features)


def best_path() -> Path:
    """Return the fastest path that this processor has."""
    if has_vnni():
        return VNNI
    return AVX2 if has_avx2() else PORTABLE


def path_name(path: Path) -> str:
    """Return a path's name: ``avx512-vnni``, ``avx2`` or ``portable``."""
    return _NAMES[type(path)]


# ── the code of each ────────────────────────────────────────────────────────────────────────


def _broadcast(builder: Any, scalar: Any, kind: Any = _V16X32) -> Any:
    """Return a vector of copies of a scalar."""
    undefined = ir.Constant(kind, ir.Undefined)
    single = builder.insert_element(undefined, scalar, ir.Constant(_I32, 0))
    first = ir.Constant(ir.VectorType(_I32, kind.count), [0] * kind.count)
    return builder.shuffle_vector(single, undefined, first)


def _call(builder: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    """Call an instruction by the name LLVM has for it."""
    signature = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, signature, name), arguments)


def _accumulate_vnni(builder: Any, total: Any, weights: Any, inputs: Any) -> Any:
    return _call(builder, "llvm.x86.avx512.vpdpbusd.512", _V16X32, [total, weights, inputs])


def _accumulate_portable(builder: Any, total: Any, weights: Any, inputs: Any) -> Any:
    """Widen to 16 bits (255 · 127 fits), multiply, widen to 32, add the four of each output."""
    product = builder.mul(builder.zext(weights, _V64X16), builder.sext(inputs, _V64X16))
    wide = builder.sext(product, _V64X32)
    undefined = ir.Constant(_V64X32, ir.Undefined)
    for lane in range(4):
        picks = ir.Constant(_V16X32, [4 * output + lane for output in range(16)])
        total = builder.add(total, builder.shuffle_vector(wide, undefined, picks))
    return total


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, offset: Any, to: Any) -> Any:
    data = make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [offset]), ir.PointerType(to))


def _load(builder: Any, pointer: Any, index: int, align: int) -> Any:
    value = builder.load(builder.gep(pointer, [ir.Constant(_I32, index)]))
    value.align = align
    return value


@dataclass(frozen=True, slots=True)
class _Row:
    """Where the operands of one row lie, as pointers."""

    quads: Any
    """To its inputs, four in an i32."""
    correction: Any
    """i32."""
    scale: Any
    """float: of its inputs."""
    part: Any
    """float: its 64 sums."""


@dataclass(frozen=True, slots=True)
class _Group:
    """The same of the weights that all rows share."""

    panel: Any
    """i8."""
    scales: Any
    """float, 64."""


def _in_wide_vectors(accumulate: Callable[..., Any]) -> Callable[..., None]:
    """Return what writes the code that keeps a row's dot products in four vectors of 16."""

    def emit(builder: Any, group: _Group, rows: list[_Row]) -> None:
        panel = builder.bitcast(group.panel, ir.PointerType(_V64X8))
        for row in rows:
            totals = [_broadcast(builder, _load(builder, row.correction, 0, 4))] * _VECTORS
            for quad in range(_QUADS):
                four = _broadcast(builder, _load(builder, row.quads, quad, 1))
                four = builder.bitcast(four, _V64X8)
                for part in range(_VECTORS):
                    tile = _load(builder, panel, quad * _VECTORS + part, 1)
                    totals[part] = accumulate(builder, totals[part], tile, four)
            for part in range(_VECTORS):
                _add_terms(builder, group, row, part, totals[part])

    return emit


def _in_half_vectors(builder: Any, group: _Group, rows: list[_Row]) -> None:
    """Write the code that works out eight outputs of every row, eight times over, with AVX2.

    |w| · (x · sign w) = w · x, and two of these are at most 2 · 128 · 127 < 2¹⁵: the 16-bit pairs
    of ``vpmaddubsw`` never saturate.  The weights being signed again, no correction is needed.
    """
    panel = builder.bitcast(group.panel, ir.PointerType(_V32X8))
    flip = ir.Constant(_V32X8, [128] * 32)
    ones = ir.Constant(_V16X16, [1] * 16)
    for part in range(_HALVES):
        totals = [ir.Constant(_V8X32, [0] * 8)] * len(rows)
        for quad in range(_QUADS):
            signed = builder.xor(_load(builder, panel, quad * _HALVES + part, 1), flip)
            kept = ir.Constant(_I1, 0)  # the magnitude of −128 is 128, in an unsigned byte
            magnitude = _call(builder, "llvm.abs.v32i8", _V32X8, [signed, kept])
            for number, row in enumerate(rows):
                four = _broadcast(builder, _load(builder, row.quads, quad, 1), _V8X32)
                four = builder.bitcast(four, _V32X8)
                turned = _call(builder, "llvm.x86.avx2.psign.b", _V32X8, [four, signed])
                pairs = _call(builder, "llvm.x86.avx2.pmadd.ub.sw", _V16X16, [magnitude, turned])
                fours = _call(builder, "llvm.x86.avx2.pmadd.wd", _V8X32, [pairs, ones])
                totals[number] = builder.add(totals[number], fours)
        for row, total in zip(rows, totals, strict=True):
            _add_terms(builder, group, row, part, total)


def _add_terms(builder: Any, group: _Group, row: _Row, index: int, dots: Any) -> None:
    """Add the terms of the vector of dot products with this index to the row's part."""
    kind = ir.VectorType(_F32, dots.type.count)
    pointer = ir.PointerType(kind)
    factors = _load(builder, builder.bitcast(group.scales, pointer), index, 4)
    scale = _broadcast(builder, _load(builder, row.scale, 0, 4), kind)
    # Plain operations without flags: LLVM never fuses them.
    term = builder.fmul(builder.sitofp(dots, kind), builder.fmul(factors, scale))
    place = builder.gep(builder.bitcast(row.part, pointer), [ir.Constant(_I32, index)])
    before = builder.load(place)
    before.align = 4
    builder.store(builder.fadd(before, term), place).align = 4


_EMIT: dict[Any, Callable[[Any, _Group, list[_Row]], None]] = {
    types.int8: _in_wide_vectors(_accumulate_portable),
    types.int16: _in_wide_vectors(_accumulate_vnni),
    types.int32: _in_half_vectors,
}


# ── what kernels call ───────────────────────────────────────────────────────────────────────


def _terms(rows: int) -> Any:
    """Return the typer of an intrinsic for so many rows."""

    def typer(
        typing_context: Any, path: Any, weights: Any, weight_at: Any, scales: Any, scale_at: Any,
        inputs: Any, input_at: Any, input_step: Any, input_scales: Any, corrections: Any,
        row_at: Any, row_step: Any, part: Any,
    ) -> Any:  # fmt: skip
        place = types.intp
        signature = types.void(
            path, weights, place, scales, place, inputs, place, place, input_scales, corrections,
            place, place, part,
        )  # fmt: skip
        emit = _EMIT[path]

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            _, w, w_at, s, s_at, x, x_at, x_step, xs, c, c_at, c_step, out = args
            kinds = signature.args

            def pointer(argument: int, array: Any, at: Any, to: Any) -> Any:
                return _pointer(context, builder, kinds[argument], array, at, to)

            group = _Group(pointer(1, w, w_at, _I8), pointer(3, s, s_at, _F32))
            found = []
            for row in range(rows):
                step = ir.Constant(x_at.type, row)
                x_row = builder.add(x_at, builder.mul(x_step, step))
                c_row = builder.add(c_at, builder.mul(c_step, step))
                found.append(
                    _Row(
                        pointer(5, x, x_row, _I32),
                        pointer(9, c, c_row, _I32),
                        pointer(8, xs, c_row, _F32),
                        pointer(12, out, ir.Constant(x_at.type, row * PANEL), _F32),
                    )
                )
            emit(builder, group, found)
            return context.get_dummy_value()

        return signature, codegen

    return typer


def _terms_of_one(
    typing_context: Any, path: Any, weights: Any, weight_at: Any, scales: Any, scale_at: Any,
    inputs: Any, input_at: Any, input_step: Any, input_scales: Any, corrections: Any,
    row_at: Any, row_step: Any, part: Any,
) -> Any:  # fmt: skip
    """One row: part[0:64] += the terms of the group at ``weight_at``.

    Args of both: offsets are elements; ``input_step`` and ``row_step`` lead from a row to the
    next, in the inputs and in their scales and corrections.
    """
    return _terms(1)(
        typing_context, path, weights, weight_at, scales, scale_at, inputs, input_at, input_step,
        input_scales, corrections, row_at, row_step, part,
    )  # fmt: skip


def _terms_of_four(
    typing_context: Any, path: Any, weights: Any, weight_at: Any, scales: Any, scale_at: Any,
    inputs: Any, input_at: Any, input_step: Any, input_scales: Any, corrections: Any,
    row_at: Any, row_step: Any, part: Any,
) -> Any:  # fmt: skip
    """Four rows: part[0:256] += their terms; the weights come from memory once."""
    return _terms(4)(
        typing_context, path, weights, weight_at, scales, scale_at, inputs, input_at, input_step,
        input_scales, corrections, row_at, row_step, part,
    )  # fmt: skip


terms_of_one = intrinsic(_terms_of_one)
terms_of_four = intrinsic(_terms_of_four)
