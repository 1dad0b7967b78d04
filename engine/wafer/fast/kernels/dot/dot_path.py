"""A path: one way to compute the dot products of some outputs, by its processor's instructions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.wafer.fast.kernels.dot.vector_code import widen_half
from engine.wafer.fast.kernels.dot.wide_code import WideCode
from engine.wafer.fast.kernels.dot.wide_vectors import VectorCode, written_at_once

__all__ = ["DotPath"]


@dataclass(frozen=True, slots=True)
class DotPath:
    """One way to compute dot products.  It chooses the code of a kernel."""

    name: str
    """Shown to people and written in JSON."""
    requires: tuple[str, ...]
    """Features of the processor, as LLVM names them."""
    lanes: int
    """Outputs of a vector; divides 64."""
    dots: Callable[..., Any]
    """Writes the code of some quads of one row: takes the IR builder, the `Storage`, a list of
    vectors of unsigned levels (i8, four for each output), a list of as many vectors of inputs
    (i8, four numbers for each output) and Σ of these inputs (i32).  Returns the exact sums of
    (level − zero) · input, i32 for each output."""
    widen: Callable[[Any, Any], Any] = widen_half
    """Writes the code that makes float32 of finite fp16 numbers, given as vectors of i16."""
    wide: WideCode | None = None
    """How many rows are multiplied; None: by ``dots``, see `wide_code`."""
    wide_rows: int = 16
    """Rows from which unpacking pays, as measured; at most one more than `terms.THIN_ROWS`."""
    few_rows: "DotPath | None" = None
    """The path whose code multiplies few rows; None: its own."""
    permitted: Callable[[], bool] = lambda: True
    """Says whether the system lets this process use the instructions, if the processor has them."""
    takes_raised: bool = False
    """Whether ``dots`` gets levels as `Storage.raised` gives them, bytes of up to 255, and adds
    those of even and of odd quads apart; it gets an even number of quads, an even one first.
    Such a path needs a ``wide`` of its own, which never gets them."""

    def wide_code(self) -> WideCode:
        """Return how many rows are multiplied."""
        return self.wide or VectorCode(4, 1, written_at_once(self.dots))
