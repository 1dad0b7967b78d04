"""Building blocks for the code of every path: pointers to operands, and vector operations.

Writes LLVM IR through an `llvmlite` builder.  Knows no instruction of a particular processor, but
how memory is best asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llvmlite import binding, ir
from numba.core import cgutils

from engine.wafer.fast.kernels.dot.panel_layout import LINE, PANEL, STRIP

__all__ = [
    "F32",
    "I1",
    "I8",
    "I16",
    "I32",
    "ON_ZEN",
    "RowPointers",
    "SumPointers",
    "Tile",
    "VectorLoads",
    "broadcast",
    "call",
    "constant",
    "load",
    "masked",
    "prefetch",
    "shifted",
    "store",
    "widen_half",
]

I1, I8, I16, I32 = ir.IntType(1), ir.IntType(8), ir.IntType(16), ir.IntType(32)
F32 = ir.FloatType()

_PROCESSOR = binding.get_host_cpu_name()
_ON_ZEN_5 = _PROCESSOR == "znver5"
ON_ZEN = _PROCESSOR.startswith("znver")
"""Whether the processor is one of AMD's since Zen, whose caches are asked in another way."""


class VectorLoads:
    """Vectors out of consecutive bytes: a number for each of some outputs, loaded once each.

    Args:
        builder: Where code is written.
        start: i8 pointer to the first byte.
        lanes: Outputs of a vector, all of one strip.
    """

    def __init__(self, builder: Any, start: Any, lanes: int) -> None:
        self._builder, self._start, self.lanes = builder, start, lanes
        self._loaded: dict[tuple[int, int], Any] = {}

    def pointer(self, offset: int) -> Any:
        """Return an i8 pointer to a byte."""
        return self._builder.gep(self._start, [ir.Constant(I32, offset)])

    def strip_at(self, offset: int, part: int, strip_bytes: int) -> Any:
        """Return four bytes for each output of vector ``part``, out of strips of so many bytes."""
        strip, within = divmod(part * self.lanes, STRIP)
        return self._at(offset + strip * strip_bytes + 4 * within, I8, 4 * self.lanes)

    def floats_at(self, offset: int, part: int) -> Any:
        """Return vector ``part`` of float32 numbers."""
        return self._at(offset + 4 * self.lanes * part, F32, self.lanes)

    def halves_at(self, offset: int, part: int) -> Any:
        """Return vector ``part`` of fp16 numbers, as their bits."""
        return self._at(offset + 2 * self.lanes * part, I16, self.lanes)

    def small_at(self, offset: int, part: int) -> Any:
        """Return vector ``part`` of bytes."""
        return self._at(offset + self.lanes * part, I8, self.lanes)

    def _at(self, offset: int, element: Any, count: int) -> Any:
        key = offset, count
        if key not in self._loaded:
            pointer = self._builder.bitcast(
                self.pointer(offset), ir.PointerType(ir.VectorType(element, count))
            )
            self._loaded[key] = load(self._builder, pointer, 0, 1)
        return self._loaded[key]


@dataclass(frozen=True, slots=True)
class Tile:
    """The bytes of a tile, which all rows share."""

    header: VectorLoads
    """What it shares with its neighbours."""
    own: VectorLoads
    """Its scales."""
    levels: VectorLoads
    widen: Callable[[Any, Any], Any]
    """Writes the code that makes float32 of fp16: takes the builder and a vector of bits."""

    def ahead(self, offset: int) -> Any:
        """Return an i8 pointer so many bytes behind the first scale."""
        return self.own.pointer(offset)

    @property
    def parts(self) -> int:
        """Vectors that hold a number of every output."""
        return PANEL // self.levels.lanes


@dataclass(frozen=True, slots=True)
class RowPointers:
    """Where the operands of one row lie, as pointers."""

    levels: Any
    """i8, 32: its quantised inputs."""
    sums: Any
    """i32, 2: Σ of the first and the last 16 of them."""
    scale: Any
    """float: of its inputs."""
    part: Any
    """Where its sums lie: a `SumPointers` for few rows, an i8 pointer for many."""


@dataclass(frozen=True, slots=True)
class SumPointers:
    """Where a tile's terms go, as pointers to 64 floats each: after ← (before + terms) + addend."""

    before: Any
    addend: Any
    after: Any


def load(builder: Any, pointer: Any, index: int, align: int) -> Any:
    """Return the element of a pointer's type at an index; ``align`` in bytes."""
    value = builder.load(builder.gep(pointer, [ir.Constant(I32, index)]))
    value.align = align
    return value


def store(builder: Any, pointer: Any, index: int, value: Any) -> None:
    """Write a vector, by its number among such vectors at a pointer of any type."""
    vectors = builder.bitcast(pointer, ir.PointerType(value.type))
    builder.store(value, builder.gep(vectors, [ir.Constant(I32, index)])).align = 1


def prefetch(builder: Any, start: Any, lines: int) -> None:
    """Ask for lines from an i8 pointer on, whatever lies there.

    Into the second cache: loads on their way into the first are few, and all of them are needed.
    Zen 5 has enough of them, and what goes only there pushes nothing out of the other caches.  On
    Zen 4 that halves the speed: 12 GB/s a core instead of 22 on a server's two cores.
    """
    kinds = [start.type, I32, I32, I32]
    signature = ir.FunctionType(ir.VoidType(), kinds)
    function = cgutils.get_or_insert_function(builder.module, signature, "llvm.prefetch.p0")
    read, used_again, data = (ir.Constant(I32, number) for number in (0, 0 if _ON_ZEN_5 else 2, 1))
    for line in range(lines):
        place = builder.gep(start, [ir.Constant(I32, line * LINE)])
        builder.call(function, [place, read, used_again, data])


def broadcast(builder: Any, scalar: Any, kind: Any) -> Any:
    """Return a vector of type ``kind`` with copies of a scalar."""
    undefined = ir.Constant(kind, ir.Undefined)
    single = builder.insert_element(undefined, scalar, ir.Constant(I32, 0))
    first = ir.Constant(ir.VectorType(I32, kind.count), [0] * kind.count)
    return builder.shuffle_vector(single, undefined, first)


def constant(kind: Any, value: float) -> Any:
    """Return a vector of type ``kind`` with copies of a known number."""
    return ir.Constant(kind, [value] * kind.count)


def call(builder: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    """Call an instruction by the name LLVM has for it."""
    signature = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, signature, name), arguments)


def shifted(builder: Any, levels: Any, left: int) -> Any:
    """Return bytes shifted left by some bits, right where negative; neighbours' bits move in.

    Processors have no shifts of bytes; whoever masks the result anyway needs none.
    """
    pairs = ir.VectorType(I16, levels.type.count // 2)
    amount = constant(pairs, abs(left))
    wide = builder.bitcast(levels, pairs)
    moved = builder.shl(wide, amount) if left >= 0 else builder.lshr(wide, amount)
    return builder.bitcast(moved, levels.type)


def masked(builder: Any, levels: Any, mask: int) -> Any:
    """Return the bits of bytes that a mask keeps."""
    return builder.and_(levels, constant(levels.type, mask))


def widen_half(builder: Any, bits: Any) -> Any:
    """Return finite fp16 numbers as float32, by their bits: for every processor.

    The exponent of fp16 is 112 less biased: 2¹¹² times the bits in the place of float32's is the
    number, exactly, and so it is where it is subnormal.
    """
    lanes = bits.type.count
    wide, real = ir.VectorType(I32, lanes), ir.VectorType(F32, lanes)
    number = builder.zext(bits, wide)
    sign = builder.shl(builder.and_(number, constant(wide, 0x8000)), constant(wide, 16))
    magnitude = builder.shl(builder.and_(number, constant(wide, 0x7FFF)), constant(wide, 13))
    scaled = builder.fmul(builder.bitcast(magnitude, real), constant(real, 2.0**112))
    return builder.bitcast(builder.or_(builder.bitcast(scaled, wide), sign), real)
