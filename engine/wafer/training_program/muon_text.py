"""Muon in a training program: momentum made orthogonal by products of a matrix with itself.

Source: Keller Jordan, "Muon: An optimizer for hidden layers in neural networks" (2024); the same
steps as `engine.training.muon`.

Let X be a matrix with its short side as rows, S × L; the short side lies along one axis of the
cores, A, the long one along the other, B.  A row of X·Xᵀ, of its square, and of their polynomial
times X is one vector each: it is brought to all cores along one axis, multiplied by their tiles,
and summed along the other.  X·Xᵀ lies with its rows along B and its columns along A; as it is
symmetric, bit by bit, a column of it stands for a row.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from engine.errors import PlacementError
from engine.wafer.ops.site import ALL, ALONG_COLUMNS, ALONG_ROWS, CORNER, WEST, Cells
from engine.wafer.training_program.instructions import Matvec, RankOne, TrainingInstruction
from engine.wafer.training_program.program_text import (
    ProgramText,
    WeightTile,
    add,
    minus,
    move,
    multiply,
    number,
    rsqrt,
    scalar,
)

__all__ = ["MuonRates", "TextShare", "muon", "muon_sample", "short_side"]

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic iteration; from the same source."""
ITERATIONS = 5
LEAST_NORM = 1e-7
"""Added to a norm before the division."""


@dataclass(frozen=True, slots=True)
class MuonRates:
    """Constants of a step."""

    rate: float
    momentum: float = 0.95
    decay: float = 0.05


def short_side(outputs: int, inputs: int) -> int:
    """Return the rows of X.

    Example:
        >>> short_side(96, 64), short_side(32, 64)
        (64, 32)
    """
    return min(outputs, inputs)


def muon(text: ProgramText, tile: WeightTile, widths: list[int], rates: MuonRates) -> None:
    """Write the step of the matrices that a tile stacks; their gradients are zero afterwards.

    Args:
        text: What is written to.
        tile: The stack.
        widths: Outputs of a core, of each matrix.
        rates: Of the step.

    Raises:
        PlacementError: A matrix's short side does not lie evenly along both axes.
    """
    weight, ahead = _look_ahead(text, tile, rates)
    for step in _matrices(text, tile, widths):
        step.take(ahead)
        step.normalise()
        for _ in range(ITERATIONS):
            step.iterate()
        step.move(weight, rates.rate)


@dataclass(frozen=True, slots=True)
class TextShare:
    """A piece of text that stands for all pieces like it."""

    times: float
    """How often it stands in the whole text."""
    instructions: tuple[TrainingInstruction, ...]


def muon_sample(
    text: ProgramText, tile: WeightTile, widths: list[int], rates: MuonRates
) -> list[TextShare]:
    """Return the step that `muon` writes as a few of its rows, for a price; memory is taken alike.

    The rows of an iteration's three products are alike but for the place that they come from, so
    the first, the middle and the last stand for all.

    Args:
        text: Where it is written; what it holds already is left to it.
        tile: As of `muon`, as are the others.
        widths: Outputs of a core, of each matrix.
        rates: Of the step.

    Raises:
        PlacementError: As `muon`.
    """
    kept = list(text.instructions)
    text.instructions.clear()
    weight, ahead = _look_ahead(text, tile, rates)
    shares = [_cut(text, 1.0)]
    for step in _matrices(text, tile, widths):
        step.take(ahead)
        step.normalise()
        shares.append(_cut(text, 1.0))
        rows = sorted({0, step.short // 2, step.short - 1})
        for product in step.products:
            for row in rows:
                product(row)
            shares.append(_cut(text, ITERATIONS * step.short / len(rows)))
        step.renew()
        shares.append(_cut(text, ITERATIONS))
        step.move(weight, rates.rate)
        shares.append(_cut(text, 1.0))
    text.instructions.extend(kept)
    return shares


def _cut(text: ProgramText, times: float) -> TextShare:
    """Return what was written since the last call."""
    share = TextShare(times, tuple(text.instructions))
    text.instructions.clear()
    return share


def _look_ahead(text: ProgramText, tile: WeightTile, rates: MuonRates) -> tuple[int, int]:
    """Write momentum, decay and zeros; return where weights and what is made orthogonal lie."""
    memory, count = text.memory, tile.words
    weight, gradient = memory[tile.name], memory[f"gradient {tile.name}"]
    momentum = memory.take(f"momentum {tile.name}", count, "optimiser")
    ahead = text.buffer(f"look-ahead of {count}", count)
    text.work(
        ALL,
        minus(ahead, gradient, momentum, count),
        number("multiply", ahead, ahead, 1.0 - rates.momentum, count),
        add(momentum, momentum, ahead, count),
        minus(ahead, momentum, gradient, count),
        number("multiply", ahead, ahead, rates.momentum, count),
        add(ahead, gradient, ahead, count),
        number("multiply", weight, weight, 1.0 - rates.rate * rates.decay, count),
        number("move", gradient, gradient, 0.0, count),
    )
    return weight, ahead


def _matrices(text: ProgramText, tile: WeightTile, widths: list[int]) -> Iterator["_Orthogonal"]:
    begin = 0
    for width in widths:
        yield _Orthogonal(text, tile, begin, width)
        begin += width


class _Orthogonal:
    """One matrix on its way; X lies in every core as (rows of X, its part of a row)."""

    def __init__(self, text: ProgramText, tile: WeightTile, begin: int, width: int) -> None:
        extents = {ALONG_ROWS: text.share.rows, ALONG_COLUMNS: text.share.columns}
        inputs, outputs = tile.inputs * extents[tile.along], width * extents[tile.across]
        self.text, self.tile, self.begin, self.width = text, tile, begin, width
        self.wide = outputs <= inputs
        self.a, self.b = (tile.across, tile.along) if self.wide else (tile.along, tile.across)
        self.short = short_side(outputs, inputs)
        self.factor = max(1.0, outputs / inputs) ** 0.5
        self.rows, self.part = (width, tile.inputs) if self.wide else (tile.inputs, width)
        if self.short % extents[self.b]:
            raise PlacementError(
                f"{tile.name}: Muon multiplies a matrix with itself, and its short side of "
                f"{self.short} does not lie evenly along {extents[self.b]} cores; use AdamW, or a "
                "rectangle that divides it"
            )
        self.square_rows = self.short // extents[self.b]
        size, square = self.rows * self.part, self.square_rows * self.rows
        self.x, self.next = text.buffer(f"x {size}", size), text.buffer(f"next x {size}", size)
        self.gram = text.buffer(f"gram {square}", square)
        self.polynomial = text.buffer(f"polynomial {square}", square)
        self.one = text.buffer("one", 1)

    # ── there and back ──────────────────────────────────────────────────────────────────────

    def _places(self, row: int) -> tuple[int, int]:
        """Return where a row of X lies in a tile of weights, and from element to element."""
        if self.wide:
            return self.begin + row, self.tile.outputs
        return row * self.tile.outputs + self.begin, 1

    def take(self, source: int) -> None:
        """Write X from a tile."""
        parts = []
        for row in range(self.rows):
            first, apart = self._places(row)
            target = self.x + row * self.part
            parts.append(Matvec(target, source + first, self.one, self.part, 1, apart, 0))
        self.text.work(ALL, number("move", self.one, self.one, 1.0, 1), *parts)

    def move(self, weight: int, rate: float) -> None:
        """Take X times the rate from the weights; a tall matrix takes a larger step."""
        down = self.text.buffer("step down", 1)
        parts = []
        for row in range(self.rows):
            first, apart = self._places(row)
            source, target = self.x + row * self.part, weight + first
            if self.wide:
                parts.append(RankOne(target, source, down, self.part, 1, apart))
            else:
                parts.append(RankOne(target, down, source, 1, self.part, self.part))
        self.text.work(ALL, number("move", down, down, -rate * self.factor, 1), *parts)

    def normalise(self) -> None:
        """Divide X by its length: squares of all cores along the columns, then along the rows."""
        text, norm, size = self.text, self.text.buffer("norm", 1), self.rows * self.part
        root = text.buffer("root", 1)
        text.work(ALL, Matvec(norm, self.x, self.x, 1, size, 0, 1))
        text.sum(ALONG_COLUMNS, norm, 1)
        text.sum(ALONG_ROWS, norm, 1, WEST)
        text.work(
            CORNER,
            rsqrt(root, norm, 1),
            multiply(norm, norm, root, 1),
            number("add", norm, norm, LEAST_NORM, 1),
        )
        text.spread(ALONG_ROWS, norm, 1, WEST)
        text.spread(ALONG_COLUMNS, norm, 1)
        text.work(ALL, scalar("divide", self.x, self.x, norm, size))

    # ── an iteration ────────────────────────────────────────────────────────────────────────

    def iterate(self) -> None:
        """X ← a·X + (b·G + c·G²)·X, G = X·Xᵀ."""
        for product in self.products:
            for row in range(self.short):
                product(row)
        self.renew()

    @property
    def products(self) -> tuple[Callable[[int], None], ...]:
        """The three of an iteration; each writes a row."""
        return self._gram_row, self._polynomial_row, self._next_row

    def renew(self) -> None:
        """End an iteration: what it found is X."""
        self.text.work(ALL, move(self.x, self.next, self.rows * self.part))

    def _gram_row(self, row: int) -> None:
        vector = self._brought(self.a, row // self.rows, self.x + row % self.rows * self.part,
                               self.part, 1)  # fmt: skip
        found = self.text.buffer(f"found {self.rows}", self.rows)
        own = Matvec(found, self.x, vector, self.rows, self.part, self.part, 1)
        self._summed(own, self.b, found, self.rows)
        place = self.gram + row % self.square_rows * self.rows
        self.text.work(self._at(self.b, row // self.square_rows), move(place, found, self.rows))

    def _polynomial_row(self, row: int) -> None:
        vector = self._brought(self.a, row // self.rows, self.gram + row % self.rows,
                               self.square_rows, self.rows)  # fmt: skip
        found = self.text.buffer(f"found {self.rows}", self.rows)
        own = Matvec(found, self.gram, vector, self.rows, self.square_rows, 1, self.rows)
        self._summed(own, self.b, found, self.rows)
        inside = row % self.square_rows * self.rows
        target, known = self.polynomial + inside, self.gram + inside
        _, b, c = NEWTON_SCHULZ
        self.text.work(
            self._at(self.b, row // self.square_rows),
            number("multiply", found, found, c, self.rows),
            number("multiply", target, known, b, self.rows),
            add(target, target, found, self.rows),
        )

    def _next_row(self, row: int) -> None:
        vector = self._brought(
            self.b, row // self.square_rows,
            self.polynomial + row % self.square_rows * self.rows, self.rows, 1,
        )  # fmt: skip
        found = self.text.buffer(f"found {self.part}", self.part)
        own = Matvec(found, self.x, vector, self.part, self.rows, 1, self.part)
        self._summed(own, self.a, found, self.part)
        inside = row % self.rows * self.part
        target, known = self.next + inside, self.x + inside
        self.text.work(
            self._at(self.a, row // self.rows),
            number("multiply", target, known, NEWTON_SCHULZ[0], self.part),
            add(target, target, found, self.part),
        )

    def _brought(self, axis: int, place: int, source: int, count: int, apart: int) -> int:
        """Bring a vector that lies at one place along an axis to all places; return where it is."""
        vector = self.text.buffer(f"vector {count}", count)
        self.text.work(ALL, number("move", vector, vector, 0.0, count))
        held = Matvec(vector, source, self.one, count, 1, apart, 0)
        self.text.work(self._at(axis, place), held)
        self.text.sum(axis, vector, count)
        self.text.spread(axis, vector, count)
        return vector

    def _summed(self, own: Matvec, axis: int, found: int, count: int) -> None:
        """Multiply in all cores, sum along an axis, and bring the sum to all places."""
        self.text.work(ALL, own)
        self.text.sum(axis, found, count)
        self.text.spread(axis, found, count)

    def _at(self, axis: int, place: int) -> Cells:
        here, every = slice(place, place + 1), slice(None)
        return (here, every) if axis == ALONG_ROWS else (every, here)
