"""What the machine allows, measured: bytes read from memory, and dot products from registers.

Plain loops, compiled here; no kernel of the engine.  They run on several threads at once, as the
engine does.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from time import perf_counter
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from scripts.bench import tile_peak

__all__ = ["Memory", "dot_peak"]

_PIECE_BYTES = 32 << 20
"""Read by one call of the loop: long beside the call, short beside the whole."""
_PAGE_BYTES, _LINE_BYTES = 4096, 64
_ITERATIONS = 5_000_000
_ACCUMULATORS = 12
"""Independent sums: more than an instruction's latency ÷ its interval, fewer than registers."""

_I8, _I16, _I32 = ir.IntType(8), ir.IntType(16), ir.IntType(32)


# ── bytes from memory ───────────────────────────────────────────────────────────────────────


class Memory:
    """A block of memory too large for any cache, and how fast it can be read.

    Args:
        size_bytes: At least 1 GB, so that a shared cache holds little of it.
    """

    def __init__(self, size_bytes: int = 1 << 30) -> None:
        self._numbers = np.ones(size_bytes // 8, np.int64)
        for loop in _LOOPS:
            loop(self._numbers[:8])

    def bytes_per_second(self, threads: int) -> float:
        """Return the best of a few passes over all of it, pieces handed out to the threads.

        Some passes ask for lines ahead and some leave that to the processor: which is faster
        depends on the processor.
        """
        step = min(_PIECE_BYTES // 8, -(-self._numbers.size // threads))
        pieces = [
            self._numbers[first : first + step] for first in range(0, self._numbers.size, step)
        ]
        with ThreadPoolExecutor(threads) as pool:
            return max(self._pass(pool, loop, pieces) for loop in (*_LOOPS, *_LOOPS))

    def _pass(self, pool: ThreadPoolExecutor, loop: Any, pieces: list[Any]) -> float:
        began = perf_counter()
        total = sum(pool.map(loop, pieces))
        seconds = perf_counter() - began
        if total != self._numbers.size:
            raise AssertionError("the loop did not read every number")
        return self._numbers.nbytes / seconds


@njit(nogil=True)
def _read(numbers: Any) -> Any:
    """Return Σ numbers: integers, so the compiler may add many at once."""
    total = np.int64(0)
    for number in numbers:
        total += number
    return total


@intrinsic  # type: ignore[untyped-decorator]
def _ask_for(typing_context: Any, address: Any) -> Any:
    """Ask for the page at an address, whatever lies there, into the second cache."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        start = builder.inttoptr(arguments[0], ir.PointerType(_I8))
        kind = ir.FunctionType(ir.VoidType(), [start.type, _I32, _I32, _I32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        how = [ir.Constant(_I32, number) for number in (0, 2, 1)]  # read, second cache, data
        for line in range(0, _PAGE_BYTES, _LINE_BYTES):
            builder.call(function, [builder.gep(start, [ir.Constant(_I32, line)]), *how])
        return context.get_dummy_value()

    return types.void(types.intp), code


@njit(nogil=True)
def _read_ahead(numbers: Any) -> Any:
    """Return Σ numbers, asking for what comes two pages later."""
    total, page = np.int64(0), _PAGE_BYTES // 8
    for first in range(0, numbers.size, page):
        _ask_for(numbers.ctypes.data + 8 * first + 2 * _PAGE_BYTES)
        for number in numbers[first : first + page]:
            total += number
    return total


_LOOPS = (_read, _read_ahead)


# ── products from registers ─────────────────────────────────────────────────────────────────


def dot_peak(path: str, threads: int) -> float | None:
    """Return the multiply–accumulates a second of a path's dot-product instructions, all threads.

    int8 × int8 to int32, operands in registers: no kernel can be faster with these instructions.

    Args:
        path: Name of a kernel path.
        threads: As many loops at once.

    Returns:
        None: no loop is written for this path, or the system does not grant its registers.
    """
    found = _loop_of(path)
    if found is None:
        return None
    loop, macs = found
    with ThreadPoolExecutor(threads) as pool:
        _seconds(pool, loop, threads, 1)  # compiles it
        best = min(_seconds(pool, loop, threads, _ITERATIONS) for _ in range(3))
    return threads * _ITERATIONS * macs / best


def _seconds(
    pool: ThreadPoolExecutor, loop: Callable[[int], object], threads: int, count: int
) -> float:
    began = perf_counter()
    for done in [pool.submit(loop, count) for _ in range(threads)]:
        done.result()
    return perf_counter() - began


def _loop_of(path: str) -> tuple[Callable[[int], object], int] | None:
    """Return a path's loop, which takes a number of iterations, and the products of one."""
    if path == "amx":
        return (tile_peak.tile_loop, tile_peak.MACS) if tile_peak.is_permitted() else None
    if path not in _DOTS:
        return None
    loop, macs = _compiled(path)
    return lambda count: loop(count, 0x01020304, 0x04030201), macs * _ACCUMULATORS


def _vnni(builder: Any, sums: Any, left: Any, right: Any) -> Any:
    name = f"llvm.x86.avx512.vpdpbusd.{32 * sums.type.count}"
    return _call(builder, name, sums.type, [sums, left, right])


def _avx2(builder: Any, sums: Any, left: Any, right: Any) -> Any:
    """Add pairs of products in int16: what widens them may come more seldom, so it is not counted.

    The sum stands for one operand, too: products of two that never change are computed only once.
    """
    pairs = ir.VectorType(_I16, 2 * sums.type.count)
    changing = builder.bitcast(sums, right.type)
    products = _call(builder, "llvm.x86.avx2.pmadd.ub.sw", pairs, [left, changing])
    return builder.bitcast(builder.add(builder.bitcast(sums, pairs), products), sums.type)


def _dotprod(builder: Any, sums: Any, left: Any, right: Any) -> Any:
    return _call(builder, "llvm.aarch64.neon.sdot.v4i32.v16i8", sums.type, [sums, left, right])


_DOTS: dict[str, tuple[Callable[..., Any], int]] = {
    "vnni": (_vnni, 16),
    "avx512-vnni": (_vnni, 16),  # as older checkouts call it
    "avx-vnni": (_vnni, 8),
    "avx2": (_avx2, 8),
    "dotprod": (_dotprod, 4),
}
"""For each path: the code that adds four products for each int32 of a vector, and its int32s."""


def _call(builder: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


@cache
def _compiled(path: str) -> tuple[Callable[..., int], int]:
    """Return a path's loop, which takes (iterations, left, right), and its products a step."""
    dot, lanes = _DOTS[path]
    sums, levels = ir.VectorType(_I32, lanes), ir.VectorType(_I8, 4 * lanes)

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        count, *sides = arguments
        left, right = (builder.bitcast(_broadcast(builder, side, sums), levels) for side in sides)
        nothing = ir.Constant(sums, None)
        places = [cgutils.alloca_once_value(builder, nothing) for _ in range(_ACCUMULATORS)]
        with cgutils.for_range(builder, count):
            for place in places:
                builder.store(dot(builder, builder.load(place), left, right), place)
        total = builder.load(places[0])
        for place in places[1:]:  # else a sum that nobody reads is not computed
            total = builder.xor(total, builder.load(place))
        return builder.extract_element(total, ir.Constant(_I32, 0))

    @intrinsic
    def dots(typing_context: Any, count: Any, left: Any, right: Any) -> Any:
        return types.int32(types.int64, types.int32, types.int32), code

    @njit("int32(int64, int32, int32)", nogil=True)
    def loop(count: Any, left: Any, right: Any) -> Any:
        return dots(count, left, right)

    return loop, 4 * lanes


def _broadcast(builder: Any, scalar: Any, kind: Any) -> Any:
    undefined = ir.Constant(kind, ir.Undefined)
    single = builder.insert_element(undefined, scalar, ir.Constant(_I32, 0))
    first = ir.Constant(ir.VectorType(_I32, kind.count), [0] * kind.count)
    return builder.shuffle_vector(single, undefined, first)
