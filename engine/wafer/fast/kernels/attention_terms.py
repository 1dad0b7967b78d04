"""An attention's inner loops, as kernels call them; the type of `AttentionCode` chooses the code.

Each comes once for every size of block that a path has; the caller names the size.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import NativeValue, models, register_model, typeof_impl, unbox
from numba.extending import intrinsic as _intrinsic
from numba.np.arrayobj import make_array

from engine.wafer.fast.kernels import attention_code
from engine.wafer.fast.kernels.attention_code import FloatCode, Positions, float_code
from engine.wafer.fast.kernels.dot import path_table
from engine.wafer.fast.kernels.dot.dot_path import DotPath

__all__ = [
    "AttentionCode",
    "block_size",
    "chain_into",
    "chunk_size",
    "part_into",
    "score_block",
    "shift_scores",
]

intrinsic: Any = _intrinsic  # its type counts one argument too many


@dataclass(frozen=True, slots=True)
class AttentionCode:
    """An attention by the instructions of a path.  Handed to a kernel, it chooses the code."""

    path: DotPath


class AttentionCodeType(types.Opaque):
    """The numba type of an attention by one path.  A value of it holds nothing."""

    def __init__(self, path_name: str) -> None:
        self.path_name = path_name
        super().__init__(f"AttentionCode({path_name})")

    @property
    def code(self) -> FloatCode:
        """How the path computes."""
        return float_code(path_table.path_named(self.path_name))


register_model(AttentionCodeType)(models.OpaqueModel)


@typeof_impl.register(AttentionCode)
def _typeof(code: AttentionCode, context: Any) -> AttentionCodeType:
    return AttentionCodeType(code.path.name)


@unbox(AttentionCodeType)
def _unbox(kind: AttentionCodeType, value: Any, context: Any) -> Any:
    return NativeValue(context.context.get_dummy_value())


def _data(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    """Return a pointer to an element of an array."""
    return builder.gep(make_array(kind)(context, builder, array).data, [at])


def _for_size(builder: Any, code: FloatCode, pairs: Any, write: Callable[[int], None]) -> None:
    """Write code for every size of block; the one named runs."""
    for size in code.pairs:
        with builder.if_then(builder.icmp_signed("==", pairs, ir.Constant(pairs.type, size))):
            write(size)


@intrinsic
def block_size(typing_context: Any, path: Any, pairs: Any) -> Any:
    """Return the size of the block that some pairs begin with, which may be more than they are."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _of_smallest(builder, signature.args[0].code, args[1], lambda size: size)

    return types.intp(path, types.intp), codegen


@intrinsic
def chunk_size(typing_context: Any, path: Any, pairs: Any) -> Any:
    """Return the dimensions of values that a block of so many pairs sums at once."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = signature.args[0].code
        return _of_smallest(builder, code, args[1], code.chunk)

    return types.intp(path, types.intp), codegen


def _of_smallest(builder: Any, code: FloatCode, pairs: Any, number: Callable[[int], int]) -> Any:
    """Return a number of the smallest size of block that has room for so many pairs."""
    result = ir.Constant(pairs.type, number(code.pairs[0]))
    for size in code.pairs[1:]:
        fits = builder.icmp_signed("<=", pairs, ir.Constant(pairs.type, size))
        result = builder.select(fits, ir.Constant(pairs.type, number(size)), result)
    return result


@intrinsic
def score_block(
    typing_context: Any, path: Any, pairs: Any, scratch: Any, queries: Any, keys: Any,
    keys_at: Any, parts: Any, share: Any, scale: Any, result: Any,
) -> Any:  # fmt: skip
    """Scratch[result : result + 16·P] ← the scores of a block; see `attention_code.scores`.

    ``queries`` and ``result`` count elements of ``scratch``, ``keys_at`` those of ``keys``.
    """
    place = types.intp
    signature = types.void(
        path, place, scratch, place, keys, place, place, place, types.float32, place
    )

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code, kinds = signature.args[0].code, signature.args
        queries = _data(context, builder, kinds[2], args[2], args[3])
        keys = _data(context, builder, kinds[4], args[4], args[5])
        result = _data(context, builder, kinds[2], args[2], args[9])
        _for_size(
            builder, code, args[1],
            lambda size: attention_code.scores(
                builder, code, size, queries, keys, args[6], args[7], args[8], result
            ),
        )  # fmt: skip
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def shift_scores(
    typing_context: Any, path: Any, pairs: Any, scratch: Any, at: Any, vectors: Any
) -> Any:
    """Subtract from scores, 16 · ``vectors`` of them, the largest of each pair."""
    place = types.intp

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        numbers = _data(context, builder, signature.args[2], args[2], args[3])
        _for_size(
            builder, signature.args[0].code, args[1],
            lambda size: attention_code.shift(builder, size, numbers, args[4]),
        )  # fmt: skip
        return context.get_dummy_value()

    return types.void(path, place, scratch, place, place), codegen


@intrinsic
def part_into(
    typing_context: Any, path: Any, pairs: Any, scratch: Any, weights: Any, first: Any, end: Any,
    step: Any, low: Any, high: Any, values: Any, values_at: Any, stride: Any, chain: Any,
) -> Any:  # fmt: skip
    """Put a part of a weighted sum into the chain at ``chain``; see `attention_code.add_part`.

    ``weights`` and ``chain`` count elements of ``scratch``, ``values_at`` those of ``values``.
    """
    place = types.intp
    signature = types.void(
        path, place, scratch, place, place, place, place, place, place, values, place, place, place
    )

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code, kinds = signature.args[0].code, signature.args
        weights = _data(context, builder, kinds[2], args[2], args[3])
        values = _data(context, builder, kinds[9], args[9], args[10])
        chain = _data(context, builder, kinds[2], args[2], args[12])
        positions = Positions(*args[4:9])
        _for_size(
            builder, code, args[1],
            lambda size: attention_code.add_part(
                builder, code, size, weights, positions, values, args[11], chain
            ),
        )  # fmt: skip
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def chain_into(
    typing_context: Any, path: Any, pairs: Any, scratch: Any, chain: Any, total: Any
) -> Any:
    """Add the chain at ``chain`` to the sums at ``total``, and begin a new one."""
    place = types.intp

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code, kinds = signature.args[0].code, signature.args
        chain, total = (_data(context, builder, kinds[2], args[2], at) for at in args[3:5])
        _for_size(
            builder, code, args[1],
            lambda size: attention_code.add_chain(builder, code, size, chain, total),
        )  # fmt: skip
        return context.get_dummy_value()

    return types.void(path, place, scratch, place, place), codegen
