"""Asking memory for what will be used, as kernels call it; changes no result."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic
from numba.np.arrayobj import make_array

from engine.wafer.fast.kernels.dot.panel_layout import LINE
from engine.wafer.fast.kernels.dot.vector_code import I8, prefetch

__all__ = ["ask_for"]

intrinsic: Any = _intrinsic  # its type counts one argument too many


@intrinsic
def ask_for(typing_context: Any, array: Any, at: Any, lines: Any) -> Any:
    """``ask_for(array, at, lines)``: ask for lines from an element on, whatever lies there."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        element = builder.gep(make_array(array)(context, builder, args[0]).data, [args[1]])
        start = builder.bitcast(element, ir.PointerType(I8))
        with cgutils.for_range(builder, args[2]) as loop:
            offset = builder.mul(loop.index, ir.Constant(loop.index.type, LINE))
            prefetch(builder, builder.gep(start, [offset]), 1)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp), codegen
