"""Calls of compiled kernels by their addresses.

The code of a storage, or of an attention, is compiled once and called from wherever it is needed.
Called by name it would be compiled again into each caller and each caller's caller, for every
storage there is.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic as _intrinsic

__all__ = ["address_of", "call_attention", "call_product", "call_row"]

intrinsic: Any = _intrinsic  # its type counts one argument too many


def address_of(dispatcher: Any, signature: tuple[Any, ...]) -> int:
    """Return the address of a kernel compiled for these argument types; compile it if need be."""
    dispatcher.compile(signature)
    result = dispatcher.overloads[signature]
    name = result.fndesc.llvm_cfunc_wrapper_name
    return int(result.library.get_pointer_to_function(name))


def _call(signature: Any) -> Any:
    """Return a signature and the code that calls an address with the arguments behind it.

    Before them comes what chose the code there: nothing, when it runs.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        nothing = ir.PointerType(ir.IntType(8))
        kinds = [context.get_value_type(kind) for kind in signature.args[1:]]
        function = ir.PointerType(ir.FunctionType(nothing, [nothing, *kinds]))
        builder.call(builder.inttoptr(args[0], function), [nothing(None), *args[1:]])
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def call_product(
    typing_context: Any, address: Any, panels: Any, piece: Any, inputs: Any, order: Any,
    values: Any, target: Any, rows: Any,
) -> Any:  # fmt: skip
    """Call `multiply.product` of a storage; the arguments after the address are its own."""
    place = types.intp
    return _call(types.void(place, panels, place, inputs, order, values, target, rows))


@intrinsic
def call_row(
    typing_context: Any, address: Any, panels: Any, piece: Any, column: Any, values: Any, at: Any
) -> Any:
    """Call `lookup.row` of a storage; the arguments after the address are its own."""
    place = types.intp
    return _call(types.void(place, panels, place, place, values, place))


@intrinsic
def call_attention(
    typing_context: Any, address: Any, values: Any, source: Any, heads: Any, cache: Any, layer: Any,
    position: Any, out: Any, target: Any, rows: Any, scratch: Any, number: Any,
) -> Any:  # fmt: skip
    """Call `attend.piece` of a path; the arguments after the address are its own."""
    place = types.intp
    return _call(
        types.void(
            place, values, source, heads, cache, place, place, out, target, rows, scratch, place
        )
    )
