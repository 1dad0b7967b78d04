"""What threads in compiled code need of the processor and the system: atomic words, pauses, sleep.

A *word* is an element of an int64 array.  Every function here is an intrinsic of numba: one
instruction, or one call of a function that every POSIX system has.  Nothing raises.

Source: the orderings are those of C11 and LLVM ("LLVM Atomic Instructions and Concurrency Guide").
"""

from collections.abc import Callable
from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic as _intrinsic
from numba.np.arrayobj import populate_array

__all__ = [
    "array_at",
    "exchange",
    "fetch",
    "give_up",
    "load",
    "pause",
    "sleep",
    "store",
    "swap",
    "wake",
]

intrinsic: Any = _intrinsic  # its type counts one argument too many

_BYTES = 8
_WORD, _INT = ir.IntType(64), ir.IntType(32)
_PAUSES: dict[str, tuple[str, list[int]]] = {
    "x86_64": ("llvm.x86.sse2.pause", []),
    "aarch64": ("llvm.aarch64.isb", [15]),
    "arm64": ("llvm.aarch64.isb", [15]),
}
"""What tells a processor that a thread waits, with its arguments.  On ARM ``yield`` is no wait at
all; ``isb sy`` takes some ten cycles."""


def _place(context: Any, builder: Any, kind: Any, array: Any, number: Any) -> Any:
    """Return the pointer to an array's element."""
    return builder.gep(context.make_array(kind)(context, builder, array).data, [number])


@intrinsic
def array_at(typing_context: Any, like: Any, address: Any, size: Any) -> Any:
    """Return the array of one dimension at an address; somebody else keeps its memory.

    Args:
        typing_context: Of numba.
        like: An array of the same type.
        address: Of its first element.
        size: Of the array, in elements.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = signature.return_type
        array = context.make_array(kind)(context, builder)
        width = context.get_abi_sizeof(context.get_data_type(kind.dtype))
        each = context.get_constant(types.intp, width)
        populate_array(
            array, builder.inttoptr(args[1], array.data.type), [args[2]], [each], each, None
        )
        return array._getvalue()

    return like(like, types.intp, types.intp), codegen


@intrinsic
def load(typing_context: Any, words: Any, number: Any) -> Any:
    """Return a word; what its writer wrote before `store` is then visible (acquire)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _place(context, builder, signature.args[0], args[0], args[1])
        return builder.load_atomic(place, "acquire", _BYTES)

    return types.int64(words, types.intp), codegen


@intrinsic
def store(typing_context: Any, words: Any, number: Any, value: Any) -> Any:
    """Write a word; who sees it by `load` sees what this thread wrote before (release)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _place(context, builder, signature.args[0], args[0], args[1])
        builder.store_atomic(args[2], place, "release", _BYTES)
        return context.get_dummy_value()

    return types.void(words, types.intp, types.int64), codegen


@intrinsic
def exchange(typing_context: Any, words: Any, number: Any, value: Any) -> Any:
    """Write a word and return what it was.

    All threads see exchanges, swaps and fetches in one order: of two threads that each exchange
    one word and then fetch the other's, one at least sees the other's (sequential consistency).
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _place(context, builder, signature.args[0], args[0], args[1])
        return builder.atomic_rmw("xchg", place, args[2], "seq_cst")

    return types.int64(words, types.intp, types.int64), codegen


@intrinsic
def fetch(typing_context: Any, words: Any, number: Any) -> Any:
    """Return a word, in the one order of `exchange`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _place(context, builder, signature.args[0], args[0], args[1])
        return builder.load_atomic(place, "seq_cst", _BYTES)

    return types.int64(words, types.intp), codegen


@intrinsic
def swap(typing_context: Any, words: Any, number: Any, expected: Any, value: Any) -> Any:
    """Write a word if it is ``expected``, and return whether it was (compare and swap)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _place(context, builder, signature.args[0], args[0], args[1])
        found = builder.cmpxchg(place, args[2], args[3], "seq_cst", "acquire")
        return builder.extract_value(found, 1)

    return types.boolean(words, types.intp, types.int64, types.int64), codegen


@intrinsic
def pause(typing_context: Any) -> Any:
    """Wait for ten cycles or a hundred, at less cost to a neighbour than turns of an empty loop."""
    name, numbers = _PAUSES.get(binding.get_process_triple().split("-")[0], ("", []))

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if name:
            values = [_INT(number) for number in numbers]
            _called(name, ir.VoidType(), [_INT] * len(values))(builder, values)
        return context.get_dummy_value()

    return types.void(), codegen


def _called(name: str, result: Any, arguments: list[Any]) -> Callable[[Any, list[Any]], Any]:
    """Return what calls a function of the C library."""

    def call(builder: Any, values: list[Any]) -> Any:
        kind = ir.FunctionType(result, arguments)
        return builder.call(get_or_insert_function(builder.module, kind, name), values)

    return call


@intrinsic
def give_up(typing_context: Any) -> Any:
    """Let another thread have this processor, if one waits for it."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _called("sched_yield", _INT, [])(builder, [])
        return context.get_dummy_value()

    return types.void(), codegen


def _transfer(name: str) -> Callable[[Any, Any, Any, Any], Any]:
    """Return what moves one byte between a word and a pipe."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _place(context, builder, signature.args[1], args[1], args[2])
        byte = ir.PointerType(ir.IntType(8))
        values = [builder.trunc(args[0], _INT), builder.bitcast(place, byte), _WORD(1)]
        return _called(name, _WORD, [_INT, byte, _WORD])(builder, values)

    return codegen


@intrinsic
def sleep(typing_context: Any, pipe: Any, words: Any, number: Any) -> Any:
    """Wait until there is a byte in a pipe and take it.

    It may also return without one: at a signal, and once the other end is closed.

    Args:
        typing_context: Of numba.
        pipe: File descriptor of the end to read.
        words: Where the byte goes.
        number: Which word of it.
    """
    return types.int64(types.int64, words, types.intp), _transfer("read")


@intrinsic
def wake(typing_context: Any, pipe: Any, words: Any, number: Any) -> Any:
    """Put a byte of a word into a pipe, whose reader then wakes."""
    return types.int64(types.int64, words, types.intp), _transfer("write")
