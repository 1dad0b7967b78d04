"""ProgramText: a training program as it is written down, one instruction after the other.

The vocabulary in which `row_layers` and `row_head` tell forward and backward: a product there and
back, a norm there and back, vector work on some cores.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from engine.wafer.ops.site import ALL, ALONG_COLUMNS, ALONG_ROWS, CORNER, WEST, Cells
from engine.wafer.training_program.core_share import CoreShare
from engine.wafer.training_program.core_words import CoreWords
from engine.wafer.training_program.instructions import (
    CoreWork,
    Elementwise,
    LineMulticast,
    LineSum,
    Matvec,
    RankOne,
    TrainingInstruction,
    VectorPart,
)

__all__ = ["ProgramText", "WeightTile", "add", "divide", "exp", "minus", "move", "multiply",
           "multiply_add", "number", "rsqrt", "scalar"]  # fmt: skip


def _vector(name: str, target: int, left: int, right: int, count: int) -> Elementwise:
    return Elementwise(name, target, left, right, count)


add: Callable[..., Elementwise] = partial(_vector, "add")
minus: Callable[..., Elementwise] = partial(_vector, "subtract")
multiply: Callable[..., Elementwise] = partial(_vector, "multiply")
multiply_add: Callable[..., Elementwise] = partial(_vector, "multiply_add")
divide: Callable[..., Elementwise] = partial(_vector, "divide")


def move(target: int, source: int, count: int) -> Elementwise:
    """Copy: target ← source."""
    return Elementwise("move", target, source, source, count)


def exp(target: int, source: int, count: int) -> Elementwise:
    """Write target ← e^source."""
    return Elementwise("exp", target, source, source, count)


def rsqrt(target: int, source: int, count: int) -> Elementwise:
    """Write target ← 1/√source."""
    return Elementwise("rsqrt", target, source, source, count)


def number(name: str, target: int, left: int, value: float, count: int) -> Elementwise:
    """Write target ← left ∘ value."""
    return Elementwise(name, target, left, left, count, number=value)


def scalar(name: str, target: int, left: int, word: int, count: int) -> Elementwise:
    """Write target ← left ∘ the word at ``word``."""
    return Elementwise(name, target, left, word, count, scalar=True)


@dataclass(frozen=True, slots=True)
class WeightTile:
    """A core's part of a weight: input-major, so that an input's outputs are neighbours."""

    name: str
    inputs: int
    outputs: int
    along: int
    """Axis that the inputs lie along."""

    @property
    def words(self) -> int:
        """Weights of a core."""
        return self.inputs * self.outputs

    @property
    def across(self) -> int:
        """Axis that the outputs lie along."""
        return ALONG_COLUMNS if self.along == ALONG_ROWS else ALONG_ROWS


@dataclass(slots=True)
class ProgramText:
    """Instructions as they are written, and the memory map that grows with them."""

    share: CoreShare
    memory: CoreWords = field(default_factory=CoreWords)
    instructions: list[TrainingInstruction] = field(default_factory=list)

    # ── words of memory ─────────────────────────────────────────────────────────────────────

    def kept(self, name: str, token: int, words: int) -> int:
        """Return where an activation of a token is kept for the way back."""
        first = self.memory.take(name, words * self.share.tokens, "activations")
        return first + token * words

    def buffer(self, name: str, words: int) -> int:
        """Return a stretch that is free again after its use."""
        return self.memory.take(name, words, "buffers")

    def weight(self, name: str, words: int) -> int:
        """Return a weight's words; its gradient has words too."""
        self.gradient(name, words)
        return self.memory.take(name, words, "weights")

    def gradient(self, name: str, words: int) -> int:
        """Return the sum of a weight's gradients."""
        return self.memory.take(f"gradient {name}", words, "gradients")

    # ── instructions ────────────────────────────────────────────────────────────────────────

    def work(self, cells: Cells, *parts: VectorPart) -> None:
        """Write a COMPUTE; vectors without elements are left out, and so is a work of none."""
        if cells[0].stop is not None and cells[0].stop <= (cells[0].start or 0):
            return
        if parts:
            self.instructions.append(CoreWork(cells, tuple(parts)))

    def sum(self, axis: int, address: int, count: int, cells: Cells = ALL) -> None:
        """Write a sum along an axis into the lines' first cores."""
        self.instructions.append(LineSum(axis, cells, address, count))

    def largest(self, axis: int, address: int, count: int, cells: Cells = ALL) -> None:
        """The same with the largest instead."""
        self.instructions.append(LineSum(axis, cells, address, count, largest=True))

    def sum_parts(self, address: int, count: int, cells: Cells = ALL) -> None:
        """Write a sum over the columns that share a head, and its way back to all of them."""
        parts = self.share.parts
        if parts > 1:
            self.instructions.append(LineSum(ALONG_COLUMNS, cells, address, count, length=parts))
            self.instructions.append(
                LineMulticast(ALONG_COLUMNS, cells, address, count, length=parts)
            )

    def spread(self, axis: int, address: int, count: int, cells: Cells = ALL) -> None:
        """Write a multicast along an axis from the lines' first cores."""
        self.instructions.append(LineMulticast(axis, cells, address, count))

    # ── a product and a norm, there and back ────────────────────────────────────────────────

    def product(self, tile: WeightTile, source: int, target: int) -> None:
        """Inputs at ``source`` on their home line become outputs at ``target`` on theirs.

        Afterwards every core has its part of the inputs, which the way back needs.
        """
        self.spread(tile.across, source, tile.inputs)
        weight = self.weight(tile.name, tile.words)
        self.work(ALL, Matvec(target, weight, source, tile.outputs, tile.inputs, 1, tile.outputs))
        self.sum(tile.along, target, tile.outputs)

    def product_back(self, tile: WeightTile, inputs: int, gradient: int, target: int) -> None:
        """The gradient of outputs at ``gradient`` becomes that of inputs at ``target``.

        What it adds to the gradient of the weights needs no communication: every core has its part
        of the inputs already, and gets its part of the outputs' gradient for the product anyway.
        """
        self.spread(tile.along, gradient, tile.outputs)
        weight, sums = self.memory[tile.name], self.gradient(tile.name, tile.words)
        self.work(
            ALL,
            Matvec(target, weight, gradient, tile.inputs, tile.outputs, tile.outputs, 1),
            RankOne(sums, inputs, gradient, tile.inputs, tile.outputs, tile.outputs),
        )
        self.sum(tile.across, target, tile.inputs)

    def norm(self, name: str, source: int, scale: int, target: int) -> None:
        """Norm the west line: (source · r) · weight, r = rsqrt(mean source² + eps), kept."""
        size, model = self.share.stream, self.share.model
        self.work(WEST, Matvec(scale, source, source, 1, size, 0, 1))
        self.sum(ALONG_ROWS, scale, 1, WEST)
        self.work(
            CORNER,
            number("divide", scale, scale, float(model.hidden), 1),
            number("add", scale, scale, model.eps, 1),
            rsqrt(scale, scale, 1),
        )
        self.spread(ALONG_ROWS, scale, 1, WEST)
        weight = self.weight(name, size)
        self.work(
            WEST,
            scalar("multiply", target, source, scale, size),
            multiply(target, target, weight, size),
        )

    def norm_back(self, name: str, source: int, scale: int, gradient: int, stream: int) -> None:
        """Add to the stream's gradient what goes back through a norm; overwrites ``gradient``.

        With n = source · r and g = gradient · weight: r · (g − n · mean(g · n)).
        """
        size = self.share.stream
        normed, along = self.buffer("normed", size), self.buffer("along", 1)
        weight, sums = self.memory[name], self.gradient(name, size)
        self.work(
            WEST,
            scalar("multiply", normed, source, scale, size),
            multiply_add(sums, gradient, normed, size),
            multiply(gradient, gradient, weight, size),
            Matvec(along, gradient, normed, 1, size, 0, 1),
        )
        self.sum(ALONG_ROWS, along, 1, WEST)
        self.work(CORNER, number("divide", along, along, float(self.share.model.hidden), 1))
        self.spread(ALONG_ROWS, along, 1, WEST)
        self.work(
            WEST,
            scalar("multiply", normed, normed, along, size),
            minus(gradient, gradient, normed, size),
            scalar("multiply", gradient, gradient, scale, size),
            add(stream, stream, gradient, size),
        )
